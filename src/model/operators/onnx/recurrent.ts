import type { ModelTensor } from '../../model.ts'
import type { Call, Operator } from '../operator.ts'
import { type Elements, elements } from '../strided.ts'
import { sigmoid } from './activation.ts'

type Curve = (x: number) => number

/** Activations of cells by name, with the standard values of their alpha and beta where they have such. */
const curves: Readonly<
  Record<string, { alpha?: number; beta?: number; of: (alpha: number, beta: number) => Curve }>
> = {
  relu: { of: () => (x) => Math.max(0, x) },
  tanh: { of: () => Math.tanh },
  sigmoid: { of: () => sigmoid },
  affine: { alpha: 1, beta: 0, of: (alpha, beta) => (x) => alpha * x + beta },
  leakyrelu: { alpha: 0.01, of: (alpha) => (x) => (x < 0 ? alpha * x : x) },
  thresholdedrelu: { alpha: 1, of: (alpha) => (x) => (x >= alpha ? x : 0) },
  scaledtanh: { alpha: 1, beta: 1, of: (alpha, beta) => (x) => alpha * Math.tanh(beta * x) },
  hardsigmoid: {
    alpha: 0.2,
    beta: 0.5,
    of: (alpha, beta) => (x) => Math.max(0, Math.min(1, alpha * x + beta)),
  },
  elu: { alpha: 1, of: (alpha) => (x) => (x < 0 ? alpha * Math.expm1(x) : x) },
  softsign: { of: () => (x) => x / (1 + Math.abs(x)) },
  softplus: { of: () => (x) => Math.log1p(Math.exp(x)) },
}

/** What a cell keeps from step to step: the hidden state, and an LSTM's cell state. */
interface State {
  readonly hidden: Float64Array
  readonly cell: Float64Array
}

/** One step of a cell for one sequence: `sums` has W x of each gate, `hidden` is replaced. */
type Step = (sums: Float64Array, state: State, weights: Direction) => void

/** Weights of one direction: R is [gates * hidden][hidden], its bias apart from that of W, peepholes [3 * hidden]. */
interface Direction {
  readonly size: number
  readonly recurrent: (row: number, state: Float64Array) => number
  readonly bias: (row: number) => number
  readonly peephole: (gate: number, unit: number) => number
  readonly curves: readonly Curve[]
  readonly clip: Curve
}

interface Cell {
  readonly gates: number
  readonly activations: readonly string[]
  readonly step: (call: Call) => Step
}

/** Shapes of a recurrent layer, whatever the order of its axes. */
interface Layout {
  readonly steps: number
  readonly batch: number
  readonly features: number
  readonly size: number
  readonly directions: number
  /** Index of X [step][batch], of Y [step][direction][batch] and of a state [direction][batch], in vectors. */
  readonly x: (step: number, sequence: number) => number
  readonly y: (step: number, direction: number, sequence: number) => number
  readonly state: (direction: number, sequence: number) => number
}

function layoutOf(call: Call, gates: number, x: ModelTensor): Layout {
  const [w, r] = [call.typed(1, x.type), call.typed(2, x.type)]
  const batchFirst = call.int('layout', 0) !== 0
  const direction = call.text('direction', 'forward')
  const directions = { forward: 1, reverse: 1, bidirectional: 2 }[direction]
  if (directions === undefined) throw call.error(`has the direction "${direction}"`)
  const [first, second, features] = x.shape as [number, number, number]
  const size = r.shape[2] ?? 0
  const wanted = [
    [directions, gates * size, features],
    [directions, gates * size, size],
  ]
  if (x.shape.length !== 3 || [w, r].some(({ shape }, i) => shape.join() !== wanted[i]!.join()))
    throw call.error(
      `reads [${x.shape.join(', ')}] with weights [${w.shape.join(', ')}] and [${r.shape.join(', ')}] in ${directions} direction(s)`,
    )
  if (call.int('hidden_size', size) !== size)
    throw call.error(`has weights for ${size} units, not for its hidden_size`)
  const [steps, batch] = batchFirst ? [second, first] : [first, second]
  call.spend(directions * batch * steps * gates * size * (size + features))
  return {
    steps,
    batch,
    features,
    size,
    directions,
    x: (t, b) => (batchFirst ? b * steps + t : t * batch + b),
    y: (t, d, b) => (batchFirst ? (b * steps + t) * directions + d : (t * directions + d) * batch + b),
    state: (d, b) => (batchFirst ? b * directions + d : d * batch + b),
  }
}

