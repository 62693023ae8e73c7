import { patienceOf, runImage } from '../../sim/drive.ts'
import type { LayerEvents } from '../../sim/events.ts'
import { noPressure } from '../../sim/pressure.ts'
import { rowModel } from '../../sim/row/model.ts'
import type { MemoryImages } from '../plan/images.ts'
import { tilesOfLayer } from '../plan/plan.ts'
import type { RowEngine, RowLayer, RowPlan } from '../plan/row/plan.ts'
import { passCount } from '../plan/row/steps.ts'
import type { QGraph } from '../quant/qgraph.ts'
import {
  type AccessLevels,
  denseLayers,
  type InferenceCycles,
  inferenceCyclesOf,
  measuredCycles,
  randomCodes,
} from './inference.ts'

/** What the cycle model measured on one layer of a row-stationary grid. */
export interface SimulatedRowLayer {
  readonly name: string
  readonly kind: 'conv2d' | 'dense'
  readonly dataflow: 'row-stationary'
  readonly multiplier: string
  /** From the first activation entering the grid to the last accumulator write, both included. */
  readonly cycles: number
  /** By the closed form of the mapping: the products alone, on each tile that the layer runs on. */
  readonly closedFormCycles: number
  readonly macs: number
  /** Of the products that cycles * rows * columns could be, those that the network needs. */
  readonly utilisation: number
  readonly passes: number
  /** At work at the same time: channels and filters, output rows of a piece, pieces of the map. */
  readonly mapping: Pick<RowLayer, 'channels' | 'filters' | 'columns' | 'pieces'>
  /** Cycles between the last accumulator write and the next layer's first activation: drain, store, load the first weights. */
  readonly postCycles: number
  /** Multiplications done, and words moved. */
  readonly accesses: Omit<LayerEvents, 'firstActivation' | 'lastWrite' | 'busy'> & {
    readonly multiplications: number
  }
  readonly levels: AccessLevels
}

/** What `xgen sim --json` prints for a row-stationary grid. */
export interface RowSimulation {
  readonly net: string
  readonly dataflow: 'row-stationary'
  readonly array: { readonly rows: number; readonly columns: number }
  readonly cycles: number
  readonly closedFormCycles: number
  readonly utilisation: number
  readonly inference: InferenceCycles
  readonly layers: readonly SimulatedRowLayer[]
}

/** Steps one inference on random codes. */
export function simulateRowPlan(
  plan: RowPlan,
  images: MemoryImages,
  graph: QGraph,
  seed: number,
): RowSimulation {
  const model = rowModel(plan, images)
  const { cycles } = runImage(model, randomCodes(plan, seed), noPressure, undefined, patienceOf(plan))
  const { layers: events, runCycles } = model.events
  const dense = denseLayers(graph)
  const pes = plan.array.rows * plan.array.columns
  const layers = plan.layers.map((layer, index) =>
    measureRowLayer(plan, layer, events[index]!, events[index + 1]?.firstActivation ?? runCycles, dense),
  )
  const sum = (of: (layer: SimulatedRowLayer) => number) =>
    layers.reduce((total, layer) => total + of(layer), 0)
  const inLayers = sum((layer) => layer.cycles)
  return {
    net: plan.network,
    dataflow: 'row-stationary',
    array: { rows: plan.array.rows, columns: plan.array.columns },
    cycles: inLayers,
    closedFormCycles: sum((layer) => layer.closedFormCycles),
    utilisation: plan.layers.reduce((total, layer) => total + usefulProducts(layer), 0) / (inLayers * pes),
    inference: inferenceCyclesOf(plan, model.events, cycles, layers),
    layers,
  }
}

/** What the model saw of a layer, of which the next one begins in cycle `next`. */
export function measureRowLayer(
  plan: RowEngine,
  layer: RowLayer,
  { firstActivation, lastWrite, busy, ...accesses }: LayerEvents,
  next: number,
  dense: ReadonlySet<string>,
): SimulatedRowLayer {
  const measured = measuredCycles(layer, { firstActivation, lastWrite })
  const { channels, filters, columns, pieces } = layer
  const tiles = tilesOfLayer(layer)
  return {
    name: layer.name,
    kind: dense.has(layer.name) ? 'dense' : 'conv2d',
    dataflow: 'row-stationary',
    multiplier: tiles.map((tile) => plan.tiles[tile]!.multiplier).join(' + '),
    cycles: measured,
    closedFormCycles: closedForm(layer),
    macs: layer.macs,
    utilisation: usefulProducts(layer) / (measured * plan.array.rows * plan.array.columns),
    passes: passCount(layer).passes,
    mapping: { channels, filters, columns, pieces },
    postCycles: next - lastWrite - 1,
    accesses: { multiplications: busy, ...accesses },
    levels: {
      register: busy,
      neighbour: accesses.neighbourReads,
      buffer:
        accesses.bankReads +
        accesses.bankWrites +
        accesses.weightReads * plan.array.rows +
        accesses.accumulatorReads +
        accesses.accumulatorWrites,
    },
  }
}

/** Passes that a layer needs because its products are spread over several tiles count as its own. */
function closedForm(layer: RowLayer): number {
  const folds = layer.passes.length
  const passes = layer.passes.reduce((sum, tiles) => sum + tiles.length, 0)
  return (layer.closedForm / folds) * passes
}

export const usefulProducts = ({ positions, kernel, groupChannels, groupFilters, groups }: RowLayer) =>
  positions[0] * positions[1] * kernel[0] * kernel[1] * groupChannels * groupFilters * groups
