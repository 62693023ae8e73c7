/** One term of a factorisation: by the codes of the operands. */
export interface TableFactor {
  readonly ofA: readonly number[]
  readonly ofB: readonly number[]
}

/**
 * Writes an integer matrix (row-major) as a sum of at most `most` products ofA[row] * ofB[column] of integers, exactly; undefined where its
 * rank over the rationals is higher. The lattice that the rows span has a basis of as many integer rows as the rank: they are ofB, and
 * each row's coordinates are ofA.
 */
export function integerFactors(
  matrix: ArrayLike<number>,
  rows: number,
  columns: number,
  most = 4,
): readonly TableFactor[] | undefined {
  const row = (i: number) => Array.from({ length: columns }, (_, j) => BigInt(matrix[i * columns + j]!))
  const basis: Pivoted[] = []
  for (let i = 0; i < rows; i++) {
    insert(basis, row(i))
    if (basis.length > most) return undefined
  }
  reduce(basis)
  const coordinates = Array.from({ length: rows }, (_, i) => coordinatesOf(basis, row(i)))
  const terms = basis.map(({ values }, k) => ({
    ofA: coordinates.map((own) => Number(own[k]!)),
    ofB: values.map(Number),
  }))
  // Beyond 2^53 the numbers would not be the integers.
  return terms.every(({ ofA, ofB }) => [...ofA, ...ofB].every(Number.isSafeInteger)) ? terms : undefined
}

/** A row of a basis in echelon form: zeros left of its pivot, which is positive. */
interface Pivoted {
  pivot: number
  values: bigint[]
}

const pivotOf = (values: readonly bigint[]) => values.findIndex((value) => value !== 0n)

/** Adds a row to the lattice. The basis stays sorted by pivots. */
function insert(basis: Pivoted[], row: bigint[]): void {
  let rest = row
  for (let pivot = pivotOf(rest); pivot >= 0; pivot = pivotOf(rest)) {
    const same = basis.find((one) => one.pivot === pivot)
    if (same === undefined) {
      const values = rest[pivot]! < 0n ? rest.map((value) => -value) : rest
      basis.push({ pivot, values })
      basis.sort((x, y) => x.pivot - y.pivot)
      return
    }
    // Euclid on the two pivots: the common divisor stays, the other becomes 0.
    let [x, y] = [same.values, rest]
    while (y[pivot] !== 0n) {
      const quotient = x[pivot]! / y[pivot]!
      ;[x, y] = [y, subtract(x, y, quotient)]
    }
    same.values = x[pivot]! < 0n ? x.map((value) => -value) : x
    rest = y
  }
}

const subtract = (x: readonly bigint[], y: readonly bigint[], times: bigint) =>
  times === 0n ? [...x] : x.map((value, i) => value - times * y[i]!)

/** Makes the entries above each pivot small (Hermite's normal form). */
function reduce(basis: readonly Pivoted[]): void {
  for (const [k, { pivot, values }] of basis.entries()) {
    for (const above of basis.slice(0, k)) {
      const [entry, step] = [above.values[pivot]!, values[pivot]!]
      const quotient = entry >= 0n ? entry / step : -((step - 1n - entry) / step)
      above.values = subtract(above.values, values, quotient)
    }
  }
}

/** A row of the lattice by the basis. */
function coordinatesOf(basis: readonly Pivoted[], row: readonly bigint[]): bigint[] {
  let rest = row
  return basis.map(({ pivot, values }) => {
    const quotient = rest[pivot]! / values[pivot]!
    rest = subtract(rest, values, quotient)
    return quotient
  })
}
