import type { Assignment } from '../approx/assignment.ts'
import { invariant } from '../base/errors.ts'
import { type CellMemory, type CellSteps, createCells } from '../kernels/cells.ts'
import { allocate, bytesAt, release } from '../kernels/memory.ts'
import { createTranspose } from '../kernels/transpose.ts'
import { gatesOf } from '../net/network.ts'
import { sigmoidPoints, tanhPoints } from '../quant/cell-rules.ts'
import type { QConv, QRecurrent, QTensor } from '../quant/qgraph.ts'
import type { Codes } from '../quant/rules.ts'
import { type FilterGates, filterGates } from './filters.ts'

/** Gates that the input adds are computed for as many steps at a time as this memory holds. */
const gateBytes = 16 * 2 ** 20

/**
 * Emulates one recurrent layer over `images` sequences. In its memory the sequences of a batch are the innermost dimension: what a
 * step computes for one, it computes for the next ones in the same way.
 */
export function recurrence(node: QRecurrent, assignment: Assignment, input: QTensor, state: QTensor) {
  const [steps, features] = input.shape
  const { cell, units, multiplier, shift, low, high } = node
  const rows = gatesOf[cell].length * units
  const bidirectional = node.direction === 'bidirectional'
  const points = { sigmoid: sigmoidPoints, tanh: tanhPoints }
  const cells = createCells({ cell, ...points, bits: state.bits, multiplier, shift, low, high })
  const directions = (bidirectional ? [0, 1] : [0]).map((d): Direction => {
    const set = (filters: QConv, tensor: QTensor, from = 0, until = rows) =>
      gates(filters, assignment, tensor, d * rows + from, d * rows + until)
    // of a GRU that resets before the product, the last gate's comes with the reset
    const before = cell === 'gru' && node.reset === 'before'
    const together = before ? 2 * units : rows
    return {
      ...{ units, steps, features, cells },
      backward: node.direction === 'backward' || d === 1,
      ofInput: set(node.ofInput, input),
      ofState: set(node.ofState, state, 0, together),
      ofReset: before ? set(node.ofState, state, together) : undefined,
    }
  })
  const width = directions.length * units
  const turn = createTranspose()
  const all = node.returns === 'all'
  return ([codes]: readonly Codes[], images: number, result: Codes): void => {
    const sequences = allocate(codes!.length)
    try {
      turn(codes!.byteOffset, sequences, images, codes!.length / images)
      for (const [d, direction] of directions.entries())
        run(direction, sequences, images, (made, step, last) => {
          if (all) storeStates(made, images, result, steps * width, step * width + d * units)
          else if (last) storeStates(made, images, result, width, d * units)
        })
    } finally {
      release(sequences, codes!.length)
    }
  }
}

function gates(
  set: QConv,
  assignment: Assignment,
  tensor: QTensor,
  from: number,
  until: number,
): FilterGates {
  const layer = assignment.get(set.name)
  invariant(layer !== undefined, `"${set.name}" has no multiplier`)
  return filterGates(set, layer, tensor, from, until)
}

/** Codes [unit][image] to units from `first` on of images `size` apart. */
function storeStates(made: Uint8Array, images: number, result: Codes, size: number, first: number): void {
  for (let at = 0, unit = first; at < made.length; unit++)
    for (let image = 0, to = unit; image < images; image++, to += size) result[to] = made[at++]!
}

/** A layer in one direction. */
interface Direction {
  readonly units: number
  readonly steps: number
  readonly features: number
  readonly cells: CellSteps
  readonly backward: boolean
  readonly ofInput: FilterGates
  readonly ofState: FilterGates
  /** Of a GRU that resets before the product. */
  readonly ofReset: FilterGates | undefined
}

/** Runs the cells over sequences [step][feature][line] in kernel memory, showing the results' codes [unit][line] after each step. */
function run(
  direction: Direction,
  sequences: number,
  lines: number,
  visit: (made: Uint8Array, step: number, last: boolean) => void,
): void {
  const { units, steps, features, backward, ofInput } = direction
  const bytesOfStep = 2 * ofInput.filters * lines
  const chunk = Math.max(1, Math.min(steps, Math.floor(gateBytes / bytesOfStep)))
  const count = units * lines
  const places = placesOf(direction, lines)
  const inputGates = allocate(chunk * bytesOfStep)
  try {
    for (let done = 0; done < steps; done += chunk) {
      const here = Math.min(chunk, steps - done)
      const first = backward ? steps - done - here : done
      ofInput.run(sequences + first * features * lines, inputGates, here, lines)
      for (let i = 0; i < here; i++) {
        const at = backward ? here - 1 - i : i
        stepCells(direction, inputGates + at * bytesOfStep, lines, places)
        visit(bytesAt(places.result, count), first + at, done + i === steps - 1)
      }
    }
  } finally {
    release(inputGates, chunk * bytesOfStep)
    release(places.all, places.bytes)
  }
}

function stepCells(
  { units, cells, ofState, ofReset }: Direction,
  ofInput: number,
  lines: number,
  places: Places,
) {
  const count = units * lines
  ofState.run(places.codes, places.ofState, 1, lines)
  if (ofReset === undefined) {
    cells.step(ofInput, places.ofState, count, places)
    return
  }
  cells.reset(ofInput, places.ofState, count, places)
  ofReset.run(places.codes, places.ofReset, 1, lines)
  cells.blend(ofInput, places.ofState, count, places)
}

interface Places extends CellMemory {
  readonly ofState: number
  /** The block that all lie in. */
  readonly all: number
  readonly bytes: number
}

/** What the cells of a batch have between two steps: states of 0 at first. */
function placesOf({ units, ofState }: Direction, lines: number): Places {
  const count = units * lines
  const padded = (bytes: number) => 64 * Math.ceil(bytes / 64 + 1)
  const sizes = {
    ...{ state: 2 * count, codes: count, memory: 2 * count, updates: 2 * count },
    ...{ ofReset: 2 * count, result: count, ofState: 2 * ofState.filters * lines },
  }
  const bytes = Object.values(sizes).reduce((sum, size) => sum + padded(size), 0)
  const all = allocate(bytes)
  bytesAt(all, bytes).fill(0)
  let at = all
  const places = Object.entries(sizes).map(([name, size]) => {
    const place = at
    at += padded(size)
    return [name, place]
  })
  return { ...(Object.fromEntries(places) as Omit<Places, 'all' | 'bytes'>), all, bytes }
}
