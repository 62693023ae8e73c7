/**
 * Least squares fit of weights by a curve in t = i / 2^spread, order 0 first. The highest order is found first and `round`ed, then
 * the next one for what is left, so that lower orders make up for the rounding of higher ones.
 */
export function fitCurve(
  weights: ArrayLike<number>,
  degree: number,
  spread: number,
  round: (coefficient: number) => number = (x) => x,
): number[] {
  const rest = Float64Array.from(weights)
  const coefficients = new Array<number>(degree + 1).fill(0)
  for (let order = degree; order >= 0; order--) {
    const leading = round(leadingCoefficient(rest, order, spread))
    coefficients[order] = leading
    for (let i = 0; i < rest.length; i++) rest[i] = rest[i]! - leading * (i / 2 ** spread) ** order
  }
  return coefficients
}

/**
 * The leading coefficient of the polynomial of this order that is nearest to the values: their projection on the monic polynomial
 * that is orthogonal to all of lower order. 0 where the values are too few to have one.
 */
function leadingCoefficient(values: Float64Array, order: number, spread: number): number {
  const n = values.length
  if (n <= order) return 0
  const centre = (n - 1) / 2
  let squares = 0
  for (let i = 0; i < n; i++) squares += (i - centre) ** 2 / n
  const basis = (i: number) => (order === 0 ? 1 : order === 1 ? i - centre : (i - centre) ** 2 - squares)
  let projection = 0
  let norm = 0
  for (let i = 0; i < n; i++) {
    projection += values[i]! * basis(i)
    norm += basis(i) ** 2
  }
  return (projection / norm) * 2 ** (spread * order)
}
