import { countedNumbers } from '../../testbench/count-comparison.ts'
import type { YosysChoice } from '../../testbench/counts.ts'
import { netlistTally } from '../../testbench/netlist-counts.ts'
import { yosysTally } from '../../testbench/yosys-counts.ts'
import { reuseTile } from '../arch/reuse-tile.ts'
import { stationaryTile } from '../arch/stationary-tile.ts'
import { parseMultiplier } from '../arith/registry.ts'
import { usageError } from '../base/errors.ts'
import { writeFileAtomically } from '../base/files.ts'
import { signedBits } from '../base/integers.ts'
import type { Progress } from '../base/progress.ts'
import type { Module } from '../hdl/module.ts'
import { memoryImages, printVerilog } from '../hdl/verilog.ts'
import type { Conv2d, Network } from '../net/network.ts'
import { asMap, type LayerShape, layerShapes } from '../net/shapes.ts'
import { type ModuleCount, sumOf } from '../plan/counts/module-count.ts'
import { reuseTileCounts, rowTileCounts, stationaryTileCounts } from '../plan/counts/reuse-tile.ts'
import { momentSpec } from '../plan/moments.ts'
import {
  type ReuseTileSpec,
  type StationaryTileSpec,
  sharedClasses,
  tileSumBits,
} from '../plan/reuse-tile.ts'
import { momentsOf } from '../quant/curve.ts'
import type { CurveChoice } from '../quant/curve-layer.ts'
import { linksOf } from '../quant/links.ts'
import type { QuantOptions } from '../quant/options.ts'
import type { QGraph } from '../quant/qgraph.ts'
import { csvOf } from '../report/plot.ts'
import { openYosys } from '../tools/yosys.ts'
import { type Configuration, quantOptionsOf } from './configuration.ts'
import { choiceOf } from './curves.ts'

export const dataflows = ['weight-stationary', 'row-stationary', 'reuse'] as const
export type Dataflow = (typeof dataflows)[number]

export interface DataflowOptions {
  readonly designs: readonly Dataflow[]
  /** Filters and channels that work side by side, as far as a layer has so many. */
  readonly filters: number
  readonly channels: number
  /** Coefficients of the layers: filters with equal ones share their products, where a tile holds a whole layer. */
  readonly shared?: QGraph
  readonly yosys: YosysChoice
  readonly signal: AbortSignal
  readonly progress: Progress
}

/** What a tile is made of. */
export interface TileAmounts {
  readonly multipliers: number
  readonly adders: number
  readonly registers: number
  readonly memoryBits: number
}

export interface DataflowLayer extends TileAmounts {
  readonly name: string
  readonly filters: number
  readonly channels: number
}

export interface DataflowDesign extends TileAmounts {
  readonly dataflow: Dataflow
  /** `netlist`, or `plan` where the numbers are the closed form alone. */
  readonly counted: 'netlist' | 'plan'
  readonly layers: readonly DataflowLayer[]
}

/** Shares of the row-stationary tile that reuse saves. */
export interface Saved {
  readonly adders: number
  readonly multipliers: number
  readonly both: number
}

/** What `xgen counts --compare --json` prints. */
export interface DataflowReport {
  readonly net: string
  readonly curve: 'linear' | 'quadratic'
  readonly group: string | number
  readonly bits: number
  /** The ways of counting agree. */
  readonly pass: boolean
  /** Numbers that plan, netlist and Yosys were compared in, and how many differ. */
  readonly compared: number
  readonly mismatches: number
  readonly yosys: string | null
  readonly designs: readonly DataflowDesign[]
  readonly saved: { readonly layers: readonly (Saved & { readonly name: string })[]; readonly total: Saved }
  /** The total for other numbers of parallel filters. */
  readonly byFilters: readonly (Saved & { readonly filters: number })[]
}

/** A convolution with a curve, as tiles of all dataflows that give one position of the same filters a cycle. */
interface TileSet {
  readonly name: string
  readonly reuse: ReuseTileSpec
  readonly plain: StationaryTileSpec
}

/**
 * Adders and multipliers of three dataflows at equal throughput: for each convolution whose weights can be curves, tiles that give one position of
 * the same filters and channels in each cycle. Needs no weights.
 */
