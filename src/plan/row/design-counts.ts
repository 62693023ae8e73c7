import { indexBits, unsignedBits } from '../../base/integers.ts'
import { type Amounts, type ModuleCount, moduleCount } from '../counts/module-count.ts'
import { stationCounts } from './counts.ts'
import { inputShifts } from './layout.ts'
import type { RowPlan } from './plan.ts'

/** The modules of a row-stationary design, in closed form: those of the grid, and what stands around it. */
export function rowCounts(plan: RowPlan, name: string): readonly ModuleCount[] {
  return [
    moduleCount(name, 1, 'datapath', {}),
    ...stationCounts(plan),
    featureBank(plan),
    rowInputStream(plan),
    rowOutputStream(plan),
  ]
}

const when = (present: boolean, amounts: Amounts): Amounts => (present ? amounts : {})

/** src/arch/feature-bank.ts. */
function featureBank({ banks, widths, memories }: RowPlan): ModuleCount {
  return moduleCount('feature_bank', banks, 'control', {
    registers: { 'word read': widths.code },
    memoryBits: { codes: memories.bankDepth * widths.code },
  })
}

/** A counter that is a constant where it has one value only. */
const counterBits = (limit: number) => (limit === 1 ? 0 : indexBits(limit))
const counters = (...limits: number[]) => limits.filter((limit) => limit > 1).length

/** streams.ts. */
function rowInputStream({ input, widths }: RowPlan): ModuleCount {
  const { layout, shape, elements } = input
  const whole = layout.groupChannels % layout.channels === 0
  const limits = [shape[0], layout.channels, layout.width, ...(whole ? [] : [layout.groupChannels])]
  const blockBits = unsignedBits(Math.floor((layout.top + layout.height - 1) / layout.period))
  const words = layout.words > 1
  return moduleCount('input_stream', 1, 'control', {
    adders: {
      'element + 1': 1,
      'channel, lane, column: + 1': counters(...limits),
      ...when(words, { 'next word': 1 }),
      'row, block, next block': 3,
      'block + word + column': counters(layout.words, layout.width),
      'other blocks': inputShifts({ input }).filter((shift) => shift !== 0).length,
    },
    registers: {
      'open, full': 2,
      element: indexBits(elements),
      'channel, lane, column': limits.reduce((sum, limit) => sum + counterBits(limit), 0),
      ...when(words, { word: widths.bankAddress }),
      row: indexBits(layout.period),
      block: blockBits,
      'block address': widths.bankAddress,
    },
  })
}

/** streams.ts. */
function rowOutputStream({ output, widths }: RowPlan): ModuleCount {
  const { layout, shape, elements } = output
  const limits = [shape[0], shape[2], layout.period]
  const channels = shape[0] > 1
  return moduleCount('output_stream', 1, 'control', {
    adders: {
      'left - 1': 1,
      'channel, column, row: + 1': counters(...limits),
      ...when(channels, { 'next channel': 1 }),
      'next block': 1,
      'block + channel + column': counters(shape[0], shape[2]),
    },
    registers: {
      left: unsignedBits(elements),
      'valid, last': 2,
      'channel, column, row': limits.reduce((sum, limit) => sum + counterBits(limit), 0),
      ...when(channels, { 'channel address': widths.bankAddress }),
      'block address': widths.bankAddress,
      'row read': counterBits(layout.period),
    },
  })
}