const recurrent = (cell: Cell, attributes: Operator['attributes'], inputs: Operator['inputs']): Operator => ({
  inputs,
  attributes: {
    activation_alpha: 'floats',
    activation_beta: 'floats',
    activations: 'strings',
    clip: 'float',
    direction: 'string',
    hidden_size: 'int',
    layout: 'int',
    ...attributes,
  },
  evaluate: (call) => run(call, cell),
})

function run(call: Call, cell: Cell): readonly ModelTensor[] {
  const x = call.typed(0, 'float32', 'float64')
  const layout = layoutOf(call, cell.gates, x)
  const { steps, batch, size, directions, features } = layout
  const batchFirst = call.int('layout', 0) !== 0
  const y = call.make(
    x.type,
    batchFirst ? [batch, steps, directions, size] : [steps, directions, batch, size],
  )
  const stateShape = batchFirst ? [batch, directions, size] : [directions, batch, size]
  const [lastHidden, lastCell] = [call.make(x.type, stateShape), call.make(x.type, stateShape)]
  const lengths = sequenceLengths(call, layout)
  const [startHidden, startCell] = [startState(call, 5, stateShape), startState(call, 6, stateShape)]
  const step = cell.step(call)
  const [from, to, w] = [elements(x.data), elements(y.data), elements(call.input(1).data)]
  const sums = new Float64Array(cell.gates * size)
  for (let d = 0; d < directions && !call.dry; d++) {
    const weights = directionOf(call, cell, layout, d)
    const backwards = d === 1 || call.text('direction', 'forward') === 'reverse'
    for (let b = 0; b < batch; b++) {
      const at = layout.state(d, b) * size
      const state: State = { hidden: initial(startHidden, at, size), cell: initial(startCell, at, size) }
      for (let i = 0; i < lengths[b]!; i++) {
        const t = backwards ? lengths[b]! - 1 - i : i
        multiplyRows(w, d * cell.gates * size, from, layout.x(t, b) * features, features, sums)
        step(sums, state, weights)
        for (let n = 0; n < size; n++) to[layout.y(t, d, b) * size + n] = state.hidden[n]!
      }
      for (let n = 0; n < size; n++) {
        elements(lastHidden.data)[at + n] = state.hidden[n]!
        elements(lastCell.data)[at + n] = state.cell[n]!
      }
    }
  }
  return cell.gates === 4 ? [y, lastHidden, lastCell] : [y, lastHidden]
}

function multiplyRows(
  w: ArrayLike<number>,
  firstRow: number,
  x: ArrayLike<number>,
  from: number,
  features: number,
  sums: Float64Array,
): void {
  for (let row = 0; row < sums.length; row++) {
    let sum = 0
    const start = (firstRow + row) * features
    for (let i = 0; i < features; i++) sum += w[start + i]! * x[from + i]!
    sums[row] = sum
  }
}

function sequenceLengths(call: Call, { steps, batch }: Layout): ArrayLike<number> {
  const lengths = call.integers(4)
  if (lengths === undefined) return new Array<number>(batch).fill(steps)
  if (lengths.length !== batch || lengths.some((n) => !(n >= 0 && n <= steps)))
    throw call.error(`has sequence lengths [${lengths.join(', ')}] for ${batch} sequences of ${steps} steps`)
  return lengths
}

/** A state at the beginning: zeros where the node names none. Only an LSTM has input 6. */
function startState(call: Call, index: number, shape: readonly number[]): Elements | undefined {
  const tensor = call.optional(index)
  if (tensor === undefined) return undefined
  if (tensor.shape.join() !== shape.join())
    throw call.error(
      `begins with a state of shape [${tensor.shape.join(', ')}]; expected is [${shape.join(', ')}]`,
    )
  return elements(tensor.data)
}

const initial = (start: Elements | undefined, at: number, size: number) =>
  Float64Array.from({ length: size }, (_, n) => start?.[at + n] ?? 0)

function directionOf(call: Call, cell: Cell, { size, directions }: Layout, d: number): Direction {
  const rows = cell.gates * size
  const r = elements(call.input(2).data)
  const bias = perDirection(call, 3, directions, 2 * rows)
  const peepholes = perDirection(call, 7, directions, 3 * size)
  const bound = call.float('clip', Number.POSITIVE_INFINITY)
  return {
    size,
    recurrent: (row, state) => {
      let sum = bias === undefined ? 0 : bias[(2 * d + 1) * rows + row]!
      const start = (d * rows + row) * size
      for (let i = 0; i < size; i++) sum += r[start + i]! * state[i]!
      return sum
    },
    bias: (row) => (bias === undefined ? 0 : bias[2 * d * rows + row]!),
    peephole: (gate, unit) => (peepholes === undefined ? 0 : peepholes[(3 * d + gate) * size + unit]!),
    curves: curvesOf(call, cell, directions).slice(d * cell.activations.length),
    clip: (x) => Math.max(-bound, Math.min(bound, x)),
  }
}

