/** The largest prime below 2^26: products of two residues stay exact in a double. */
const prime = 67108859

/**
 * Rank of an integer matrix (row-major), by elimination modulo a prime. It is never above the rank over the rationals, and
 * below it only if the prime divides every largest minor.
 */
export function rank(matrix: ArrayLike<number>, rows: number, columns: number): number {
  const work = Array.from({ length: rows }, (_, i) =>
    Float64Array.from({ length: columns }, (_, j) => ((matrix[i * columns + j]! % prime) + prime) % prime),
  )
  let found = 0
  for (let column = 0; column < columns && found < rows; column++) {
    const pivot = work.findIndex((row, i) => i >= found && row[column] !== 0)
    if (pivot < 0) continue
    const row = work[pivot]!
    work[pivot] = work[found]!
    work[found] = row
    const inverse = power(row[column]!, prime - 2)
    for (let i = found + 1; i < rows; i++) {
      const other = work[i]!
      const factor = (other[column]! * inverse) % prime
      if (factor === 0) continue
      for (let j = column; j < columns; j++) other[j] = (other[j]! + (prime - factor) * row[j]!) % prime
    }
    found++
  }
  return found
}

function power(base: number, exponent: number): number {
  let result = 1
  for (let bits = exponent; bits > 0; bits = Math.floor(bits / 2)) {
    if (bits % 2 === 1) result = (result * base) % prime
    base = (base * base) % prime
  }
  return result
}
