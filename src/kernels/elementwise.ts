import { hold, wordsAt } from './memory.ts'
import { type KernelName, runPieces, threadsFor } from './threads.ts'

/** clamp(floor((x0 * m0 + x1 * m1 + 2^(shift-1)) / 2^shift), low, high) of codes of 8 bits. */
export interface Addition {
  /** Below 2^16. */
  readonly multipliers: readonly [number, number]
  /** 1..30. */
  readonly shift: number
  readonly low: number
  readonly high: number
  readonly signed: readonly [boolean, boolean]
}

/** Largest shift of an addition whose sums fit 32 bits. */
export const mostAdditionShift = 30

/** The maximum of a window's codes inside the map, or the mean of them and, where it counts, of the zeros of the padding. */
export interface Pooling {
  readonly mode: 'max' | 'average'
  readonly height: number
  readonly width: number
  readonly rows: number
  readonly columns: number
  readonly window: readonly [height: number, width: number]
  readonly stride: readonly [vertical: number, horizontal: number]
  readonly padding: readonly [top: number, left: number, bottom: number, right: number]
  readonly countPadding: boolean
  readonly signed: boolean
}

// The words of the jobs: src/kernels/assembly/add.ts and pool.ts, in their order.
export const additionWords: readonly string[] = [
  'first second output count firstSigned secondSigned firstMultiplier secondMultiplier shift low high pieceCodes',
].flatMap((line) => line.split(' '))
export const poolingWords: readonly string[] = [
  'input output maps height width rows columns windowHeight windowWidth strideY strideX top left bottom right',
  'average outer signed pieceMaps',
].flatMap((line) => line.split(' '))

/** Work of a piece, in codes read. */
const codesOfPiece = 2 ** 16
/** A code that is read takes as long as so many products. */
const productsOfCode = 8

/** Codes at two addresses, `count` of each, to codes at a third. */
export function createAddition({ multipliers, shift, low, high, signed }: Addition) {
  const run = job('addCodes', additionWords, {
    ...{ firstSigned: Number(signed[0]), secondSigned: Number(signed[1]), shift, low, high },
    ...{ firstMultiplier: multipliers[0], secondMultiplier: multipliers[1], pieceCodes: codesOfPiece },
  })
  return (first: number, second: number, output: number, count: number): void =>
    run({ first, second, output, count }, Math.ceil(count / codesOfPiece))
}

/** Maps at one address, one after the other, to maps at another. */
export function createPooling(pooling: Pooling) {
  const { height, width, window, stride, padding } = pooling
  const pieceMaps = Math.max(1, Math.floor(codesOfPiece / (height * width)))
  const run = job('poolCodes', poolingWords, {
    ...{ height, width, rows: pooling.rows, columns: pooling.columns, pieceMaps },
    ...{ windowHeight: window[0], windowWidth: window[1], strideY: stride[0], strideX: stride[1] },
    ...{ top: padding[0], left: padding[1], bottom: padding[2], right: padding[3] },
    ...{ average: Number(pooling.mode === 'average'), outer: Number(pooling.countPadding) },
    signed: Number(pooling.signed),
  })
  return (input: number, output: number, maps: number): void =>
    run({ input, output, maps }, Math.ceil(maps / pieceMaps))
}

/** A job whose words are known but for those of a call. */
function job(kernel: KernelName, names: readonly string[], known: Readonly<Record<string, number>>) {
  const holder = {}
  const at = hold(holder, 4 * names.length)
  return Object.assign(
    (more: Readonly<Record<string, number>>, pieces: number): void => {
      const words: Readonly<Record<string, number>> = { ...known, ...more }
      wordsAt(at, names.length).set(names.map((name) => words[name]!))
      runPieces(kernel, at, pieces, 0, threadsFor(pieces * codesOfPiece * productsOfCode))
    },
    { holder },
  )
}
