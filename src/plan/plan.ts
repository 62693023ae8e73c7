import type { ArraySpec } from './array.ts'
import type { MapKind } from './lower.ts'
import type { MomentSpec } from './moments.ts'
import type { RowEngine } from './row/plan.ts'

/**
 * THE contract between the generator (src/arch) and the cycle model (sim): how a network runs on an array, as plain data.
 * Both read it; neither computes a bound again. docs/weight-stationary.md tells the story that these numbers drive.
 */
export interface Plan {
  readonly format: 'xgen-plan-1'
  readonly network: string
  /** Without `tiles`, whose sizes stand with the tiles. */
  readonly array: ArraySpec
  readonly tiles: readonly Tile[]
  readonly layers: readonly PlanLayer[]
  readonly input: PlanStream
  readonly output: PlanStream
  readonly memories: Memories
  readonly widths: Widths
  readonly latency: Latency
  /**
   * Products of one weight word belong to different tiles: each weight then has its tile beside it in the weight memory, and a PE whose
   * weight belongs to another tile adds 0.
   */
  readonly masked: boolean
  /** Present where some tile has modes. */
  readonly modes?: Modes
  /** Some pass has several tiles: the bottom sums of the tiles are added (otherwise OR-ed: a tile without work gives 0). */
  readonly sideBySide: boolean
  /** Products of some weights belong to no tile: those of channels that are not of their filter's group, where a multiplier is wrong at zero. */
  readonly unowned?: true
  /** Present where codes meet other codes, or windows of any size, before they are stored. */
  readonly merge?: PlanMerge
  /** Present where some layer's weights are curves: a moment unit and a moment bank a row. */
  readonly moments?: PlanMoments
  /** The grid that runs some of the layers, beside the array and on the same banks (docs/mixed.md). */
  readonly grid?: RowEngine
  /** The layer at whose start the input map has been read, or the number of layers; absent where it is the second one. */
  readonly inputUntil?: number
  /** Distinct bank moduli that the writer must route, ascending. */
  readonly moduli: readonly number[]
  /** Weights can be loaded at run time: accumulators hold the sums of any weights, and the weight and parameter memories can be written. */
  readonly reload: boolean
  /** SHA-256 of the weight and parameter images. */
  readonly contents: string
  /** SHA-256 of all that the hardware is made from: two designs with equal ones take each other's weights. */
  readonly structure: string
  /** SHA-256 of all other fields: stands in every file made from the plan. */
  readonly hash: string
}

/** A grid of PEs that all have one multiplier, or one multiplier core with run-time modes. */
export interface Tile {
  readonly name: string
  /** Spec (see src/arith/registry.ts) of the multiplier; of a tile with modes those of all of them, for people. */
  readonly multiplier: string
  readonly domain: string
  /** Present where its PEs multiply moments with coefficients: the operands of each order, and how many places up its products count. */
  readonly orders?: readonly { readonly domain: string; readonly shift: number }[]
  /** Specs by mode number; absent where the tile has one multiplier. */
  readonly modes?: readonly string[]
  /** Present where it has fewer than the array (src/plan/size.ts). */
  readonly rows?: number
  readonly columns?: number
}

/** The moment units of a row, one for each shape of curve, and the bank that keeps what they have computed for the layer that reads it. */
export interface PlanMoments {
  readonly units: readonly MomentSpec[]
  /** Words of a bank: a word has the operands of all orders. */
  readonly depth: number
}

/** How a layer without products fills the moment banks: its positions are the pixels of the padded map, line by line. */
export interface MomentFill {
  /** The unit at work. */
  readonly unit: number
  /** The last pixel of a line. */
  readonly lastColumn: number
  /** Steps between windows that are kept; the first one ends at the pixel that makes it whole. */
  readonly stride: readonly [vertical: number, horizontal: number]
  /** Words of a position: one a row fold. */
  readonly words: number
  /** Of groups of several kernels, the one whose pixels these are; else 0. */
  readonly kernel: number
  /** Row folds whose words have moments of kernels behind this one, which its own are added to. */
  readonly begun: number
}

