import { patienceOf, runImage } from '../../sim/drive.ts'
import type { LayerEvents } from '../../sim/events.ts'
import { cycleModel } from '../../sim/model.ts'
import { noPressure } from '../../sim/pressure.ts'
import { invariant, usageError } from '../base/errors.ts'
import { writeFileAtomically } from '../base/files.ts'
import { isRowPlan } from '../plan/any-plan.ts'
import type { MemoryImages } from '../plan/images.ts'
import type { MapKind } from '../plan/lower.ts'
import { type Plan, type PlanLayer, tilesOfLayer } from '../plan/plan.ts'
import { layerSize } from '../plan/size.ts'
import type { QGraph } from '../quant/qgraph.ts'
import { layersPlot } from '../report/layers.ts'
import type { Configuration } from './configuration.ts'
import {
  type AccessLevels,
  denseLayers,
  type InferenceCycles,
  inferenceCyclesOf,
  measuredCycles,
  randomCodes,
} from './inference.ts'
import { type MixedSimulation, simulateMixedPlan } from './mixed-sim.ts'
import { planDesign } from './planning.ts'
import type { Prepared } from './preparation.ts'
import { type RowSimulation, simulateRowPlan } from './row-sim.ts'

/** What the cycle model measured on one layer. */
export interface SimulatedLayer {
  readonly name: string
  /** Those that have products, an addition of two maps, or what is done with a map alone. */
  readonly kind: 'conv2d' | 'dense' | 'add' | 'moments' | MapKind
  readonly dataflow: 'weight-stationary'
  readonly multiplier: string
  /** From the first activation entering the array to the last accumulator write, both included. */
  readonly cycles: number
  readonly macs: number
  /** Of the products that cycles * rows * columns could be, those that the network needs: at positions that pooling drops it needs none. */
  readonly utilisation: number
  /** The matrix product: M positions before pooling, K taps (of a filter's group), N filters. Without products K is 0, and M the positions that are read. */
  readonly gemm: { readonly M: number; readonly K: number; readonly N: number }
  readonly folds: number
  /** Cycles between the last accumulator write and the next layer's first activation: requantise, pool, store. */
  readonly postCycles: number
  /** What SCALE-Sim v2 reports for a weight-stationary array of this size. */
  readonly scaleSimCycles: number
  /** Multiplications that the network needs (positions that pooling drops are never streamed), as they were done, and words moved. */
  readonly accesses: Omit<LayerEvents, 'firstActivation' | 'lastWrite' | 'busy'> & {
    readonly multiplications: number
  }
  readonly levels: AccessLevels
}

/** What `xgen sim --json` prints. */
export interface Simulation {
  readonly net: string
  readonly dataflow: 'weight-stationary'
  readonly array: { readonly rows: number; readonly columns: number }
  /** Sum of the layers' cycles. */
  readonly cycles: number
  readonly utilisation: number
  readonly scaleSimCycles: number
  readonly inference: InferenceCycles
  readonly layers: readonly SimulatedLayer[]
}

/** A simulation of any dataflow. */
export type AnySimulation = Simulation | RowSimulation | MixedSimulation

/** Plans a prepared network on the configured array and steps one inference. */
export function simulate(configuration: Configuration, prepared: Prepared, seed: number): AnySimulation {
  const { plan, images } = planDesign(configuration, prepared)
  if (isRowPlan(plan)) return simulateRowPlan(plan, images, prepared.graph, seed)
  return plan.grid === undefined
    ? simulatePlan(plan, images, prepared.graph, seed)
    : simulateMixedPlan(plan, plan.grid, images, prepared.graph, seed)
}

/** Steps one inference on random codes: cycles and counts do not depend on the values. */
export function simulatePlan(plan: Plan, images: MemoryImages, graph: QGraph, seed: number): Simulation {
  const model = cycleModel(plan, images)
  const { cycles } = runImage(model, randomCodes(plan, seed), noPressure, undefined, patienceOf(plan))
  const { layers: events, runCycles } = model.events
  const pes = plan.array.rows * plan.array.columns
  const dense = denseLayers(graph)
  const layers = plan.layers.map((layer, index) =>
    measureLayer(plan, layer, events[index]!, events[index + 1]?.firstActivation ?? runCycles, dense),
  )
  const sum = (of: (layer: SimulatedLayer) => number) => layers.reduce((total, layer) => total + of(layer), 0)
  const layerCycles = sum((layer) => layer.cycles)
  return {
    net: plan.network,
    dataflow: 'weight-stationary',
    array: { rows: plan.array.rows, columns: plan.array.columns },
    cycles: layerCycles,
    utilisation: plan.layers.reduce((total, layer) => total + neededProducts(layer), 0) / (layerCycles * pes),
    scaleSimCycles: sum((layer) => layer.scaleSimCycles),
    inference: inferenceCyclesOf(plan, model.events, cycles, layers),
    layers,
  }
}

