import type { Assignment, LayerAssignment } from '../approx/assignment.ts'
import { domainName } from '../arith/domain.ts'
import type { Multiplier } from '../arith/multiplier.ts'
import { parseMultiplier } from '../arith/registry.ts'
import { usageError } from '../base/errors.ts'
import { indexBits, unsignedBits } from '../base/integers.ts'
import type { QConv, QGraph, QTensor } from '../quant/qgraph.ts'
import { type ArraySpec, checkArray } from './array.ts'
import { ascending, assemble, type Planned } from './assemble.ts'
import { reciprocalOf, reciprocalShift } from './average.ts'
import { isCurve, readsAllChannels } from './curve-shape.ts'
import { curveLayers, momentsOfWorks } from './curve-work.ts'
import { mapLayer } from './layer.ts'
import { type ArrayWork, isPassed, type Lowered, lower, mapsRead, type Work } from './lower.ts'
import { type FoldMix, idleMix, type LayerMix, mixLayer, tilesOf } from './mix.ts'
import type { Modes, PlanLayer, PlanMerge, PlanStream } from './plan.ts'
import { anyCurveBits, anySumBits, partialSumBits } from './range.ts'
import { readSetOf } from './sets.ts'
import { type StoredMaps, storeMaps } from './stored-maps.ts'

export interface PlanOptions {
  /** Weights can be loaded at run time. */
  readonly reload?: boolean
}

/** Maps a quantised network with its multipliers to an array. Refuses what does not fit, with the bits it needs. */
export function makePlan(
  graph: QGraph,
  assignment: Assignment,
  array: ArraySpec,
  { reload = false }: PlanOptions = {},
): Planned {
  checkArray(array)
  const lowered = lower(graph)
  const { works } = lowered
  const assigned = assignmentsOf(works, assignment)
  const assignments = assigned.filter((one) => one !== undefined)
  const set = tilesOf(assignments, array)
  const mixes = works.map((work, index) =>
    work.kind === 'array'
      ? mixLayer(array, work, assigned[index]!, set, mayPermute(lowered, work))
      : idleMix(array, work.output.shape[0]),
  )
  const maps = storeMaps(array, lowered, assigned, mixes)
  const merge = mergeOf(works, maps.modulus)
  const modes = modesOf(set.tiles, mixes)
  const moments = momentsOfWorks(array, works)
  const layers: PlanLayer[] = []
  /** The layer with the products or windows of each work. */
  const layerOf: PlanLayer[] = []
  let weightBase = 0
  let parameterBase = 0
  for (const [index, work] of works.entries()) {
    const own = assigned[index]
    const placement = {
      mix: mixes[index]!,
      // the rows of the layer before begin higher up by as many
      loadDelay: Math.max(0, (mixes[index - 1]?.size.rows ?? 0) - mixes[index]!.size.rows),
      modesByPass: modes.modes?.from === 'pass',
      ...placesOf(work, maps, merge),
      weightBase,
      parameterBase,
      accumulatorBits: work.kind === 'array' ? sumBits(work.conv, own!, reload ? assignments : undefined) : 1,
    }
    const made = isCurve(work)
      ? curveLayers(array, work, moments!, placement)
      : [mapLayer(array, work, placement)]
    const layer = made.at(-1)!
    layers.push(...made)
    layerOf.push(layer)
    weightBase += layer.taps * layer.columnFolds
    parameterBase += layer.does === undefined ? layer.filters : 0
  }
  const hostStream = (id: string, tensor: QTensor) =>
    stream(tensor, lowered.maps.get(id)!.shape, id, maps, merge)
  return assemble({
    network: graph.name,
    array,
    reload,
    layers,
    set,
    ...(merge === undefined ? {} : { merge }),
    ...(moments === undefined ? {} : { moments }),
    ...modes,
    inputUntil: layers.indexOf(layerOf[lastReader(works, lowered.input)]!) + 1,
    unowned: works.some((work, index) => work.kind === 'array' && hasForeign(work, assigned[index]!)),
    weightWords: weightBase,
    parameterWords: parameterBase,
    banks: (merge?.sets ?? 1) * array.rows,
    bankDepth: maps.depth,
    planned: works.flatMap((work, index) =>
      work.kind === 'array'
        ? [
            {
              work,
              layer: layerOf[index]!,
              mix: mixes[index] as LayerMix,
              stored: orderOf(lowered, mixes, work),
            },
          ]
        : [],
    ),
    input: hostStream(lowered.input, graph.tensors[graph.input]!),
    output: hostStream(lowered.output, graph.tensors[graph.output]!),
    bitsOn: (other) => {
      const unlimited = { ...other, memoryBits: Number.POSITIVE_INFINITY }
      return makePlan(graph, assignment, unlimited, { reload }).plan.memories.bits.total
    },
  })
}

