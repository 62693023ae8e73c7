import type { ConvolutionShape } from './convolution.ts'

/** How a convolution is cut: a piece is some images, or some rows or columns of one, and some filters of one group. */
export interface Pieces {
  readonly words: Readonly<Record<string, number>>
  readonly count: number
  /** Bytes of its own memory that a thread needs. */
  readonly scratch: number
}

interface PieceSize {
  readonly positions: number
  readonly filters: number
}

/** Positions and filters that a kernel takes at most, and what its scratch memory holds. */
export interface PieceLimits {
  readonly positions: number
  readonly filters: number
  /** What a piece keeps where work is cut smaller so that every thread has some, */
  readonly least: PieceSize
  /** and so that all end at about the same time, where that is more: cutting must not cost more than it saves. */
  readonly even?: PieceSize
  /** Rows and columns that are computed together: pieces are cut between them, and scratch memory holds whole ones. */
  readonly tile: readonly [rows: number, columns: number]
  readonly planes: number
  /** Bytes of an element of a plane. */
  readonly element: number
  /** Scratch memory beside the planes. */
  readonly scratch: (positions: number, filters: number) => number
}

/** Bytes between panels of so many bytes: an odd number of cache lines (src/kernels/assembly/tile.ts). */
export const panelStepOf = (bytes: number): number => (Math.ceil(bytes / 64) | 1) * 64

const down = (value: number, unit: number) => Math.max(unit, Math.floor(value / unit) * unit)
export const up = (value: number, unit: number) => Math.ceil(value / unit) * unit

/** Pieces for each thread, so that all end at about the same time. */
const piecesOfThread = 4

export function piecesOf(
  shape: ConvolutionShape,
  limits: PieceLimits,
  images: number,
  threads: number,
): Pieces {
  if (threads === 1) return cut(shape, limits, images)
  const even = halved(shape, limits, images, threads * piecesOfThread, limits.even ?? limits.least)
  return even.count >= threads ? even : halved(shape, limits, images, threads, limits.least)
}

/** Pieces are halved until there are so many of them, or a half would be too small. Filters go first: it costs least. */
function halved(
  shape: ConvolutionShape,
  limits: PieceLimits,
  images: number,
  wanted: number,
  least: PieceSize,
): Pieces {
  const pieces = cut(shape, limits, images)
  if (pieces.count >= wanted) return pieces
  const perGroup = Math.min(limits.filters, shape.filters / shape.groups)
  const filters = up(Math.ceil(perGroup / 2), 8)
  if (filters >= least.filters && filters < perGroup)
    return halved(shape, { ...limits, filters }, images, wanted, least)
  const all = Math.min(limits.positions, images * shape.rows * shape.columns)
  const positions = Math.ceil(all / 2)
  if (positions >= least.positions) return halved(shape, { ...limits, positions }, images, wanted, least)
  return pieces
}

function cut(shape: ConvolutionShape, limits: PieceLimits, images: number): Pieces {
  const { rows, columns, kernel, stride, dilation } = shape
  const { tile, positions } = limits
  const covered = [up(rows, tile[0]), up(columns, tile[1])] as const
  const pieceImages = Math.max(1, Math.min(images, Math.floor(positions / (covered[0] * covered[1]))))
  const pieceRows = Math.min(rows, down(positions / covered[1], tile[0]))
  const pieceColumns = Math.min(columns, down(positions / up(pieceRows, tile[0]), tile[1]))
  const perGroup = shape.filters / shape.groups
  const pieceFilters = Math.min(perGroup, limits.filters)
  const planeRows = (up(pieceRows, tile[0]) - 1) * stride[0] + (kernel[0] - 1) * dilation[0] + 1
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
      limits.planes * planeBytes +
      limits.scratch(pieceImages * up(pieceRows, tile[0]) * up(pieceColumns, tile[1]), pieceFilters),
  }
}
