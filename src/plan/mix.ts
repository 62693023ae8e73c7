import type { LayerAssignment } from '../approx/assignment.ts'
import { domainName } from '../arith/domain.ts'
import { modeName, runTimeMode } from '../arith/modes.ts'
import type { Multiplier } from '../arith/multiplier.ts'
import { divideUp } from '../base/integers.ts'
import type { QConv } from '../quant/qgraph.ts'
import type { ArraySpec, Size } from './array.ts'
import type { ArrayWork } from './lower.ts'
import { sizeOfTiles, tileSizes } from './size.ts'
import type { Owner, TileOrder } from './tile.ts'
import { groupedSize } from './windows.ts'

/** The column folds of one layer, and the tiles that work for them. */
export interface FoldMix {
  /** Filter at each column position, in the order of the column folds. */
  readonly order: readonly number[]
  /** By column fold and pass: a pass runs all row folds of its column fold on its tiles. */
  readonly passes: readonly (readonly Pass[])[]
  /** Rows and columns of its folds. */
  readonly size: Size
}

/** How the products of one layer are spread over the tiles. */
export interface LayerMix extends FoldMix {
  /** Who computes the product of a filter and an input tap ([channel][ky][kx], flat). */
  owner(filter: number, tap: number): Owner
}

export interface Pass {
  readonly tiles: readonly number[]
  /** The modes that its weights have on its tile with modes, if it has one; ascending. */
  readonly modes: readonly number[]
}

/** The tiles of a network, and the place of each multiplier in them. */
export interface TileSet {
  /** The multipliers of each tile by mode number. */
  readonly tiles: readonly (readonly Multiplier[])[]
  readonly sizes: readonly Size[]
  /** Of a tile for curves, its orders; undefined of others. */
  readonly orders: readonly (readonly TileOrder[] | undefined)[]
  /** The place of a layer's multiplier, by its index. */
  owner(assignment: LayerAssignment, index: number): Owner
}

/** What computes the products of each order with a multiplier of a layer, by its index; undefined where weights are plain. */
const tileOrders = ({ byOrder, shifts }: LayerAssignment, index: number): readonly TileOrder[] | undefined =>
  byOrder?.map((order, k) => ({ multiplier: order[index]!, shift: shifts![k]! }))

/** Multipliers by order are no tile's that multiplies plain weights, or moves products to other places. */
const keyOf = (assignment: LayerAssignment, index: number) =>
  tileOrders(assignment, index)
    ?.map(({ multiplier, shift }) => `${specKey(multiplier)} << ${shift}`)
    .join(', then ') ?? specKey(assignment.multipliers[index]!)

const specKey = ({ spec, domain }: Multiplier) => `${spec} ${domainName(domain)}`

/**
 * One tile for each distinct multiplier that computes a product, in the order of first use. With `modes`, all roup and exact
 * multipliers of a domain share a tile, where they are two functions or more.
 */
export function tilesOf(assignments: readonly LayerAssignment[], array: ArraySpec): TileSet {
  const modes = array.modes === true
  const used = new Map(
    assignments.flatMap((assignment) =>
      [...new Set(assignment.ofKernel)].map((index) => {
        const orders = tileOrders(assignment, index)
        return [keyOf(assignment, index), { multiplier: assignment.multipliers[index]!, orders }] as const
      }),
    ),
  )
  const shared = new Map<string, Map<string, Multiplier>>()
  for (const { multiplier, orders } of modes ? used.values() : []) {
    if (orders !== undefined || runTimeMode(multiplier) === undefined) continue
    const domain = domainName(multiplier.domain)
    const list = shared.get(domain) ?? new Map<string, Multiplier>()
    shared.set(domain, list)
    if (!list.has(modeName(multiplier))) list.set(modeName(multiplier), multiplier)
  }
  const tiles: Multiplier[][] = []
  const ordersOf: (readonly TileOrder[] | undefined)[] = []
  const tileOfDomain = new Map<string, number>()
  const owners = new Map<string, Owner>()
  for (const [key, { multiplier, orders }] of used) {
    const domain = domainName(multiplier.domain)
    const alone = orders !== undefined || runTimeMode(multiplier) === undefined
    const list = alone ? undefined : shared.get(domain)
    if (list === undefined || list.size === 1) {
      ordersOf[tiles.length] = orders
      owners.set(key, { tile: tiles.push([multiplier]) - 1, mode: 0 })
      continue
    }
    const tile = tileOfDomain.get(domain) ?? tiles.push([...list.values()]) - 1
    tileOfDomain.set(domain, tile)
    owners.set(key, { tile, mode: [...list.keys()].indexOf(modeName(multiplier)) })
  }
  return {
    tiles,
    sizes: tileSizes(array, tiles),
    orders: tiles.map((_, tile) => ordersOf[tile]),
    owner: (assignment, index) => owners.get(keyOf(assignment, index))!,
  }
}

