import type { CodeFormat } from './convolution.ts'
import { bytesAt, shortsAt, ushortsAt, wordsAt } from './memory.ts'
import type { ProductRows } from './rows.ts'
import { winogradConstant } from './winograd.ts'

/** What a convolution multiplies by, filters first, then taps in the order channel, kernel row, kernel column. */
export type Products = TableProducts | DotProducts

/** Any multipliers of up to 8x8 bits, as product-row tables. */
export interface TableProducts {
  readonly kind: 'table'
  /** The rows of each multiplier, all of the same bits; at most 256. */
  readonly rows: readonly ProductRows[]
  /** [filter][tap]: multiplier * 256 + weight code. */
  readonly index: Uint16Array
}

/** Sums of int16 products: sum over the terms of value(term, activation) * weight(term). */
export interface DotProducts {
  readonly kind: 'dot'
  readonly terms: number
  /** [term][256] by activation code, where values are not the activations themselves (then there is one term). */
  readonly values: Int16Array | undefined
  /** [filter][tap][term] */
  readonly weights: Int16Array
}

/** Where products lie, as words of a job, and the bias that goes with them. */
export interface PlacedProducts {
  readonly words: Readonly<Record<string, number>>
  readonly bias: ArrayLike<number>
}

type Place = (bytes: number) => number

const lanes = 8
const filtersOfTile = 4

interface Size {
  readonly filters: number
  readonly groups: number
  readonly taps: number
  readonly format: CodeFormat
}

export function placeProducts(
  products: Products,
  size: Size,
  bias: ArrayLike<number>,
  place: Place,
  fast?: Int16Array,
): PlacedProducts {
  return products.kind === 'table'
    ? placeTables(products, size, bias, place)
    : placeDots(products, size, bias, place, fast)
}

function placeTables(
  { rows, index }: TableProducts,
  { filters, groups, taps }: Size,
  bias: ArrayLike<number>,
  place: Place,
): PlacedProducts {
  const perGroup = filters / groups
  const blocks = Math.ceil(perGroup / lanes)
  const octets = Math.ceil(taps / 8)
  const factors = place(groups * blocks * taps * lanes * 2)
  const indices = ushortsAt(factors, groups * blocks * taps * lanes)
  const variants = place(groups * blocks * octets)
  const variantBytes = bytesAt(variants, groups * blocks * octets)
  for (let block = 0, to = 0; block < groups * blocks; block++) {
    const first = Math.floor(block / blocks) * perGroup + (block % blocks) * lanes
    const last = Math.min(first + lanes, (Math.floor(block / blocks) + 1) * perGroup) - 1
    for (let tap = 0; tap < taps; tap++)
      for (let lane = 0; lane < lanes; lane++, to++)
        // Lanes without a filter do what the last filter does; nobody reads them.
        indices[to] = index[Math.min(first + lane, last) * taps + tap]!
    for (let octet = 0; octet < octets; octet++)
      variantBytes[block * octets + octet] = variantOf(
        rows,
        indices,
        (block * taps + octet * 8) * lanes,
        Math.min(8, taps - octet * 8),
      )
  }
  const sums = Int32Array.from({ length: filters }, (_, n) => {
    let sum = bias[n]!
    for (let i = n * taps; i < (n + 1) * taps; i++)
      sum = (sum + rows[index[i]! >> 8]!.middle[index[i]! & 255]!) | 0
    return sum
  })
  const lookup = place(4 * rows.length)
  wordsAt(lookup, rows.length).set(rows.map(({ at }) => at))
  return { words: { factors, variants, lookup, codes: rows[0]!.codes }, bias: sums }
}

/** How many products of an octet of taps are added in int16: proven for every lane and all activations. */
function variantOf(rows: readonly ProductRows[], indices: Uint16Array, first: number, taps: number): number {
  let [pairs, fours] = [true, true]
  for (let lane = 0; lane < lanes; lane++) {
    const reach = (tap: number) => {
      if (tap >= taps) return 0
      const index = indices[first + tap * lanes + lane]!
      return rows[index >> 8]!.reach[index & 255]!
    }
    for (let tap = 0; tap < 8; tap += 4) {
      const [a, b] = [reach(tap) + reach(tap + 1), reach(tap + 2) + reach(tap + 3)]
      if (a > 32767 || b > 32767) pairs = false
      if (a + b > 32767) fours = false
    }
  }
  return fours ? 4 : pairs ? 2 : 1
}

/** Values that are (code + offset) & mask take no lookup: codes without their lowest bits, or rounded to them. */
function roundingOf(values: Int16Array, terms: number, { bits, signed }: CodeFormat) {
  if (terms > 1) return undefined
  const least = signed ? -(2 ** (bits - 1)) : 0
  const codes = Array.from({ length: 2 ** bits }, (_, i) => least + i)
  for (let dropped = 0; dropped < bits; dropped++) {
    const valueMask = -(2 ** dropped)
    for (const valueOffset of [0, (2 ** dropped) >> 1])
      if (codes.every((code) => values[code & (2 ** bits - 1)] === ((code + valueOffset) & valueMask)))
        return { valueOffset, valueMask }
  }
  return undefined
}

function placeDots(
  { terms, values, weights }: DotProducts,
  { filters, groups, taps, format }: Size,
  bias: ArrayLike<number>,
  place: Place,
  fast?: Int16Array,
): PlacedProducts {
  const rounding =
    values === undefined ? { valueOffset: 0, valueMask: -1 } : roundingOf(values, terms, format)
  let lookup = 0
  if (values !== undefined && rounding === undefined) {
    lookup = place(values.length * 2)
    shortsAt(lookup, values.length).set(values)
  }
  if (fast !== undefined) {
    const factors = place(2 * fast.length)
    shortsAt(factors, fast.length).set(fast)
    return { words: { factors, terms, lookup, ...rounding }, bias: Int32Array.from(bias, winogradConstant) }
  }
  const count = taps * terms
  const padded = Math.ceil(count / 4) * 4
  const perGroup = filters / groups
  const tiles = Math.ceil(perGroup / filtersOfTile)
  const length = groups * tiles * padded * filtersOfTile
  const factors = place(2 * length)
  const to = shortsAt(factors, length).fill(0)
  for (let n = 0; n < filters; n++) {
    const [group, inGroup] = [Math.floor(n / perGroup), n % perGroup]
    const tile = group * tiles + Math.floor(inGroup / filtersOfTile)
    const lane = inGroup % filtersOfTile
    for (let k = 0; k < count; k++)
      to[((tile * (padded / 2) + (k >> 1)) * filtersOfTile + lane) * 2 + (k & 1)] = weights[n * count + k]!
  }
  return { words: { factors, terms, lookup, ...rounding }, bias }
}
