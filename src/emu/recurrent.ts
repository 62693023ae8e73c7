import type { Assignment } from '../approx/assignment.ts'
import { invariant } from '../base/errors.ts'
import { allocate, bytesAt, release, wordsAt } from '../kernels/memory.ts'
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

/** Emulates one recurrent layer over `images` sequences, all of them at each step. */
export function recurrence(node: QRecurrent, assignment: Assignment, input: QTensor, state: QTensor) {
  const [steps, features] = input.shape
  const { units } = node
  const rows = gatesOf[node.cell].length * units
  const bidirectional = node.direction === 'bidirectional'
  const width = bidirectional ? 2 * units : units
  const all = node.returns === 'all'
  const directions = (bidirectional ? [0, 1] : [0]).map((d) => {
    const set = (filters: QConv, tensor: QTensor, from = 0, until = rows) =>
      gates(filters, assignment, tensor, d * rows + from, d * rows + until)
    // of a GRU that resets before the product, the last gate's comes with the reset
    const before = node.cell === 'gru' && node.reset === 'before'
    const together = before ? 2 * units : rows
    return {
      backward: node.direction === 'backward' || d === 1,
      ofInput: set(node.ofInput, input),
      ofState: set(node.ofState, state, 0, together),
      ofHeld: before ? set(node.ofState, state, together) : undefined,
    }
  })
  return ([codes]: readonly Codes[], images: number, result: Codes): void => {
    const at = allocate(images * features)
    const line = bytesAt(at, images * features)
    try {
      for (const [d, { backward, ofInput, ofState, ofHeld }] of directions.entries()) {
        const cell = cellOf(node, { images, bits: state.bits, ofState, ofHeld })
        try {
          for (let t = 0; t < steps; t++) {
            const step = backward ? steps - 1 - t : t
            for (let i = 0; i < images; i++) {
              const from = (i * steps + step) * features
              line.set(codes!.subarray(from, from + features), i * features)
            }
            cell.step(ofInput(at, images))
            const place = (image: number) => (all ? image * steps + step : image) * width + d * units
            if (all || t === steps - 1) cell.store(result, place)
          }
        } finally {
          cell.end()
        }
      }
    } finally {
      release(at, images * features)
    }
  }
}

/** The gates, before their functions, that filters add for lines of codes in kernel memory: [line][row]. */
type Gates = (codes: number, lines: number) => Int16Array

function gates(set: QConv, assignment: Assignment, tensor: QTensor, from: number, until: number): Gates {
  const layer = assignment.get(set.name)
  invariant(layer !== undefined, `"${set.name}" has no multiplier`)
  const { filters, run } = filterSums(set, layer, tensor, from, until)
  let result = new Int16Array(0)
  return (codes, lines) => {
    if (result.length < lines * filters) result = new Int16Array(lines * filters)
    const at = allocate(4 * lines * filters)
    run(codes, at, lines)
    const sums = wordsAt(at, lines * filters)
    for (let n = 0; n < filters; n++) {
      requantiseLine(sums, result, n, filters, set.multiplier[from + n]!, set.shift[from + n]!)
    }
    release(at, 4 * lines * filters)
    return result
  }
}

/** The rule of `requantise`, clamped to 16 bits, for every `step`-th sum: its powers of two are the same for all. */
function requantiseLine(
  sums: Int32Array,
  result: Int16Array,
  first: number,
  step: number,
  multiplier: number,
  shift: number,
): void {
  const [half, unit] = [2 ** (shift - 1), 2 ** -shift]
  for (let i = first; i < sums.length; i += step)
    result[i] = saturate(Math.floor((sums[i]! * multiplier + half) * unit))
}

/** What the cells of a batch have. */
interface Kept {
  readonly images: number
  /** Of a state's code. */
  readonly bits: number
  readonly ofState: Gates
  /** Of a GRU that resets before the product. */
  readonly ofHeld: Gates | undefined
}

