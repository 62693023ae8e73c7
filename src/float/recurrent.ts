import { directionsOf, gatesOf, type LayerWeights, type Recurrent } from '../net/network.ts'
import type { Shape } from '../net/shapes.ts'
import { sigmoid } from './activation.ts'
import { multiplyMatrices, rowMajor, transposed } from './matmul.ts'
import { multiplyRows } from './rows.ts'

/** Gates before their functions, by gate and unit: from the step's input, and from the state. */
interface Gates {
  readonly input: Float32Array
  readonly state: Float32Array
}

/** A cell that takes one step: writes the new state over the old one. */
type Step = (gates: Gates, state: Float32Array) => void

/** Runs a recurrent layer over one sequence [steps, features]. */
export function recurrentStep(layer: Recurrent, [steps, features]: Shape, weights: LayerWeights) {
  const { units } = layer
  const directions = directionsOf(layer)
  const rows = gatesOf[layer.kind].length * units
  const all = layer.returns === 'all'
  const width = directions * units
  const output = new Float32Array(all ? steps * width : width)
  const inputs = new Float32Array(steps * rows)
  return (sequence: Float32Array): Float32Array => {
    for (let d = 0; d < directions; d++) {
      // all steps' products with the input at once
      multiplyMatrices(
        [steps, rows, features!],
        rowMajor(sequence, features!),
        transposed(rowMajor(weights.weight, features!, d * rows * features!)),
        { data: inputs, offset: 0, row: rows, accumulate: false },
      )
      const bias = weights.bias.subarray(d * rows, (d + 1) * rows)
      for (let i = 0; i < inputs.length; i++) inputs[i]! += bias[i % rows]!
      const cell = cellOf(layer, weights, d)
      const state = new Float32Array(units)
      const backward = layer.direction === 'backward' || d === 1
      for (let t = 0; t < steps; t++) {
        const at = backward ? steps - 1 - t : t
        cell(inputs.subarray(at * rows, (at + 1) * rows), state)
        if (all) output.set(state, at * width + d * units)
      }
      if (!all) output.set(state, d * units)
    }
    return output
  }
}

/** A direction's cell: it takes a step's gates from its input, and keeps what it needs besides the state. */
function cellOf(layer: Recurrent, { recurrent }: LayerWeights, direction: number) {
  const { units } = layer
  const rows = gatesOf[layer.kind].length * units
  const { weight: weights, bias } = recurrent!
  const firstBias = direction * rows
  const all = { weights, from: firstBias * units, bias, firstBias, biasFirst: true }
  const product = (state: Float32Array, gates: Float32Array, from = 0, until = rows) =>
    multiplyRows(all, from, until, state, gates)
  const step = layer.kind === 'lstm' ? lstm(units) : layer.kind === 'gru' ? gru(layer, product) : rnn
  const gates = new Float32Array(rows)
  return (input: Float32Array, state: Float32Array): void => {
    product(state, gates)
    step({ input, state: gates }, state)
  }
}

const rnn: Step = ({ input, state: gates }, state) => {
  for (let u = 0; u < state.length; u++) state[u] = Math.tanh(input[u]! + gates[u]!)
}

function gru(
  { units, reset }: Recurrent,
  product: (state: Float32Array, gates: Float32Array, from: number, until: number) => void,
): Step {
  const held = new Float32Array(units)
  return ({ input, state: gates }, state) => {
    const resetOf = (u: number) => sigmoid(input[units + u]! + gates[units + u]!)
    if (reset === 'before') {
      for (let u = 0; u < units; u++) held[u] = resetOf(u) * state[u]!
      product(held, gates, 2 * units, 3 * units)
    }
    for (let u = 0; u < units; u++) {
      const z = sigmoid(input[u]! + gates[u]!)
      const candidate = gates[2 * units + u]! * (reset === 'before' ? 1 : resetOf(u))
      state[u] = (1 - z) * Math.tanh(input[2 * units + u]! + candidate) + z * state[u]!
    }
  }
}

function lstm(units: number): Step {
  const cell = new Float32Array(units)
  return ({ input, state: gates }, state) => {
    const gate = (g: number, u: number) => input[g * units + u]! + gates[g * units + u]!
    for (let u = 0; u < units; u++) {
      cell[u] = sigmoid(gate(2, u)) * cell[u]! + sigmoid(gate(0, u)) * Math.tanh(gate(3, u))
      state[u] = sigmoid(gate(1, u)) * Math.tanh(cell[u]!)
    }
  }
}