export async function compareDataflows(
  configuration: Configuration,
  network: Network,
  options: DataflowOptions,
): Promise<DataflowReport> {
  const { weights } = configuration
  const curve = weights.curve === 'none' ? 'linear' : weights.curve
  const chosen = { weights: { ...weights, curve } } as const
  const layers = convolutions(configuration, network).flatMap((shaped) => {
    const choice = choiceOf(chosen, shaped)
    return choice === undefined ? [] : [{ shaped, choice }]
  })
  if (layers.length === 0)
    throw usageError(`no convolution of "${network.name}" has groups that a ${curve} curve can replace`, {
      where: 'weights.group',
      hint: 'Kernels need more taps than the curve has coefficients: 2 (linear) or 3 (quadratic).',
    })
  if (options.shared?.nodes.every((node) => node.kind !== 'conv' || node.curve === undefined))
    throw usageError('no layer has coefficients that could be shared', {
      where: '--share-products',
      hint: 'Give the layers curves: --set weights.curve=linear.',
    })
  const setsOf = (filters: number) =>
    layers.map(({ shaped, choice }) =>
      sharing(tileSet(configuration, network, shaped, choice, filters, options.channels), options.shared),
    )
  const sets = setsOf(options.filters)
  const check = await countTiles(sets, options)
  const totals = (tiles: readonly TileSet[]) =>
    savedBy(sumUp(tiles.map(amountsOf('row-stationary'))), sumUp(tiles.map(amountsOf('reuse'))))
  const steps = [1, 2, 4, 8, 16, 32, 64]
  return {
    net: network.name,
    curve,
    group: weights.group,
    bits: weights.bits,
    ...check,
    designs: options.designs.map((dataflow) => designOf(dataflow, sets)),
    saved: {
      layers: sets.map((set) => ({
        name: set.name,
        ...savedBy(amountsOf('row-stationary')(set), amountsOf('reuse')(set)),
      })),
      total: totals(sets),
    },
    byFilters: steps.map((filters) => ({ filters, ...totals(setsOf(filters)) })),
  }
}

function convolutions(configuration: Configuration, network: Network): readonly LayerShape[] {
  return layerShapes(network).filter(
    ({ layer }) => layer.kind === 'conv2d' && configuration.weights.layers[layer.name]?.curve !== 'none',
  )
}

/** Whether what a layer reads is stored signed. */
function isSigned(network: Network, layer: string, { unsigned }: QuantOptions): boolean {
  const { links } = linksOf(network)
  const input = links.find((link) => link.layer.name === layer)!.inputs[0]!
  return !(unsigned && (links.find((link) => link.layer.name === input)?.nonNegative ?? true))
}

function tileSet(
  configuration: Configuration,
  network: Network,
  shaped: LayerShape,
  { degree, length, bits }: CurveChoice,
  mostFilters: number,
  mostChannels: number,
): TileSet {
  const layer = shaped.layer as Conv2d
  const quant = quantOptionsOf(configuration)
  const [height, width] = layer.kernel
  const taps = height * width
  if (length > taps)
    throw usageError(`layer "${layer.name}": groups of several kernels have no tile to compare`, {
      where: 'weights.group',
      hint: 'Choose weights.group: kernel or row.',
    })
  const map = asMap(shaped.input)
  const allChannels = map[0] / layer.groups
  const channels = Math.min(mostChannels, allChannels)
  const filters = Math.min(mostFilters, layer.filters / layer.groups)
  const [, outHeight, outWidth] = asMap(shaped.output)
  const signed = isSigned(network, layer.name, quant)
  const spec = configuration.multipliers['default'] ?? 'exact'
  const { orders } = momentsOf(degree, length, quant.activationBits, signed)
  const multipliers = orders.map((order) =>
    parseMultiplier(spec, { nA: order.bits, signedA: signed, nB: bits, signedB: true }),
  )
  const plain = parseMultiplier(spec, {
    nA: quant.activationBits,
    signedA: signed,
    nB: quant.weightBits,
    signedB: true,
  })
  const rows = length / width
  const lineWidth = map[2] + layer.padding[1] + layer.padding[3]
  const common = { channels, filters, positions: outHeight * outWidth }
  const least = plain.productRange[0] * taps * allChannels
  const most = plain.productRange[1] * taps * allChannels
  return {
    name: layer.name,
    reuse: {
      ...common,
      moments: momentSpec(
        { rows, columns: width, codeBits: quant.activationBits, signed },
        orders,
        lineWidth,
      ),
      groups: height / rows,
      multipliers,
      accumulatorBits: tileSumBits(multipliers, orders, allChannels * (height / rows)),
    },
    plain: {
      ...common,
      taps,
      kernelColumns: width,
      multiplier: plain,
      accumulatorBits: signedBits(Math.min(0, least), most),
    },
  }
}

/** The same tiles with shared products, where all coefficients of the layer stay in the tile: then it is known which are equal. */
function sharing(set: TileSet, graph: QGraph | undefined): TileSet {
  const node = graph?.nodes.find(({ name }) => name === set.name)
  if (node?.kind !== 'conv' || node.curve === undefined) return set
  const { coefficients } = node.curve
  const { channels, groups, filters, multipliers } = set.reuse
  const [rows, orders] = [channels * groups, multipliers.length]
  if (coefficients.length !== filters * rows * orders) return set
  const shared = sharedClasses(rows, filters, (row, filter) => [
    ...coefficients.subarray((filter * rows + row) * orders, (filter * rows + row + 1) * orders),
  ])
  return { ...set, reuse: { ...set.reuse, shared } }
}

