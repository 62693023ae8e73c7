import { unsignedBits } from '../../base/integers.ts'
import { type Plan, parameterBits } from '../plan.ts'
import { type ModuleCount, moduleCount } from './module-count.ts'

/** Bits of the control that travels along the columns with each position: 8 flags (and 4 for the map reader), the position's index, and how many columns work. */
const controlBits = ({ array, widths, merge }: Plan) =>
  8 + (merge?.sets === 2 ? 4 : 0) + widths.accumulatorAddress + unsignedBits(array.columns)

/** Adders of an accumulator column, by what they do. Those of an average work only in layers that pool by it. */
export const columnAdders = { accumulator: 1, bias: 1, rounding: 2, 'average pooling': 2 } as const

/** src/arch/accumulator-column.ts with src/arith/requantiser.ts: one a column. */
export function accumulatorColumn(plan: Plan): ModuleCount {
  const { code, accumulator } = plan.widths
  const windowBits = code + 1 + Math.max(...plan.layers.map((layer) => layer.poolShift))
  const pools = plan.merge === undefined
  return moduleCount('accumulator_column', plan.array.columns, 'datapath', {
    multiplications: { requantiser: 1 },
    adders: pools ? columnAdders : { ...columnAdders, 'average pooling': 0 },
    registers: {
      control: controlBits(plan),
      'partial sum read': accumulator,
      total: accumulator,
      parameters: parameterBits,
      'biased, scaled': 33 + 50,
      'requantised code': code,
      ...(pools ? { 'window flags and ready, 4 stages': 3 * 4, window: windowBits, pooled: code } : {}),
    },
    memoryBits: { 'partial sums': plan.memories.accumulatorDepth * accumulator },
  })
}

/** src/arch/control-delay.ts: the control follows the sums down the rows. */
export function controlDelay(plan: Plan): ModuleCount {
  const stages = plan.latency.accumulator - 1
  return moduleCount('control_delay', 1, 'control', { registers: { control: stages * controlBits(plan) } })
}

/** src/arch/parameter-memory.ts. */
export function parameterMemory({ array, widths, memories }: Plan): ModuleCount {
  return moduleCount('parameter_memory', 1, 'control', {
    adders: { 'columns - 1, left - 1': 2, 'address + 1': 1 },
    registers: {
      left: unsignedBits(array.columns),
      address: widths.parameterAddress,
      'word read': parameterBits,
    },
    memoryBits: { parameters: memories.parameterWords * parameterBits },
  })
}

/** src/arch/output-writer.ts. */
export function outputWriter({ array: { columns }, layers, widths, latency, merge }: Plan): ModuleCount {
  const { code, bankAddress } = widths
  const lanes = Math.max(...layers.flatMap((layer) => [layer.lanes, layer.lanesLast]))
  return moduleCount('output_writer', 1, 'control', {
    adders: { 'lanes - 1, left - 1': 2, 'next map, next position, next word': 3 },
    registers: {
      ...(merge === undefined
        ? {
            'three flags, late by the post-processing': 3 * latency.post,
            'column j, delayed by columns - 1 - j': code * ((columns * (columns - 1)) / 2),
          }
        : {}),
      'busy, lanes left': 1 + unsignedBits(lanes),
      'map, position, word': 3 * bankAddress,
      hold: columns * code,
    },
  })
}
