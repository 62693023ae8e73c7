import type { ArraySpec } from '../array.ts'
import type { PlanStream, Tile } from '../plan.ts'
import type { RotatedMap, Rotation } from '../rotation.ts'
import type { RowMapping } from './mapping.ts'

/**
 * How a network runs on a row-stationary grid, as plain data: the contract between the generator (src/arch/row) and the cycle model (sim/row).
 * docs/row-stationary.md tells the story that these numbers drive.
 */
export interface RowPlan extends RowEngine {
  readonly format: 'xgen-row-plan-1'
  readonly network: string
  readonly input: RowStream
  readonly output: RowStream
  readonly contents: string
  readonly structure: string
  readonly hash: string
}

/** The grid alone, and the layers that run on it: all of a network's, or those of an accelerator that has a systolic array beside it (docs/mixed.md). */
export interface RowEngine {
  readonly array: ArraySpec
  readonly tiles: readonly Tile[]
  readonly layers: readonly RowLayer[]
  readonly memories: RowMemories
  readonly widths: RowWidths
  /** Chains that a column may hold: each has an accumulator at its end. */
  readonly exits: number
  /** Words of a PE's weight registers: the widest kernel. */
  readonly kernelWidth: number
  /** Input lines, and as many feature-map banks, unless they are shared. */
  readonly banks: number
  /** Registers of an input line: the rows of the highest chain of one channel. */
  readonly stages: number
  /** How many blocks a stored row may lie behind that of its vector's first row: in the next one, or in an earlier one of a line further down that holds it again. */
  readonly shifts: readonly number[]
  /** How the writer's lanes lie in the banks, one for each way that occurs. */
  readonly patterns: readonly StorePattern[]
  /** Where the rows of each piece are stored, in the order of layer, row fold, piece. */
  readonly routes: readonly Route[]
  /** Where each filter's channel is stored, in the order in which filters are finished; fillers for filters that do not exist. */
  readonly channels: readonly ChannelPlace[]
  /** Products of one weight word belong to different tiles: each weight has its tile beside it. */
  readonly masked: boolean
  /** Weights can be loaded at run time. */
  readonly reload: boolean
  /** Present where the banks are shared with a systolic array. */
  readonly rotation?: Rotation
}

/** The input or output feature map as the host moves it, in the order y, x, channel, and where it lies. */
export interface RowStream extends Omit<PlanStream, 'base' | 'modulus'> {
  readonly layout: MapLayout
}

/**
 * Where a feature map lies. Row y, counted from the top of the padding, is row i of block b for each i + b * period = y with i < lines. Channel n of
 * a group is channel q = n mod channels of word w = floor(n / channels), counted on from group to group. Bank q * lines + i holds
 * its code of column x at base + (w * blocks + b) * width + x. Where it is rotated, lines and blocks say what is read, and src/plan/rotation.ts where codes lie.
 */
export interface MapLayout {
  readonly base: number
  readonly channels: number
  readonly groupChannels: number
  readonly words: number
  readonly lines: number
  readonly period: number
  readonly blocks: number
  /** Rows of padding above the map. */
  readonly top: number
  readonly height: number
  readonly width: number
  /** Present where the banks are shared with a systolic array. */
  readonly rotated?: RotatedMap
}

export interface RowLayer extends RowMapping {
  readonly name: string
  /** Layers of equal number have equal taps, chains and sides: the grid's wires are chosen by it. */
  readonly geometry: number
  /** Tiles by group and filter fold: a pass on each of them, one after another. */
  readonly passes: readonly (readonly number[])[]
  readonly kernel: readonly [height: number, width: number]
  readonly stride: readonly [vertical: number, horizontal: number]
  readonly padding: readonly [top: number, left: number]
  readonly groups: number
  /** Channels and filters of a group. */
  readonly groupChannels: number
  readonly groupFilters: number
  /** Pooling window; [1, 1] where there is none. */
  readonly window: readonly [height: number, width: number]
  readonly average: boolean
  readonly poolShift: number
  /** Rows and columns of positions that are computed, before pooling. */
  readonly positions: readonly [rows: number, columns: number]
  /** Output map after pooling. */
  readonly outputShape: readonly [channels: number, height: number, width: number]
  readonly outputSigned: boolean
  readonly macs: number
  /** Codes are clamped to these, before pooling. */
  readonly low: number
  readonly high: number
  readonly accumulatorBits: number
  /** Of its input map. */
  readonly layout: MapLayout
  /** PEs of a chain. */
  readonly chain: number
  /** Chains of a column. */
  readonly chains: number
  /** PEs of a chain that have work in the last channel fold, or in the last kernel fold where a kernel has several. */
  readonly chainLast: number
  /** First word of the layer in the weight memory; words of a pass. */
  readonly weightBase: number
  readonly loadWords: number
  /** First word of the layer in parameters and channels; words of a row fold. */
  readonly parameterBase: number
  readonly parameterWords: number
  /** First route, and first pass word. */
  readonly routeBase: number
  readonly passBase: number
  /** Output rows of a piece that are stored: columns / window height. */
  readonly lanes: number

