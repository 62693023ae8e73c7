/** Recurrent layers in integers, one row and one step at a time, as docs/numerics.md has them. Imports the other oracles alone. */
import { oracleRequantise } from './quantise.ts'

export interface OracleFilters {
  readonly name: string
  readonly weights: ArrayLike<number>
  readonly bias: ArrayLike<number>
  readonly multiplier: ArrayLike<number>
  readonly shift: ArrayLike<number>
}

export interface OracleRecurrence {
  readonly cell: 'rnn' | 'gru' | 'lstm'
  readonly reset: 'before' | 'after'
  readonly direction: 'forward' | 'backward' | 'bidirectional'
  readonly returns: 'all' | 'last'
  readonly units: number
  readonly ofInput: OracleFilters
  readonly ofState: OracleFilters
  readonly multiplier: number
  readonly shift: number
  readonly low: number
  readonly high: number
}

type Product = (filters: string, x: number, w: number, row: number, k: number) => number

const gates = { rnn: 1, gru: 3, lstm: 4 }
const within = (x: bigint, low: bigint, high: bigint) => (x < low ? low : x > high ? high : x)
const word = (x: bigint) => within(x, -32768n, 32767n)

/** round(x / 2^places), half up. */
function rounded(x: bigint, places: number): bigint {
  const unit = 2n ** BigInt(places)
  const doubled = 2n * x + unit
  const quotient = doubled / (2n * unit)
  return doubled % (2n * unit) < 0n ? quotient - 1n : quotient
}

/** A function by straight lines between its values at multiples of 1/32 from -8 to 8. */
function lines(real: (x: number) => number, gate: bigint): bigint {
  const at = (i: bigint) => BigInt(Math.min(32767, Math.round(32768 * real(Number(i) / 32 - 8))))
  const place = gate + 32768n
  const [i, rest] = [place / 128n, place % 128n]
  return at(i) + rounded((at(i + 1n) - at(i)) * rest, 7)
}
const sigmoid = (gate: bigint) => lines((x) => 1 / (1 + Math.exp(-x)), gate)
const tanh = (gate: bigint) => lines((x) => Math.tanh(x), gate)

/** The codes of a recurrent layer's result for one sequence of steps. `bits` are those of a state's code. */
export function oracleRecurrence(
  layer: OracleRecurrence,
  bits: number,
  sequence: readonly (readonly number[])[],
  product: Product,
): number[] {
  const result = (state: bigint) =>
    oracleRequantise(Number(state), layer.multiplier, layer.shift, layer.low, layer.high)
  const ahead = () => states(layer, bits, sequence, product, 0)
  const back = (direction: number) =>
    states(layer, bits, [...sequence].reverse(), product, direction).reverse()
  const join = (first: bigint[][], second: bigint[][]): [bigint[][], bigint[]] => [
    first.map((state, t) => [...state, ...second[t]!]),
    [...first.at(-1)!, ...second[0]!],
  ]
  const alone = (all: bigint[][], last: number): [bigint[][], bigint[]] => [all, all.at(last)!]
  const [all, last] =
    layer.direction === 'forward'
      ? alone(ahead(), -1)
      : layer.direction === 'backward'
        ? alone(back(0), 0)
        : join(ahead(), back(1))
  return (layer.returns === 'all' ? all.flat() : last).map(result)
}

function states(
  { cell, reset, units, ofInput, ofState }: OracleRecurrence,
  bits: number,
  sequence: readonly (readonly number[])[],
  product: Product,
  direction: number,
): bigint[][] {
  const gate = (f: OracleFilters, row: number, x: readonly number[]) => {
    let sum = f.bias[row]!
    for (const [k, v] of x.entries()) sum += product(f.name, v, f.weights[row * x.length + k]!, row, k)
    return BigInt(oracleRequantise(sum, f.multiplier[row]!, f.shift[row]!, -32768, 32767))
  }
  const row = (g: number, u: number) => (direction * gates[cell] + g) * units + u
  const each = <T>(f: (u: number) => T) => Array.from({ length: units }, (_, u) => f(u))
  const top = 2n ** BigInt(bits - 1)
  const codes = (values: readonly bigint[], point: number) =>
    values.map((v) => Number(within(rounded(v, point + 1 - bits), -top, top - 1n)))
  let h = each(() => 0n)
  let c = each(() => 0n)
  return sequence.map((x) => {
    const state = codes(h, 15)
    const both = (g: number, u: number) => word(gate(ofInput, row(g, u), x) + gate(ofState, row(g, u), state))
    if (cell === 'rnn') h = each((u) => tanh(both(0, u)))
    else if (cell === 'lstm') {
      c = each((u) =>
        word(rounded(16n * sigmoid(both(2, u)) * c[u]! + sigmoid(both(0, u)) * tanh(both(3, u)), 19)),
      )
      h = each((u) => rounded(sigmoid(both(1, u)) * tanh(word(2n * c[u]!)), 15))
    } else {
      const z = each((u) => sigmoid(both(0, u)))
      const r = each((u) => sigmoid(both(1, u)))
      const held = codes(
        h.map((v, u) => v * r[u]!),
        30,
      )
      const n = each((u) => {
        const own = gate(ofInput, row(2, u), x)
        const other =
          reset === 'before'
            ? gate(ofState, row(2, u), held)
            : rounded(r[u]! * gate(ofState, row(2, u), state), 15)
        return tanh(word(own + other))
      })
      h = each((u) => word(n[u]! + rounded(z[u]! * (h[u]! - n[u]!), 15)))
    }
    return h
  })
}
