import { indexBits } from '../base/integers.ts'
import type { Comb } from '../comb/comb.ts'
import { bit } from '../comb/derived.ts'
import type { ModuleBuilder, Node } from '../hdl/module.ts'
import { operandBits } from '../plan/moments.ts'
import type { Plan } from '../plan/plan.ts'
import { tileSize, tileTop } from '../plan/size.ts'
import { coreOf, curveDomain, type OwnerCodes, ordersOf, ownerCodes, type TileOrder } from '../plan/tile.ts'
import { curveTile } from './curve-tile.ts'
import { any, equalTo, type Ports, resizeUnsigned } from './gates.ts'
import { modeBitsOf } from './multiplier-core.ts'
import { systolicTile } from './systolic-tile.ts'

/** The tiles. One without work sums to 0, so the bottom sums are OR-ed, unless tiles work side by side. */
export function tilesOf(m: ModuleBuilder, plan: Plan, feeders: readonly Ports[], weights: Ports): Node[] {
  const { c } = m
  const codes = ownerCodes(plan)
  const outputs = plan.tiles.map((tile, t) => {
    const { rows, columns } = tileSize(plan, tile)
    const orders = ordersOf(tile)
    const multiplier = coreOf(tile)
    const domain = orders === undefined ? multiplier.domain : curveDomain(orders)
    const modeBits = modeBitsOf(multiplier)
    const mode = (name: string, node: Node): [string, Node][] =>
      modeBits > 0 ? [[name, c.slice(node, modeBits - 1, 0)]] : []
    const modesFrom = plan.modes?.from
    const module =
      orders === undefined
        ? systolicTile(tile.name, [{ multiplier, shift: 0 }], {
            rows,
            columns,
            accumulatorBits: plan.widths.accumulator,
            masked: plan.masked,
            modesFrom,
          })
        : curveTile(tile.name, orders, plan)
    const entering = (feeder: Ports) =>
      orders === undefined ? feeder['activation_out']! : momentsOf(c, plan, feeder['moments_out']!, orders)
    const edge = feeders
      .slice(tileTop(plan, tile))
      .flatMap((feeder, i) => [
        [`activation_${i}`, resizeUnsigned(c, entering(feeder), domain.nA)] as const,
        [`active_${i}`, bit(c, feeder['active']!, t)] as const,
        [`load_${i}`, bit(c, feeder['load_out']!, t)] as const,
        [`swap_${i}`, bit(c, feeder['swap']!, t)] as const,
        ...(modesFrom === 'pass' ? mode(`mode_${i}`, feeder['mode_out']!) : []),
      ])
    const buses = Array.from(
      { length: columns },
      (_, j) => [`weight_${j}`, resizeUnsigned(c, weights[`weight_${j}`]!, domain.nB)] as const,
    )
    const owned = plan.masked
      ? buses.map((_, j) => [`owned_${j}`, ownedBy(c, weights[`owner_${j}`]!, codes[t]!)] as const)
      : []
    const modes =
      modesFrom === 'weight' ? buses.flatMap((_, j) => mode(`mode_${j}`, weights[`owner_${j}`]!)) : []
    return m.instance(module, `u_${tile.name}`, Object.fromEntries([...edge, ...buses, ...owned, ...modes]))
  })
  const meet = (...sums: Node[]) => (plan.sideBySide ? sums.reduce((a, b) => c.add(a, b)) : any(c, ...sums))
  return Array.from({ length: plan.array.columns }, (_, j) => {
    const sums = outputs.flatMap((out) => out[`sum_${j}`] ?? [])
    return sums.length === 0 ? c.constant(0, plan.widths.accumulator) : meet(...sums)
  })
}

/** Of the moments that enter a row, those that a tile's orders take: the low bits of each place. */
function momentsOf(c: Comb<Node>, { moments }: Plan, entering: Node, orders: readonly TileOrder[]): Node {
  let low = 0
  const places = operandBits(moments!).map((bits) => {
    const place = c.slice(entering, low + bits - 1, low)
    low += bits
    return place
  })
  const taken = orders.map(({ multiplier: { domain } }, order) => c.slice(places[order]!, domain.nA - 1, 0))
  return c.cat(...taken.reverse())
}

/** Whether a weight's owner is one of a tile's codes: their low bits count its modes. */
function ownedBy(c: Comb<Node>, owner: Node, { base, count }: OwnerCodes): Node {
  if (count === 1) return equalTo(c, owner, base)
  const [width, low] = [c.width(owner), indexBits(count)]
  const within =
    count === 2 ** low ? c.constant(1, 1) : c.less(c.slice(owner, low - 1, 0), c.constant(count, low))
  if (width === low) return within
  return c.and(within, equalTo(c, c.slice(owner, width - 1, low), base / 2 ** low))
}
