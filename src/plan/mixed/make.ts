import type { Assignment, LayerAssignment } from '../../approx/assignment.ts'
import { invariant, usageError } from '../../base/errors.ts'
import type { QGraph, QTensor } from '../../quant/qgraph.ts'
import { type ArraySpec, checkArray, type Dataflow } from '../array.ts'
import { assemble, type Planned } from '../assemble.ts'
import { isCurve } from '../curve-shape.ts'
import { whyNotPooled } from '../fuse.ts'
import { type ArrayWork, isChain, lower } from '../lower.ts'
import { mergeOf, type PlanOptions, sumBits } from '../make.ts'
import { mixLayer, type TileSet, tilesOf } from '../mix.ts'
import type { PlanLayer, PlanMerge, PlanStream } from '../plan.ts'
import { type RotatedMap, type Rotation, rotatedWords, storedTogether } from '../rotation.ts'
import { engineOf } from '../row/engine.ts'
import { foldTiles } from '../row/images.ts'
import { placeLayers } from '../row/layers.ts'
import { checkOptions } from '../row/make.ts'
import type { RowMapping } from '../row/mapping.ts'
import { layerDuration } from '../steps.ts'
import { alternate } from '../stored-maps.ts'
import { gridMaps, type SharedMaps, sharedArrayLayer, waitingCycles, waitingLayer } from './layers.ts'
import { mapSharedRows, sharedShape } from './mapping.ts'

/** What the user asks for a layer; undefined leaves it to the cycles. */
export type DataflowOf = (layer: string) => Dataflow | undefined

/** How a layer runs: on the array, or on the grid with a mapping. */
interface Way {
  readonly mapping?: RowMapping
  readonly cycles: number
}

interface Work {
  readonly work: ArrayWork
  readonly assigned: LayerAssignment
}

interface Ways {
  readonly rotation: Rotation
  readonly ways: readonly Way[]
  readonly cycles: number
}

/**
 * Maps a chain to a systolic array and a row-stationary grid beside shared banks (docs/mixed.md), each layer to the one that the user names, or to the faster one.
 * Where all layers run on the same one, it needs no other beside it: then the dataflow alone.
 */
export function makeMixedPlan(
  graph: QGraph,
  assignment: Assignment,
  array: ArraySpec,
  dataflowOf: DataflowOf,
  { reload = false }: PlanOptions = {},
): Planned | Dataflow {
  checkArray(array)
  checkOptions(array, 'an accelerator of two dataflows')
  const works = chainOf(graph, assignment)
  const merge = mergeOf(
    works.map(({ work }) => work),
    () => array.rows,
  )
  const { rotation, ways } = chooseWays(array, works, merge, dataflowOf)
  const onGrid = ways.map(({ mapping }) => mapping !== undefined)
  if (!onGrid.includes(true)) return 'weight-stationary'
  if (!onGrid.includes(false)) return 'row-stationary'

  const maps = placeMaps(works, rotation)
  const gridWorks = ways.flatMap(({ mapping }, index) =>
    mapping === undefined ? [] : [{ ...works[index]!, mapping, maps: maps.of[index]! }],
  )
  const grid = engineOf({
    array,
    fused: gridWorks.map(({ work }) => work),
    assigned: gridWorks.map(({ assigned }) => assigned),
    mappings: gridWorks.map(({ mapping }) => mapping),
    maps: gridWorks.map(({ work, mapping, maps }) => gridMaps(work, mapping, maps)),
    depth: maps.depth,
    reload,
    tileName: 'grid_tile',
    rotation,
  })
  const ofArray = works.filter((_, index) => !onGrid[index])
  const assignments = ofArray.map(({ assigned }) => assigned)
  const set = tilesOf(assignments, array)
  const bases = { weightBase: 0, parameterBase: 0 }
  let gridIndex = 0
  const mixes = works.map(({ work, assigned }, index) =>
    onGrid[index] ? undefined : mixLayer(array, work, assigned, set, false),
  )
  const layers = works.map(({ work, assigned }, index): PlanLayer => {
    const mix = mixes[index]
    if (mix === undefined) {
      const layer = grid.engine.layers[gridIndex]!
      return waitingLayer(layer, gridIndex++, merge, storedTogether(array), bases)
    }
    const accumulatorBits = sumBits(work.conv, assigned, reload ? assignments : undefined)
    const layer = sharedArrayLayer(array, work, maps.of[index]!, merge, { mix, ...bases, accumulatorBits })
    bases.weightBase += layer.taps * layer.columnFolds
    bases.parameterBase += layer.filters
    return layer
  })
  const [first, last] = [maps.of[0]!.input, maps.of.at(-1)!.output]
  return assemble({
    network: graph.name,
    array: { ...array, dataflow: 'mixed' },
    reload,
    layers,
    set,
    ...(merge === undefined ? {} : { merge }),
    inputUntil: 1,
    unowned: false,
    weightWords: bases.weightBase,
    parameterWords: bases.parameterBase,
    banks: rotation.banks,
    bankDepth: maps.depth,
    planned: works.flatMap(({ work }, index) => {
      const mix = mixes[index]
      return mix === undefined ? [] : [{ work, layer: layers[index]!, mix, stored: undefined }]
    }),
    input: stream(graph.tensors[graph.input]!, works[0]!.work.input.shape, first),
    output: stream(graph.tensors[graph.output]!, works.at(-1)!.work.output.shape, last),
    grid,
    bitsOn: (other) => {
      const unlimited = { ...other, memoryBits: Number.POSITIVE_INFINITY }
      const made = makeMixedPlan(graph, assignment, unlimited, dataflowOf, { reload })
      return typeof made === 'string' ? Number.POSITIVE_INFINITY : made.plan.memories.bits.total
    },
  })
}

