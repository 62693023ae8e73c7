import { seededRandom } from '../base/random.ts'
import { operandValue, productsOf } from './batch.ts'
import { operandRange } from './domain.ts'
import type { Multiplier } from './multiplier.ts'
import { rank } from './rank.ts'

/** Errors of a multiplier over all pairs of its domain, or a sample. err = M(a, b) - a * b. */
export interface ErrorMetrics {
  /** Mean of |err|. */
  readonly mae: number
  /** Largest |err|. */
  readonly wce: number
  /** Share of pairs with err != 0, in percent. */
  readonly ep: number
  /** Mean of |err| / |a * b| over the pairs with a * b != 0, in percent. */
  readonly mred: number
  /** Mean of err. */
  readonly bias: number
  /** Mean of err^2. */
  readonly mse: number
  /** M(0, b) = M(a, 0) = 0 for all a and b: always tried for every operand value. */
  readonly zeroExact: boolean
  /** Rank of the product table over the rationals; null where the table is too large to know it. */
  readonly rank: number | null
  readonly pairs: number
  readonly method: string
}

export interface Sampling {
  readonly seed: number
  /** Pairs drawn where there are more than 2^16. */
  readonly pairs: number
}

export const defaultSampling: Sampling = { seed: 1, pairs: 2 ** 22 }

/** Exhaustive up to 8x8 bits, Monte-Carlo above. */
export function errorMetrics(multiplier: Multiplier, sampling: Sampling = defaultSampling): ErrorMetrics {
  const steps = measureErrors(multiplier, sampling)
  for (;;) {
    const step = steps.next()
    if (step.done) return step.value
  }
}

/** The same in steps of some milliseconds, each yielding the pairs done so far, for a caller who shows progress or may stop. */
export function* measureErrors(
  multiplier: Multiplier,
  { seed, pairs }: Sampling,
): Generator<number, ErrorMetrics> {
  const { nA, nB } = multiplier.domain
  const exhaustive = nA <= 8 && nB <= 8
  const sums = newSums()
  if (exhaustive) {
    const products = multiplier.table()
    const a = new Uint16Array(products.length).map((_, i) => i >> nB)
    const b = new Uint16Array(products.length).map((_, i) => i & (2 ** nB - 1))
    accumulate(sums, multiplier, a, b, products)
  } else {
    const random = seededRandom(seed)
    const block = 2 ** 16
    for (let done = 0; done < pairs; done += block) {
      const count = Math.min(block, pairs - done)
      const [a, b] = [new Uint16Array(count), new Uint16Array(count)]
      for (let i = 0; i < count; i++) {
        const pair = random.integer(0, 2 ** (nA + nB) - 1)
        a[i] = pair >>> nB
        b[i] = pair & (2 ** nB - 1)
      }
      accumulate(sums, multiplier, a, b, productsOf(multiplier, a, b))
      yield sums.pairs
    }
  }
  const n = sums.pairs
  return {
    mae: sums.absolute / n,
    wce: sums.largest,
    ep: (100 * sums.wrong) / n,
    mred: sums.nonZero === 0 ? 0 : (100 * sums.relative) / sums.nonZero,
    bias: sums.error / n,
    mse: sums.squared / n,
    zeroExact: isZeroExact(multiplier),
    rank: exhaustive ? rank(multiplier.table(), 2 ** nA, 2 ** nB) : rankByFactors(multiplier),
    pairs: n,
    method: exhaustive ? 'exhaustive' : `Monte-Carlo, seed ${seed}`,
  }
}

function newSums() {
  return { pairs: 0, nonZero: 0, wrong: 0, absolute: 0, largest: 0, relative: 0, error: 0, squared: 0 }
}

function accumulate(
  sums: ReturnType<typeof newSums>,
  { domain: { nA, signedA, nB, signedB } }: Multiplier,
  a: Uint16Array,
  b: Uint16Array,
  products: ArrayLike<number>,
): void {
  for (let i = 0; i < a.length; i++) {
    const exact = operandValue(a[i]!, nA, signedA) * operandValue(b[i]!, nB, signedB)
    const error = products[i]! - exact
    const size = Math.abs(error)
    sums.pairs++
    if (exact !== 0) {
      sums.nonZero++
      sums.relative += size / Math.abs(exact)
    }
    if (error === 0) continue
    sums.wrong++
    sums.absolute += size
    sums.error += error
    sums.squared += size * size
    if (size > sums.largest) sums.largest = size
  }
}

function isZeroExact(multiplier: Multiplier): boolean {
  const { nA, nB } = multiplier.domain
  const a = Uint16Array.from({ length: 2 ** nA }, (_, i) => i)
  const b = Uint16Array.from({ length: 2 ** nB }, (_, i) => i)
  const products = [
    productsOf(multiplier, a, new Uint16Array(a.length)),
    productsOf(multiplier, new Uint16Array(b.length), b),
  ]
  return products.every((list) => list.every((product: number) => product === 0))
}

/** One factor that is not 0 everywhere has rank 1; of several only a bound is known. */
function rankByFactors({ factors, domain: { nA, signedA, nB, signedB } }: Multiplier): number | null {
  if (factors?.length !== 1) return null
  const [{ ofA, ofB }] = factors as [(typeof factors)[number]]
  const lives = (f: (x: number) => number, bits: number, signed: boolean) => {
    const [low, high] = operandRange(bits, signed)
    for (let x = low; x <= high; x++) if (f(x) !== 0) return true
    return false
  }
  return lives(ofA, nA, signedA) && lives(ofB, nB, signedB) ? 1 : 0
}
