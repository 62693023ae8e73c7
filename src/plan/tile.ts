import { parseDomain } from '../arith/domain.ts'
import { type ModalMultiplier, modalMultiplier } from '../arith/modes.ts'
import type { Multiplier } from '../arith/multiplier.ts'
import { parseMultiplier } from '../arith/registry.ts'
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

/** Whose product a weight's is. */
export interface Owner {
  readonly tile: number
  readonly mode: number
}

/** Bits of an owner's code that are the mode. */
const modeBits = ({ modes }: Pick<Plan, 'modes'>) => (modes?.from === 'weight' ? modes.bits : 0)

/** The code of an owner beside its weight: {tile, mode}, each where the hardware needs it. */
export function ownerCode(plan: Pick<Plan, 'modes' | 'masked'>, { tile, mode }: Owner): number {
  const bits = modeBits(plan)
  if (bits === 0) return tile
  return (plan.masked ? tile * 2 ** bits : 0) + mode
}

/** The tile that a code names; undefined where weights do not name their tile. */
export function ownerTile(plan: Pick<Plan, 'modes' | 'masked'>, code: number): number | undefined {
  return plan.masked ? code >> modeBits(plan) : undefined
}

/** The mode that a code names; undefined where weights do not name their mode. */
export function ownerMode(plan: Pick<Plan, 'modes'>, code: number): number | undefined {
  const bits = modeBits(plan)
  return bits === 0 ? undefined : code & (2 ** bits - 1)
}
