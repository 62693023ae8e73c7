import type { Assignment } from '../../approx/assignment.ts'
import { usageError } from '../../base/errors.ts'
import { hashOf } from '../../base/hash.ts'
import type { QGraph } from '../../quant/qgraph.ts'
import { type ArraySpec, checkArray } from '../array.ts'
import { type FusedLayer, fuseLayers } from '../fuse.ts'
import { hashImages, type MemoryImages } from '../images.ts'
import { checkMemory } from '../memory-check.ts'
import { engineOf } from './engine.ts'
import { strideOf } from './layers.ts'
import { inputLayout, layoutWords, outputLayout } from './layout.ts'
import { mapRows, type RowMapping, type RowShape } from './mapping.ts'
import type { MapLayout, RowPlan, RowStream } from './plan.ts'
import { rowStructure } from './structure.ts'

export interface RowPlanned {
  readonly plan: RowPlan
  readonly images: MemoryImages
}

/** Maps a quantised network with its multipliers to a row-stationary grid. Refuses what does not fit, with the reason. */
export function makeRowPlan(
  graph: QGraph,
  assignment: Assignment,
  array: ArraySpec,
  { reload = false }: { readonly reload?: boolean } = {},
): RowPlanned {
  checkArray(array)
  checkOptions(array)
  const fused = fuseLayers(graph)
  const assigned = fused.map(({ conv }) => assignment.get(conv.name)!)
  const mappings = mapLayers(array, fused)
  const maps = placeMaps(fused, mappings)
  const made = engineOf({ array, fused, assigned, mappings, ...maps, reload, tileName: 'tile' })
  const { engine } = made
  checkMemory({
    network: graph.name,
    array,
    memories: engine.memories,
    tiles: engine.tiles.length,
    namedTiles: engine.masked,
    masked: false,
    bitsOn: (other) => {
      const unlimited = { ...other, memoryBits: Number.POSITIVE_INFINITY }
      return makeRowPlan(graph, assignment, unlimited, { reload }).plan.memories.bits.total
    },
  })
  const images = made.images()
  const draft: RowPlan = {
    format: 'xgen-row-plan-1',
    network: graph.name,
    input: stream(graph, graph.input, engine.layers[0]!.layout),
    output: {
      ...stream(graph, graph.output, engine.layers.at(-1)!.output),
      shape: fused.at(-1)!.output.shape,
    },
    ...engine,
    contents: hashImages(images),
    structure: '',
    hash: '',
  }
  const plan = { ...draft, structure: rowStructure(draft) }
  return { plan: { ...plan, hash: hashOf({ ...plan, hash: undefined }) }, images }
}

/** Refuses what only an accelerator with a systolic array alone has. */
export function checkOptions(array: ArraySpec, name = 'the row-stationary array'): void {
  const refuse = (setting: string, what: string) => {
    throw usageError(`${name} has no ${what}`, {
      where: setting,
      hint: 'It runs one tile a multiplier, each as large as the array, one after another. Leave the setting out, or use --dataflow weight-stationary.',
    })
  }
  if (array.modes === true) refuse('array.modes', 'tiles with run-time modes')
  if (array.parallel) refuse('array.parallel', 'tiles that work side by side')
  if (array.tiles !== undefined) refuse('array.tiles', 'tiles smaller than the array')
}

/** From the last layer to the first: a layer writes at most as many rows side by side as the next one's banks tell apart. */
function mapLayers(array: ArraySpec, fused: readonly FusedLayer[]): readonly RowMapping[] {
  const mappings: RowMapping[] = []
  let most = Number.POSITIVE_INFINITY
  for (const layer of fused.toReversed()) {
    const { pool } = layer
    const window = pool?.window ?? ([1, 1] as const)
    if (window[0] > array.columns) {
      throw usageError(
        `"${pool!.name}" pools ${window[0]} rows, and the row-stationary array has ${array.columns} columns, one output row each`,
        { where: pool!.name, hint: `Give the array at least ${window[0]} columns.` },
      )
    }
    const mapping = mapRows(array, { ...rowShape(layer), most: most * window[0] })
    mappings.unshift(mapping)
    const { period, blocks } = inputLayout(layer, mapping, strideOf(layer)[0])
    most = blocks === 1 ? Number.POSITIVE_INFINITY : period
  }
  return mappings
}

/** What a mapper must know of a layer. */
export function rowShape({ conv, pool, kernel, input, output }: FusedLayer): Omit<RowShape, 'most'> {
  const window = pool?.window ?? ([1, 1] as const)
  return {
    kernel,
    positions: [output.shape[1] * window[0], output.shape[2] * window[1]],
    channels: input.shape[0] / conv.groups,
    filters: conv.bias.length / conv.groups,
    groups: conv.groups,
    multiple: window[0],
  }
}

/**
 * The layouts of all maps, the result's last. The input map has the first words for itself, so that the next image can arrive while the network runs; the others
 * alternate between the two ends of the rest.
 */
function placeMaps(fused: readonly FusedLayer[], mappings: readonly RowMapping[]) {
  const last = fused.at(-1)!
  const lanes = mappings.at(-1)!.columns / (last.pool?.window[0] ?? 1)
  const unplaced = [
    ...fused.map((layer, index) => inputLayout(layer, mappings[index]!, strideOf(layer)[0])),
    outputLayout(last.output.shape, lanes),
  ]
  const [input, ...others] = unplaced.map(layoutWords) as [number, ...number[]]
  const depth = Math.max(2, ...others.map((count, index) => input + count + (others[index + 1] ?? 0)))
  const bases = [0, ...others.map((count, index) => (index % 2 === 0 ? depth - count : input))]
  const layouts = unplaced.map((layout, index): MapLayout => ({ base: bases[index]!, ...layout }))
  const maps = fused.map((_, index) => ({ input: layouts[index]!, output: layouts[index + 1]! }))
  return { maps, depth }
}

function stream(graph: QGraph, id: string, layout: MapLayout): RowStream {
  const { shape, bits, signed, scale } = graph.tensors[id]!
  return { shape, elements: shape[0] * shape[1] * shape[2], bits, signed, scale, layout }
}