function perDirection(call: Call, index: number, directions: number, length: number): Elements | undefined {
  const tensor = call.optional(index)
  if (tensor === undefined) return undefined
  if (tensor.data.length !== directions * length)
    throw call.error(
      `has an input ${index + 1} of shape [${tensor.shape.join(', ')}]; expected is [${directions}, ${length}]`,
    )
  return elements(tensor.data)
}

/** The activations of all directions. Those that have an alpha or beta take the next of the node's values. */
function curvesOf(call: Call, cell: Cell, directions: number): readonly Curve[] {
  const standard = Array.from({ length: directions }, () => cell.activations).flat()
  const names = call.texts('activations') ?? standard
  if (names.length !== standard.length)
    throw call.error(`has ${names.length} activations; expected are ${standard.length}`)
  const [alphas, betas] = [
    [...(call.floats('activation_alpha') ?? [])],
    [...(call.floats('activation_beta') ?? [])],
  ]
  return names.map((name) => {
    const curve = Object.hasOwn(curves, name.toLowerCase()) ? curves[name.toLowerCase()]! : undefined
    if (curve === undefined) throw call.error(`has the activation "${name}", which ONNX does not know`)
    const alpha = curve.alpha === undefined ? 0 : (alphas.shift() ?? curve.alpha)
    const beta = curve.beta === undefined ? 0 : (betas.shift() ?? curve.beta)
    return curve.of(alpha, beta)
  })
}

const simple: Cell = {
  gates: 1,
  activations: ['Tanh'],
  step:
    () =>
    (sums, { hidden }, { size, recurrent, bias, curves: [f], clip }) => {
      const next = Float64Array.from({ length: size }, (_, n) =>
        f!(clip(sums[n]! + bias(n) + recurrent(n, hidden))),
      )
      hidden.set(next)
    },
}

/** Gates z, r, h. With `linear_before_reset` the reset gate scales R h and its bias, else the state that R is applied to. */
const gru: Cell = {
  gates: 3,
  activations: ['Sigmoid', 'Tanh'],
  step: (call) => {
    const linear = call.int('linear_before_reset', 0) !== 0
    return (sums, { hidden }, { size, recurrent, bias, curves: [f, g], clip }) => {
      const gate = (row: number) => f!(clip(sums[row]! + bias(row) + recurrent(row, hidden)))
      const update = Float64Array.from({ length: size }, (_, n) => gate(n))
      const reset = Float64Array.from({ length: size }, (_, n) => gate(size + n))
      const scaled = linear ? hidden : hidden.map((h, n) => h * reset[n]!)
      const next = Float64Array.from({ length: size }, (_, n) => {
        const row = 2 * size + n
        const back = recurrent(row, scaled)
        const candidate = g!(clip(sums[row]! + bias(row) + (linear ? reset[n]! * back : back)))
        return (1 - update[n]!) * candidate + update[n]! * hidden[n]!
      })
      hidden.set(next)
    }
  },
}

/** Gates i, o, f, c; the peepholes of i, o, f. The output gate sees the new cell state. */
const lstm: Cell = {
  gates: 4,
  activations: ['Sigmoid', 'Tanh', 'Tanh'],
  step: (call) => {
    const coupled = call.int('input_forget', 0) !== 0
    return (sums, { hidden, cell }, { size, recurrent, bias, peephole, curves: [f, g, h], clip }) => {
      const sum = (gate: number, n: number) =>
        sums[gate * size + n]! + bias(gate * size + n) + recurrent(gate * size + n, hidden)
      const next = Float64Array.from({ length: size }, (_, n) => {
        const input = f!(clip(sum(0, n) + peephole(0, n) * cell[n]!))
        const forget = coupled ? 1 - input : f!(clip(sum(2, n) + peephole(2, n) * cell[n]!))
        cell[n] = forget * cell[n]! + input * g!(clip(sum(3, n)))
        return f!(clip(sum(1, n) + peephole(1, n) * cell[n]!)) * h!(cell[n]!)
      })
      hidden.set(next)
    }
  },
}

export const recurrence: Readonly<Record<string, Operator>> = {
  RNN: recurrent(simple, {}, [3, 6]),
  GRU: recurrent(gru, { linear_before_reset: 'int' }, [3, 6]),
  LSTM: recurrent(lstm, { input_forget: 'int' }, [3, 8]),
}
