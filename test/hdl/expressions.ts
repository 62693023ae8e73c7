import fc from 'fast-check'
import type { Comb } from '../../src/comb/comb.ts'

/** A combinational circuit as data: what each step makes of the values before it (the inputs first). */
export interface Recipe {
  readonly inputs: readonly number[]
  readonly steps: readonly (readonly number[])[]
}

/** Recipes over inputs of up to `widest` bits. */
export function recipes(widest: number): fc.Arbitrary<Recipe> {
  return fc.record({
    inputs: fc.array(fc.integer({ min: 1, max: widest }), { minLength: 1, maxLength: 4 }),
    steps: fc.array(fc.array(fc.integer({ min: 0, max: 0xffff }), { minLength: 6, maxLength: 6 }), {
      minLength: 1,
      maxLength: 25,
    }),
  })
}

/** Follows a recipe on any `Comb`; returns all values made. Widths are brought together where an operation needs it. */
export function follow<T>(c: Comb<T>, recipe: Recipe, inputs: readonly T[], widest: number): T[] {
  const values = [...inputs]
  const to = (a: T, width: number, signed: boolean): T => {
    if (c.width(a) > width) return c.slice(a, width - 1, 0)
    return signed ? c.signExtend(a, width) : c.zeroExtend(a, width)
  }
  for (const [operation, i, j, k, m, n] of recipe.steps as [
    number,
    number,
    number,
    number,
    number,
    number,
  ][]) {
    const pick = (index: number) => values[index % values.length]!
    const a = pick(i)
    const b = to(pick(j), c.width(a), (n & 1) === 1)
    const bit = to(pick(k), 1, false)
    const width = c.width(a)
    const some = (limit: number) => 1 + (m % limit)
    const cases: (() => T)[] = [
      () => c.not(a),
      () => c.and(a, b),
      () => c.or(a, b),
      () => c.xor(a, b),
      () => c.add(a, b),
      () => c.sub(a, b),
      () => c.mul(to(a, Math.min(width, widest >> 1), false), to(b, some(widest >> 1), true)),
      () => c.mulSigned(to(a, Math.min(width, widest >> 1), false), to(b, some(widest >> 1), true)),
      () => c.equal(a, b),
      () => c.less(a, b),
      () => c.lessSigned(a, b),
      () => c.mux(bit, a, b),
      () => {
        const low = m % width
        return c.slice(a, low + (n % (width - low)), low)
      },
      () => to(c.cat(a, bit, b), Math.min(widest, 2 * width + 1), false),
      () => c.zeroExtend(a, width + (m % (widest - width + 1))),
      () => c.signExtend(a, width + (m % (widest - width + 1))),
      () => c.shiftLeft(a, to(pick(k), some(8), false)),
      () => c.shiftRight(a, to(pick(k), some(8), false)),
      () => c.shiftRightArithmetic(a, to(pick(k), some(8), false)),
      () => c.shiftRightArithmetic(a, c.constant(m % (width + 2), 10)),
      () => c.and(a, c.constant(m * 2654435761, width)),
      () => c.label(c.xor(a, b), `mixed_${m % 3}`),
    ]
    values.push(cases[operation % cases.length]!())
  }
  return values
}
