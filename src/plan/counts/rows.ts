import { unsignedBits } from '../../base/integers.ts'
import { operandBits } from '../moments.ts'
import type { Plan } from '../plan.ts'
import { type ModuleCount, moduleCount } from './module-count.ts'

/** src/arch/row-feeder.ts: one a row. */
export function rowFeeder({ array, tiles, widths, modes, moments }: Plan): ModuleCount {
  const { code, bankAddress, coordinate } = widths
  return moduleCount('row_feeder', array.rows, 'control', {
    adders: { 'y + kernel y, x + kernel x': 2, 'position + offset': 1 },
    registers: {
      'offset, next offset': 2 * bankAddress,
      'kernel y and x, next ones': 4 * coordinate,
      'inside the map': 1,
      activation: code,
      ...(moments === undefined
        ? {}
        : { 'moments, inside their map': operandBits(moments).reduce((sum, bits) => sum + bits) + 1 }),
      'active (2 stages), load, swap: by tile': 4 * tiles.length,
      ...(modes?.from === 'pass' ? { 'mode (2 stages), passed down': 3 * modes.bits } : {}),
      'position passed down': 2 + bankAddress + 2 * coordinate + unsignedBits(array.rows) + tiles.length,
    },
  })
}

/** src/arch/feature-bank.ts: one a row in each set. */
export function featureBank({ array, widths, memories, merge }: Plan): ModuleCount {
  return moduleCount('feature_bank', array.rows * (merge?.sets ?? 1), 'control', {
    registers: { 'word read': widths.code },
    memoryBits: { codes: memories.bankDepth * widths.code },
  })
}

/** src/arch/weight-memory.ts. */
export function weightMemory({ array: { columns }, memories }: Plan): ModuleCount {
  const { weightWords, weightBits, ownerBits } = memories
  const lane = weightBits + ownerBits
  return moduleCount('weight_memory', 1, 'control', {
    registers: {
      'word read': columns * lane,
      'column j, delayed by j': lane * ((columns * (columns - 1)) / 2),
    },
    memoryBits: { weights: weightWords * columns * lane },
  })
}
