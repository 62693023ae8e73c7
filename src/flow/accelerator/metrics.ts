import type { Metrics } from '../metrics.ts'
import type { AcceleratorCost } from './cost.ts'

/**
 * What a synthesis measured, by the names of METRICS2.1 where it has such: areas in the library's unit, powers in W, energies in pJ, times in that of the library. What the library
 * does not know is absent.
 */
export function synthesisMetrics(cost: AcceleratorCost): Metrics {
  const { area, energy, longestPath, periodNs } = cost
  const memories = area.memories.some(({ area: one }) => one !== null)
  return {
    design__instance__area: area.total,
    design__instance__area__stdcell: area.logic,
    ...(memories ? { design__instance__area__macros: area.blocks.memories } : {}),
    ...byBlock('design__instance__area', area.blocks, memories),
    design__instance__count: area.modules.reduce(
      (count, { instances, cells }) => count + instances * cells,
      0,
    ),
    timing__path__delay: longestPath.delay,
    ...(longestPath.unit === 'ns' ? { timing__setup__ws: periodNs - longestPath.delay } : {}),
    ...(energy === null ? {} : energyMetrics(energy, cost.cycles * periodNs)),
  }
}

/** Energy of one inference, and the power of inferences that follow each other without a pause at the clock of the configuration. */
function energyMetrics(energy: NonNullable<AcceleratorCost['energy']>, nanoseconds: number): Metrics {
  // pJ in ns are mW
  const power = (picojoules: number) => picojoules / nanoseconds / 1000
  const part = (name: 'internal' | 'switching' | 'leakage') =>
    power(energy.modules.reduce((sum, { parts }) => sum + parts[name], 0))
  const memories = energy.memories.length > 0
  return {
    energy__inference: energy.total,
    ...byBlock('energy__inference', energy.blocks, memories),
    power__total: power(energy.total),
    power__internal__total: part('internal'),
    power__switching__total: part('switching'),
    power__leakage__total: part('leakage'),
    ...(memories ? { power__macros__total: power(energy.blocks.memories) } : {}),
  }
}

/** Of each block that the design has: `data movement` as `data_movement`. */
function byBlock(name: string, blocks: Readonly<Record<string, number>>, memories: boolean): Metrics {
  return Object.fromEntries(
    Object.entries(blocks)
      .filter(([block, amount]) => (block === 'memories' ? memories : amount !== 0))
      .map(([block, amount]) => [`${name}__class:${block.replaceAll(' ', '_')}`, amount]),
  )
}
