import { divideUp } from '../../base/integers.ts'
import type { Size } from '../array.ts'
import type { FusedLayer } from '../fuse.ts'
import { durations, strideOf } from '../row/layers.ts'
import { rowShape } from '../row/make.ts'
import type { RowMapping, RowShape } from '../row/mapping.ts'

/** What the mapper must know of a layer whose input map lies in shared banks. */
export interface SharedShape extends Omit<RowShape, 'most'> {
  readonly stride: number
  /** Pooling window. */
  readonly window: readonly [height: number, width: number]
  /** Lines that can be read at once: the banks. */
  readonly lines: number
}

/** What `mapSharedRows` must know of a layer. */
export const sharedShape = (layer: FusedLayer, lines: number): SharedShape => ({
  ...rowShape(layer),
  stride: strideOf(layer)[0],
  window: layer.pool?.window ?? [1, 1],
  lines,
})

/** Rows of the input that so many output rows need. */
export const linesOf = (
  { kernel, positions, stride }: Pick<SharedShape, 'kernel' | 'positions' | 'stride'>,
  rows: number,
) => (Math.min(rows, positions[0]) - 1) * stride + kernel[0]

/**
 * How a layer lies on a grid whose lines are neighbouring rows of one channel: chains of one channel, and as many output rows as the lines allow. Of all
 * widths and numbers of pieces the one that takes the fewest cycles, drain and weights included; of equals the one with the fewest chains, then the one with the fewest lines. Undefined where
 * not even one row of windows finds its lines.
 */
export function mapSharedRows({ rows, columns }: Size, shape: SharedShape): RowMapping | undefined {
  const [kernelHeight, kernelWidth] = shape.kernel
  const [outputRows, outputColumns] = shape.positions
  const chainKernel = Math.min(kernelHeight, rows)
  const kernelFolds = divideUp(kernelHeight, rows)
  const sets = Math.max(1, Math.floor(rows / kernelHeight))
  const choices: (RowMapping & { readonly lines: number; readonly cycles: number })[] = []
  // the rows that are stored side by side find a bank each, too
  const widest = Math.min(columns, outputRows, shape.lines * shape.multiple)
  for (let width = shape.multiple; width <= widest; width += shape.multiple) {
    const folds = divideUp(outputRows, width)
    for (let pieces = 1; pieces <= Math.min(sets, folds); pieces++) {
      const lines = linesOf(shape, pieces * width)
      if (lines > shape.lines) break
      const replicas = Math.floor(columns / width)
      const filters = Math.min(Math.floor(sets / pieces) * replicas, shape.filters)
      const filterSets = divideUp(filters, replicas)
      const rowFolds = divideUp(folds, pieces)
      const filterFolds = divideUp(shape.filters, filters)
      const passes = shape.channels * filterFolds * shape.groups * rowFolds * kernelFolds
      const mapping = {
        chainKernel,
        kernelFolds,
        columns: width,
        pieces,
        rowFolds,
        sides: divideUp(filters, filterSets),
        filterSets,
        channels: 1,
        filters,
        channelFolds: shape.channels,
        filterFolds,
        closedForm: passes * kernelWidth * outputColumns,
      }
      choices.push({ ...mapping, lines, cycles: cyclesOf(shape, mapping) })
    }
  }
  if (choices.length === 0) return undefined
  const {
    lines: _lines,
    cycles: _cycles,
    ...best
  } = choices.reduce((a, b) => {
    const order =
      a.cycles - b.cycles || a.filterSets * a.pieces - b.filterSets * b.pieces || a.lines - b.lines
    return order <= 0 ? a : b
  })
  return best
}

/** Cycles of a layer whose passes run on one tile each. */
function cyclesOf({ positions, kernel, window, groups }: SharedShape, mapping: RowMapping): number {
  const { channelFolds, kernelFolds, filterFolds, rowFolds, sides } = mapping
  const { cyclesFill, cyclesPartial, cyclesFinal, cyclesDrain } = durations({
    positions,
    kernel,
    window,
    sides,
    chains: mapping.filterSets * mapping.pieces,
    chain: mapping.chainKernel,
    loadWords: sides * kernel[1],
    passes: [[0]],
    channelFolds,
    kernelFolds,
  })
  const partial = (channelFolds * kernelFolds - 1) * cyclesPartial
  return cyclesFill + rowFolds * groups * filterFolds * (partial + cyclesFinal) + cyclesDrain
}
