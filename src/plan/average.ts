// The mean of any number of codes by a product: floor((sum + floor(area / 2)) / area) = ((sum + offset) * reciprocal >> shift) - 128.

/** What keeps a code from being negative. */
const codeOffset = 128

/** Added to the sum of the codes of a window: the half that rounds, and what makes it positive. */
export const averageOffset = (area: number): number => codeOffset * area + Math.floor(area / 2)

/** Above the largest sum with its offset: codes are at most 255. */
export const averageLimit = (area: number): number => (255 + codeOffset) * area + Math.floor(area / 2) + 1

/** 2^shift / area, rounded up. */
export const reciprocalOf = (area: number, shift: number): number => Math.ceil(2 ** shift / area)

/**
 * Whether n * reciprocal >> shift is floor(n / area) for all n below the limit. The product is n / area too large by n * error / (area * 2^shift),
 * error = reciprocal * area - 2^shift; floor(n / area) is at least 1/area below the next integer.
 */
function isExact(area: number, shift: number): boolean {
  const error = reciprocalOf(area, shift) * area - 2 ** shift
  return averageLimit(area) * error < 2 ** shift
}

/** The least shift that is exact for all areas; undefined where the areas are too large for a product of 53 bits. */
export function reciprocalShift(areas: readonly number[]): number | undefined {
  const fits = (area: number, shift: number) => averageLimit(area) * reciprocalOf(area, shift) < 2 ** 53
  for (let shift = 1; areas.every((area) => fits(area, shift)); shift++)
    if (areas.every((area) => isExact(area, shift))) return shift
  return undefined
}
