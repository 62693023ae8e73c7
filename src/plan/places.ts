import { invariant } from '../base/errors.ts'
import { mapsRead, type Work } from './lower.ts'

/** A map's words in the banks: in each bank of its sets, from `base` on. */
export interface MapPlace {
  readonly base: number
  readonly words: number
  readonly sets: number
  /** First and last work that writes or reads it, as indices: its words are nobody else's from the one to the other. */
  readonly from: number
  readonly until: number
}

export interface MapDemand {
  readonly id: string
  readonly words: number
  readonly sets: number
}

/** When the words of a map are in use. The input map can come, and the output map be fetched, while nothing runs. */
export function lifetimeOf(id: string, works: readonly Work[], input: string, output: string) {
  const used = [...works.entries()].flatMap(([index, work]) =>
    work.writes.map === id || mapsRead(work).includes(id) ? [index] : [],
  )
  return {
    from: id === input ? -1 : Math.min(...used),
    // the next image comes while the run is at work
    until: id === input || id === output ? works.length : Math.max(...used),
  }
}

/** Places for all maps, the largest first, each at the lowest words that are free as long as it lives. */
export function placeByLifetime(
  demands: readonly MapDemand[],
  works: readonly Work[],
  input: string,
  output: string,
): ReadonlyMap<string, MapPlace> {
  const places = new Map<string, MapPlace>()
  const largestFirst = [...demands].sort((a, b) => b.words - a.words)
  for (const { id, words, sets } of largestFirst) {
    const life = lifetimeOf(id, works, input, output)
    const others = [...places.values()].filter((other) => meets(other, { ...life, sets }))
    const ends = [0, ...others.map((other) => other.base + other.words)].sort((a, b) => a - b)
    const base = ends.find((at) =>
      others.every((other) => at + words <= other.base || at >= other.base + other.words),
    )!
    places.set(id, { base, words, sets, ...life })
  }
  checkPlaces(places)
  return places
}

type Stay = Pick<MapPlace, 'from' | 'until' | 'sets'>

/** Whether two maps are in one set at one time. */
const meets = (a: Stay, b: Stay) => a.from <= b.until && b.from <= a.until && (a.sets & b.sets) !== 0

/** No word of a bank is two maps' at one time. */
export function checkPlaces(places: ReadonlyMap<string, MapPlace>): void {
  const all = [...places]
  for (const [index, [id, place]] of all.entries())
    for (const [otherId, other] of all.slice(index + 1))
      invariant(
        !meets(place, other) ||
          place.base + place.words <= other.base ||
          other.base + other.words <= place.base,
        `the maps "${id}" and "${otherId}" share words of the banks`,
      )
}
