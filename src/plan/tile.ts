import { parseDomain } from '../arith/domain.ts'
import { type ModalMultiplier, modalMultiplier } from '../arith/modes.ts'
import type { Multiplier } from '../arith/multiplier.ts'
import { parseMultiplier } from '../arith/registry.ts'
import { indexBits } from '../base/integers.ts'
import type { Plan, Tile } from './plan.ts'

/** The multipliers of a tile by mode number: one where it has no modes. */
export function multipliersOf({ multiplier, domain, modes }: Tile): readonly Multiplier[] {
  return (modes ?? [multiplier]).map((spec) => parseMultiplier(spec, parseDomain(domain)))
}

/** What the PEs of a tile multiply with. */
export function coreOf(tile: Tile): Multiplier | ModalMultiplier {
  const multipliers = multipliersOf(tile)
  return tile.modes === undefined ? multipliers[0]! : modalMultiplier(multipliers)
}

/** An order of a tile for curves: what multiplies a moment with a coefficient, and how many places up the product counts. */
export interface TileOrder {
  readonly multiplier: Multiplier
  readonly shift: number
}

/** The orders of a tile for curves; undefined of others. */
export function ordersOf({ multiplier, orders }: Tile): readonly TileOrder[] | undefined {
  return orders?.map(({ domain, shift }) => ({
    multiplier: parseMultiplier(multiplier, parseDomain(domain)),
    shift,
  }))
}

/** Widths of all moments, and of all coefficients, of such a tile's PEs. */
export const curveDomain = (orders: readonly TileOrder[]) => ({
  nA: orders.reduce((sum, { multiplier }) => sum + multiplier.domain.nA, 0),
  nB: orders.reduce((sum, { multiplier }) => sum + multiplier.domain.nB, 0),
})

/** Whose product a weight's is. */
export interface Owner {
  readonly tile: number
  readonly mode: number
}

type Owners = Pick<Plan, 'tiles' | 'modes' | 'masked' | 'unowned'>

/** The codes that stand for a tile: `count` of them from `base` on, one a mode where weights name their mode. */
export interface OwnerCodes {
  readonly base: number
  readonly count: number
}

/**
 * The codes of each tile. Where weights name tile and mode, the codes of a tile with modes begin at a multiple of a power of two, so that their low
 * bits are the mode; tiles without modes take what is left between them.
 */
export function ownerCodes({ tiles, modes, masked }: Owners): readonly OwnerCodes[] {
  const counts = tiles.map((tile) => (modes?.from === 'weight' ? (tile.modes?.length ?? 1) : 1))
  if (modes?.from !== 'weight') return counts.map((count, tile) => ({ base: tile, count }))
  if (!masked) return counts.map((count) => ({ base: 0, count }))
  const codes = new Map<number, OwnerCodes>()
  const free = (from: number, count: number) =>
    [...codes.values()].every((other) => from + count <= other.base || from >= other.base + other.count)
  const largestFirst = [...counts.entries()].sort(([, a], [, b]) => b - a)
  for (const [tile, count] of largestFirst) {
    const step = count === 1 ? 1 : 2 ** indexBits(count)
    let base = 0
    while (!free(base, count)) base += step
    codes.set(tile, { base, count })
  }
  return tiles.map((_, tile) => codes.get(tile)!)
}

/** Bits beside each weight that name its owner; 0 where nothing is to be named. */
export function ownerBits(plan: Owners): number {
  if (!plan.masked && plan.modes?.from !== 'weight') return 0
  return indexBits(nobodysCode(plan) + (plan.unowned === true ? 1 : 0))
}

/** The first code that is no tile's. */
const nobodysCode = (plan: Owners) => Math.max(...ownerCodes(plan).map(({ base, count }) => base + count))

/** The code of an owner beside its weight, as far as the hardware needs it; of nobody, where no tile is to compute a product. */
export function ownerCode(plan: Owners): (owner: Owner | undefined) => number {
  const codes = ownerCodes(plan)
  const nobody = plan.unowned === true ? nobodysCode(plan) : 0
  return (owner) =>
    owner === undefined ? nobody : codes[owner.tile]!.base + (codes[owner.tile]!.count > 1 ? owner.mode : 0)
}

/** Reads codes back: whether a tile computes a weight's product, and the mode that the weight names (0 where it names none). */
export function ownerReader(plan: Owners, tile: number) {
  const { base, count } = ownerCodes(plan)[tile]!
  return {
    owns: (code: number) => !plan.masked || (code >= base && code < base + count),
    mode: (code: number) => (count > 1 && code >= base && code < base + count ? code - base : 0),
  }
}