/** What the model saw of a layer, of which the next one begins in cycle `next`. */
export function measureLayer(
  plan: Plan,
  layer: PlanLayer,
  { firstActivation, lastWrite, busy, ...accesses }: LayerEvents,
  next: number,
  dense: ReadonlySet<string>,
): SimulatedLayer {
  const measured = measuredCycles(layer, { firstActivation, lastWrite })
  return {
    name: layer.name,
    kind: kindOf(layer, dense),
    dataflow: 'weight-stationary',
    multiplier: tilesOfLayer(layer)
      .map((tile) => plan.tiles[tile]!.multiplier)
      .join(' + '),
    cycles: measured,
    macs: layer.macs,
    utilisation: neededProducts(layer) / (measured * plan.array.rows * plan.array.columns),
    gemm: gemmOf(layer),
    folds: layer.rowFolds * layer.passes.flat().length,
    postCycles: next - lastWrite - 1,
    scaleSimCycles: scaleSimCycles(plan, layer),
    accesses: { multiplications: busy, ...accesses },
    levels: {
      register: busy,
      neighbour: accesses.neighbourReads,
      buffer:
        accesses.bankReads +
        accesses.bankWrites +
        accesses.weightReads * plan.array.columns +
        accesses.accumulatorReads +
        accesses.accumulatorWrites,
    },
  }
}

/** Draws a simulation into `file`, which ends in .svg, and writes its numbers into the .csv file beside it. */
export async function plotSimulation({ net, array, layers }: AnySimulation, file: string): Promise<void> {
  if (!/\.svg$/i.test(file)) {
    throw usageError(`${file}: a plot is an SVG file`, {
      where: '--plot',
      hint: 'Give it a name that ends in .svg.',
    })
  }
  const rows = layers.map(({ name, dataflow, cycles, utilisation, levels }) => ({
    layer: name,
    dataflow,
    cycles,
    utilisation,
    ...levels,
  }))
  const { svg, csv } = await layersPlot(`${net} on ${array.rows}x${array.columns} PEs`, rows)
  writeFileAtomically(file, svg)
  writeFileAtomically(file.replace(/\.svg$/i, '.csv'), csv)
}

function kindOf(layer: PlanLayer, dense: ReadonlySet<string>): SimulatedLayer['kind'] {
  if (layer.fills !== undefined) return 'moments'
  invariant(layer.does !== 'grid', `"${layer.name}" is a layer of the grid`)
  return layer.does ?? (layer.passed ? 'add' : dense.has(layer.name) ? 'dense' : 'conv2d')
}

/** Whether a layer only moves codes, or adds up moments. */
const hasNoProducts = ({ does, passed, fills }: PlanLayer) =>
  does !== undefined || passed === true || fills !== undefined

/** M counts the positions that the network defines: those at a dropped edge too, which the array skips. K counts no taps of weight 0 that the plan adds. */
function gemmOf(layer: PlanLayer) {
  const { macs, kernel, channels, filler, groups, filters, positions, readsMoments } = layer
  if (hasNoProducts(layer)) return { M: positions, K: 0, N: filters }
  const K = kernel[0] * kernel[1] * (groups?.channels ?? channels - filler)
  // of curves K counts groups of taps: a PE computes all products of one at once
  return { M: readsMoments !== undefined ? positions : macs / (K * filters), K, N: filters }
}

export function neededProducts(layer: PlanLayer): number {
  const { K, N } = gemmOf(layer)
  return layer.positions * K * N
}

/**
 * ceil(K/R) * (passes, ceil(N/C) where no column fold is mixed) * (2R + C + M - 2) - 1, as SCALE-Sim v2 prints it for dataflow "ws"; group by group where there
 * are several, since it knows none. Nothing without products.
 */
export function scaleSimCycles(plan: Plan, layer: PlanLayer): number {
  if (hasNoProducts(layer)) return 0
  const { rows, columns } = layerSize(plan, layer)
  const { M, K: own, N } = gemmOf(layer)
  // it knows no curves: plain weights take all taps
  const K = layer.readsMoments !== undefined ? layer.macs / (M * N) : own
  const passes = layer.passes.flat().length
  const groups = layer.groups?.count ?? 1
  const folds =
    groups === 1 ? passes : groups * Math.ceil(N / groups / columns) * (passes / layer.columnFolds)
  return Math.ceil(K / rows) * folds * (2 * rows + columns + M - 2) - 1
}
