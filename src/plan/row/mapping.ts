import { divideUp } from '../../base/integers.ts'
import type { Size } from '../array.ts'

/** What the mapper must know of a layer; rows and columns of positions are those that are computed, before pooling. */
export interface RowShape {
  readonly kernel: readonly [height: number, width: number]
  /** Rows and columns of positions. */
  readonly positions: readonly [rows: number, columns: number]
  /** Input channels and filters of one group. */
  readonly channels: number
  readonly filters: number
  readonly groups: number
  /** Output rows that one piece of the map may have: a multiple of it stands side by side in the columns. */
  readonly multiple: number
  /** At most so many output rows side by side. */
  readonly most: number
}

/**
 * How a layer lies on the array (docs/row-stationary.md). A chain is `channels * chainKernel` PEs of a column, through which partial sums go
 * down; the array holds `filterSets * pieces` chains one above the other, and `sides` groups of columns side by side.
 */
export interface RowMapping {
  /** Kernel rows of a chain for each channel, and the passes that a higher kernel needs. */
  readonly chainKernel: number
  readonly kernelFolds: number
  /** Output rows of a piece: columns of one side. */
  readonly columns: number
  /** Pieces of the map, one above the other, and how often all of them move on. */
  readonly pieces: number
  readonly rowFolds: number
  /** Groups of columns with filters of their own. */
  readonly sides: number
  /** Filters whose chains stand one above the other, on each side. */
  readonly filterSets: number
  /** Channels of a chain, and filters, that are at work at the same time. */
  readonly channels: number
  readonly filters: number
  readonly channelFolds: number
  readonly filterFolds: number
  /** Cycles of the layer by the closed form: its products alone, one a PE and cycle. */
  readonly closedForm: number
}

/**
 * The mapping of Eyeriss in closed form, as nn_dataflow counts it: of all `a` that divide the sets of kernel rows, the one with the fewest passes. Of
 * equals the one with the fewest chains, since each has an adder and a memory at its end, then the one with the fewest lines.
 * Where `multiple` does not divide the array's columns, a piece has fewer.
 */
export function mapRows({ rows, columns }: Size, shape: RowShape): RowMapping {
  const [kernelHeight, kernelWidth] = shape.kernel
  const [outputRows, outputColumns] = shape.positions
  const widest = Math.min(columns - (columns % shape.multiple), shape.most)
  const chainKernel = Math.min(kernelHeight, rows)
  const kernelFolds = divideUp(kernelHeight, rows)
  const sets = Math.max(1, Math.floor(rows / kernelHeight))
  const folds = divideUp(outputRows, widest)
  const replicas = Math.max(1, Math.floor(widest / outputRows))
  const pieces = Math.min(sets, folds)
  const rowFolds = divideUp(folds, pieces)
  const left = Math.floor(sets / pieces)

  const choices = divisors(left).map((a) => {
    const channels = Math.min(a, shape.channels)
    const filters = Math.min((left / a) * replicas, shape.filters)
    const filterSets = divideUp(filters, replicas)
    return {
      channels,
      filters,
      filterSets,
      sides: divideUp(filters, filterSets),
      channelFolds: divideUp(shape.channels, channels),
      filterFolds: divideUp(shape.filters, filters),
    }
  })
  const passes = (choice: (typeof choices)[number]) => choice.channelFolds * choice.filterFolds
  const best = choices.reduce((a, b) => {
    const order = passes(a) - passes(b) || a.filterSets - b.filterSets || a.channels - b.channels
    return order <= 0 ? a : b
  })
  return {
    ...best,
    chainKernel,
    kernelFolds,
    columns: folds === 1 ? outputRows : widest,
    pieces,
    rowFolds,
    closedForm: passes(best) * shape.groups * rowFolds * kernelFolds * kernelWidth * outputColumns,
  }
}

const divisors = (n: number): readonly number[] =>
  Array.from({ length: n }, (_, i) => i + 1).filter((a) => n % a === 0)