/** The works of a chain, with their multipliers. */
function chainOf(graph: QGraph, assignment: Assignment): readonly Work[] {
  const lowered = lower(graph)
  const works = lowered.works.map((work): Work => {
    const why =
      work.kind === 'map'
        ? `is a layer of its own without products`
        : work.addend !== undefined
          ? 'ends in an addition'
          : isCurve(work)
            ? 'has weights that are curves'
            : undefined
    if (work.kind === 'map' || why !== undefined) {
      const name = work.kind === 'map' ? work.name : work.conv.name
      throw noMixing(name, why!)
    }
    return { work, assigned: assignment.get(work.conv.name)! }
  })
  if (!isChain(lowered)) throw noMixing(graph.name, 'is no chain of layers')
  return works
}

const noMixing = (name: string, why: string) =>
  usageError(
    `"${name}" ${why}: an accelerator of two dataflows runs chains of convolutions and dense layers`,
    {
      where: name,
      hint: 'Give all layers one dataflow: --dataflow weight-stationary runs any graph.',
    },
  )

/** The banks, and the way of each layer, that take the fewest cycles; of equals the fewest banks. */
function chooseWays(
  array: ArraySpec,
  works: readonly Work[],
  merge: PlanMerge | undefined,
  dataflowOf: DataflowOf,
): Ways {
  let spacing = 1
  while (spacing < array.rows) spacing *= 2
  const set = tilesOf(
    works.map(({ assigned }) => assigned),
    array,
  )
  const refusals: unknown[] = []
  const sides = [1, 2, 4, 8].filter((side) => side * spacing >= 2).slice(0, 3)
  const found = sides.flatMap((side): readonly Ways[] => {
    const rotation = { banks: side * spacing, group: array.rows, spacing }
    try {
      const ways = works.map((work) => wayOf(array, work, set, rotation, merge, dataflowOf))
      return [{ rotation, ways, cycles: ways.reduce((sum, { cycles }) => sum + cycles, 0) }]
    } catch (error) {
      refusals.push(error)
      return []
    }
  })
  if (found.length === 0) throw refusals.at(-1)
  return found.reduce((a, b) => (b.cycles < a.cycles ? b : a))
}

