import { fromLanes, type Lanes, lanes, toLanes } from '../comb/lanes.ts'
import type { Domain } from './domain.ts'
import type { Multiplier } from './multiplier.ts'

const wordsOfBlock = 2048

/**
 * The products of pairs of operand codes, by the definition, in blocks of 65,536 pairs. An Int32Array where products have
 * up to 32 bits signed or 31 unsigned, else a Float64Array.
 */
export function productsOf(
  multiplier: Pick<Multiplier, 'domain' | 'productBits' | 'productSigned' | 'build'>,
  a: ArrayLike<number>,
  b: ArrayLike<number>,
): Int32Array | Float64Array {
  const { nA, nB } = multiplier.domain
  const { productBits, productSigned } = multiplier
  const fits = productBits <= (productSigned ? 32 : 31)
  const products = fits ? new Int32Array(a.length) : new Float64Array(a.length)
  const words = Math.min(wordsOfBlock, Math.ceil(a.length / 32))
  const comb = lanes(words)
  const block = 32 * words
  for (let i = 0; i < a.length; i += block) {
    const count = Math.min(block, a.length - i)
    const [x, y] = [toLanes(a, i, count, nA, words), toLanes(b, i, count, nB, words)]
    const product: Lanes = multiplier.build(comb, x, y)
    if (productBits <= 32) fromLanes(product, productSigned, products, i, count)
    else {
      // Only 16-bit operands whose products are rounded up get here.
      const [low, high] = [new Float64Array(count), new Int32Array(count)]
      fromLanes(product.slice(0, 32), false, low, 0, count)
      fromLanes(product.slice(32), productSigned, high, 0, count)
      for (let j = 0; j < count; j++) products[i + j] = high[j]! * 2 ** 32 + low[j]!
    }
  }
  return products
}

/** The codes of all pairs of a domain of at most 8x8 bits, in the order of a table: row = A, column = B. */
export function allPairs({ nA, nB }: Pick<Domain, 'nA' | 'nB'>): {
  readonly a: Uint16Array
  readonly b: Uint16Array
} {
  const pairs = 2 ** (nA + nB)
  return {
    a: new Uint16Array(pairs).map((_, i) => i >> nB),
    b: new Uint16Array(pairs).map((_, i) => i & (2 ** nB - 1)),
  }
}

/** The value of an operand's code. */
export function operandValue(code: number, bits: number, signed: boolean): number {
  return signed && code >> (bits - 1) === 1 ? code - (1 << bits) : code
}
