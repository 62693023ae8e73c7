import { indexBits, unsignedBits } from '../../base/integers.ts'
import type { Plan, PlanStream } from '../plan.ts'
import { bankBits, groupsOfPlane, sharedBanks, stepState, storedTogether } from '../rotation.ts'
import { stationCounts } from '../row/counts.ts'
import { channelStepAdders, channelStepBits } from './channel-step.ts'
import { type Amounts, type ModuleCount, moduleCount } from './module-count.ts'

/** What stands around the array where a grid shares its banks: the modules of src/arch/mixed, under the names of their files, and those of the grid. */
export function sharedCounts(plan: Plan): readonly ModuleCount[] {
  return [
    rotatedBanks(plan),
    featureBank(plan),
    arrayReader(plan),
    rowRelay(plan),
    laneSkew(plan),
    arrayWriter(plan),
    inputStream(plan),
    outputStream(plan),
    moduleCount('row_grid', 1, 'control', { adders: { 'turns of channel and row': 1 } }),
    ...stationCounts(plan.grid!),
  ]
}

/** rotated-banks.ts: of each bank its lane, and its word, to read and to store. */
function rotatedBanks(plan: Plan): ModuleCount {
  const rotation = sharedBanks(plan)
  return moduleCount('rotated_banks', 1, 'control', {
    adders: { 'words of the banks': 2 * rotation.banks, 'lanes of the banks': 2 * (rotation.banks - 1) },
    registers: { 'turns of the words read': bankBits(rotation) },
  })
}

/** src/arch/feature-bank.ts. */
function featureBank(plan: Plan): ModuleCount {
  const { widths, memories } = plan
  return moduleCount('feature_bank', sharedBanks(plan).banks, 'control', {
    registers: { 'word read': widths.code },
    memoryBits: { codes: memories.bankDepth * widths.code },
  })
}

/** array-reader.ts. */
function arrayReader(plan: Plan): ModuleCount {
  const { array, widths } = plan
  const bank = bankBits(sharedBanks(plan))
  const channels = unsignedBits(array.rows)
  return moduleCount('array_reader', 1, 'control', {
    adders: { 'y + kernel y, x + kernel x': 2, 'position + offset, row + bank': 2 },
    registers: {
      'offset, next offset': 2 * widths.bankAddress,
      'kernel y and x, next ones': 4 * widths.coordinate,
      'bank and channels, next ones': 2 * (bank + channels),
      'inside the map, channels': 1 + channels,
    },
  })
}

/** array-reader.ts: one a row. */
function rowRelay({ array, tiles, modes }: Plan): ModuleCount {
  return moduleCount('row_relay', array.rows, 'control', {
    registers: {
      'active (2 stages), load, swap: by tile': 4 * tiles.length,
      ...(modes?.from === 'pass' ? { 'mode (2 stages), passed down': 3 * modes.bits } : {}),
      'position passed down': 2 + unsignedBits(array.rows) + tiles.length,
    },
  })
}

/** array-reader.ts. */
function laneSkew({ array: { rows }, widths }: Plan): ModuleCount {
  return moduleCount('lane_skew', 1, 'control', {
    registers: { 'row i, delayed by i + 1': widths.code * ((rows * (rows + 1)) / 2) },
  })
}

/** array-writer.ts. */
function arrayWriter(plan: Plan): ModuleCount {
  const { array, layers, widths, latency, merge } = plan
  const { code, bankAddress } = widths
  const { columns } = array
  const rotation = sharedBanks(plan)
  const stored = storedTogether(array)
  const lanes = Math.max(...layers.flatMap((layer) => [layer.lanes, layer.lanesLast]))
  const width = unsignedBits(Math.max(...layers.map((layer) => layer.outputShape[2] - 1)))
  return moduleCount('array_writer', 1, 'control', {
    adders: {
      'lanes - 1, left - 1': 2,
      'next channels': 1 + channelStepAdders(rotation, stored),
      'column + 1, next position, next row': 3,
      'channels + position': 1,
      ...(stepState(rotation, stored).bank ? { 'channels + row': 1 } : {}),
    },
    registers: {
      ...(merge === undefined
        ? {
            'three flags, late by the post-processing': 3 * latency.post,
            'column j, delayed by columns - 1 - j': code * ((columns * (columns - 1)) / 2),
          }
        : {}),
      'busy, lanes left': 1 + unsignedBits(lanes),
      'channels, those of the column fold': 2 * (bankAddress + channelStepBits(rotation, stored)),
      column: width,
      'position, next position': 2 * bankAddress,
      'row, next row': 2 * bankBits(rotation),
      hold: columns * code,
    },
  })
}

/** streams.ts. */
function inputStream(plan: Plan): ModuleCount {
  const walk = mapWalk(plan, plan.input)
  return moduleCount('input_stream', 1, 'control', {
    adders: { 'element + 1': 1, ...walk.adders },
    registers: { 'open, full': 2, element: indexBits(plan.input.elements), ...walk.registers },
  })
}

/** streams.ts. */
function outputStream(plan: Plan): ModuleCount {
  const walk = mapWalk(plan, plan.output)
  return moduleCount('output_stream', 1, 'control', {
    adders: { 'left - 1': 1, ...walk.adders },
    registers: { left: unsignedBits(plan.output.elements), 'valid, last': 2, ...walk.registers },
  })
}

/** streams.ts, walkMap: a loop of one value is none. */
function mapWalk(
  plan: Plan,
  { shape }: PlanStream,
): { readonly adders: Amounts; readonly registers: Amounts } {
  const rotation = sharedBanks(plan)
  const { bankAddress } = plan.widths
  const [channels, height, width] = shape
  const loops = [channels, height, width].filter((limit) => limit > 1)
  const turns = channels > rotation.group
  const planes = channels > rotation.group * groupsOfPlane(rotation)
  return {
    adders: {
      'channel, column, row: + 1': loops.length,
      'next position': 1,
      // a channel or a row alone turns the banks by itself
      ...(channels > 1 && height > 1 ? { 'row + bank': 1 } : {}),
      ...(turns ? { 'next channel': channelStepAdders(rotation, 1) } : {}),
      ...(planes ? { 'next plane, plane + position': 2 } : {}),
    },
    registers: {
      'channel, column, row': loops.reduce((sum, limit) => sum + indexBits(limit), 0),
      position: bankAddress,
      ...(turns ? { 'channel in the banks': channelStepBits(rotation, 1) } : {}),
      ...(planes ? { plane: bankAddress } : {}),
    },
  }
}