/** The cells of a batch between two steps, their states 0 at first. */
interface Cell {
  /** One step, given what the input adds to the gates. */
  step(ofInput: Int16Array): void
  /** Writes the codes of each image's state to its place. */
  store(result: Codes, place: (image: number) => number): void
  end(): void
}

function cellOf(node: QRecurrent, kept: Kept): Cell {
  const { units, multiplier, shift, low, high } = node
  const { images, bits } = kept
  const state = new Int16Array(images * units)
  const at = allocate(state.length)
  const codes = new Int8Array(bytesAt(at, state.length).buffer, at, state.length)
  const step = { rnn, gru, lstm }[node.cell](node, { ...kept, state, codes })
  return {
    step(ofInput) {
      for (let i = 0; i < state.length; i++) codes[i] = stateCode(state[i]!, bits)
      step(ofInput, kept.ofState(at, images))
    },
    store(result, place) {
      for (let image = 0, i = 0; image < images; image++) {
        const to = place(image)
        for (let u = 0; u < units; u++, i++)
          result[to + u] = requantise(state[i]!, multiplier, shift, low, high)
      }
    },
    end: () => release(at, state.length),
  }
}

/** The states of a batch, [image][unit]: in units of 2^-15, and in kernel memory as the weights read them. */
interface States extends Kept {
  readonly state: Int16Array
  readonly codes: Int8Array
}

/** One step of the cells, from what the input and what the state adds to the gates: [image][gate][unit]. */
type CellStep = (x: Int16Array, h: Int16Array) => void

function rnn(_node: QRecurrent, { state }: States): CellStep {
  return (x, h) => {
    for (let i = 0; i < state.length; i++) state[i] = tanhOf(saturate(x[i]! + h[i]!))
  }
}

function gru({ units }: QRecurrent, { images, bits, state, codes, ofHeld }: States): CellStep {
  const resets = new Int16Array(state.length)
  const updates = new Int16Array(state.length)
  const together = ofHeld === undefined ? 3 * units : 2 * units
  return (x, h) => {
    for (let image = 0, i = 0; image < images; image++) {
      const [ofX, ofH] = [image * 3 * units, image * together]
      for (let u = 0; u < units; u++, i++) {
        updates[i] = sigmoidOf(saturate(x[ofX + u]! + h[ofH + u]!))
        resets[i] = sigmoidOf(saturate(x[ofX + units + u]! + h[ofH + units + u]!))
      }
    }
    if (ofHeld !== undefined)
      for (let i = 0; i < state.length; i++) codes[i] = stateCode(resets[i]! * state[i]!, bits, 30)
    const held = ofHeld?.(codes.byteOffset, images)
    for (let image = 0, i = 0; image < images; image++) {
      const candidates = image * 3 * units + 2 * units
      for (let u = 0; u < units; u++, i++) {
        const back = held === undefined ? gated(resets[i]!, h[candidates + u]!) : held[i]!
        state[i] = blended(updates[i]!, tanhOf(saturate(x[candidates + u]! + back)), state[i]!)
      }
    }
  }
}

function lstm({ units }: QRecurrent, { images, state }: States): CellStep {
  const cells = new Int16Array(state.length)
  return (x, h) => {
    for (let image = 0, i = 0; image < images; image++) {
      for (let u = 0; u < units; u++, i++) {
        const input = image * 4 * units + u
        const [output, forget, candidate] = [input + units, input + 2 * units, input + 3 * units]
        const admitted = sigmoidOf(saturate(x[input]! + h[input]!))
        const kept = sigmoidOf(saturate(x[forget]! + h[forget]!))
        cells[i] = nextCell(kept, cells[i]!, admitted, tanhOf(saturate(x[candidate]! + h[candidate]!)))
        state[i] = opened(sigmoidOf(saturate(x[output]! + h[output]!)), cells[i]!)
      }
    }
  }
}
