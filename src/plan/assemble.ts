import { domainName } from '../arith/domain.ts'
import { hashOf } from '../base/hash.ts'
import type { QConv } from '../quant/qgraph.ts'
import type { ArraySpec } from './array.ts'
import { hashImages, type MemoryImages, memoryImages, type PlannedArray } from './images.ts'
import { latencyOf } from './layer.ts'
import { measureMemories, widthsOf } from './memories.ts'
import { checkMemory } from './memory-check.ts'
import type { TileSet } from './mix.ts'
import { bankBits } from './moments.ts'
import type { Memories, Modes, Plan, PlanLayer, PlanMerge, PlanMoments, PlanStream, Tile } from './plan.ts'
import { passBits, passWords, programBits, programFields } from './program.ts'
import type { RowEngine, RowMemories } from './row/plan.ts'
import { smaller } from './size.ts'
import { layerCycles } from './steps.ts'
import { structureOf } from './structure.ts'
import { ownerBits, ownerCode, type TileOrder } from './tile.ts'

export interface Planned {
  readonly plan: Plan
  readonly images: MemoryImages
}

/** The layers of a network on an array, and what else the plan is made from. */
export interface Draft {
  readonly network: string
  readonly array: ArraySpec
  readonly reload: boolean
  readonly layers: readonly PlanLayer[]
  readonly set: TileSet
  readonly merge?: PlanMerge
  readonly moments?: PlanMoments
  readonly modes?: Modes
  readonly inputUntil: number
  /** Some weights are of channels that are not of their filter's group, where a multiplier is wrong at zero. */
  readonly unowned: boolean
  readonly weightWords: number
  readonly parameterWords: number
  /** Feature-map banks, and words of one. */
  readonly banks: number
  readonly bankDepth: number
  readonly planned: readonly PlannedArray[]
  readonly input: PlanStream
  readonly output: PlanStream
  /** The grid beside the array, where there is one. */
  readonly grid?: { readonly engine: RowEngine; images(): MemoryImages }
  /** Bits of the same network on another array. */
  readonly bitsOn: (array: ArraySpec) => number
}

/** Tiles, widths, memories and images of layers that have found their place. */
export function assemble(draft: Draft): Planned {
  const { array, layers, merge, moments, inputUntil, planned, unowned, reload, grid } = draft
  const { tiles: _sizes, ...envelope } = array
  const modes = draft.modes === undefined ? {} : { modes: draft.modes }
  const moduli = ascending(layers.map((layer) => layer.outputModulus))
  const weightBits = Math.max(...planned.map(({ work }) => weightLane(work.conv)))
  const depth = Math.max(draft.bankDepth, moments?.depth ?? 0)
  const widths = widthsOf(layers, depth, draft.weightWords, draft.parameterWords)
  const tiles = tilesOf(draft)
  const hardware = {
    array,
    layers,
    widths,
    moduli,
    ...(merge === undefined ? {} : { merge }),
    ...(moments === undefined ? {} : { moments }),
    ...(grid === undefined ? {} : { grid: grid.engine }),
  }
  const fields = programFields({ ...hardware, inputUntil })
  const mixed = layers.some(({ passes }) => passes.some((list) => list.flat().length > 1))
  const masked = mixed || unowned
  const owners = { tiles, masked, ...(unowned ? { unowned } : {}), ...modes }
  const passes = passWords({ layers, tiles, ...modes }).length
  const needs = {
    bankDepth: draft.bankDepth,
    banks: draft.banks,
    momentBits: moments === undefined ? 0 : array.rows * moments.depth * bankBits(moments),
    weightBits,
    ownerBits: ownerBits(owners),
    passWords: passes === 0 ? 0 : Math.max(2, passes),
    passBits: passBits({ tiles, ...modes }),
  }
  const own = measureMemories(array, layers, needs, widths, programBits(fields))
  const memories = grid === undefined ? own : withGrid(own, grid.engine.memories)
  checkMemory({
    network: draft.network,
    array,
    memories,
    tiles: tiles.length,
    namedTiles: masked && draft.modes === undefined,
    masked,
    bitsOn: draft.bitsOn,
  })
  const ofArray = memoryImages(array, planned, ownerCode(owners))
  const images = grid === undefined ? ofArray : { ...ofArray, grid: grid.images() }
  const uncounted: Plan = {
    format: 'xgen-plan-1',
    network: draft.network,
    array: envelope,
    tiles,
    layers,
    input: draft.input,
    output: draft.output,
    memories,
    widths,
    latency: latencyOf(array, merge !== undefined),
    masked,
    ...(unowned ? { unowned } : {}),
    ...(merge === undefined ? {} : { merge }),
    ...(moments === undefined ? {} : { moments }),
    ...(grid === undefined ? {} : { grid: grid.engine }),
    ...(inputUntil === Math.min(1, layers.length) ? {} : { inputUntil }),
    ...modes,
    sideBySide: layers.some(({ passes }) => passes.some((list) => list.some((tiles) => tiles.length > 1))),
    moduli,
    reload,
    contents: hashImages(images),
    structure: '',
    hash: '',
  }
  const cycles = layerCycles(uncounted)
  const counted = {
    ...uncounted,
    layers: layers.map((layer, index) => ({ ...layer, cycles: cycles[index]! })),
  }
  const plan = { ...counted, structure: structureOf(counted) }
  return { plan: { ...plan, hash: hashOf({ ...plan, hash: undefined }) }, images }
}

function tilesOf({ set, array }: Draft): readonly Tile[] {
  return set.tiles.map((multipliers, index): Tile => {
    const specs = multipliers.map(({ spec }) => spec)
    const tile = {
      name: `tile_${index}`,
      multiplier: specs.join(' | '),
      domain: domainName(multipliers[0]!.domain),
    }
    return {
      ...tile,
      ...(specs.length === 1 ? {} : { modes: specs }),
      ...ordersOf(set.orders[index]),
      ...smaller(array, set.sizes[index]!),
    }
  })
}

/** The bits of both engines; all else stands with each. */
function withGrid(memories: Memories, { bits }: RowMemories): Memories {
  const sums = Object.entries(memories.bits).map(([name, own]) => [
    name,
    own + bits[name as keyof typeof bits],
  ])
  return { ...memories, bits: Object.fromEntries(sums) as Memories['bits'] }
}

export const ascending = (values: readonly number[]) => [...new Set(values)].sort((a, b) => a - b)

/** Bits of a weight in the weight memory: of all coefficients that a PE keeps, order 0 in the low ones. */
const weightLane = ({ weightBits, curve }: QConv) =>
  curve === undefined ? weightBits : weightBits * (curve.degree + 1)

/** Of a tile for curves, the operands of its products and where they count. */
function ordersOf(orders: readonly TileOrder[] | undefined) {
  if (orders === undefined) return {}
  return {
    orders: orders.map(({ multiplier, shift }) => ({ domain: domainName(multiplier.domain), shift })),
  }
}
