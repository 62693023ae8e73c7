import type { Comb } from '../../comb/comb.ts'
import { bit, bitsOf, fromBits, gate, reduceOr, replicate } from '../../comb/derived.ts'
import { prefixAdd } from '../adder.ts'
import type { Family } from '../family.ts'
import { encodeOneHot, smear } from '../leading-one.ts'
import { leadingPlaceOf } from '../segment.ts'
import { byMagnitudes } from '../sign-magnitude.ts'

/** Rounding-based approximate multiplier (R. Zendegani et al., "RoBA multiplier: A rounding-based approximate multiplier for high-speed yet energy-efficient digital signal processing", 2017). */
export const roba: Family = {
  id: 'roba',
  summary: 'operands rounded to powers of two (RoBA)',
  definition: [
    'Ar B + Br A - Ar Br, xr the power of two nearest to x:',
    '2^(k+1) from 3 * 2^(k-1) on, else 2^k, k being the leading one; 2 for 3, 0 for 0',
  ].join('\n'),
  domains: 'u x u; signed operands by sign and magnitude; 2..16 bits each',
  parameters: [],
  supports: () => true,
  define: (domain) =>
    byMagnitudes(domain, {
      product: robaProduct,
      zeroExact: true,
      // a magnitude is no power of two, unless it is one of a signed operand of 2 bits: 0, 1, 2
      exact: (domain.signedA && domain.nA === 2) || (domain.signedB && domain.nB === 2),
      factors: [
        { ofA: (a) => a, ofB: (b) => b },
        { ofA: (a) => nearestPower(a) - a, ofB: (b) => b - nearestPower(b) },
      ],
      largest: largestProduct,
    }),
}

/** Ar (B - Br) + Br A: two shifters and an adder, modulo 2^(nA+nB+1). */
function robaProduct<T>(c: Comb<T>, x: T, y: T): T {
  const width = c.width(x) + c.width(y) + 1
  const [a, b] = [rounded(c, x, 'a'), rounded(c, y, 'b')]
  const residue = gate(c, b.residue, a.nonZero)
  return prefixAdd(
    c,
    c.shiftLeft(c.signExtend(residue, width), a.place),
    c.shiftLeft(c.zeroExtend(gate(c, x, b.nonZero), width), b.place),
  )
}

/** An operand's nearest power of two, by its place, and the operand less that power, two's complement of one bit more. */
function rounded<T>(c: Comb<T>, x: T, name: string) {
  const width = c.width(x)
  const filled = bitsOf(c, smear(c, x))
  const up = bitsOf(c, x).map((_, k) =>
    // from 3 * 2^(k-1) on, but 3 itself
    k < 2 ? c.constant(0, 1) : c.and(bit(c, x, k - 1), leads(c, filled, k)),
  )
  const power = Array.from({ length: width + 1 }, (_, k) => {
    const stays = k < width ? c.and(leads(c, filled, k), c.not(up[k]!)) : c.constant(0, 1)
    return k === 0 ? stays : c.or(stays, up[k - 1]!)
  })
  const roundedUp = c.label(reduceOr(c, fromBits(c, up)), `${name}_rounded_up`)
  // less 2^k: without the leading one; less 2^(k+1): all ones from bit k+1 on
  const residue = c.or(
    fromBits(
      c,
      bitsOf(c, x).map((one, k) => c.and(one, c.or(roundedUp, c.not(leads(c, filled, k))))),
    ),
    c.and(c.not(fromBits(c, filled)), replicate(c, roundedUp, width)),
  )
  return {
    place: c.label(encodeOneHot(c, fromBits(c, power)), `${name}_power`),
    residue: c.label(c.cat(roundedUp, residue), `${name}_residue`),
    nonZero: filled[0]!,
  }
}

/** Whether bit k is the leading one. */
const leads = <T>(c: Comb<T>, filled: readonly T[], k: number): T =>
  k + 1 < filled.length ? c.and(filled[k]!, c.not(filled[k + 1]!)) : filled[k]!

function nearestPower(x: number): number {
  if (x === 0) return 0
  const power = 2 ** leadingPlaceOf(x)
  return x >= 1.5 * power && x !== 3 ? 2 * power : power
}

/** A product rises with an operand as long as that is rounded to the same power. */
function largestProduct(x: number, y: number): number {
  const tops = (limit: number) => {
    const list = [limit]
    for (let power = 1; power <= limit; power *= 2)
      for (const top of [1.5 * power - 1, 2 * power - 1, 3])
        if (top >= 1 && top <= limit) list.push(Math.floor(top))
    return list
  }
  const product = (a: number, b: number) => nearestPower(a) * (b - nearestPower(b)) + nearestPower(b) * a
  return Math.max(...tops(x).flatMap((a) => tops(y).map((b) => product(a, b))))
}
