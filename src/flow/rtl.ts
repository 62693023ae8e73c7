import { testbenchFiles } from '../../testbench/vectors.ts'
import { version } from '../base/version.ts'
import { acceleratorFiles } from '../emit/accelerator-files.ts'
import { flowFiles } from '../emit/flow-files.ts'
import { type Files, type RunRecord, writeRunDirectory } from '../emit/run-directory.ts'
import type { Module } from '../hdl/module.ts'
import { type AnyPlan, enginesOf, inferenceCycles, isRowPlan, layersOf } from '../plan/any-plan.ts'
import type { MemoryImages } from '../plan/images.ts'
import type { InterfaceName } from '../plan/names.ts'
import { tilesOfLayer } from '../plan/plan.ts'
import { tileSize } from '../plan/size.ts'
import { type Alternative, alternatives } from './alternatives.ts'
import type { Configuration } from './configuration.ts'
import { designMetrics, metricsText } from './metrics.ts'
import { arrayChoice, planDesign } from './planning.ts'
import type { Prepared } from './preparation.ts'
import { measuredMetrics } from './run-metrics.ts'

/** A network planned and generated, not yet written. */
export interface Design {
  readonly plan: AnyPlan
  readonly images: MemoryImages
  readonly top: Module
  readonly interfaceName: InterfaceName
  readonly files: Files
}

export function generate(configuration: Configuration, prepared: Prepared): Design {
  const { plan, images } = planDesign(configuration, prepared)
  const interfaceName = configuration.interface
  const { top, files, streams } = acceleratorFiles(plan, images, version, interfaceName)
  const design = new Map<string, string | Uint8Array>([
    ...files,
    ...streams,
    ...testbenchFiles(plan, images, top.name, interfaceName),
  ])
  const flow = flowFiles(top, design.keys(), {
    version,
    network: plan.network,
    summary: `${plan.array.rows}x${plan.array.columns} PEs`,
    clockNs: configuration.synth.clock_ns,
  })
  const metrics = metricsText(designMetrics(plan, top.ports, interfaceName))
  return { plan, images, top, interfaceName, files: new Map([...design, ...flow, ['metrics.json', metrics]]) }
}

/** The design's text files below a directory, by their names in it. */
export function filesBelow({ files }: Pick<Design, 'files'>, directory: string): ReadonlyMap<string, string> {
  const below = [...files].filter(([name]) => name.startsWith(directory))
  return new Map(below.map(([name, contents]) => [name.slice(directory.length), contents.toString()]))
}

export interface RtlSummary {
  readonly net: string
  readonly directory: string
  readonly array: string
  readonly dataflow: AnyPlan['array']['dataflow']
  readonly tiles: readonly {
    readonly name: string
    readonly multiplier: string
    readonly rows: number
    readonly columns: number
    readonly layers: readonly string[]
  }[]
  readonly cycles: { readonly layers: number; readonly inference: number }
  readonly memoryBits: AnyPlan['memories']['bits']
  /** array.modes was set, but no two multipliers could share a tile, so that it changed nothing. */
  readonly modesUnused: boolean
  /** Other ways to give the network its tiles; empty where it has one multiplier. */
  readonly alternatives: readonly Alternative[]
  readonly files: number
  readonly plan: string
}

/** The hashes of what a design is made from. */
export const inputsOf = ({ weightsHash, networkHash, coefficientsHash, multiplierHashes }: Prepared) => ({
  weights: weightsHash,
  network: networkHash,
  ...(coefficientsHash === undefined ? {} : { coefficients: coefficientsHash }),
  ...(multiplierHashes === undefined ? {} : { multipliers: multiplierHashes }),
})

/** Writes a run's directory. What other steps have measured of the same design stays in metrics.json. */
export function writeDesign(
  directory: string,
  design: Design,
  configuration: Configuration,
  prepared: Prepared,
  force: boolean,
): RtlSummary {
  const { plan, files } = design
  const record: RunRecord = {
    xgen: version,
    command: 'rtl',
    configuration,
    inputs: inputsOf(prepared),
    plan: plan.hash,
  }
  const own = designMetrics(plan, design.top.ports, design.interfaceName)
  const metrics = metricsText({ ...own, ...measuredMetrics(directory, design, configuration) })
  writeRunDirectory(directory, new Map([...files, ['metrics.json', metrics]]), record, force)
  return {
    net: plan.network,
    directory,
    array: `${plan.array.rows}x${plan.array.columns}`,
    dataflow: plan.array.dataflow,
    tiles: enginesOf(plan).flatMap((engine) =>
      engine.tiles.map((tile, index) => ({
        name: tile.name,
        multiplier: tile.multiplier,
        ...tileSize(engine, tile),
        layers: layersOf(engine).flatMap((layer) =>
          tilesOfLayer(layer).includes(index) ? [layer.name] : [],
        ),
      })),
    ),
    cycles: {
      layers: plan.layers.reduce((sum, layer) => sum + layer.cycles, 0),
      inference: inferenceCycles(plan),
    },
    memoryBits: plan.memories.bits,
    ...(isRowPlan(plan) || plan.grid !== undefined
      ? { modesUnused: false, alternatives: [] }
      : {
          modesUnused: configuration.array.modes && plan.modes === undefined,
          alternatives: alternatives(
            prepared,
            { ...arrayChoice(configuration), dataflow: plan.array.dataflow },
            design.interfaceName,
            { reload: plan.reload },
          ),
        }),
    files: files.size + 1,
    plan: plan.hash,
  }
}
