import { coreModule } from '../../arith/multiplier.ts'
import { indexBits, unsignedBits } from '../../base/integers.ts'
import { channelStepAdders, channelStepBits } from '../counts/channel-step.ts'
import { type Amounts, type Holdings, type ModuleCount, moduleCount, sumOf } from '../counts/module-count.ts'
import type { LayerCount } from '../counts.ts'
import { parameterBits } from '../plan.ts'
import { bankBits } from '../rotation.ts'
import { coreOf } from '../tile.ts'
import { issueDelays, laneDelay } from './delays.ts'
import type { RowEngine, RowLayer } from './plan.ts'
import { heldLanes, loadPorts, tallest, windowBits, windowHeights } from './ports.ts'
import {
  channelBits,
  hasAverage,
  hasInterval,
  hasKernelColumns,
  hasPieces,
  hasSides,
  hasTallWindow,
  hasWideWindow,
  kernelFolded,
  partial,
  routeBits,
  rowFields,
  rowPassBits,
  rowProgramBits,
} from './program.ts'

/** The modules of a grid, in closed form: each stands here under the name of its file in src/arch/row. */
export function stationCounts(plan: RowEngine): readonly ModuleCount[] {
  return [
    ...plan.tiles.flatMap((tile) => tileCounts(plan, tile)),
    chainEnd(plan),
    rowColumn(plan),
    drain(plan),
    rowParameters(plan),
    rowWriter(plan),
    inputLine(plan),
    weightLanes(plan),
    issueDelay(plan),
    rowSequencer(plan),
  ]
}

/** An amount that only some designs have. */
const when = (present: boolean, amounts: Amounts): Amounts => (present ? amounts : {})
const some = ({ layers }: RowEngine, test: (layer: RowLayer) => boolean, amounts: Amounts): Amounts =>
  when(layers.some(test), amounts)

/** Width of a field of the program word. */
const field = (plan: RowEngine, name: string): number =>
  rowFields(plan).find((one) => one.name === name)?.width ?? 0

/** row-tile.ts, row-pe.ts: a tile with its PEs and their cores. */
function tileCounts(plan: RowEngine, tile: RowEngine['tiles'][number]): ModuleCount[] {
  const multiplier = coreOf(tile)
  const pes = plan.array.rows * plan.array.columns
  const word = multiplier.domain.nB + (plan.masked ? 1 : 0)
  return [
    moduleCount(tile.name, 1, 'datapath', {}),
    moduleCount(`row_pe_${multiplier.id}`, pes, 'datapath', {
      cores: { multiplier: 1 },
      adders: { 'partial sum': 1 },
      registers: {
        'two filter rows': 2 * plan.kernelWidth * word,
        weight: word,
        sum: plan.widths.accumulator,
      },
    }),
    moduleCount(coreModule(multiplier), pes, 'datapath', {}),
  ]
}

/** chain-end.ts. */
function chainEnd(plan: RowEngine): ModuleCount {
  const { accumulator } = plan.widths
  return moduleCount('chain_end', plan.exits * plan.array.columns, 'datapath', {
    adders: { accumulator: 1 },
    registers: {
      'words read': 2 * accumulator,
      ...some(plan, hasKernelColumns, { 'running sum': accumulator }),
    },
    memoryBits: { sums: 2 * plan.memories.accumulatorDepth * accumulator },
  })
}

/** Adders of a column, by what they do. */
const columnAdders = (plan: RowEngine): Amounts => ({
  bias: 1,
  rounding: 2,
  ...averageAdders(plan),
})

const averageAdders = (plan: RowEngine): Amounts =>
  some(plan, hasAverage, {
    ...some(plan, hasWideWindow, { 'sum along the row': 1 }),
    ...some(plan, hasTallWindow, { 'sum down the columns': 1 }),
    'half of the area': 1,
  })

/** row-column.ts with src/arith/requantiser.ts: one a column. */
function rowColumn(plan: RowEngine): ModuleCount {
  const { code, accumulator } = plan.widths
  return moduleCount('row_column', plan.array.columns, 'datapath', {
    multiplications: { requantiser: 1 },
    adders: columnAdders(plan),
    registers: {
      'parameters, next ones': 2 * parameterBits,
      total: accumulator,
      'biased, scaled': 33 + 50,
      'requantised code': code,
      'along the row, down the columns': 2 * windowBits(plan),
      'waiting for the columns before': (tallest(plan) - 1) * windowBits(plan),
    },
  })
}

