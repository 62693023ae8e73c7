/** Recurrent layers by plain loops in double precision, as their definition reads. Imports nothing. */

export interface OracleRecurrent {
  readonly kind: 'rnn' | 'gru' | 'lstm'
  readonly units: number
  readonly direction: 'forward' | 'backward' | 'bidirectional'
  readonly returns: 'all' | 'last'
  readonly reset?: 'before' | 'after'
}

/** [directions * gates * units] rows: by direction, gate and unit. */
export interface OracleRecurrentWeights {
  readonly weight: readonly number[]
  readonly bias: readonly number[]
  readonly recurrentWeight: readonly number[]
  readonly recurrentBias: readonly number[]
}

const sigmoid = (x: number) => 1 / (1 + Math.exp(-x))
const gateCount = { rnn: 1, gru: 3, lstm: 4 }

/** The result for a sequence given as steps of features. */
export function oracleRecurrent(
  layer: OracleRecurrent,
  sequence: readonly (readonly number[])[],
  weights: OracleRecurrentWeights,
): number[] {
  const forward = () => oneDirection(layer, sequence, weights, 0)
  const backward = (direction: number) => oneDirection(layer, [...sequence].reverse(), weights, direction)
  if (layer.direction === 'forward') return result(layer, forward())
  if (layer.direction === 'backward') return result(layer, inOrder(layer, backward(0)))
  const [ahead, back] = [forward(), backward(1)]
  if (layer.returns === 'last') return [...ahead.at(-1)!, ...back.at(-1)!]
  return ahead.flatMap((state, t) => [...state, ...back[sequence.length - 1 - t]!])
}

const inOrder = (layer: OracleRecurrent, states: number[][]) =>
  layer.returns === 'all' ? [...states].reverse() : states
const result = (layer: OracleRecurrent, states: number[][]) =>
  layer.returns === 'all' ? states.flat() : states.at(-1)!

/** The state after each step taken. */
function oneDirection(
  { kind, units, reset }: OracleRecurrent,
  sequence: readonly (readonly number[])[],
  w: OracleRecurrentWeights,
  direction: number,
): number[][] {
  const row = (gate: number, u: number) => (direction * gateCount[kind] + gate) * units + u
  const ofInput = (gate: number, u: number, x: readonly number[]) =>
    x.reduce((sum, v, k) => sum + w.weight[row(gate, u) * x.length + k]! * v, w.bias[row(gate, u)]!)
  const ofState = (gate: number, u: number, h: readonly number[]) =>
    h.reduce(
      (sum, v, k) => sum + w.recurrentWeight[row(gate, u) * units + k]! * v,
      w.recurrentBias[row(gate, u)]!,
    )
  const each = (f: (u: number) => number) => Array.from({ length: units }, (_, u) => f(u))
  let h = each(() => 0)
  let c = each(() => 0)
  return sequence.map((x) => {
    const gate = (g: number, state = h) => each((u) => ofInput(g, u, x) + ofState(g, u, state))
    if (kind === 'rnn') h = gate(0).map(Math.tanh)
    else if (kind === 'gru') {
      const z = gate(0).map(sigmoid)
      const r = gate(1).map(sigmoid)
      const n =
        reset === 'before'
          ? gate(
              2,
              h.map((v, u) => r[u]! * v),
            ).map(Math.tanh)
          : each((u) => Math.tanh(ofInput(2, u, x) + r[u]! * ofState(2, u, h)))
      h = each((u) => (1 - z[u]!) * n[u]! + z[u]! * h[u]!)
    } else {
      const [i, o, f] = [0, 1, 2].map((g) => gate(g).map(sigmoid)) as [number[], number[], number[]]
      const g = gate(3).map(Math.tanh)
      c = each((u) => f[u]! * c[u]! + i[u]! * g[u]!)
      h = each((u) => o[u]! * Math.tanh(c[u]!))
    }
    return h
  })
}