/** The map reader and the merge columns behind the accumulator columns. */
export interface PlanMerge {
  /** Sets of feature-map banks: with two, the feeders read one and the map reader the other. With one there is nothing that the map reader reads. */
  readonly sets: 1 | 2
  /** Moduli of the maps that the map reader reads, ascending. */
  readonly moduli: readonly number[]
  /** Averages are products with a reciprocal of so many bits, shifted right by `shift`; absent where no area needs one: a power of two is shifted by `poolShift`. */
  readonly reciprocal?: { readonly bits: number; readonly shift: number }
}

/** How the PEs of tiles with modes learn their mode. */
export interface Modes {
  /** Width of a mode number. */
  readonly bits: number
  /**
   * `pass`: the program says it with each pass, and it travels with the activations. `weight`: weights of one column fold have several
   * modes, so each has its own beside it, which stays in the PE as long as the weight does.
   */
  readonly from: 'pass' | 'weight'
}

/** The input or output feature map as the host moves it: elements in the order y, x, channel (channel fastest). */
export interface PlanStream {
  readonly shape: readonly [channels: number, height: number, width: number]
  readonly elements: number
  readonly bits: number
  readonly signed: boolean
  readonly scale: number
  /** First word in the banks. */
  readonly base: number
  /** The sets of banks that hold it, as bits; absent where there is one. */
  readonly sets?: number
  /** Bank modulus d: channel n lies in the banks i with i = n (mod d), at word base + pixel * ceil(channels/d) + floor(n/d). */
  readonly modulus: number
}

/**
 * One pass over the network's layer: a GEMM of M positions x K taps x N filters, cut into column folds (as many filters as the layer has
 * columns) and, inside each, row folds (as many taps as it has rows). Tap k = (ky * kw + kx) * channels + channel.
 */
export interface PlanLayer {
  readonly name: string
  /** Tiles by column fold and pass: each pass runs all row folds of its column fold on its tiles, and adds to the same sums. */
  readonly passes: readonly (readonly (readonly number[])[])[]
  /** Mode of each pass; present where modes come with the pass (0 on tiles without modes). */
  readonly modes?: readonly (readonly number[])[]
  /** Rows and columns of the folds, present where they are fewer than the array's: those of the smallest of its tiles, or as many columns as hold whole groups. */
  readonly rows?: number
  readonly columns?: number
  /** Cycles that the layer's first weights wait, so that they do not overtake the layer before, which begins at a higher row; absent where 0. */
  readonly loadDelay?: number
  /** Filter at each column position (position = column fold * columns + column); absent where it is the position itself. */
  readonly order?: readonly number[]
  /** Present where the layer has no products: it reads a map and writes another one (src/plan/lower.ts). It has no taps and no tiles. */
  readonly does?: MapKind | 'grid'
  /** The grid's layer for which the array waits: it `does` that. */
  readonly grid?: number
  /** Present where the banks are shared with a grid: its steps in them, where `increments` and `start` are in words of them, too. */
  readonly rotated?: LayerRotation
  /** Present where the products are 1 * x: the array carries a map to the sums, for an addition that no convolution of the network ends in. */
  readonly passed?: true
  /** Present where the layer has no products but fills the moment banks for the next one. */
  readonly fills?: MomentFill
  /** Present where the layer's taps are moments: its rows read the moment banks, which this unit has filled. */
  readonly readsMoments?: number
  /** Present where the plan has `merge`. */
  readonly merge?: LayerMerge
  /** Present where a column fold's filters see only some of the map's channels: those of their groups. */
  readonly groups?: ChannelGroups
  /** Input channels as taps count them: the map's, and after them `filler` that do not exist and have weight 0 (src/plan/banking.ts); those that a column fold sees. */
  readonly channels: number
  readonly filler: number
  readonly kernel: readonly [height: number, width: number]
  readonly stride: readonly [vertical: number, horizontal: number]
  readonly padding: readonly [top: number, left: number]
  /** Stored input map. */
  readonly inputSize: readonly [height: number, width: number]
  /** Pooling window [1, 1] where there is none. */
  readonly window: readonly [height: number, width: number]
  readonly average: boolean
  /** Output map after pooling: [filters, height, width]. */
  readonly outputShape: readonly [channels: number, height: number, width: number]
  readonly outputSigned: boolean
  /** Multiply-accumulates of the layer as defined by the network. */
  readonly macs: number