/** The multipliers of each work with products. A map that is passed through has exact ones, of a tile that is there already if one fits. */
function assignmentsOf(
  works: readonly Work[],
  assignment: Assignment,
): readonly (LayerAssignment | undefined)[] {
  const there = works.flatMap((work) =>
    work.kind === 'array' && !isPassed(work.conv) ? assignment.get(work.conv.name)!.multipliers : [],
  )
  return works.map((work) => {
    if (work.kind === 'map') return undefined
    if (!isPassed(work.conv)) return assignment.get(work.conv.name)!
    const { bits, signed } = work.input
    const domain = { nA: bits, signedA: signed, nB: work.conv.weightBits, signedB: true }
    const fits = (one: Multiplier) =>
      one.spec.startsWith('exact') && domainName(one.domain) === domainName(domain)
    const exact = there.find(fits) ?? parseMultiplier('exact', domain)
    return { layer: work.conv.name, multipliers: [exact], ofKernel: new Uint8Array(work.input.shape[0]) }
  })
}

/** Bits of a layer's partial sums: of its weights, or of any that the multipliers of all layers may have. */
export function sumBits(
  conv: QConv,
  own: LayerAssignment,
  all: readonly LayerAssignment[] | undefined,
): number {
  const bits =
    all === undefined
      ? partialSumBits(conv, own)
      : conv.curve === undefined
        ? anySumBits(conv, ofDomain(all, own))
        : anyCurveBits(
            conv.curve,
            conv.curve.coefficients.length / conv.bias.length / (conv.curve.degree + 1),
            all.filter((other) => sameProducts(other, own)),
          )
  if (bits <= 32) return bits
  const any = all === undefined ? '' : ' for any weights'
  throw usageError(`layer "${conv.name}" needs ${bits}-bit accumulators${any}; the hardware has 32`, {
    where: conv.name,
    hint: `Use fewer weight or activation bits (quant.weights, quant.activations)${all === undefined ? '' : ', or give up loading weights at run time (reload: false)'}.`,
  })
}

/** Whether the products of two layers with curves are of one kind, so that any multiplier of the one may compute those of the other. */
const sameProducts = (a: LayerAssignment, b: LayerAssignment): boolean =>
  productsKey(a) !== undefined && productsKey(a) === productsKey(b)

const productsKey = ({ byOrder, shifts }: LayerAssignment) =>
  byOrder?.map((order, k) => `${domainName(order[0]!.domain)} << ${shifts![k]}`).join()

const lastReader = (works: readonly Work[], id: string): number =>
  Math.max(...works.map((work, index) => (mapsRead(work).includes(id) ? index : -1)))

/** Whether a layer's filters may stand in any order: all who read what it writes put their taps in that order, and nobody adds to it. */
function mayPermute({ works, output }: Lowered, work: ArrayWork): boolean {
  return (
    work.addend === undefined &&
    work.conv.groups === 1 &&
    work.writes.map === work.outputId &&
    work.outputId !== output &&
    works.every(
      (other) =>
        !mapsRead(other).includes(work.outputId) ||
        (other.kind === 'array' &&
          other.conv.groups === 1 &&
          !readsAllChannels(other) &&
          other.addend?.view.map !== work.outputId),
    )
  )
}

/** The order in which the channels that a layer reads are stored. */
function orderOf(
  { works }: Lowered,
  mixes: readonly FoldMix[],
  work: ArrayWork,
): readonly number[] | undefined {
  const writer = works.findIndex((other) => other.kind === 'array' && other.outputId === work.reads.map)
  return writer < 0 ? undefined : mixes[writer]!.order
}

