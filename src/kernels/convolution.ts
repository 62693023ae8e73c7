import { invariant } from '../base/errors.ts'
import { floatsAt, hold, wordsAt } from './memory.ts'
import { type PieceLimits, panelStepOf, piecesOf } from './pieces.ts'
import { type Products, placeProducts } from './products.ts'
import { rowCodes } from './rows.ts'
import { type KernelName, runPieces, threadsFor } from './threads.ts'
import { winogradLimits, winogradWeights } from './winograd.ts'

/** A convolution of codes [image][channel][row][column]; a dense layer is one with a 1x1 kernel over [features, 1, 1]. */
export interface ConvolutionShape {
  readonly channels: number
  readonly height: number
  readonly width: number
  readonly filters: number
  /** Rows and columns of the result. */
  readonly rows: number
  readonly columns: number
  readonly kernel: readonly [height: number, width: number]
  readonly stride: readonly [vertical: number, horizontal: number]
  /** Rows above and columns left of the map; what is missing below and right follows from the result's size. */
  readonly padding: readonly [top: number, left: number]
  readonly dilation: readonly [vertical: number, horizontal: number]
  readonly groups: number
}

/** The input's codes. */
export interface CodeFormat {
  readonly bits: number
  readonly signed: boolean
  /** The least code that occurs, where it is more than the least of its bits: codes behind a ReLU are never negative. */
  readonly least?: number
  /** What windows read outside of the map. */
  readonly padding: number
}

/** Codes of a row of products for such an input, from 0 on: half of them where none is negative, nor what is read outside. */
export function codesOf({ bits, signed, padding, least = -Infinity }: CodeFormat): number {
  return rowCodes(signed && Math.min(least, padding) >= 0 ? bits - 1 : bits)
}

/** What becomes of the sums: they are stored, or codes, by filter, clamped to low..high. */
export type Finish =
  | { readonly kind: 'sums' }
  | (Codes &
      (
        | {
            /** floor((sum * multiplier + 2^(shift-1)) / 2^shift), stored in 8 or, as gates, in 16 bits */
            readonly kind: 'requantise' | 'gates'
            /** Below 2^31; shifts 1..62. */
            readonly multiplier: ArrayLike<number>
            readonly shift: ArrayLike<number>
          }
        | {
            /** sum * multiplier * 2^(exponent - 31), rounded as TensorFlow Lite does, + zeroPoint */
            readonly kind: 'scale'
            /** Below 2^31; exponents -31..30. */
            readonly multiplier: ArrayLike<number>
            readonly exponent: ArrayLike<number>
            readonly zeroPoint: number
          }
        | {
            /** sum * factor in float32, rounded half to even, + zeroPoint */
            readonly kind: 'round'
            readonly factor: ArrayLike<number>
            readonly zeroPoint: number
          }
      ))

interface Codes {
  readonly low: number
  readonly high: number
}

export interface Convolution {
  readonly shape: ConvolutionShape
  /** Whoever has it keeps the convolution's memory. */
  readonly holder: object
  /**
   * Codes at one address to codes, or to int32 sums, at another one, both in kernel memory. A 1x1 kernel over maps of one row takes
   * any number of columns.
   */
  run(input: number, output: number, images: number, columns?: number): void
}

// The words of a job: src/kernels/assembly/job.ts, in its order.
export const jobWords: readonly string[] = [
  'input output images channels height width filters rows columns kernelHeight kernelWidth strideY strideX top left',
  'dilationY dilationX groups padding mask signed bias multiplier shift low high pieceImages pieceRows pieceColumns',
  'pieceFilters planeBytes factors variants terms lookup finish codes zeroPoint',
  'tableCodes valueOffset valueMask',
].flatMap((line) => line.split(' '))
/** src/kernels/assembly/sweep.ts and table.ts */
const tablePositions = 4096
const tableLineBytes = tablePositions * 4 + 192
const tableFilters = 64
/** Tables are not worth making for so few filters of a group, or positions. */
const mostFiltersOfRows = 1
const mostPositionsOfRows = 32
/** Packed operands of a piece of dot products: they stay in the second cache. */
const packedBytes = 384 * 1024
const mostDotPositions = 2048

