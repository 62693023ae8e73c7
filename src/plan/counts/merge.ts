import { unsignedBits } from '../../base/integers.ts'
import { meanBy, mergeBits, scaledBits } from '../merge.ts'
import { operandLanes, type Plan } from '../plan.ts'
import { type ModuleCount, moduleCount } from './module-count.ts'

/** Adders of a merge column, by what they do: of an addition and its rounding, and of a mean. */
export const mergeAdders = { addition: 1, rounding: 2, 'average pooling': 2 } as const

/** Multiplications of a merge column: two codes are scaled; a mean is a product with a reciprocal where areas are no powers of two. */
export const mergeMultiplications = { scaling: 2, mean: 1 } as const

/** src/arch/merge-column.ts: one a column. */
export function mergeColumn(plan: Plan): ModuleCount {
  const { code } = plan.widths
  const { sets } = plan.merge!
  const means = meanBy(plan)
  const { addition, rounding, 'average pooling': average } = mergeAdders
  const operands = sets === 2
  return moduleCount('merge_column', plan.array.columns, 'datapath', {
    multiplications: {
      ...(operands ? { scaling: mergeMultiplications.scaling } : {}),
      ...(means === 'reciprocal' ? { mean: mergeMultiplications.mean } : {}),
    },
    adders: {
      ...(operands ? { addition, rounding } : {}),
      ...(means === undefined ? {} : { 'average pooling': average }),
    },
    registers: {
      ...(operands ? { operand: code, scaled: 2 * scaledBits } : { code: code + 1 }),
      merged: code + 1,
      window: mergeBits(plan).window,
      pooled: code,
    },
  })
}

/** src/arch/merge-control.ts. */
export function mergeControl(plan: Plan): ModuleCount {
  const { array, widths, layers, merge } = plan
  const columns = unsignedBits(array.columns)
  const reads = merge!.sets === 2
  // window first and last, begin map, last column fold; columns
  const arrival = 4 + columns
  const operand = reads ? 4 : 0
  // the flags that each register behind the last word's cycle still has: columns 3, window first (and left out) 4, three of them 6
  const pipeline = 6 * 3 + 4 * (reads ? 2 : 1) + 3 * columns
  const lanes = unsignedBits(
    Math.max(
      ...layers.flatMap((layer) => [operandLanes(layer, 0), operandLanes(layer, layer.columnFolds - 1)]),
    ),
  )
  return moduleCount('merge_control', 1, 'control', {
    adders: reads ? { 'words - 1, left - 1, word + 1': 3, 'next position, next fold, next word': 3 } : {},
    registers: {
      'arrived, valid': 1 + 6 + (reads ? 0 : 1),
      position: arrival + operand,
      held: arrival + (reads ? 1 : 0),
      'flags behind': pipeline,
      ...(reads
        ? {
            'reading, words left, word index, its delay': 1 + 3 * lanes,
            'fold, position, word': 3 * widths.bankAddress,
            'word read, inside': 2,
          }
        : {}),
    },
  })
}

/** src/arch/column-aligner.ts. */
export function columnAligner({ array: { columns }, widths }: Plan): ModuleCount {
  return moduleCount('column_aligner', 1, 'control', {
    registers: { 'column j, delayed by columns - 1 - j': widths.code * ((columns * (columns - 1)) / 2) },
  })
}