  /** Cycles of the step that loads the first pass. */
  readonly cyclesFill: number
  /** Of a step that streams a pass, of one that finishes sums, and of the last one, which only drains. */
  readonly cyclesPartial: number
  readonly cyclesFinal: number
  readonly cyclesDrain: number
  /** Where the map that it writes lies. */
  readonly output: MapLayout
  /** Cycles between the sums that a column drains, and of all those of one chain. */
  readonly interval: number
  readonly slot: number
  /** From the first activation entering the grid to the last accumulator write. */
  readonly cycles: number
}

/** The bank that a lane of the writer goes to, in one pattern: channel q, lane and shift by bank; undefined where none does. */
export type StorePattern = readonly (BankSource | null)[]

export interface BankSource {
  readonly channel: number
  readonly lane: number
  /** Index into `shifts`. */
  readonly shift: number
}

export interface Route {
  readonly pattern: number
  /** Lanes that hold rows of the map. */
  readonly rows: number
  /** base + block * width of the block that the first row lies in. */
  readonly address: number
  /** By shift: whether that block exists. */
  readonly enabled: readonly boolean[]
}

export interface ChannelPlace {
  readonly exists: boolean
  /** Channel q of the map's layout, and word * blocks * width. */
  readonly channel: number
  readonly address: number
}

export interface RowMemories {
  readonly bankDepth: number
  readonly weightWords: number
  readonly weightBits: number
  readonly ownerBits: number
  readonly programWords: number
  readonly passWords: number
  readonly routeWords: number
  readonly parameterWords: number
  /** Of each of the two memories at the end of a chain. */
  readonly accumulatorDepth: number
  readonly bits: {
    readonly banks: number
    readonly weights: number
    readonly parameters: number
    readonly accumulators: number
    readonly program: number
    readonly total: number
  }
}

export interface RowWidths {
  readonly code: 8
  readonly accumulator: number
  readonly bankAddress: number
  readonly accumulatorAddress: number
  /** Signed map columns. */
  readonly coordinate: number
  readonly weightAddress: number
  readonly parameterAddress: number
  readonly routeAddress: number
  readonly passAddress: number
  /** Index of a kernel column, of a kernel fold, of a side, of a row of a chain + 1. */
  readonly kernelColumn: number
  readonly kernelFold: number
  readonly side: number
  readonly chain: number
  /** Rows of padding and map that a line's index is compared with. */
  readonly line: number
  readonly exit: number
  readonly lane: number
  readonly channel: number
  readonly pattern: number
}

/** Cycles between stations of the pipeline (docs/row-stationary.md). */
export const rowLatency = {
  /** A step of the schedule to its activation in stage 0 of a line. */
  line: 2,
  /** Reading a sum to its code: the sum, bias, scale, round, pool. */
  code: 6,
} as const

/** Row of its chain, and chain, of a row of the grid; undefined below the last chain. */
export function chainPlace(
  layer: RowLayer,
  row: number,
): { readonly chain: number; readonly row: number } | undefined {
  const chain = Math.floor(row / layer.chain)
  return chain < layer.chains ? { chain, row: row % layer.chain } : undefined
}

/** Side of a column, and its output row of the side; undefined where it has no work. */
export function columnPlace(
  layer: RowLayer,
  column: number,
): { readonly side: number; readonly row: number } | undefined {
  const side = Math.floor(column / layer.columns)
  return side < layer.sides ? { side, row: column % layer.columns } : undefined
}

/** The register of an input line whose activation a PE multiplies. */
export interface Tap {
  readonly line: number
  readonly stage: number
}

/** The tap of PE (row, column) in kernel fold `fold`; undefined where it has no work. */
export function tapOf(layer: RowLayer, row: number, column: number, fold: number): Tap | undefined {
  const place = chainPlace(layer, row)
  const side = columnPlace(layer, column)
  if (place === undefined || side === undefined) return undefined
  const piece = place.chain % layer.pieces
  const channel = Math.floor(place.row / layer.chainKernel)
  const stage = place.row % layer.chainKernel
  const outputRow = piece * layer.columns + side.row
  const line = outputRow * layer.stride[0] + stage + fold * layer.chainKernel
  // the last fold of a high kernel may have fewer rows: those below have no work, and the last line stands for theirs
  return { line: channel * layer.layout.lines + Math.min(line, layer.layout.lines - 1), stage }
}

/** Cycles that the lines of a bank wait, so that a channel's first row stands at its place in the chain. */
export const bankDelay = (layer: RowLayer, bank: number): number =>
  Math.floor(bank / layer.layout.lines) * layer.chainKernel

/** Whether a bank holds rows of the layer's input. */
export const bankUsed = (layer: RowLayer, bank: number): boolean =>
  bank < layer.layout.channels * layer.layout.lines