export function createConvolution(
  shape: ConvolutionShape,
  format: CodeFormat,
  products: Products,
  bias: ArrayLike<number>,
  finish: Finish,
): Convolution {
  const { channels, filters, groups, kernel } = shape
  const taps = (channels / groups) * kernel[0] * kernel[1]
  const job: Record<string, number> = {
    ...shapeWords(shape),
    ...{ padding: format.padding, mask: 2 ** format.bits - 1, signed: format.signed ? 1 : 0 },
  }
  const holder = {}
  const place = (bytes: number) => hold(holder, bytes)
  Object.assign(job, finishWords(finish, filters, place))
  const fast = products.kind === 'dot' ? winogradWeights(shape, format, products, bias) : undefined
  const placed = placeProducts(products, { filters, groups, taps, format }, bias, place, fast)
  Object.assign(job, placed.words)
  job['tableCodes'] = codesOf(format)
  invariant(
    products.kind === 'dot' || products.rows.every(({ codes }) => codes >= codesOf(format)),
    'rows lack codes that occur',
  )
  job['bias'] = placeWords(placed.bias, place)
  const jobAt = place(4 * jobWords.length)
  const dot = products.kind === 'dot' ? dotWork(shape, products.terms, fast !== undefined) : undefined

  const run: Convolution['run'] = (input, output, images, columns) => {
    const own = columns === undefined ? shape : { ...shape, width: columns, columns }
    const positions = images * own.rows * own.columns
    const threads = threadsFor(positions * filters * taps)
    const few = filters / groups <= mostFiltersOfRows || positions <= mostPositionsOfRows
    const { kernel, limits } = dot ?? (few ? rowWork : tableWork)
    const pieces = piecesOf(own, limits, images, threads)
    const size = { width: own.width, columns: own.columns }
    const all: Record<string, number> = { ...job, ...size, ...pieces.words, input, output, images }
    wordsAt(jobAt, jobWords.length).set(jobWords.map((name) => all[name] ?? 0))
    runPieces(kernel, jobAt, pieces.count, pieces.scratch, threads)
  }
  return { shape, run, holder }
}

/** The words of a job that tell its shape. */
export function shapeWords(shape: ConvolutionShape): Record<string, number> {
  const { channels, height, width, filters, rows, columns, kernel, stride, padding, dilation, groups } = shape
  return {
    ...{ channels, height, width, filters, groups, rows, columns },
    ...{ kernelHeight: kernel[0], kernelWidth: kernel[1], strideY: stride[0], strideX: stride[1] },
    ...{ top: padding[0], left: padding[1], dilationY: dilation[0], dilationX: dilation[1] },
  }
}

type Place = (bytes: number) => number

function placeWords(values: ArrayLike<number>, place: Place): number {
  const at = place(4 * values.length)
  wordsAt(at, values.length).set(values)
  return at
}

/** Their numbers in src/kernels/assembly/job.ts. */
const finishKinds: Readonly<Record<Finish['kind'], number>> = {
  ...{ requantise: 0, sums: 1, scale: 2, round: 3, gates: 5 },
}

/** The words of a job that tell what becomes of the sums of its filters. */
function finishWords(finish: Finish, filters: number, place: Place): Record<string, number> {
  const kind = { finish: finishKinds[finish.kind] }
  if (finish.kind === 'sums') return kind
  const { low, high } = finish
  if ('shift' in finish) {
    const { multiplier, shift } = finish
    return { ...kind, low, high, multiplier: placeWords(multiplier, place), shift: placeWords(shift, place) }
  }
  const { zeroPoint } = finish
  if (finish.kind === 'scale') {
    const [multiplier, shift] = [placeWords(finish.multiplier, place), placeWords(finish.exponent, place)]
    return { ...kind, low, high, zeroPoint, multiplier, shift }
  }
  const multiplier = place(4 * filters)
  floatsAt(multiplier, filters).set(finish.factor)
  return { ...kind, low, high, zeroPoint, multiplier }
}

/** A kernel and how its work is cut. */
interface Work {
  readonly kernel: KernelName
  readonly limits: PieceLimits
}

const tableLimits: PieceLimits = {
  positions: tablePositions,
  filters: tableFilters,
  least: { positions: 2048, filters: 16 },
  // Half of the positions have tables of their own, and half of the filters lines of their own.
  even: { positions: 4096, filters: 32 },
  tile: [1, 1],
  planes: 16,
  element: 4,
  scratch: (positions, filters) =>
    8 * 4096 + 8 * tableLineBytes + Math.ceil(filters / 8) * positions * 32 + 8 * (positions * 4 + 64) + 128,
}
const tableWork: Work = { kernel: 'convolveTable', limits: tableLimits }
const rowWork: Work = {
  kernel: 'convolveRows',
  limits: {
    ...tableLimits,
    scratch: (positions, filters) => 8 * tableLineBytes + filters * (positions * 4 + 64) + 128,
  },
}

function dotWork(shape: ConvolutionShape, terms: number, fast: boolean): Work {
  if (fast) return { kernel: 'convolveWinograd', limits: winogradLimits(shape, terms) }
  const taps = (shape.channels / shape.groups) * shape.kernel[0] * shape.kernel[1]
  return { kernel: 'convolveDot', limits: dotLimits(taps * terms, terms) }
}

/** For sums of so many products. */
function dotLimits(count: number, terms: number): PieceLimits {
  const panelBytes = panelStepOf(Math.ceil(count / 4) * 64)
  const panels = (positions: number) => Math.ceil(positions / 8)
  return {
    positions: Math.max(8, Math.min(mostDotPositions, 8 * Math.floor(packedBytes / panelBytes))),
    filters: Number.POSITIVE_INFINITY,
    least: { positions: 128, filters: 16 },
    tile: [1, 1],
    planes: 8 * terms,
    element: 2,
    scratch: (positions) => 4 * (16 * panels(positions) + 64) + panels(positions) * (panelBytes + 128) + 128,
  }
}
