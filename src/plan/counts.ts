import { type AnyPlan, isRowPlan } from './any-plan.ts'
import { axiCounts } from './counts/axi.ts'
import {
  accumulatorColumn,
  columnAdders,
  controlDelay,
  outputWriter,
  parameterMemory,
} from './counts/columns.ts'
import {
  columnAligner,
  mergeAdders,
  mergeColumn,
  mergeControl,
  mergeMultiplications,
} from './counts/merge.ts'
import { type ModuleCount, merged, moduleCount, sumOf } from './counts/module-count.ts'
import { momentAdders, momentCounts } from './counts/moments.ts'
import { featureBank, rowFeeder, weightMemory } from './counts/rows.ts'
import { sequencer } from './counts/sequencer.ts'
import { sharedCounts } from './counts/shared.ts'
import { inputStream, outputStream } from './counts/streams.ts'
import { tileCounts } from './counts/tiles.ts'
import { meanBy } from './merge.ts'
import { ordersOfLayer } from './moments.ts'
import { coreName, type InterfaceName, topName } from './names.ts'
import { type Plan, type PlanLayer, tilesOfLayer } from './plan.ts'
import { rowLayerCount } from './row/counts.ts'
import { rowCounts } from './row/design-counts.ts'
import { layerSize, tileSize } from './size.ts'

/**
 * Multipliers, adders, registers and memory bits of a design in closed form: module by module, from the plan alone (docs/counts.md
 * defines what counts). The netlist and Yosys count the same modules, and `xgen verify` compares the three.
 *
 * Who changes a module of src/arch changes its formula in counts/, where it stands under the name of its file. Who adds a module adds
 * its formula there and a line here; without one, verify says which module the plan does not count. A module's adders are either
 * of the datapath or of the control: one that would have both is better cut into two.
 */
export function planCounts(plan: AnyPlan, interfaceName: InterfaceName = 'native'): readonly ModuleCount[] {
  const axi = interfaceName === 'axi'
  const name = axi ? coreName(plan.network) : topName(plan.network)
  return merged([
    ...(axi ? axiCounts(plan) : []),
    ...(isRowPlan(plan) ? rowCounts(plan, name) : systolicCounts(plan, name)),
  ])
}

function systolicCounts(plan: Plan, name: string): readonly ModuleCount[] {
  return [
    core(name, plan),
    ...plan.tiles.flatMap((tile) => tileCounts(plan, tile)),
    accumulatorColumn(plan),
    controlDelay(plan),
    parameterMemory(plan),
    ...(plan.grid === undefined
      ? [outputWriter(plan), rowFeeder(plan), featureBank(plan), inputStream(plan), outputStream(plan)]
      : sharedCounts(plan)),
    ...(plan.merge === undefined ? [] : [columnAligner(plan), mergeControl(plan), mergeColumn(plan)]),
    ...momentCounts(plan),
    weightMemory(plan),
    sequencer(plan),
  ]
}

/** src/arch/accelerator.ts: tiles that work side by side have their bottom sums added, column by column. */
function core(name: string, plan: Plan): ModuleCount {
  const { array, tiles, sideBySide } = plan
  const columns = tiles.map((tile) => tileSize(plan, tile).columns)
  const meeting = Array.from({ length: array.columns }, (_, j) => columns.filter((count) => j < count).length)
  return moduleCount(name, 1, 'datapath', {
    adders: sideBySide
      ? { 'sums of tiles': meeting.reduce((sum, count) => sum + Math.max(0, count - 1), 0) }
      : {},
  })
}

/** The multipliers and datapath adders that work for one layer. */
export interface LayerCount {
  readonly name: string
  /** Cores of the PEs that have a tap and a filter in the layer's largest fold, in every tile that the layer uses. */
  readonly cores: number
  /** Multiplications of the requantisers, one a column with a filter. */
  readonly multiplications: number
  /** Of these PEs and columns; of meeting tiles as far as a pass has several, of average pooling where the layer does it. */
  readonly adders: number
}

export function layerCounts(plan: AnyPlan): readonly LayerCount[] {
  return isRowPlan(plan)
    ? plan.layers.map((layer) => rowLayerCount(plan, layer))
    : plan.layers.map((layer) => layerCount(plan, layer))
}

function layerCount(plan: Plan, layer: PlanLayer): LayerCount {
  const size = layerSize(plan, layer)
  if (layer.grid !== undefined) return rowLayerCount(plan.grid!, plan.grid!.layers[layer.grid]!)
  if (layer.fills !== undefined) {
    const units = Math.min(size.rows, layer.channels)
    return {
      name: layer.name,
      cores: 0,
      multiplications: 0,
      adders: units * momentAdders(plan.moments!.units[layer.fills.unit]!),
    }
  }
  const columns = Math.min(size.columns, layer.filters)
  const merged = mergedCount(plan, layer)
  if (layer.does !== undefined)
    return {
      name: layer.name,
      cores: 0,
      multiplications: merged.multiplications * columns,
      adders: merged.adders * columns,
    }
  // a PE for curves has a multiplier and an adder for each order of its group
  const orders = ordersOfLayer(plan, layer)
  const cores = orders * tilesOfLayer(layer).length * Math.min(size.rows, layer.taps) * columns
  const meeting = Math.max(...layer.passes.flat().map((tiles) => tiles.length)) - 1
  const { 'average pooling': average, ...always } = columnAdders
  const pooling = layer.merge === undefined ? (layer.average ? average : 0) : merged.adders
  return {
    name: layer.name,
    cores,
    multiplications: (1 + merged.multiplications) * columns,
    adders: cores + (meeting + sumOf(always) + pooling) * columns,
  }
}

/** What works of a merge column: the scaling of what comes, its addition, and a mean. */
function mergedCount(plan: Plan, { merge, does, average }: PlanLayer) {
  if (merge === undefined) return { multiplications: 0, adders: 0 }
  const scaled = merge.operand === undefined ? 0 : does === undefined ? mergeMultiplications.scaling : 1
  const summed = scaled === 0 ? 0 : mergeAdders.rounding + (does === undefined ? mergeAdders.addition : 0)
  return {
    multiplications: scaled + (average && meanBy(plan) === 'reciprocal' ? mergeMultiplications.mean : 0),
    adders: summed + (average && meanBy(plan) !== undefined ? mergeAdders['average pooling'] : 0),
  }
}
