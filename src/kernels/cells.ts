import { createJob, words } from './job.ts'
import { hold, shortsAt } from './memory.ts'

// The words of the job: src/kernels/assembly/cells.ts, in its order.
export const cellWords = words(
  'kind count ofInput ofState ofReset state codes memory updates result sigmoidPoints tanhPoints bits',
  'multiplier shift low high pieceValues',
)

/** Recurrent cells by the rules of docs/numerics.md. */
export interface Cells {
  readonly cell: 'rnn' | 'gru' | 'lstm'
  /** Points of the functions, 513 each. */
  readonly sigmoid: Int16Array
  readonly tanh: Int16Array
  /** Of a state's code. */
  readonly bits: number
  /** From a state to the result's code. */
  readonly multiplier: number
  readonly shift: number
  readonly low: number
  readonly high: number
}

/** Addresses of what the cells have, each [unit][line]: bytes for `codes` and `result`, int16 for the rest. */
export interface CellMemory {
  readonly state: number
  readonly codes: number
  /** The cell state of an LSTM. */
  readonly memory: number
  /** Of a GRU that resets its state. */
  readonly updates: number
  readonly ofReset: number
  readonly result: number
}

export interface CellSteps {
  /** One step, given what input and state add to the gates, [gate][unit][line], and the number of units times lines. */
  step(ofInput: number, ofState: number, count: number, memory: CellMemory): void
  /** Of a GRU that resets its state: `codes` become those of the state that was reset. */
  reset(ofInput: number, ofState: number, count: number, memory: CellMemory): void
  /** Its second half, given in `ofReset` what that adds to the candidate. */
  blend(ofInput: number, ofState: number, count: number, memory: CellMemory): void
}

/** Values of a piece, and what one takes as long as in products. */
const valuesOfPiece = 2 ** 12
const productsOfValue = 128

export function createCells({ cell, sigmoid, tanh, ...scales }: Cells): CellSteps {
  const holder = {}
  const place = (points: Int16Array) => {
    const at = hold(holder, 2 * points.length)
    shortsAt(at, points.length).set(points)
    return at
  }
  const known = {
    ...scales,
    sigmoidPoints: place(sigmoid),
    tanhPoints: place(tanh),
    pieceValues: valuesOfPiece,
  }
  const run = createJob('stepCells', cellWords, known, valuesOfPiece * productsOfValue, holder)
  const of =
    (kind: number): CellSteps['step'] =>
    (ofInput, ofState, count, memory) =>
      run({ ...memory, kind, ofInput, ofState, count }, Math.ceil(count / valuesOfPiece))
  return { step: of({ rnn: 0, gru: 1, lstm: 4 }[cell]), reset: of(2), blend: of(3) }
}