/** drain.ts. */
function drain(plan: RowEngine): ModuleCount {
  const bits = (name: string) => field(plan, name)
  return moduleCount('drain', 1, 'control', {
    adders: {
      'slot left - 1, chain + 1, column + 1': 3,
      ...some(plan, hasInterval, { 'until due - 1': 1 }),
      ...some(plan, hasPieces, { 'piece + 1': 1 }),
      ...some(plan, hasWideWindow, { 'window x + 1': 1 }),
    },
    registers: {
      'active, reading, buffer': 3,
      'slot left': bits('slot_last'),
      chain: bits('chains_last'),
      column: bits('columns_last'),
      'chain, buffer of the word read': bits('chains_last') + 1,
      ...some(plan, hasInterval, { 'until due': bits('interval_last') }),
      ...some(plan, hasPieces, { piece: bits('pieces_last') }),
      ...some(plan, hasWideWindow, { 'window x, first of a window (5 stages)': bits('window_x_last') + 5 }),
      'sums on their way (5 stages), new parameters (3)': 8,
      'window ends (6 stages), down the window': 6 + Math.max(...windowHeights(plan)),
    },
  })
}

/** row-parameters.ts. */
function rowParameters(plan: RowEngine): ModuleCount {
  const { parameterAddress, side } = plan.widths
  return moduleCount('row_parameters', 1, 'control', {
    adders: { 'left - 1, address + 1': 2, ...some(plan, hasSides, { 'side + 1': 1 }) },
    registers: {
      left: field(plan, 'sides'),
      address: parameterAddress,
      'word read, valid': parameterBits + 1,
      ...some(plan, hasSides, { 'side, of the word read': 2 * side }),
    },
    memoryBits: { parameters: plan.memories.parameterWords * parameterBits },
  })
}

/** row-writer.ts. */
function rowWriter(plan: RowEngine): ModuleCount {
  const { code, parameterAddress, routeAddress } = plan.widths
  const column = field(plan, 'output_columns_last')
  return moduleCount('row_writer', 1, 'control', {
    adders: {
      'column + 1': 1,
      'next filters, next channel': 2,
      'next route': 1,
      'route + channel + column': 2,
      ...when(plan.rotation !== undefined, { 'words to the next column': 1 }),
      'other blocks': plan.shifts.filter((shift) => shift !== 0).length,
      ...some(plan, hasSides, { 'sides left - 1': 1 }),
      ...some(plan, hasPieces, { 'piece + 1': 1 }),
    },
    registers: {
      busy: 1,
      ...(plan.rotation === undefined
        ? { 'column, stored column': 2 * column }
        : { column, 'words to the column, to the stored one': 2 * plan.widths.bankAddress }),
      ...some(plan, hasSides, { 'sides left': field(plan, 'sides_last') }),
      ...some(plan, hasPieces, { piece: field(plan, 'pieces_last') }),
      'first channel, next channel': 2 * parameterAddress,
      'first route, route': 2 * routeAddress,
      'words read': channelBits(plan) + routeBits(plan),
      hold: heldLanes(plan) * code,
    },
    memoryBits: {
      channels: plan.memories.parameterWords * channelBits(plan),
      routes: plan.memories.routeWords * routeBits(plan),
    },
  })
}

/** input-line.ts: one a bank. */
function inputLine({ banks, stages, widths }: RowEngine): ModuleCount {
  return moduleCount('input_line', banks, 'control', {
    registers: { 'inside the map': 1, activations: stages * widths.code },
  })
}

/** weight-lanes.ts. */
function weightLanes(plan: RowEngine): ModuleCount {
  const { rows } = plan.array
  const { weightWords, weightBits, ownerBits } = plan.memories
  const lane = weightBits + ownerBits
  const delays = Array.from({ length: rows }, (_, row) => laneDelay(plan, row))
  return moduleCount('weight_lanes', 1, 'control', {
    registers: {
      'word read': rows * lane,
      'rows, delayed by their places in the chains': lane * delays.reduce((sum, delay) => sum + delay, 0),
      'what loads, delayed with them': (1 + Math.max(...delays)) * (1 + sumOf(loadPorts(plan))),
    },
    memoryBits: { weights: weightWords * rows * lane },
  })
}

/** issue-delay.ts. */
function issueDelay(plan: RowEngine): ModuleCount {
  return moduleCount('issue_delay', 1, 'control', {
    registers: {
      'products on their way': issueDelays(plan).reduce(
        (sum, { ports, last }) => sum + last * sumOf(ports),
        0,
      ),
    },
  })
}

/** sequencer.ts with loader.ts, streamer.ts and program-memory.ts. */
function rowSequencer(plan: RowEngine): ModuleCount {
  const parts = [phases(plan), loader(plan), weightReader(plan), streamer(plan)]
  const all = (quantity: 'adders' | 'registers' | 'memoryBits') =>
    Object.assign({}, ...parts.map((part) => part[quantity] ?? {}))
  return moduleCount('row_sequencer', 1, 'control', {
    adders: all('adders'),
    registers: all('registers'),
    memoryBits: all('memoryBits'),
  })
}