const countsOf: Readonly<Record<Dataflow, (set: TileSet) => readonly ModuleCount[]>> = {
  'weight-stationary': ({ plain }) => stationaryTileCounts(plain),
  'row-stationary': ({ plain }) => rowTileCounts(plain),
  reuse: ({ reuse }) => reuseTileCounts(reuse),
}

/** Modules that are generated here; those of the row-stationary grid are counted in its designs. */
const moduleOf: Readonly<Record<Dataflow, ((set: TileSet) => Module) | undefined>> = {
  'weight-stationary': ({ plain }) => stationaryTile(plain),
  'row-stationary': undefined,
  reuse: ({ reuse }) => reuseTile(reuse),
}

/** Amounts by the closed form, which the netlist and Yosys are compared with. */
const amountsOf =
  (dataflow: Dataflow) =>
  (set: TileSet): TileAmounts => {
    const total = (of: (count: ModuleCount) => number) =>
      countsOf[dataflow](set).reduce((sum, count) => sum + count.instances * of(count), 0)
    return {
      multipliers: total(({ cores }) => sumOf(cores)),
      adders: total(({ adders }) => sumOf(adders)),
      registers: total(({ registers }) => sumOf(registers)),
      memoryBits: total(({ memoryBits }) => sumOf(memoryBits)),
    }
  }

function designOf(dataflow: Dataflow, sets: readonly TileSet[]): DataflowDesign {
  const layers = sets.map((set) => ({
    name: set.name,
    filters: set.plain.filters,
    channels: set.plain.channels,
    ...amountsOf(dataflow)(set),
  }))
  const counted = moduleOf[dataflow] === undefined ? 'plan' : 'netlist'
  return { dataflow, counted, ...sumUp(layers), layers }
}

function sumUp(amounts: readonly TileAmounts[]): TileAmounts {
  const total = (key: keyof TileAmounts) => amounts.reduce((sum, amount) => sum + amount[key], 0)
  return {
    multipliers: total('multipliers'),
    adders: total('adders'),
    registers: total('registers'),
    memoryBits: total('memoryBits'),
  }
}

function savedBy(row: TileAmounts, reuse: TileAmounts): Saved {
  return {
    adders: 1 - reuse.adders / row.adders,
    multipliers: 1 - reuse.multipliers / row.multipliers,
    both: 1 - (reuse.adders + reuse.multipliers) / (row.adders + row.multipliers),
  }
}

/** Generates the tiles, writes nothing, and compares what plan, netlist and Yosys count in them. */
async function countTiles(
  sets: readonly TileSet[],
  { designs, yosys, signal, progress }: DataflowOptions,
): Promise<Pick<DataflowReport, 'pass' | 'compared' | 'mismatches' | 'yosys'>> {
  // layers of one shape have one tile
  const jobs = designs.flatMap((dataflow) => {
    const build = moduleOf[dataflow]
    if (build === undefined) return []
    const distinct = new Map(sets.map((set) => [JSON.stringify(countsOf[dataflow](set)), set]))
    return [...distinct.values()].map((set) => ({ set, dataflow, build }))
  })
  const engine =
    yosys.kind === 'none' ? undefined : openYosys(yosys.kind === 'program' ? yosys.path : undefined)
  let [compared, mismatches] = [0, 0]
  let version: string | null = null
  progress.step('count tiles', jobs.length)
  for (const [index, { set, dataflow, build }] of jobs.entries()) {
    signal.throwIfAborted()
    const top = build(set)
    const printed = { top: top.name, verilog: printVerilog(top, []), memories: memoryImages(top) }
    const other = engine === undefined ? undefined : await yosysTally(engine, printed, signal)
    version = other?.version ?? null
    const numbers = countedNumbers({
      plan: countsOf[dataflow](set),
      netlist: netlistTally(top),
      yosys: other?.tally,
    })
    compared += numbers.length
    mismatches += numbers.filter(
      ({ plan, netlist, yosys: third }) => plan !== netlist || (third !== null && third !== netlist),
    ).length
    progress.update(index + 1)
  }
  progress.done(`${jobs.length} tiles`)
  return { pass: mismatches === 0 && compared > 0, compared, mismatches, yosys: version }
}

/** One row a layer and design, and one for each total. */
export function writeDataflowCsv(file: string, { designs }: DataflowReport): void {
  const columns = [
    'design',
    'layer',
    'filters',
    'channels',
    'multipliers',
    'adders',
    'registers',
    'memoryBits',
  ] as const
  const rows = designs.flatMap((design) => [
    ...design.layers.map((layer) => ({ design: design.dataflow, layer: layer.name, ...layer })),
    { design: design.dataflow, layer: 'total', filters: '', channels: '', ...design },
  ])
  writeFileAtomically(file, csvOf(columns, rows))
}
