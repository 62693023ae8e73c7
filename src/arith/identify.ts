import { seededRandom } from '../base/random.ts'
import { operandValue } from './batch.ts'
import { type Domain, operandRange } from './domain.ts'
import { type Family, makeMultiplier, type ParameterValues } from './family.ts'
import type { Multiplier } from './multiplier.ts'
import { families } from './registry.ts'

/** Parameters that change gates and no product. */
const gatesOnly = new Set(['arch', 'tree', 'adder'])

/** Every function of the families over a domain, once for each choice of parameters that can change it. */
export function* functionsOf(domain: Domain): Generator<Multiplier> {
  for (const family of families) {
    if (!family.supports(domain) || family.parameters.some(({ kind }) => kind === 'text')) continue
    for (const values of choicesOf(family, domain)) yield makeMultiplier(family, domain, values)
  }
}

function choicesOf(family: Family, domain: Domain): ParameterValues[] {
  let found: Record<string, number | string>[] = [{}]
  for (const parameter of family.parameters) {
    const values = valuesOf(parameter, domain)
    found = found.flatMap((chosen) => values.map((value) => ({ ...chosen, [parameter.name]: value })))
  }
  return found.filter((values) => {
    const given = Object.keys(values).filter((name) => !gatesOnly.has(name))
    return family.conflict?.(values, new Set(given), domain) === undefined
  })
}

function valuesOf(parameter: Family['parameters'][number], domain: Domain): readonly (number | string)[] {
  if (parameter.kind === 'text') return []
  if (parameter.kind === 'choice')
    return gatesOnly.has(parameter.name) ? parameter.choices.slice(0, 1) : parameter.choices
  const [low, high] = parameter.range(domain)
  return Array.from({ length: Math.max(0, high - low + 1) }, (_, i) => low + i)
}

const samples = 24

/**
 * The multipliers of the families whose table is the given one (row = A's code, column = B's code); domains of at most 8x8 bits. Few pairs
 * refuse nearly all; what is left is compared whole.
 */
export function* identify(table: Int32Array, domain: Domain): Generator<Multiplier | undefined> {
  const pairs = samplePairs(domain)
  const code = (value: number, bits: number) => value & (2 ** bits - 1)
  for (const candidate of functionsOf(domain)) {
    const agrees = pairs.every(
      ([a, b]) =>
        candidate.multiply(a, b) === table[code(a, domain.nA) * 2 ** domain.nB + code(b, domain.nB)],
    )
    yield agrees && candidate.table().every((product, i) => product === table[i]) ? candidate : undefined
  }
}

/** Seeded pairs of values; small operands tell families apart less often, so they come last. */
function samplePairs({ nA, signedA, nB, signedB }: Domain): readonly (readonly [number, number])[] {
  const random = seededRandom(1)
  const drawn = Array.from(
    { length: samples },
    () =>
      [
        operandValue(random.integer(0, 2 ** nA - 1), nA, signedA),
        operandValue(random.integer(0, 2 ** nB - 1), nB, signedB),
      ] as const,
  )
  const [rangeA, rangeB] = [operandRange(nA, signedA), operandRange(nB, signedB)]
  return [...drawn, [rangeA[1], rangeB[1]], [rangeA[0], rangeB[1]], [1, 1], [0, 0]]
}