function phases(plan: RowEngine): Holdings {
  const { programWords } = plan.memories
  const word = rowProgramBits(rowFields(plan))
  const longest = Math.max(
    ...plan.layers.flatMap((l) => [l.cyclesFill, l.cyclesPartial, l.cyclesFinal, l.cyclesDrain]),
  )
  return {
    adders: { 'next layer + 1, remaining - 1': 2 },
    registers: {
      ...(plan.rotation === undefined ? { phase: 2, 'done, first layer': 2 } : { busy: 1 }),
      'next layer': indexBits(programWords),
      'program word, word read': 2 * word,
      'remaining cycles': unsignedBits(longest - 1),
      'pass loaded, draining, layer starts': 3,
    },
    memoryBits: { program: programWords * word },
  }
}

function loader(plan: RowEngine): Holdings {
  const { widths, memories } = plan
  const tiles = plan.tiles.length > 1
  const loops = ['channel_folds_last', 'filter_folds_last', 'groups_last', 'row_folds_last']
  return {
    adders: {
      'folds of channels, filters, rows, and groups: + 1': loops.length,
      ...some(plan, kernelFolded, { 'kernel fold + 1': 1 }),
      'next row fold, next word': 2,
      ...channelAdders(plan),
      'rows inside of the map': 2,
      ...when(tiles, { 'pass + 1': 1 }),
    },
    registers: {
      loops: [...loops, 'kernel_folds_last'].reduce((sum, name) => sum + field(plan, name), 0),
      'addresses of row fold, group, pass': 3 * widths.bankAddress,
      ...channelRegisters(plan),
      'rows inside of the map': 2 * widths.line,
      'first of sum, buffer, set': 3,
      ...when(tiles, { 'pass, word read': widths.passAddress + rowPassBits(plan) }),
    },
    memoryBits: when(tiles, { passes: memories.passWords * rowPassBits(plan) }),
  }
}

/** In shared banks a channel turns them, and so does a row fold. */
const channelAdders = ({ rotation }: RowEngine): Amounts =>
  rotation === undefined
    ? {}
    : { 'channel + 1': channelStepAdders(rotation, 1), 'row fold turns, and the channel': 2 }

const channelRegisters = ({ rotation }: RowEngine): Amounts =>
  rotation === undefined
    ? {}
    : {
        'channels of group, pass': 2 * channelStepBits(rotation, 1),
        'turns of the row fold': bankBits(rotation),
      }

function weightReader(plan: RowEngine): Holdings {
  const { weightAddress } = plan.widths
  const tiles = plan.tiles.length > 1
  return {
    adders: {
      'weight word + 1': 1,
      ...some(plan, hasKernelColumns, { 'loading: kernel x + 1': 1 }),
      ...some(plan, hasSides, { 'loading: side + 1': 1 }),
    },
    registers: {
      loading: 1,
      'loading: kernel x, side': field(plan, 'kernel_x_last') + field(plan, 'sides_last'),
      'weight word': weightAddress,
      ...when(tiles, { 'first weight word': weightAddress }),
    },
  }
}

function streamer(plan: RowEngine): Holdings {
  const { widths, tiles } = plan
  return {
    adders: {
      'column + 1, address, x': 3,
      ...some(plan, hasKernelColumns, { 'kernel x + 1': 1 }),
    },
    registers: {
      'issuing, last pass of its sums, sums finished': 3,
      column: field(plan, 'columns_last'),
      'kernel x': field(plan, 'kernel_x_last'),
      'address, x': widths.bankAddress + widths.coordinate,
      'streamed: rows inside of the map': 2 * widths.line,
      ...(plan.rotation === undefined ? {} : { 'streamed: turns': bankBits(plan.rotation) }),
      'streamed: set, first, buffer': 3,
      ...some(plan, partial, { 'streamed: depth': widths.chain }),
      'streamed: kernel fold': field(plan, 'kernel_folds_last'),
      'streamed: tile': tiles.length > 1 ? tiles.length : 0,
    },
  }
}

/** What works for one layer: the PEs of its chains and sides in all tiles that it uses, the ends of its chains, its columns. */
export function rowLayerCount(plan: RowEngine, layer: RowLayer): LayerCount {
  const columns = layer.sides * layer.columns
  const tiles = new Set(layer.passes.flat()).size
  const cores = tiles * layer.chains * layer.chain * columns
  const post = 3 + (layer.average ? sumOf(averageAdders(plan)) : 0)
  return {
    name: layer.name,
    cores,
    multiplications: columns,
    adders: cores + (layer.chains + post) * columns,
  }
}
