import { operandRange } from '../arith/domain.ts'
import { renderTemplate } from '../base/templates.ts'
import {
  type AnyPlan,
  enginesOf,
  type HostStream,
  inferenceCycles,
  isRowPlan,
  overlappedCycles,
  runCycles,
} from '../plan/any-plan.ts'
import { type InterfaceName, topName } from '../plan/names.ts'
import { type Plan, type PlanLayer, parameterBits, type Tile, tilesOfLayer } from '../plan/plan.ts'
import { passBits, programBits, programFields } from '../plan/program.ts'
import { sharedBanks } from '../plan/rotation.ts'
import type { RowEngine, RowLayer } from '../plan/row/plan.ts'
import {
  channelBits,
  memoryFile,
  routeBits,
  rowFields,
  rowPassBits,
  rowProgramBits,
} from '../plan/row/program.ts'
import { tileSize } from '../plan/size.ts'
import { weightWordBits } from '../plan/words.ts'
import { axiFields } from './axi-ports.ts'

/** ports.md: what an integrator needs to know of one accelerator. */
export function portsPage(
  plan: AnyPlan,
  interfaceName: InterfaceName,
  packet: Uint32Array | undefined,
): string {
  const { array, memories } = plan
  return renderTemplate('ports.md.hbs', {
    ...(interfaceName === 'axi' ? { axi: axiFields(plan, packet) } : {}),
    top: topName(plan.network),
    network: plan.network,
    hash: plan.hash,
    rows: array.rows,
    columns: array.columns,
    tiles: enginesOf(plan).flatMap(({ tiles }) => tiles),
    input: streamFields(plan.input, 0.5),
    output: streamFields(plan.output, 0.5),
    memories: memoriesOf(plan).map(([name, words, width]) => ({ name, words, width, bits: words * width })),
    totalBits: memories.bits.total,
    layers: plan.layers.map((layer) => ({
      name: layer.name,
      tile: tilesNote(plan, layer) || 'none: it moves a map',
      cycles: layer.cycles,
    })),
    layerCycles: plan.layers.reduce((sum, layer) => sum + layer.cycles, 0),
    runCycles: runCycles(plan),
    totalCycles: inferenceCycles(plan),
    overlappedCycles: overlappedCycles(plan),
  })
}

/** The tiles that a layer runs on: the grid's, where the array waits for it. */
function tilesNote(plan: AnyPlan, layer: PlanLayer | RowLayer): string {
  if ('grid' in layer && layer.grid !== undefined && !isRowPlan(plan))
    return tilesNoteOf(plan.grid!, plan.grid!.layers[layer.grid]!)
  return tilesNoteOf(plan, layer)
}

const tilesNoteOf = (engine: Plan | RowEngine, layer: PlanLayer | RowLayer): string =>
  tilesOfLayer(layer)
    .map((tile) => engine.tiles[tile]!)
    .map((tile) => `${tile.name} (${sizeNote(engine, tile)}${tile.multiplier})`)
    .join(', ')

function memoriesOf(plan: AnyPlan): readonly MemoryRow[] {
  if (isRowPlan(plan)) return [banksRow(plan.banks, plan), ...rowMemories(plan)]
  const { merge, array, grid } = plan
  if (grid === undefined) return [banksRow(array.rows * (merge?.sets ?? 1), plan), ...systolicMemories(plan)]
  return [banksRow(sharedBanks(plan).banks, plan), ...systolicMemories(plan), ...rowMemories(grid)]
}

const banksRow = (banks: number, { memories, widths }: AnyPlan): MemoryRow => [
  `feature banks (${banks} of them)`,
  memories.bankDepth * banks,
  widths.code,
]

type MemoryRow = readonly [name: string, words: number, width: number]

function systolicMemories(plan: Plan): readonly MemoryRow[] {
  const { array, memories, widths } = plan
  return [
    ['weights.hex', memories.weightWords, weightWordBits(plan)],
    ['parameters.hex', memories.parameterWords, parameterBits],
    [
      `accumulators (${array.columns} of them)`,
      memories.accumulatorDepth * array.columns,
      widths.accumulator,
    ],
    ['program.hex', memories.programWords, programBits(programFields(plan))],
    ...(memories.passWords > 0 ? [['passes.hex', memories.passWords, passBits(plan)] as const] : []),
  ]
}

function rowMemories(plan: RowEngine): readonly MemoryRow[] {
  const { array, memories, widths, exits } = plan
  const ends = 2 * exits * array.columns
  return [
    [memoryFile(plan, 'weights'), memories.weightWords, weightWordBits(plan)],
    [memoryFile(plan, 'parameters'), memories.parameterWords, parameterBits],
    [
      `${plan.rotation === undefined ? '' : 'grid: '}accumulators (${ends} of them)`,
      memories.accumulatorDepth * ends,
      widths.accumulator,
    ],
    [memoryFile(plan, 'program'), memories.programWords, rowProgramBits(rowFields(plan))],
    [memoryFile(plan, 'routes'), memories.routeWords, routeBits(plan)],
    [memoryFile(plan, 'channels'), memories.parameterWords, channelBits(plan)],
    ...(memories.passWords > 0
      ? [[memoryFile(plan, 'passes'), memories.passWords, rowPassBits(plan)] as const]
      : []),
  ]
}

/** The size of a tile that is smaller than the array. */
function sizeNote(plan: Plan | RowEngine, tile: Tile): string {
  if (tile.rows === undefined && tile.columns === undefined) return ''
  const { rows, columns } = tileSize(plan, tile)
  return `${rows} x ${columns}, `
}

/** The fields of one stream, with `share` of its largest code as the worked example. */
function streamFields({ shape, elements, bits, signed, scale }: HostStream, share: number) {
  const [low, high] = operandRange(bits, signed)
  const exampleCode = Math.round(high * share)
  return {
    channels: shape[0],
    height: shape[1],
    width: shape[2],
    elements,
    bits,
    narrow: bits < 8,
    extension: signed ? 'sign-extended' : 'zero-extended',
    type: signed ? `int${bits}` : `uint${bits}`,
    scale,
    low,
    high,
    exampleCode,
    exampleValue: Number((exampleCode * scale).toPrecision(6)),
    exampleByte: (exampleCode & 255).toString(16).padStart(2, '0'),
  }
}