/** Whether a layer meets weights that are nobody's: of channels of other groups, or moments that do not exist, where a multiplier does not give 0 for a weight of 0. */
const hasForeign = ({ conv }: ArrayWork, { multipliers, byOrder }: LayerAssignment) =>
  (conv.groups > 1 || conv.curve !== undefined) &&
  (byOrder?.flat() ?? multipliers).some(({ zeroExact }) => !zeroExact)

/** The merge columns of a plan, where some layer needs them. */
export function mergeOf(works: readonly Work[], modulusOf: (map: string) => number): PlanMerge | undefined {
  const operands = works.flatMap((work) =>
    work.kind === 'map'
      ? [modulusOf(work.reads?.map ?? work.writes.map)]
      : work.addend === undefined
        ? []
        : [modulusOf(work.addend.view.map)],
  )
  const areas = works.flatMap((work) => averageArea(work))
  const shifted = areas.every((area) => Number.isInteger(Math.log2(area)))
  if (operands.length === 0 && shifted) return undefined
  const base = { sets: operands.length === 0 ? 1 : 2, moduli: ascending(operands) } as const
  if (shifted) return base
  const shift = reciprocalShift(areas)
  if (shift === undefined) {
    const largest = works.find((work) => averageArea(work)[0] === Math.max(...areas))!
    const name = largest.kind === 'map' ? largest.name : largest.pool!.name
    throw usageError(
      `"${name}" averages ${Math.max(...areas)} codes: the weight-stationary array has no mean of so many`,
      {
        where: name,
        hint: 'Pool in two steps, with smaller windows.',
      },
    )
  }
  const bits = unsignedBits(Math.max(...areas.map((area) => reciprocalOf(area, shift))))
  return { ...base, reciprocal: { bits, shift } }
}

export function averageArea(work: Work): number[] {
  if (work.kind === 'map') return work.average ? [work.window[0] * work.window[1]] : []
  return work.pool?.mode === 'average' ? [work.pool.window[0] * work.pool.window[1]] : []
}

/** Where a work's maps lie, and which sets of banks it uses. */
function placesOf(work: Work, maps: StoredMaps, merge: PlanMerge | undefined) {
  const operand = work.kind === 'array' ? work.addend?.view : undefined
  return {
    input: maps.place(work.reads ?? { map: work.writes.map, offset: 0 }),
    output: maps.place(work.writes),
    operand: operand && maps.place(operand),
    merge: merge && {
      readSet: merge.sets === 1 ? 0 : readSetOf(work, maps.sets),
      storeSets: maps.sets.get(work.writes.map)!,
      reciprocalShift: merge.reciprocal?.shift,
    },
  }
}

/** The multipliers that compute any product of the network with the domain of a layer. */
export function ofDomain(
  assigned: readonly LayerAssignment[],
  layer: LayerAssignment,
): readonly Multiplier[] {
  const domain = domainName(layer.multipliers[0]!.domain)
  return assigned
    .filter(({ byOrder }) => byOrder === undefined)
    .flatMap(({ multipliers, ofKernel }) => [...new Set(ofKernel)].map((index) => multipliers[index]!))
    .filter((multiplier) => domainName(multiplier.domain) === domain)
}

/** The modes of a plan, where some tile has any: they come with the passes, unless weights of one pass differ in theirs. */
function modesOf(
  tiles: readonly (readonly Multiplier[])[],
  mixes: readonly FoldMix[],
): { readonly modes?: Modes } {
  const most = Math.max(...tiles.map((multipliers) => multipliers.length))
  if (most === 1) return {}
  const mixed = mixes.some(({ passes }) => passes.some((list) => list.some((pass) => pass.modes.length > 1)))
  return { modes: { bits: indexBits(most), from: mixed ? 'weight' : 'pass' } }
}

function stream(
  { bits, signed, scale }: QTensor,
  shape: QTensor['shape'],
  id: string,
  maps: StoredMaps,
  merge: PlanMerge | undefined,
): PlanStream {
  const { base, modulus } = maps.place({ map: id, offset: 0 })
  const elements = shape[0] * shape[1] * shape[2]
  const sets = merge?.sets === 2 ? { sets: maps.sets.get(id)! } : {}
  return { shape, elements, bits, signed, scale, base, ...sets, modulus }
}