  /** M: positions that are streamed, in the order (pool row, pool column, window row, window column). */
  readonly positions: number
  /** K. */
  readonly taps: number
  /** N. */
  readonly filters: number
  readonly rowFolds: number
  readonly columnFolds: number
  readonly columnsLast: number
  /** Cycles between positions in the fold that finishes a full column fold, and the last one: the writer needs them. 1 in other folds. */
  readonly interval: number
  readonly intervalLast: number
  /** Steps' shortest durations: a row fold that is not the last; the last; the last one of the layer (drain included). */
  readonly cyclesPartial: number
  readonly cyclesFinal: number
  readonly cyclesLast: number

  /** Banks: where the input and output maps begin, their moduli, and words a pixel (= channels / modulus). */
  readonly inputBase: number
  readonly inputModulus: number
  readonly inputWords: number
  /** Words of a bank from a tap to the next where they are not neighbours. */
  readonly tapStep?: number
  /** Words of a pixel that the taps read; present where it has more. */
  readonly tapWords?: number
  readonly outputBase: number
  readonly outputModulus: number
  readonly outputWords: number
  /** Words that the writer stores for one position of a full column fold, and of the last one. */
  readonly lanes: number
  readonly lanesLast: number

  /** Address, y and x of the first position, and their increments when loop `level` steps. 0: window x, 1: window y, 2: pool x, 3: pool y. */
  readonly start: Point
  readonly increments: readonly [Point, Point, Point, Point]
  /** Added to a row's offset when its kernel row steps (otherwise an offset grows by 1 each `inputModulus` taps). */
  readonly offsetCarry: number

  /** Codes are clamped to these, before pooling. */
  readonly low: number
  readonly high: number
  /** An average is (sum + 2^(poolShift-1)) >> poolShift, where the plan has no reciprocal. */
  readonly poolShift: number
  /** First word of the layer in the weight memory and in the parameter memory. */
  readonly weightBase: number
  readonly parameterBase: number
  /** Bits that the layer's partial sums need, proven from its weights. */
  readonly accumulatorBits: number
  /** Cycles from the first activation entering the array to the last accumulator write. */
  readonly cycles: number
}

/** How a layer steps through maps in banks that are shared (src/plan/rotation.ts); words run down the columns of a map. */
export interface LayerRotation {
  /** Words from a plane of the input map to the next, and from the last plane of a pixel to the first one of the pixel beside it. */
  readonly plane: number
  readonly pixelCarry: number
  /** Channels of the last group: rows beyond it rest. */
  readonly channelsLast: number
  /** Of the output map: words from a plane to the next, from a column to the next, and from the last column of a row to the first one of the next row. */
  readonly output: { readonly plane: number; readonly column: number; readonly row: number }
}

/** The channels that column folds see: a window that moves up by `words` words of the banks every `folds` column folds. */
export interface ChannelGroups {
  readonly count: number
  /** Channels of one group: products that each filter needs at a kernel position. */
  readonly channels: number
  readonly words: number
  readonly folds: number
}

/**
 * What happens to the codes of a layer before they are stored: y = clamp(floor((code * multipliers[0] + operand * multipliers[1] + 2^(shift-1)) / 2^shift),
 * low, high), then pooling. Without an operand, y is the code; without products, the code counts as 0.
 */
