import { describe, expect, it } from 'vitest'
import { averageLimit, averageOffset, reciprocalOf, reciprocalShift } from '../../src/plan/average.ts'

/** floor((sum + floor(area / 2)) / area), as docs/numerics.md has it. */
const mean = (sum: number, area: number) => Math.floor((sum + Math.floor(area / 2)) / area)

describe('a mean as a product with a reciprocal', () => {
  it.each([[[1, 2, 4]], [[3]], [[9, 49]], [[64, 125]], [[2, 7, 60, 121]]])(
    'is exact for every sum of the areas %j with one shift',
    (areas) => {
      const shift = reciprocalShift(areas)!
      for (const area of areas) {
        const reciprocal = reciprocalOf(area, shift)
        const offset = averageOffset(area)
        expect(255 * area + offset).toBeLessThan(averageLimit(area))
        for (let sum = -128 * area; sum <= 255 * area; sum++)
          expect(Math.floor(((sum + offset) * reciprocal) / 2 ** shift) - 128).toBe(mean(sum, area))
      }
    },
  )

  it('needs no more bits than it says: a shift less is wrong somewhere', () => {
    for (const area of [3, 9, 49, 125]) {
      const shift = reciprocalShift([area])! - 1
      const reciprocal = reciprocalOf(area, shift)
      const proven = averageLimit(area) * (reciprocal * area - 2 ** shift) < 2 ** shift
      expect(proven).toBe(false)
    }
  })

  it('is refused where the product would not be exact in 53 bits', () => {
    expect(reciprocalShift([2 ** 24 + 1])).toBeUndefined()
  })
})
