import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Figures, paretoMembers } from '../../src/base/pareto.ts'

/** The definition, pair by pair. */
const beats = ([x, y]: Figures, [u, v]: Figures) => x <= u && y <= v && (x < u || y < v)
const naive = (points: readonly Figures[]) =>
  points.map((point) => !points.some((other) => beats(other, point)))

describe('Pareto members', () => {
  it('are those that no other point beats', () => {
    const few = fc.integer({ min: 0, max: 6 })
    const any = fc.double({ noNaN: true, min: 0 })
    for (const figure of [few, any])
      fc.assert(
        fc.property(fc.array(fc.tuple(figure, figure), { maxLength: 40 }), (points) => {
          expect(paretoMembers(points)).toEqual(naive(points))
        }),
        {
          numRuns: 2000,
          examples: [
            [[[0, Number.POSITIVE_INFINITY]]],
            [
              [
                [1, Number.POSITIVE_INFINITY],
                [Number.POSITIVE_INFINITY, 2],
              ],
            ],
          ],
        },
      )
  })

  it('are all of equal points, or none', () => {
    expect(paretoMembers([])).toEqual([])
    expect(
      paretoMembers([
        [1, 2],
        [1, 2],
        [1, 3],
        [2, 2],
        [2, 1],
        [2, 1],
      ]),
    ).toEqual([true, true, false, false, true, true])
  })
})
