import type { Comb } from '../comb/comb.ts'
import { bit, fromBits } from '../comb/derived.ts'

/** The adders that can stand at the end of a compressor tree. */
export const adders = ['prefix', 'ripple'] as const
export type Adder = (typeof adders)[number]

/** a + b modulo 2^width, in gates. */
export function addGates<T>(c: Comb<T>, adder: Adder, a: T, b: T): T {
  return adder === 'ripple' ? rippleAdd(c, a, b) : prefixAdd(c, a, b)
}

/** Sum and carry of three bits; `column`, their weight's exponent, gives the signals their names. */
export function fullAdder<T>(c: Comb<T>, x: T, y: T, z: T, column: number): { sum: T; carry: T } {
  const half = c.label(c.xor(x, y), `half_${column}`)
  return {
    sum: c.label(c.xor(half, z), `sum_${column}`),
    carry: c.label(c.or(c.and(x, y), c.and(half, z)), `carry_${column + 1}`),
  }
}

/** Sum and carry of two bits. */
export function halfAdder<T>(c: Comb<T>, x: T, y: T, column: number): { sum: T; carry: T } {
  return { sum: c.label(c.xor(x, y), `sum_${column}`), carry: c.label(c.and(x, y), `carry_${column + 1}`) }
}

/** A chain of full adders: the smallest, and as slow as it is wide. */
export function rippleAdd<T>(c: Comb<T>, a: T, b: T): T {
  const sums: T[] = []
  let carry: T | undefined
  for (let i = 0; i < c.width(a); i++) {
    const [x, y] = [bit(c, a, i), bit(c, b, i)]
    const stage: { sum: T; carry: T } =
      carry === undefined ? halfAdder(c, x, y, i) : fullAdder(c, x, y, carry, i)
    sums.push(stage.sum)
    carry = stage.carry
  }
  return fromBits(c, sums)
}

/** A parallel prefix adder of least depth (J. Sklansky, "Conditional-sum addition logic", 1960). */
export function prefixAdd<T>(c: Comb<T>, a: T, b: T): T {
  const width = c.width(a)
  const halves = Array.from({ length: width }, (_, i) => {
    const [x, y] = [bit(c, a, i), bit(c, b, i)]
    return { sum: c.label(c.xor(x, y), `propagate_${i}`), carry: c.label(c.and(x, y), `generate_${i}`) }
  })
  // Of the bits from some lower bit up to i: a carry is generated, a carry from below is propagated.
  const generate = halves.map(({ carry }) => carry)
  const propagate = halves.map(({ sum }) => sum)
  for (let span = 1; span < width; span *= 2) {
    for (let i = 0; i < width; i++) {
      if (Math.floor(i / span) % 2 === 0) continue
      const below = Math.floor(i / span) * span - 1
      generate[i] = c.label(c.or(generate[i]!, c.and(propagate[i]!, generate[below]!)), `generate_${i}`)
      // The lowest group has no carry from below to propagate.
      if (below >= span) propagate[i] = c.label(c.and(propagate[i]!, propagate[below]!), `propagate_${i}`)
    }
  }
  return fromBits(
    c,
    halves.map(({ sum }, i) => (i === 0 ? sum : c.xor(sum, generate[i - 1]!))),
  )
}

/** An instance of such a module is an adder, whatever it is made of (docs/counts.md). */
export const isAdderModule = (module: string): boolean => module.startsWith('add_')
