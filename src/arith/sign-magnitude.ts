import type { Comb } from '../comb/comb.ts'
import { bitsOf, fromBits, msb, resize } from '../comb/derived.ts'
import { fromLanes, lanes, toLanes } from '../comb/lanes.ts'
import { type Domain, operandRange } from './domain.ts'
import type { Definition } from './family.ts'
import { prefixOr } from './leading-one.ts'
import type { Factor } from './multiplier.ts'

/** A family that is defined for unsigned operands: a signed one is multiplied by its sign and magnitude. */
export interface MagnitudeDefinition {
  /** The product of two magnitudes of nA and nB bits, unsigned, as wide as it is. */
  product<T>(c: Comb<T>, x: T, y: T): T
  readonly zeroExact: boolean
  /** Where a closed form says so; else it is tried. */
  readonly exact?: boolean
  /** Exact factors of the magnitudes' product. */
  readonly factors?: readonly Factor[]
  /**
   * Largest product of magnitudes up to x and y. Without it, a largest product is at numbers that are the largest
   * with their leading one: so it is where such numbers give the largest product for every pair of leading ones.
   */
  readonly largest?: (x: number, y: number) => number
}

/** The definition over a domain: exact magnitudes (of n bits, -2^(n-1) included), and the product negated where the signs differ. */
export function byMagnitudes(domain: Domain, magnitudes: MagnitudeDefinition): Definition {
  const { signedA, signedB } = domain
  const { zeroExact, factors } = magnitudes
  return {
    product: (c, a, b, width) => signedProduct(c, a, b, domain, width, magnitudes),
    range: magnitudeRange(domain, magnitudes),
    zeroExact,
    exact: magnitudes.exact ?? isExact(domain, magnitudes),
    signMagnitude: signedA || signedB,
    ...(factors === undefined
      ? {}
      : { factors: factors.map(({ ofA, ofB }) => ({ ofA: odd(ofA), ofB: odd(ofB) })) }),
  }
}

/** f of the magnitude, with the sign: -f(-x) for negative x. */
const odd = (f: (x: number) => number) => (x: number) => (x < 0 ? 0 - f(-x) : f(x))

function signedProduct<T>(
  c: Comb<T>,
  a: T,
  b: T,
  { signedA, signedB }: Domain,
  width: number,
  { product }: MagnitudeDefinition,
): T {
  const signs = [...(signedA ? [msb(c, a)] : []), ...(signedB ? [msb(c, b)] : [])]
  const x = signedA ? c.label(negateIf(c, a, msb(c, a), 'a'), 'a_magnitude') : a
  const y = signedB ? c.label(negateIf(c, b, msb(c, b), 'b'), 'b_magnitude') : b
  const magnitude = resize(c, product(c, x, y), false, width)
  if (signs.length === 0) return magnitude
  const negative = c.label(
    signs.reduce((s, t) => c.xor(s, t)),
    'negative',
  )
  return negateIf(c, c.label(magnitude, 'magnitude'), negative, 'product')
}

/** -x where `negative` is 1, modulo 2^width: the bits above the lowest one are inverted. */
function negateIf<T>(c: Comb<T>, x: T, negative: T, name: string): T {
  const bits = bitsOf(c, x)
  const below = prefixOr(c, bits).map((any, i) => c.label(any, `${name}_any_to_${i}`))
  return fromBits(
    c,
    bits.map((one, i) => (i === 0 ? one : c.xor(one, c.and(negative, below[i - 1]!)))),
  )
}

/** Largest magnitude of the operands with each sign, 1 and -1. */
function magnitudeLimits(bits: number, signed: boolean): readonly (readonly [sign: number, limit: number])[] {
  const [low, high] = operandRange(bits, signed)
  return signed
    ? [
        [1, high],
        [-1, 0 - low],
      ]
    : [[1, high]]
}

function magnitudeRange(domain: Domain, magnitudes: MagnitudeDefinition): readonly [number, number] {
  const { nA, signedA, nB, signedB } = domain
  const largest = magnitudes.largest ?? largestOf(domain, magnitudes)
  const extremes = magnitudeLimits(nA, signedA).flatMap(([sign, x]) =>
    magnitudeLimits(nB, signedB).map(([other, y]) => sign * other * largest(x, y) + 0),
  )
  return [Math.min(0, ...extremes), Math.max(0, ...extremes)]
}

/** The largest product among the largest numbers of each leading one, by the factors or else by the definition. */
function largestOf({ nA, nB }: Domain, { product, factors }: MagnitudeDefinition) {
  return (x: number, y: number): number => {
    const pairs = heads(x).flatMap((one) => heads(y).map((other) => [one, other] as const))
    const products =
      factors === undefined
        ? productsOfMagnitudes(product, nA, nB, pairs)
        : pairs.map(([one, other]) => factors.reduce((sum, { ofA, ofB }) => sum + ofA(one) * ofB(other), 0))
    return Math.max(...products)
  }
}

/** The numbers up to a limit that no larger one with the same leading one follows. */
function heads(limit: number): number[] {
  const list: number[] = []
  for (let head = 0; head < limit; head = 2 * head + 1) list.push(head)
  return [...list, limit]
}

/** Products of pairs of magnitudes, by the definition. */
export function productsOfMagnitudes(
  product: MagnitudeDefinition['product'],
  nA: number,
  nB: number,
  pairs: readonly (readonly [number, number])[],
): number[] {
  const words = Math.ceil(pairs.length / 32)
  const operand = (index: 0 | 1, width: number) =>
    toLanes(
      pairs.map((pair) => pair[index]),
      0,
      pairs.length,
      width,
      words,
    )
  const result = product(lanes(words), operand(0, nA), operand(1, nB))
  const parts = [result.slice(0, 30), result.slice(30)].map((part) => {
    const values = new Float64Array(pairs.length)
    if (part.length > 0) fromLanes(part, false, values, 0, pairs.length)
    return values
  })
  return pairs.map((_, i) => parts[1]![i]! * 2 ** 30 + parts[0]![i]!)
}

/** Above so many pairs an error that a sample does not show is taken to be there. */
const triedPairs = 2 ** 18

/** Whether all products are exact: nearly every multiplier shows an error at heads; what shows none is tried with all operands. */
function isExact({ nA, signedA, nB, signedB }: Domain, { product }: MagnitudeDefinition): boolean {
  const [mostA, mostB] = [signedA ? 2 ** (nA - 1) : 2 ** nA - 1, signedB ? 2 ** (nB - 1) : 2 ** nB - 1]
  const exactFor = (pairs: readonly (readonly [number, number])[]) =>
    productsOfMagnitudes(product, nA, nB, pairs).every((value, i) => value === pairs[i]![0] * pairs[i]![1])
  if (!exactFor(heads(mostA).flatMap((x) => heads(mostB).map((y) => [x, y] as const)))) return false
  if ((mostA + 1) * (mostB + 1) > triedPairs) return false
  for (let x = 0; x <= mostA; x++)
    if (!exactFor(Array.from({ length: mostB + 1 }, (_, y) => [x, y] as const))) return false
  return true
}
