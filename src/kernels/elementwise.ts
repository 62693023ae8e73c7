import { createJob, words } from './job.ts'
import { floatsAt, hold } from './memory.ts'

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
  /** Of an average. Absent: floor((sum + floor(area / 2)) / area). */
  readonly mean?: Mean
  readonly signed: boolean
}

/** How means of imported models are taken. */
export type Mean =
  /** (sum - area * zero) / area, rounded half away from zero, + zero. */
  | { readonly kind: 'away-from-zero'; readonly zero: number }
  /** clamp((sum - area * zero) * multiplier * 2^(exponent - 31), rounded twice, + outputZero, low, high) */
  | {
      readonly kind: 'scaled'
      readonly zero: number
      /** Below 2^31. */
      readonly multiplier: number
      /** -31..30 */
      readonly exponent: number
      readonly outputZero: number
      readonly low: number
      readonly high: number
    }
  /**
   * Of real values, those of the padding 0: their sum in double precision, its quotients by their number and the scale in float32,
   * rounded half to even, + zero, within least..most; + outputZero, within low..high. What is no number has 0 in place of least..most.
   */
  | {
      readonly kind: 'real'
      /** By the bytes of the codes: 256. */
      readonly real: Float32Array
      readonly scale: number
      readonly zero: number
      readonly least: number
      readonly most: number
      readonly outputZero: number
      readonly low: number
      readonly high: number
    }

// The words of the jobs: src/kernels/assembly/add.ts and pool.ts, in their order.
export const additionWords = words(
  'first second output count firstSigned secondSigned firstMultiplier secondMultiplier shift low high pieceCodes',
)
export const poolingWords = words(
  'input output maps height width rows columns windowHeight windowWidth strideY strideX top left bottom right',
  'mode outer signed pieceMaps zero multiplier exponent outputZero low high reals scale least most',
)

/** Work of a piece, in codes read. */
const codesOfPiece = 2 ** 16
/** What a piece takes as long as: eight products for each code that is read. */
const productsOfPiece = codesOfPiece * 8

/** Codes at two addresses, `count` of each, to codes at a third. */
export function createAddition({ multipliers, shift, low, high, signed }: Addition) {
  const run = createJob(
    'addCodes',
    additionWords,
    {
      ...{ firstSigned: Number(signed[0]), secondSigned: Number(signed[1]), shift, low, high },
      ...{ firstMultiplier: multipliers[0], secondMultiplier: multipliers[1], pieceCodes: codesOfPiece },
    },
    productsOfPiece,
  )
  return (first: number, second: number, output: number, count: number): void =>
    run({ first, second, output, count }, Math.ceil(count / codesOfPiece))
}

/** Maps at one address, one after the other, to maps at another. */
export function createPooling(pooling: Pooling) {
  const { height, width, window, stride, padding } = pooling
  const pieceMaps = Math.max(1, Math.floor(codesOfPiece / (height * width)))
  const holder = {}
  const known = {
    ...{ height, width, rows: pooling.rows, columns: pooling.columns, pieceMaps },
    ...{ windowHeight: window[0], windowWidth: window[1], strideY: stride[0], strideX: stride[1] },
    ...{ top: padding[0], left: padding[1], bottom: padding[2], right: padding[3] },
    ...{ outer: Number(pooling.countPadding), signed: Number(pooling.signed) },
    ...meanWords(pooling, holder),
  }
  const run = createJob('poolCodes', poolingWords, known, productsOfPiece, holder)
  return (input: number, output: number, maps: number): void =>
    run({ input, output, maps }, Math.ceil(maps / pieceMaps))
}

const noMean = {
  ...{ zero: 0, multiplier: 0, exponent: 0, outputZero: 0, low: 0, high: 0 },
  ...{ reals: 0, scale: 0, least: 0, most: 0 },
}

/** The words of a job that tell what becomes of a window's codes. */
function meanWords({ mode, mean }: Pooling, holder: object): Record<string, number> {
  if (mode === 'max') return { ...noMean, mode: 0 }
  if (mean === undefined) return { ...noMean, mode: 1 }
  if (mean.kind === 'away-from-zero') return { ...noMean, mode: 2, zero: mean.zero }
  if (mean.kind === 'scaled') {
    const { kind: _, ...own } = mean
    return { ...noMean, ...own, mode: 3 }
  }
  const { kind: _, real, scale, ...own } = mean
  const reals = hold(holder, 4 * real.length)
  floatsAt(reals, real.length).set(real)
  return { ...noMean, ...own, mode: 4, reals, scale: new Int32Array(Float32Array.of(scale).buffer)[0]! }
}