export interface LayerMerge {
  /** Whether the array's codes are signed. */
  readonly codeSigned: boolean
  readonly operand?: Operand
  readonly multipliers: readonly [code: number, operand: number]
  readonly shift: number
  readonly low: number
  readonly high: number
  /** The set of banks that the feeders read; the map reader reads the other one. */
  readonly readSet: number
  /** The sets that the result is stored in, as bits. */
  readonly storeSets: number
  /** An average is ((sum + offset) * reciprocal >> the plan's shift) - 128; 0 where the layer has none, or the plan no reciprocal. */
  readonly reciprocal: number
  readonly offset: number
}

/** The map that a layer reads beside its products, or instead of them: one vector of channels a position. */
export interface Operand {
  readonly signed: boolean
  readonly modulus: number
  /** Word of the first position of the first column fold, and what is added when loop `level` steps (as `increments`). */
  readonly start: number
  readonly increments: readonly [number, number, number, number]
  /** Words of one position: of a full column fold, and of the last one. */
  readonly lanes: number
  readonly lanesLast: number
}

/** A bank address (words, signed here, taken modulo the address width) with the map coordinates that it stands for. */
export interface Point {
  readonly address: number
  readonly y: number
  readonly x: number
}

export interface Memories {
  /** One bank a row, 8 bits wide; each holds only channels that its row reads, so no two rows ever read one bank. */
  readonly bankDepth: number
  /** Words of columns x weightBits. */
  readonly weightWords: number
  readonly weightBits: number
  /** Bits beside each weight that name its tile and mode (src/plan/tile.ts), as far as they are mixed; 0 where no layer is. */
  readonly ownerBits: number
  /** One word a layer, at least 2. */
  readonly programWords: number
  /** One word a pass of a column fold, where there are several tiles, or modes by pass: {last pass, mode, tiles}. Else 0. */
  readonly passWords: number
  /** One word a filter: {shift, multiplier, bias}. */
  readonly parameterWords: number
  /** Per column; 32-bit words or narrower. */
  readonly accumulatorDepth: number
  /** Bits by memory, and in all. */
  readonly bits: {
    readonly banks: number
    readonly weights: number
    readonly parameters: number
    readonly accumulators: number
    readonly program: number
    readonly total: number
  }
}

export interface Widths {
  /** Codes in banks and on the activation buses. */
  readonly code: 8
  readonly accumulator: number
  readonly bankAddress: number
  readonly accumulatorAddress: number
  readonly coordinate: number
  readonly weightAddress: number
  readonly parameterAddress: number
}

/** Cycles between stations of the pipeline (docs/weight-stationary.md), for a layer that has all rows. */
export interface Latency {
  /** A position's issue to its activation at PE (0, 0). */
  readonly feeder: 2
  /** A position's issue to column 0's accumulator: rows + 2. */
  readonly accumulator: number
  /** Accumulator to pooled code; to the code, where it is merged and pooled later. */
  readonly post: 4 | 5
  /** A position's issue to the output vector: rows + columns + 6, and 3 more where codes are merged (and more where a map is read word by word: `operandLanes` - 1). */
  readonly aligned: number
}

/** Words that the map reader takes for a vector of a column fold. */
export function operandLanes({ merge, columnFolds }: PlanLayer, columnFold: number): number {
  if (merge?.operand === undefined) return 1
  return columnFold === columnFolds - 1 ? merge.operand.lanesLast : merge.operand.lanes
}

/** Parameter word: {shift[5:0], multiplier[15:0], bias[31:0]}. */
export const parameterBits = 54

/** The filter whose products column position `position` sums. */
export const filterAt = (layer: PlanLayer, position: number): number => layer.order?.[position] ?? position

/** Tiles that a layer runs on, ascending. */
export const tilesOfLayer = (layer: {
  readonly passes: readonly (readonly (number | readonly number[])[])[]
}): readonly number[] => [...new Set(layer.passes.flat(2))].sort((a, b) => a - b)
