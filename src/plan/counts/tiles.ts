import { parseDomain } from '../../arith/domain.ts'
import { coreModule, type Multiplier } from '../../arith/multiplier.ts'
import { parseMultiplier } from '../../arith/registry.ts'
import type { Plan, Tile } from '../plan.ts'
import { type ModuleCount, moduleCount } from './module-count.ts'

/** A tile with its PEs and their cores: src/arch/{systolic-tile,processing-element,multiplier-core}.ts. */
export function tileCounts(plan: Plan, tile: Tile): ModuleCount[] {
  const { rows, columns } = plan.array
  const multiplier = parseMultiplier(tile.multiplier, parseDomain(tile.domain))
  const pes = rows * columns
  return [
    moduleCount(tile.name, 1, 'datapath', {}),
    processingElement(plan, multiplier, pes),
    moduleCount(coreModule(multiplier), pes, 'datapath', {}),
  ]
}

function processingElement({ widths, masked }: Plan, multiplier: Multiplier, pes: number): ModuleCount {
  const { nA, nB } = multiplier.domain
  return moduleCount(`pe_${multiplier.id}`, pes, 'datapath', {
    cores: { multiplier: 1 },
    adders: { 'partial sum': 1 },
    registers: {
      'weight, next weight': 2 * nB,
      ...(masked ? { 'owned, next owned': 2 } : {}),
      sum: widths.accumulator,
      activation: nA,
      'active, load, swap': 3,
    },
  })
}