function wayOf(
  array: ArraySpec,
  work: Work,
  set: TileSet,
  rotation: Rotation,
  merge: PlanMerge | undefined,
  dataflowOf: DataflowOf,
): Way {
  const { name } = work.work.conv
  const wanted = dataflowOf(name)
  const onArray = wanted === 'row-stationary' ? undefined : arrayWay(array, work, set, rotation, merge)
  const onGrid = wanted === 'weight-stationary' ? undefined : gridWay(array, work, set, rotation)
  const possible = [onArray, onGrid].flatMap((way) => (way === undefined || 'why' in way ? [] : [way]))
  if (possible.length > 0) return possible.reduce((a, b) => (b.cycles < a.cycles ? b : a))
  const reasons = [onArray, onGrid].flatMap((way) => (way !== undefined && 'why' in way ? [way] : []))
  throw usageError(`"${name}" ${reasons.map(({ why }) => why).join(', and ')}`, {
    where: name,
    hint:
      wanted === undefined
        ? 'Give all layers one dataflow: --dataflow weight-stationary runs any graph.'
        : `Give it the other dataflow, or none and leave it to the cycles: --dataflow '${name}=auto'.`,
  })
}

interface Refusal {
  readonly why: string
}

function arrayWay(
  array: ArraySpec,
  { work, assigned }: Work,
  set: TileSet,
  rotation: Rotation,
  merge: PlanMerge | undefined,
): Way | Refusal {
  if (work.conv.groups > 1)
    return { why: 'has groups of channels, which an array beside a grid has not (weight-stationary)' }
  const mix = mixLayer(array, work, assigned, set, false)
  const placed = { mix, weightBase: 0, parameterBase: 0, accumulatorBits: 1 }
  const layer = sharedArrayLayer(array, work, unplaced(work, rotation), merge, placed)
  return { cycles: layerDuration(array.rows, layer) }
}

function gridWay(
  array: ArraySpec,
  { work, assigned }: Work,
  set: TileSet,
  rotation: Rotation,
): Way | Refusal {
  const { pool, conv, kernel } = work
  const why = pool && whyNotPooled(pool)
  if (why !== undefined) return { why: `ends in the pooling "${pool!.name}", which ${why} (row-stationary)` }
  const shape = sharedShape(work, rotation.banks)
  const mapping = mapSharedRows(array, shape)
  if (mapping === undefined)
    return {
      why: `needs ${kernel[0] + (shape.multiple - 1) * shape.stride} rows of its input at once for ${shape.multiple} of its result, and ${rotation.banks} banks on ${array.columns} columns have no place for them (row-stationary)`,
    }
  const [layer] = placeLayers([work], [mapping], [gridMaps(work, mapping, unplaced(work, rotation))], () => ({
    bits: 1,
    tiles: (placed) => foldTiles(placed, assigned, (index) => set.owner(assigned, index).tile),
  }))
  invariant(layer !== undefined, `"${conv.name}" has no layer`)
  return { mapping, cycles: waitingCycles(layer) }
}

type Shape = QTensor['shape']

const mapOf = (rotation: Rotation, [channels, height, width]: Shape, base: number): RotatedMap => ({
  rotation,
  base,
  channels,
  height,
  width,
})

const unplaced = ({ input, output }: ArrayWork, rotation: Rotation): SharedMaps => ({
  input: mapOf(rotation, input.shape, 0),
  output: mapOf(rotation, output.shape, 0),
})

/** The input map has words for itself; the others alternate between the two ends of the rest. */
function placeMaps(works: readonly Work[], rotation: Rotation) {
  const shapes = [works[0]!.work.input.shape, ...works.map(({ work }) => work.output.shape)]
  const sizes = shapes.map((shape, index) => [`${index}`, rotatedWords(mapOf(rotation, shape, 0))] as const)
  const { bases, depth } = alternate(sizes)
  const placed = shapes.map((shape, index) => mapOf(rotation, shape, bases.get(`${index}`)!))
  const of = works.map((_, index): SharedMaps => ({ input: placed[index]!, output: placed[index + 1]! }))
  return { of, depth }
}

function stream({ bits, signed, scale }: QTensor, shape: Shape, { base, rotation }: RotatedMap): PlanStream {
  const elements = shape[0] * shape[1] * shape[2]
  return { shape, elements, bits, signed, scale, base, modulus: rotation.group }
}
