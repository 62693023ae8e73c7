import { coreModule } from '../../arith/multiplier.ts'
import { curvePeName } from '../names.ts'
import type { Plan, Tile } from '../plan.ts'
import { tileSize } from '../size.ts'
import { coreOf, curveDomain, ordersOf, type TileOrder } from '../tile.ts'
import { type ModuleCount, moduleCount } from './module-count.ts'

/** A tile with its PEs and their cores: src/arch/{systolic-tile,processing-element,multiplier-core}.ts. */
export function tileCounts(plan: Plan, tile: Tile): ModuleCount[] {
  const { rows, columns } = tileSize(plan, tile)
  const orders = ordersOf(tile)
  if (orders !== undefined) return curveTile(plan, tile.name, orders)
  const multiplier = coreOf(tile)
  const pes = rows * columns
  return [
    moduleCount(tile.name, 1, 'datapath', {}),
    processingElement(plan, multiplier, pes),
    moduleCount(coreModule(multiplier), pes, 'datapath', {}),
  ]
}

/** src/arch/curve-tile.ts. */
function curveTile(plan: Plan, name: string, orders: readonly TileOrder[]): ModuleCount[] {
  const { array, masked, widths } = plan
  const pes = array.rows * array.columns
  const { nA, nB } = curveDomain(orders)
  return [
    moduleCount(name, 1, 'datapath', {}),
    moduleCount(curvePeName(name), pes, 'datapath', {
      adders: { 'partial sum': 1 },
      registers: {
        'coefficients, next ones': 2 * nB,
        ...(masked ? { 'owned, next owned': 2 } : {}),
        sum: widths.accumulator,
        moments: nA,
        'active, load, swap': 3,
      },
    }),
    moduleCount(`${name}_products`, pes, 'datapath', {
      cores: { 'multipliers, one an order': orders.length },
      adders: { 'sum of the orders': orders.length - 1 },
    }),
    ...orders.map(({ multiplier }) => moduleCount(coreModule(multiplier), pes, 'datapath', {})),
  ]
}

function processingElement(
  { widths, masked, modes }: Plan,
  multiplier: ReturnType<typeof coreOf>,
  pes: number,
): ModuleCount {
  const { nA, nB } = multiplier.domain
  const modeBits = 'modes' in multiplier ? multiplier.modeBits : 0
  return moduleCount(`pe_${multiplier.id}`, pes, 'datapath', {
    cores: { multiplier: 1 },
    adders: { 'partial sum': 1 },
    registers: {
      'weight, next weight': 2 * nB,
      ...(masked ? { 'owned, next owned': 2 } : {}),
      ...(modeBits > 0 ? { mode: modeBits * (modes?.from === 'weight' ? 2 : 1) } : {}),
      sum: widths.accumulator,
      activation: nA,
      'active, load, swap': 3,
    },
  })
}
