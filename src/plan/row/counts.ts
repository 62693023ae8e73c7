import { coreModule } from '../../arith/multiplier.ts'
import { indexBits, unsignedBits } from '../../base/integers.ts'
import { type Amounts, type Holdings, type ModuleCount, moduleCount, sumOf } from '../counts/module-count.ts'
import type { LayerCount } from '../counts.ts'
import { parameterBits } from '../plan.ts'
import { coreOf } from '../tile.ts'
import { issueDelays, laneDelay } from './delays.ts'
import { inputShifts } from './layout.ts'
import type { RowLayer, RowPlan } from './plan.ts'
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

/** The modules of a row-stationary design, in closed form: each stands here under the name of its file in src/arch/row. */
export function rowCounts(plan: RowPlan, name: string): readonly ModuleCount[] {
  return [
    moduleCount(name, 1, 'datapath', {}),
    ...plan.tiles.flatMap((tile) => tileCounts(plan, tile)),
    chainEnd(plan),
    rowColumn(plan),
    drain(plan),
    rowParameters(plan),
    rowWriter(plan),
    inputLine(plan),
    featureBank(plan),
    weightLanes(plan),
    issueDelay(plan),
    rowSequencer(plan),
    rowInputStream(plan),
    rowOutputStream(plan),
  ]
}

/** An amount that only some designs have. */
const when = (present: boolean, amounts: Amounts): Amounts => (present ? amounts : {})
const some = ({ layers }: RowPlan, test: (layer: RowLayer) => boolean, amounts: Amounts): Amounts =>
  when(layers.some(test), amounts)

/** Width of a field of the program word. */
const field = (plan: RowPlan, name: string): number =>
  rowFields(plan).find((one) => one.name === name)?.width ?? 0

/** row-tile.ts, row-pe.ts: a tile with its PEs and their cores. */
function tileCounts(plan: RowPlan, tile: RowPlan['tiles'][number]): ModuleCount[] {
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
function chainEnd(plan: RowPlan): ModuleCount {
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
const columnAdders = (plan: RowPlan): Amounts => ({
  bias: 1,
  rounding: 2,
  ...averageAdders(plan),
})

const averageAdders = (plan: RowPlan): Amounts =>
  some(plan, hasAverage, {
    ...some(plan, hasWideWindow, { 'sum along the row': 1 }),
    ...some(plan, hasTallWindow, { 'sum down the columns': 1 }),
    'half of the area': 1,
  })

/** row-column.ts with src/arith/requantiser.ts: one a column. */
function rowColumn(plan: RowPlan): ModuleCount {
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
function drain(plan: RowPlan): ModuleCount {
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
function rowParameters(plan: RowPlan): ModuleCount {
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
function rowWriter(plan: RowPlan): ModuleCount {
  const { code, parameterAddress, routeAddress } = plan.widths
  const column = field(plan, 'output_columns_last')
  return moduleCount('row_writer', 1, 'control', {
    adders: {
      'column + 1': 1,
      'next filters, next channel': 2,
      'next route': 1,
      'route + channel + column': 2,
      'other blocks': plan.shifts.filter((shift) => shift !== 0).length,
      ...some(plan, hasSides, { 'sides left - 1': 1 }),
      ...some(plan, hasPieces, { 'piece + 1': 1 }),
    },
    registers: {
      busy: 1,
      'column, stored column': 2 * column,
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
function inputLine({ banks, stages, widths }: RowPlan): ModuleCount {
  return moduleCount('input_line', banks, 'control', {
    registers: { 'inside the map': 1, activations: stages * widths.code },
  })
}

/** src/arch/feature-bank.ts. */
function featureBank({ banks, widths, memories }: RowPlan): ModuleCount {
  return moduleCount('feature_bank', banks, 'control', {
    registers: { 'word read': widths.code },
    memoryBits: { codes: memories.bankDepth * widths.code },
  })
}

/** weight-lanes.ts. */
function weightLanes(plan: RowPlan): ModuleCount {
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
function issueDelay(plan: RowPlan): ModuleCount {
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
function rowSequencer(plan: RowPlan): ModuleCount {
  const parts = [phases(plan), loader(plan), weightReader(plan), streamer(plan)]
  const all = (quantity: 'adders' | 'registers' | 'memoryBits') =>
    Object.assign({}, ...parts.map((part) => part[quantity] ?? {}))
  return moduleCount('row_sequencer', 1, 'control', {
    adders: all('adders'),
    registers: all('registers'),
    memoryBits: all('memoryBits'),
  })
}

function phases(plan: RowPlan): Holdings {
  const { programWords } = plan.memories
  const word = rowProgramBits(rowFields(plan))
  const longest = Math.max(
    ...plan.layers.flatMap((l) => [l.cyclesFill, l.cyclesPartial, l.cyclesFinal, l.cyclesDrain]),
  )
  return {
    adders: { 'next layer + 1, remaining - 1': 2 },
    registers: {
      phase: 2,
      'next layer': indexBits(programWords),
      'program word, word read': 2 * word,
      'remaining cycles': unsignedBits(longest - 1),
      'pass loaded, draining, layer starts, done, first layer': 5,
    },
    memoryBits: { program: programWords * word },
  }
}

function loader(plan: RowPlan): Holdings {
  const { widths, memories } = plan
  const tiles = plan.tiles.length > 1
  const loops = ['channel_folds_last', 'filter_folds_last', 'groups_last', 'row_folds_last']
  return {
    adders: {
      'folds of channels, filters, rows, and groups: + 1': loops.length,
      ...some(plan, kernelFolded, { 'kernel fold + 1': 1 }),
      'next row fold, next word': 2,
      'rows inside of the map': 2,
      ...when(tiles, { 'pass + 1': 1 }),
    },
    registers: {
      loops: [...loops, 'kernel_folds_last'].reduce((sum, name) => sum + field(plan, name), 0),
      'addresses of row fold, group, pass': 3 * widths.bankAddress,
      'rows inside of the map': 2 * widths.line,
      'first of sum, buffer, set': 3,
      ...when(tiles, { 'pass, word read': widths.passAddress + rowPassBits(plan) }),
    },
    memoryBits: when(tiles, { passes: memories.passWords * rowPassBits(plan) }),
  }
}

function weightReader(plan: RowPlan): Holdings {
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

function streamer(plan: RowPlan): Holdings {
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
      'streamed: set, first, buffer': 3,
      ...some(plan, partial, { 'streamed: depth': widths.chain }),
      'streamed: kernel fold': field(plan, 'kernel_folds_last'),
      'streamed: tile': tiles.length > 1 ? tiles.length : 0,
    },
  }
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

/** What works for one layer: the PEs of its chains and sides in all tiles that it uses, the ends of its chains, its columns. */
export function rowLayerCount(plan: RowPlan, layer: RowLayer): LayerCount {
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
