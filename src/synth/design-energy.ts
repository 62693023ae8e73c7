import type { ActivityMethod } from './activity.ts'
import { circuitGraph } from './circuit-graph.ts'
import type { MappedModule } from './design.ts'
import type { Library } from './liberty/library.ts'
import { type Energy, measureWindows } from './power.ts'
import type { Stream } from './stream.ts'
import { analyseTiming } from './timing.ts'

/** pJ. */
export interface EnergyParts {
  readonly internal: number
  /** Of the nets that the module drives, and of its inputs' pins; the clock's too. */
  readonly switching: number
  readonly leakage: number
}

/** What all instances of a module take in one inference. */
export interface ModuleEnergy {
  readonly module: string
  readonly instances: number
  /** Instances that were simulated; the others are taken to be like their mean. */
  readonly samples: number
  /** By window. */
  readonly windows: readonly EnergyParts[]
  readonly total: number
  /** Standard error of `total`, pJ, for what was not simulated; 0 where all was, or there is one sample. */
  readonly standardError: number
}

export interface ModuleEnergyOptions {
  readonly method: ActivityMethod
  /** ns. */
  readonly period: number
  /** Operations of each window, in order. The stream has one more before them, which sets the state. */
  readonly windows: readonly number[]
}

/** Simulates the gates of a module on what some of its instances took; calls back after each instance. */
export function* measureModule(
  { module, paths, mapping }: MappedModule,
  streams: readonly Stream[],
  library: Library,
  options: ModuleEnergyOptions,
): Generator<void, ModuleEnergy> {
  const graph = circuitGraph(mapping.netlist)
  const timing = analyseTiming(graph, library.wireLoad)
  const samples: (readonly EnergyParts[])[] = []
  for (const stream of streams) {
    samples.push(measureWindows(graph, timing, library, stream, options).map(partsOf))
    yield
  }
  const totals = samples.map((windows) => windows.reduce((sum, parts) => sum + sumOfParts(parts), 0))
  const mean = totals.reduce((sum, total) => sum + total, 0) / totals.length
  const variance =
    totals.length < 2 ? 0 : totals.reduce((sum, total) => sum + (total - mean) ** 2, 0) / (totals.length - 1)
  const left = 1 - totals.length / paths.length
  const scale = paths.length / samples.length
  return {
    module: module.name,
    instances: paths.length,
    samples: samples.length,
    windows: options.windows.map((_, window) => {
      const sum = (of: (parts: EnergyParts) => number) =>
        scale * samples.reduce((total, windows) => total + of(windows[window]!), 0)
      return {
        internal: sum(({ internal }) => internal),
        switching: sum(({ switching }) => switching),
        leakage: sum(({ leakage }) => leakage),
      }
    }),
    total: mean * paths.length,
    standardError: paths.length * Math.sqrt((variance / totals.length) * left),
  }
}

export const sumOfParts = ({ internal, switching, leakage }: EnergyParts): number =>
  internal + switching + leakage

/** Of a whole window. In a design, inputs of one module are what another one drives. */
const partsOf = ({ internal, switching, inputs, leakage, operations }: Energy): EnergyParts => ({
  internal: internal * operations,
  switching: (switching + inputs) * operations,
  leakage: leakage * operations,
})
