import type { ConvolutionShape } from './convolution.ts'

/** How a convolution is cut: a piece is some images, or some rows or columns of one, and some filters of one group. */
export interface Pieces {
  readonly words: Readonly<Record<string, number>>
  readonly count: number
  /** Bytes of its own memory that a thread needs. */
  readonly scratch: number
}

/** Positions and filters that a kernel takes at most, and what its scratch memory holds. */
export interface PieceLimits {
  readonly positions: number
  readonly filters: number
  /** What a piece keeps where work is cut smaller for the sake of threads. */
  readonly least: { readonly positions: number; readonly filters: number }
  readonly planes: number
  /** Bytes of an element of a plane. */
  readonly element: number
  /** Scratch memory beside the planes. */
  readonly scratch: (positions: number, filters: number) => number
}

const up = (value: number, unit: number) => Math.ceil(value / unit) * unit

/** Pieces for each thread, so that all end at about the same time. */
const piecesOfThread = 4

/** Filters are shared out first: it costs least. */
export function piecesOf(
  shape: ConvolutionShape,
  limits: PieceLimits,
  images: number,
  threads: number,
): Pieces {
  const pieces = cut(shape, limits, images)
  if (threads === 1 || pieces.count >= threads * piecesOfThread) return pieces
  const { least } = limits
  const perGroup = Math.min(limits.filters, shape.filters / shape.groups)
  const filters = up(Math.ceil(perGroup / 2), 8)
  if (filters >= least.filters && filters < perGroup)
    return piecesOf(shape, { ...limits, filters }, images, threads)
  const positions = Math.min(limits.positions, images * shape.rows * shape.columns)
  const half = Math.ceil(positions / 2)
  if (half >= least.positions) return piecesOf(shape, { ...limits, positions: half }, images, threads)
  return pieces
}

function cut(shape: ConvolutionShape, limits: PieceLimits, images: number): Pieces {
  const { rows, columns, kernel, stride, dilation } = shape
  const pieceImages = Math.max(1, Math.min(images, Math.floor(limits.positions / (rows * columns))))
  const pieceRows = Math.max(1, Math.min(rows, Math.floor(limits.positions / columns)))
  const pieceColumns = Math.min(columns, limits.positions)
  const perGroup = shape.filters / shape.groups
  const pieceFilters = Math.min(perGroup, limits.filters)
  const planeRows = (pieceRows - 1) * stride[0] + (kernel[0] - 1) * dilation[0] + 1
  const planeColumns = (pieceColumns - 1) * stride[1] + (kernel[1] - 1) * dilation[1] + 1
  // Slack for whole vectors at the end of a plane, and of what a strided line reads beyond it.
  const planeBytes = up(pieceImages * planeRows * planeColumns * limits.element + 128, 64)
  const parts = (all: number, part: number) => Math.ceil(all / part)
  return {
    words: { pieceImages, pieceRows, pieceColumns, pieceFilters, planeBytes },
    count:
      parts(images, pieceImages) *
      parts(rows, pieceRows) *
      parts(columns, pieceColumns) *
      parts(perGroup, pieceFilters) *
      shape.groups,
    scratch:
      limits.planes * planeBytes + limits.scratch(pieceImages * pieceRows * pieceColumns, pieceFilters),
  }
}
