import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { divideUp } from '../../src/base/integers.ts'
import { type Lowered, lower, mapsRead } from '../../src/plan/lower.ts'
import { makePlan } from '../../src/plan/make.ts'
import { checkPlaces, type MapPlace } from '../../src/plan/places.ts'
import type { Plan } from '../../src/plan/plan.ts'
import { graphDesign, graphDesigns } from '../fixtures/graph-designs.ts'

/** Words of the banks that a layer writes, as `set:word`: those of its own channels, at every pixel. */
function written({ layers }: Plan, index: number): string[] {
  const { outputBase, outputWords, outputModulus, outputShape, filters, merge } = layers[index]!
  const words = divideUp(filters, outputModulus)
  return [0, 1].flatMap((set) =>
    (((merge?.storeSets ?? 1) >> set) & 1) === 0
      ? []
      : Array.from({ length: outputShape[1] * outputShape[2] * words }, (_, i) => {
          const pixel = Math.floor(i / words)
          return `${set}:${outputBase + pixel * outputWords + (i % words)}`
        }),
  )
}

/** First work behind the last one that reads what a work writes; behind the run for the result. */
function neededUntil({ works, output }: Lowered, index: number): number {
  const { map } = works[index]!.writes
  if (map === output) return works.length
  return Math.max(index, ...works.map((work, i) => (mapsRead(work).includes(map) ? i : -1)))
}

describe('places of maps', () => {
  it('no word is written again while somebody is still to read it, and none of the input map', () => {
    const property = fc.property(graphDesigns, (design) => {
      const { graph, assignment, array } = graphDesign(design)
      const lowered = lower(graph)
      const { plan } = makePlan(graph, assignment, array)
      const { input } = plan
      const inputWords = input.base + input.elements / input.modulus
      for (const [index] of plan.layers.entries()) {
        const words = new Set(written(plan, index))
        for (const word of words) {
          const [set, at] = word.split(':').map(Number)
          expect(at! < plan.memories.bankDepth).toBe(true)
          expect((((input.sets ?? 1) >> set!) & 1) === 1 && at! >= input.base && at! < inputWords).toBe(false)
        }
        for (
          let later = index + 1;
          later <= Math.min(neededUntil(lowered, index), plan.layers.length - 1);
          later++
        )
          expect(written(plan, later).filter((word) => words.has(word))).toEqual([])
      }
    })
    fc.assert(property, { numRuns: 100, seed: 31 })
  })

  it('are refused where two maps that live at the same time share words', () => {
    const place = (base: number, from: number, until: number, sets = 1): MapPlace => ({
      base,
      words: 4,
      sets,
      from,
      until,
    })
    const check = (a: MapPlace, b: MapPlace) => () =>
      checkPlaces(
        new Map([
          ['a', a],
          ['b', b],
        ]),
      )
    expect(check(place(0, 0, 2), place(3, 2, 3))).toThrow('"a" and "b" share words')
    expect(check(place(0, 0, 2, 3), place(3, 2, 3, 2))).toThrow('share words')
    expect(check(place(0, 0, 2), place(4, 2, 3))).not.toThrow()
    expect(check(place(0, 0, 1), place(3, 2, 3))).not.toThrow()
    expect(check(place(0, 0, 2, 1), place(3, 2, 3, 2))).not.toThrow()
  })
})
