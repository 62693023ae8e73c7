import { patienceOf, runImage } from '../../sim/drive.ts'
import { cycleModel } from '../../sim/model.ts'
import { noPressure } from '../../sim/pressure.ts'
import type { MemoryImages } from '../plan/images.ts'
import type { Plan } from '../plan/plan.ts'
import type { RowEngine } from '../plan/row/plan.ts'
import type { QGraph } from '../quant/qgraph.ts'
import { denseLayers, inferenceCyclesOf, randomCodes } from './inference.ts'
import { measureRowLayer, type SimulatedRowLayer, usefulProducts } from './row-sim.ts'
import { measureLayer, neededProducts, type SimulatedLayer, type Simulation } from './sim.ts'

/** What `xgen sim --json` prints for an array and a grid: each layer as on its own dataflow. */
export interface MixedSimulation
  extends Pick<Simulation, 'net' | 'array' | 'cycles' | 'utilisation' | 'inference'> {
  readonly dataflow: 'mixed'
  readonly layers: readonly (SimulatedLayer | SimulatedRowLayer)[]
}

/** Steps one inference on random codes. Of both engines one is at work: the other's PEs count for no layer. */
export function simulateMixedPlan(
  plan: Plan,
  grid: RowEngine,
  images: MemoryImages,
  graph: QGraph,
  seed: number,
): MixedSimulation {
  const model = cycleModel(plan, images)
  const { cycles } = runImage(model, randomCodes(plan, seed), noPressure, undefined, patienceOf(plan))
  const { layers: events, runCycles } = model.events
  const dense = denseLayers(graph)
  const layers = plan.layers.map((layer, index) => {
    const next = events[index + 1]?.firstActivation ?? runCycles
    return layer.grid === undefined
      ? measureLayer(plan, layer, events[index]!, next, dense)
      : measureRowLayer(grid, grid.layers[layer.grid]!, events[index]!, next, dense)
  })
  const products = plan.layers.map((layer) =>
    layer.grid === undefined ? neededProducts(layer) : usefulProducts(grid.layers[layer.grid]!),
  )
  const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0)
  const inLayers = sum(layers.map((layer) => layer.cycles))
  const { rows, columns } = plan.array
  return {
    net: plan.network,
    dataflow: 'mixed',
    array: { rows, columns },
    cycles: inLayers,
    utilisation: sum(products) / (inLayers * rows * columns),
    inference: inferenceCyclesOf(plan, model.events, cycles, layers),
    layers,
  }
}