/**
 * Spreads a layer over its tiles. Filters that need the same tiles and modes are put side by side, where the output may be permuted
 * (`free`: the taps of all who read it follow the permutation; the last layer's output is the host's and keeps its order), so that
 * fewer passes are needed, or fewer of them mix modes.
 */
export function mixLayer(
  array: ArraySpec,
  layer: Pick<ArrayWork, 'conv'>,
  assignment: LayerAssignment,
  set: TileSet,
  free: boolean,
): LayerMix {
  const { conv } = layer
  const filters = conv.bias.length
  const kernels = assignment.ofKernel.length / filters
  /** The kernel of a tap; of a group, the first of its kernels. */
  const kernelOf = ({ curve, kernel, weights }: QConv, tap: number) =>
    curve === undefined
      ? Math.floor(tap / (weights.length / filters / kernels))
      : Math.floor((tap * curve.length) / (kernel[0] * kernel[1]))
  const owners = assignment.multipliers.map((_, index) => set.owner(assignment, index))
  const ownerOfKernel = (filter: number, kernel: number) =>
    owners[assignment.ofKernel[filter * kernels + kernel]!]!
  const needs = Array.from({ length: filters }, (_, filter) =>
    distinct(Array.from({ length: kernels }, (_, kernel) => ownerOfKernel(filter, kernel))),
  )
  const natural = needs.map((_, filter) => filter)
  const grouped = [...natural].sort((a, b) => compareLists(needs[a]!, needs[b]!) || a - b)
  const used = new Set(needs.flat().map(({ tile }) => tile))
  const size = groupedSize(conv, sizeOfTiles([...used].map((tile) => set.sizes[tile]!)))
  const passesOf = (order: readonly number[]) => foldPasses(order, needs, size, array.parallel, set)
  const order = free && cheaper(passesOf(grouped), passesOf(natural)) ? grouped : natural
  return {
    order,
    passes: passesOf(order),
    size,
    owner: (filter, tap) => ownerOfKernel(filter, kernelOf(conv, tap)),
  }
}

/** Column folds of a layer without products: no tile is at work. */
export function idleMix(array: ArraySpec, channels: number): FoldMix {
  const { rows, columns } = array
  return {
    order: Array.from({ length: channels }, (_, channel) => channel),
    passes: Array.from({ length: divideUp(channels, columns) }, () => [{ tiles: [], modes: [] }]),
    size: { rows, columns },
  }
}

/** The passes of each column fold: one for all its tiles side by side, or one after another. */
function foldPasses(
  order: readonly number[],
  needs: readonly (readonly Owner[])[],
  { columns }: Size,
  parallel: boolean,
  set: TileSet,
): readonly (readonly Pass[])[] {
  return Array.from({ length: divideUp(order.length, columns) }, (_, g) => {
    const used = distinct(order.slice(g * columns, (g + 1) * columns).flatMap((filter) => needs[filter]!))
    const tiles = [...new Set(used.map(({ tile }) => tile))]
    const hasModes = (tile: number) => set.tiles[tile]!.length > 1
    const modesOn = (chosen: readonly number[]) =>
      used.flatMap(({ tile, mode }) => (chosen.includes(tile) && hasModes(tile) ? [mode] : []))
    return (parallel ? [tiles] : tiles.map((tile) => [tile])).map((chosen) => ({
      tiles: chosen,
      modes: modesOn(chosen),
    }))
  })
}

function cheaper(a: readonly (readonly Pass[])[], b: readonly (readonly Pass[])[]): boolean {
  const passes = (folds: typeof a) => folds.flat().length
  const mixed = (folds: typeof a) => folds.flat().filter(({ modes }) => modes.length > 1).length
  return passes(a) < passes(b) || (passes(a) === passes(b) && mixed(a) < mixed(b))
}

/** Each owner once, ascending. */
function distinct(owners: readonly Owner[]): readonly Owner[] {
  const byCode = new Map(owners.map((owner) => [`${owner.tile} ${owner.mode}`, owner]))
  return [...byCode.values()].sort(compareOwners)
}

const compareOwners = (a: Owner, b: Owner) => a.tile - b.tile || a.mode - b.mode

function compareLists(a: readonly Owner[], b: readonly Owner[]): number {
  for (let i = 0; i < Math.min(a.length, b.length); i++) {
    const order = compareOwners(a[i]!, b[i]!)
    if (order !== 0) return order
  }
  return a.length - b.length
}
