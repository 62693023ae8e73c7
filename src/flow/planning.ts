import { type AnyPlanned, type ArrayChoice, planNetwork } from '../plan/network.ts'
import { type Configuration, tileSizesOf } from './configuration.ts'
import type { Prepared } from './preparation.ts'

/** The array that a configuration asks for. */
export function arrayChoice(configuration: Configuration): ArrayChoice {
  const { array } = configuration
  return {
    dataflow: array.dataflow,
    rows: array.rows,
    columns: array.cols,
    memoryBits: array.memory_bits,
    parallel: array.parallel,
    ...(array.modes ? { modes: true as const } : {}),
    ...(Object.keys(array.tiles).length === 0 ? {} : { tiles: tileSizesOf(configuration) }),
  }
}

/** The plan that a configuration asks for, with the memories' contents. */
export function planDesign(configuration: Configuration, { graph, assignment }: Prepared): AnyPlanned {
  const reload = configuration.interface === 'axi' && configuration.reload
  return planNetwork(graph, assignment, arrayChoice(configuration), { reload })
}
