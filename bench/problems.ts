import { invariant } from '../src/base/errors.ts'
import { seededRandom } from '../src/base/random.ts'

/** A convolution with square kernels and the same padding on all sides. */
export interface Shape {
  readonly name: string
  readonly channels: number
  readonly height: number
  readonly width: number
  readonly filters: number
  readonly kernel: number
  readonly stride: number
  readonly padding: number
}

/** A convolution of int8 codes by tables of products. */
export interface Problem {
  readonly shape: Shape
  readonly images: number
  /** [image][channel][y][x] */
  readonly activations: Int8Array
  /** [filter][channel][ky][kx] */
  readonly weights: Int8Array
  /** Filter n has the table n modulo their number. */
  readonly tables: readonly Table[]
}

/** Products of int8 codes: [activation code][weight code]. */
export interface Table {
  readonly name: string
  readonly products: Int32Array
}

const shapeOf = (size: number, channels: number, filters: number): Shape => ({
  name: `${size}x${size} ${channels}-${filters}`,
  channels,
  height: size,
  width: size,
  filters,
  kernel: 3,
  stride: 1,
  padding: 1,
})

/** Layers of ResNet-8. */
export const shapes: readonly Shape[] = [
  shapeOf(32, 3, 16),
  shapeOf(32, 16, 16),
  shapeOf(16, 32, 32),
  shapeOf(8, 64, 64),
]

/** As many channels as filters. */
export const square = (size: number, channels: number): Shape => shapeOf(size, channels, channels)

export const outputSize = ({ height, width, kernel, stride, padding }: Shape) => {
  const along = (size: number) => Math.floor((size + 2 * padding - kernel) / stride) + 1
  return { rows: along(height), columns: along(width), positions: along(height) * along(width) }
}

export const tapsOf = ({ channels, kernel }: Shape) => channels * kernel * kernel

export const macsOf = (shape: Shape, images: number) =>
  images * outputSize(shape).positions * shape.filters * tapsOf(shape)

/** Of weights and activations, in codes: what a scale that fits the largest of them leaves. */
const deviation = 36

/** Codes as trained networks have them, always the same: normal weights, activations behind a ReLU, so that half are 0. */
export function problemOf(shape: Shape, images: number, tables: readonly Table[]): Problem {
  const random = seededRandom(7)
  const code = () => Math.max(-128, Math.min(127, Math.round(deviation * random.normal())))
  const size = images * shape.channels * shape.height * shape.width
  return {
    shape,
    images,
    activations: Int8Array.from({ length: size }, () => Math.max(0, code())),
    weights: Int8Array.from({ length: shape.filters * tapsOf(shape) }, code),
    tables,
  }
}

export const tableOfFilter = (tables: readonly Table[], filter: number) => filter % tables.length

/** The table of a problem that all its filters share. */
export function onlyTable({ tables }: Problem): Table {
  invariant(tables.length === 1, 'this loop has one table for all filters')
  return tables[0]!
}

/** Fills a table from the codes' values. */
function tableOf(name: string, product: (a: number, w: number) => number): Table {
  const products = new Int32Array(65536)
  for (let a = -128; a < 128; a++)
    for (let w = -128; w < 128; w++) products[(a & 255) * 256 + (w & 255)] = product(a, w)
  return { name, products }
}

export const exactTable = tableOf('exact', (a, w) => a * w)

/** Both operands without their lowest bit: an exact product of other codes. */
export const truncatedTable = tableOf('trunc', (a, w) => (a & ~1) * (w & ~1))

/** Errors that no rule gives, of up to 2 % of the largest product: a table that nothing but itself stands for. */
export function drawnTable(): Table {
  const random = seededRandom(11)
  return tableOf('drawn', (a, w) => a * w + random.integer(-320, 320))
}

/** Products of any 16 bits: sums of two do not fit 16 bits. */
export function wideTable(): Table {
  const random = seededRandom(13)
  return tableOf('wide', () => random.integer(-32768, 32767))
}
