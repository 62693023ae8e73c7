import type { LayerAssignment } from '../approx/assignment.ts'
import { divideUp, greatestCommonDivisor } from '../base/integers.ts'
import type { ArraySpec } from './array.ts'
import {
  bankModulus,
  bankWords,
  channelSlots,
  chooseModuli,
  largestModulus,
  mapSize,
  possibleModuli,
} from './banking.ts'
import { readsAllChannels } from './curve-shape.ts'
import { mapLayer, type Place, type Placement } from './layer.ts'
import { type ArrayWork, isChain, type Lowered, type View, type Work } from './lower.ts'
import type { FoldMix } from './mix.ts'
import { placeByLifetime } from './places.ts'
import { chooseSets, type SetMask } from './sets.ts'
import { layerDuration } from './steps.ts'
import { channelWindow } from './windows.ts'

/** Where all maps of a network stand in the banks. */
export interface StoredMaps {
  modulus(id: string): number
  place(view: View): Place
  readonly sets: ReadonlyMap<string, SetMask>
  /** Words of a bank. */
  readonly depth: number
}

type Assigned = readonly (LayerAssignment | undefined)[]
type Moduli = ReadonlyMap<string, number>

export function storeMaps(
  array: ArraySpec,
  lowered: Lowered,
  assigned: Assigned,
  mixes: readonly FoldMix[],
): StoredMaps {
  const chain = isChain(lowered)
  const moduli = chain
    ? chainModuli(array, lowered, assigned, mixes)
    : graphModuli(array, lowered, assigned, mixes)
  const { maps } = lowered
  const words = (id: string) => bankWords(maps.get(id)!.shape, moduli.get(id)!)
  const sets = chain ? new Map([...maps.keys()].map((id) => [id, 1 as SetMask])) : chooseSets(lowered)
  const { bases, depth } = chain
    ? alternate([...maps.keys()].map((id) => [id, words(id)]))
    : byLifetime(lowered, words, sets)
  return {
    modulus: (id) => moduli.get(id)!,
    place: ({ map, offset }) => placeOf(lowered, moduli, { map, offset }, bases.get(map)!),
    sets,
    depth,
  }
}

function placeOf({ maps }: Pick<Lowered, 'maps'>, moduli: Moduli, view: View, base: number): Place {
  const modulus = moduli.get(view.map)!
  return {
    base: base + view.offset / modulus,
    modulus,
    words: divideUp(maps.get(view.map)!.shape[0], modulus),
  }
}

/**
 * The input map has the first words for itself, so that the next image can arrive while the network runs. The others alternate between
 * the two ends of the rest: a layer reads one and writes the other, so the deepest pair decides the depth.
 */
export function alternate(words: readonly (readonly [id: string, words: number])[]) {
  const [input, ...others] = words
  const before = input![1]
  const depth = Math.max(
    2,
    ...others.map(([, count], index) => before + count + (others[index + 1]?.[1] ?? 0)),
  )
  const bases = others.map(([id, count], index) => [id, index % 2 === 0 ? depth - count : before] as const)
  return { bases: new Map([[input![0], 0], ...bases]), depth }
}

/** The maps of a graph live as long as somebody writes or reads them; the input map has words for itself. */
function byLifetime(lowered: Lowered, words: (id: string) => number, sets: ReadonlyMap<string, SetMask>) {
  const demands = [...lowered.maps.keys()].map((id) => ({ id, words: words(id), sets: sets.get(id)! }))
  const places = placeByLifetime(demands, lowered.works, lowered.input, lowered.output)
  const ends = [...places.values()].map((place) => place.base + place.words)
  return {
    bases: new Map([...places].map(([id, { base }]) => [id, base])),
    depth: Math.max(2, ...ends),
  }
}

/**
 * The moduli of all maps of a chain, the output's too. The host sends the input's channels alone, so that one has no channels added; a result of one
 * position lies in every bank whole (modulus 1), so that the output reads bank 0 alone. A layer has taps with a weight of 0 only where they add 0,
 * and where each weight word that they cost saves a cycle.
 */
function chainModuli(
  array: ArraySpec,
  lowered: Lowered,
  assigned: Assigned,
  mixes: readonly FoldMix[],
): Moduli {
  const works = lowered.works as readonly ArrayWork[]
  const size = (index: number) => mixes[index]?.size ?? array
  const options = works.map((work, index) => {
    const channels = seenChannels(work, size(index).columns)
    const sides = mapSize(array, size(index), size(index - 1))
    const natural = [bankModulus(sides, channels)]
    if (index === 0 || !mayFill(work, assigned[index])) return natural
    return possibleModuli(sides, channels)
  })
  const [channels, height, width] = works.at(-1)!.output.shape
  const result =
    height * width === 1
      ? [1]
      : [...new Set([1, ...possibleModuli(mapSize(array, array, size(works.length - 1)), channels)])]
  const ids = [lowered.input, ...works.map(({ writes }) => writes.map)]
  const chosen = chooseModuli([...options, result], (index, reads, writes) => {
    const pair = new Map([[ids[index]!, reads] as const, [ids[index + 1]!, writes] as const])
    return cost(array, lowered, works[index]!, mixes[index]!, pair)
  })
  return new Map(chosen.map((modulus, index) => [ids[index]!, modulus]))
}

