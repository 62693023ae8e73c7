import type { Assignment } from '../approx/assignment.ts'
import { invariant } from '../base/errors.ts'
import { gatesOf } from '../net/network.ts'
import {
  blended,
  gated,
  nextCell,
  opened,
  saturate,
  sigmoidOf,
  stateCode,
  tanhOf,
} from '../quant/cell-rules.ts'
import type { QConv, QRecurrent, QTensor } from '../quant/qgraph.ts'
import { type Codes, requantise } from '../quant/rules.ts'
import { filterSums } from './filters.ts'

/** Emulates one recurrent layer over `images` sequences. */
export function recurrence(node: QRecurrent, assignment: Assignment, input: QTensor, state: QTensor) {
  const [steps, features] = input.shape
  const { units } = node
  const rows = gatesOf[node.cell].length * units
  const directions = node.direction === 'bidirectional' ? 2 : 1
  const all = node.returns === 'all'
  const width = directions * units
  const ofInput = gates(node.ofInput, assignment)
  const cell = cellOf(node, gates(node.ofState, assignment), state.bits)
  return ([codes]: readonly Codes[], images: number, result: Codes): void => {
    for (let i = 0; i < images; i++) {
      for (let d = 0; d < directions; d++) {
        const backward = node.direction === 'backward' || d === 1
        cell.start()
        for (let t = 0; t < steps; t++) {
          const at = backward ? steps - 1 - t : t
          cell.step(ofInput(codes!, (i * steps + at) * features, d * rows, (d + 1) * rows), d * rows)
          if (all || t === steps - 1)
            cell.store(result, (all ? (i * steps + at) * width : i * width) + d * units)
        }
      }
    }
  }
}

/** The gates, before their functions, that rows of a set of filters add. */
type Gates = (codes: Codes, at: number, from: number, until: number) => Int16Array

function gates(node: QConv, assignment: Assignment): Gates {
  const layer = assignment.get(node.name)
  invariant(layer !== undefined, `"${node.name}" has no multiplier`)
  const filters = filterSums(node, layer)
  const sums = new Int32Array(node.bias.length)
  const result = new Int16Array(node.bias.length)
  return (codes, at, from, until) => {
    filters.add(codes, at, sums, from, until)
    for (let n = from; n < until; n++)
      result[n] = requantise(sums[n]!, node.multiplier[n]!, node.shift[n]!, node.low, node.high)
    return result
  }
}

/** A cell between two steps. */
interface Cell {
  /** State 0. */
  start(): void
  /** One step, given what the input adds to its gates; its rows begin at `first`. */
  step(ofInput: Int16Array, first: number): void
  /** Writes the codes of the state. */
  store(result: Codes, to: number): void
}

function cellOf(node: QRecurrent, ofState: Gates, bits: number): Cell {
  const { units, multiplier, shift, low, high } = node
  // of a GRU that resets before the product, the last gate's comes with the reset
  const gatesAtOnce = gatesOf[node.cell].length - (node.cell === 'gru' && node.reset === 'before' ? 1 : 0)
  const rows = gatesAtOnce * units
  const state = new Int16Array(units)
  const codes = new Int8Array(units)
  const memory = new Int16Array(units)
  const step = { rnn, gru, lstm }[node.cell](node, { state, codes, memory, ofState, bits })
  return {
    start() {
      state.fill(0)
      memory.fill(0)
    },
    step(ofInput, first) {
      for (let u = 0; u < units; u++) codes[u] = stateCode(state[u]!, bits)
      step(ofInput, ofState(codes, 0, first, first + rows), first)
    },
    store(result, to) {
      for (let u = 0; u < units; u++) result[to + u] = requantise(state[u]!, multiplier, shift, low, high)
    },
  }
}

/** What the cells of a layer keep and use. */
interface Kept {
  /** In units of 2^-15, and as the weights read them. */
  readonly state: Int16Array
  readonly codes: Int8Array
  /** The cell state of an LSTM. */
  readonly memory: Int16Array
  readonly ofState: Gates
  readonly bits: number
}

/** One step of a cell, from what the input and what the state adds to the gates in the rows from `first` on. */
type CellStep = (x: Int16Array, h: Int16Array, first: number) => void

function rnn({ units }: QRecurrent, { state }: Kept): CellStep {
  return (x, h, first) => {
    for (let u = 0; u < units; u++) state[u] = tanhOf(saturate(x[first + u]! + h[first + u]!))
  }
}

function gru({ units, reset }: QRecurrent, { state, codes, ofState, bits }: Kept): CellStep {
  const resets = new Int16Array(units)
  return (x, h, first) => {
    const [z, r, n] = [first, first + units, first + 2 * units] as const
    for (let u = 0; u < units; u++) resets[u] = sigmoidOf(saturate(x[r + u]! + h[r + u]!))
    if (reset === 'before') {
      for (let u = 0; u < units; u++) codes[u] = stateCode(resets[u]! * state[u]!, bits, 30)
      ofState(codes, 0, n, n + units)
    }
    for (let u = 0; u < units; u++) {
      const update = sigmoidOf(saturate(x[z + u]! + h[z + u]!))
      const held = reset === 'before' ? h[n + u]! : gated(resets[u]!, h[n + u]!)
      state[u] = blended(update, tanhOf(saturate(x[n + u]! + held)), state[u]!)
    }
  }
}

function lstm({ units }: QRecurrent, { state, memory }: Kept): CellStep {
  return (x, h, first) => {
    for (let u = 0; u < units; u++) {
      const gate = (g: number) => saturate(x[first + g * units + u]! + h[first + g * units + u]!)
      memory[u] = nextCell(sigmoidOf(gate(2)), memory[u]!, sigmoidOf(gate(0)), tanhOf(gate(3)))
      state[u] = opened(sigmoidOf(gate(1)), memory[u]!)
    }
  }
}