/** Channels of a pixel that a column fold's taps count: of curves all that fill the moment banks, or one where each row reads all of them. */
const seenChannels = (work: ArrayWork, columns: number): number => {
  const { conv, input } = work
  if (conv.curve !== undefined) return readsAllChannels(work) ? 1 : input.shape[0]
  const seen = channelWindow(conv, input.shape[0], columns)
  return seen === undefined ? input.shape[0] : greatestCommonDivisor(seen.channels, seen.step)
}

/** Whether a layer's taps may count channels that do not exist: the product with their weight of 0 is 0. */
const mayFill = (work: ArrayWork, assigned: LayerAssignment | undefined): boolean =>
  work.conv.groups === 1 &&
  !readsAllChannels(work) &&
  assigned!.multipliers.every(({ zeroExact }) => zeroExact)

/** Cycles that a work takes by the moduli of its maps, and a cycle for each weight word of taps that are added. */
function cost(array: ArraySpec, lowered: Lowered, work: Work, mix: FoldMix, moduli: Moduli): number {
  const place = (view: View | undefined) => view && placeOf(lowered, moduli, view, 0)
  const operand = work.kind === 'array' ? work.addend?.view : undefined
  const placement: Placement = {
    mix,
    loadDelay: 0,
    modesByPass: false,
    input: place(work.reads ?? work.writes)!,
    output: place(work.writes)!,
    operand: place(operand),
    merge:
      work.kind === 'map' || operand !== undefined
        ? { readSet: 0, storeSets: 1, reciprocalShift: undefined }
        : undefined,
    weightBase: 0,
    parameterBase: 0,
    accumulatorBits: 1,
  }
  const layer = mapLayer(array, work, placement)
  const addedWords = layer.filler * layer.kernel[0] * layer.kernel[1] * layer.columnFolds
  return layerDuration(mix.size.rows, layer) + addedWords
}

/** The moduli of a graph's maps: each the largest that all who read and write it allow, or a larger one with channels added where that is faster. */
function graphModuli(
  array: ArraySpec,
  lowered: Lowered,
  assigned: Assigned,
  mixes: readonly FoldMix[],
): Moduli {
  const { works, maps, input, output } = lowered
  const moduli = new Map<string, number>()
  const larger = new Map<string, readonly number[]>()
  for (const [id, { shape }] of maps) {
    const { largest, natural, mayGrow } = limitsOf(array, lowered, assigned, mixes, id)
    moduli.set(id, id === output && shape[1] * shape[2] === 1 ? 1 : natural)
    if (mayGrow && id !== input && id !== output) larger.set(id, grown(largest, natural, shape[0]))
  }
  const total = () =>
    works.reduce((sum, work, index) => sum + cost(array, lowered, work, mixes[index]!, moduli), 0)
  let best = total()
  for (const [id, choices] of larger) {
    for (const modulus of choices) {
      const before = moduli.get(id)!
      moduli.set(id, modulus)
      const now = total()
      if (now < best) best = now
      else moduli.set(id, before)
    }
  }
  return moduli
}

/** Multiples of the natural modulus that divide the largest, those that add few channels first. */
const grown = (largest: number, natural: number, channels: number) =>
  Array.from({ length: largest / natural }, (_, i) => (i + 1) * natural)
    .filter((modulus) => modulus > natural && largest % modulus === 0)
    .sort((a, b) => channelSlots(channels, a) - channelSlots(channels, b) || b - a)

/** What the works that read and write a map allow as its modulus. */
function limitsOf(
  array: ArraySpec,
  { works, maps }: Lowered,
  assigned: Assigned,
  mixes: readonly FoldMix[],
  id: string,
) {
  let largest = largestModulus(array)
  let natural = maps.get(id)!.shape[0]
  let mayGrow = true
  const divides = (value: number) => {
    natural = greatestCommonDivisor(natural, value)
  }
  for (const [index, work] of works.entries()) {
    const { rows, columns } = mixes[index]!.size
    const views = [work.writes, ...(work.reads === undefined ? [] : [work.reads])]
    if (work.kind === 'array' && work.addend !== undefined) views.push(work.addend.view)
    for (const { map, offset } of views) if (map === id) divides(offset)
    if (work.writes.map === id || (work.kind === 'array' ? work.addend?.view.map : work.reads?.map) === id)
      largest = greatestCommonDivisor(largest, columns)
    const partial = (of: number) => of !== maps.get(id)!.shape[0]
    if (work.writes.map === id && partial(work.output.shape[0])) mayGrow = false
    if (work.kind !== 'array' || work.reads.map !== id) continue
    largest = greatestCommonDivisor(largest, rows)
    divides(seenChannels(work, columns))
    if (partial(work.input.shape[0]) || !mayFill(work, assigned[index])) mayGrow = false
  }
  return { largest, natural: greatestCommonDivisor(natural, largest), mayGrow }
}
