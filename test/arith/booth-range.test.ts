import { describe, expect, it } from 'vitest'
import { type DigitBits, type DigitRows, digitValue, digitwiseRange } from '../../src/arith/booth-range.ts'
import { type Domain, domainName, operandRange } from '../../src/arith/domain.ts'
import { parseMultiplier } from '../../src/arith/registry.ts'
import { approximateProduct } from '../oracles/approximate-multipliers.ts'
import { roupAsymmetric } from '../oracles/multipliers.ts'

const domainsOf = (widths: readonly (readonly [nA: number, nB: number])[]): Domain[] =>
  widths.flatMap(([nA, nB]) => [true, false].map((signedA) => ({ nA, signedA, nB, signedB: true })))

const narrow = [2, 3, 4, 5].flatMap((nA) => [2, 3, 4, 5].map((nB) => [nA, nB] as const))
const uneven = [
  [7, 3],
  [3, 7],
] as const

/** The range over all pairs, 0 among them. */
function bruteForce(domain: Domain, product: (a: number, b: number) => number): [number, number] {
  const [lowA, highA] = operandRange(domain.nA, domain.signedA)
  const [lowB, highB] = operandRange(domain.nB, true)
  let [low, high] = [0, 0]
  for (let a = lowA; a <= highA; a++)
    for (let b = lowB; b <= highB; b++) {
      const value = product(a, b)
      low = Math.min(low, value)
      high = Math.max(high, value)
    }
  return [low, high]
}

describe('the range of a sum of Booth rows', () => {
  it.each(domainsOf([...narrow, ...uneven]).map((domain) => [domainName(domain), domain] as const))(
    'is that of all pairs in %s, whatever the parameters',
    (_, domain) => {
      for (let p = 0; p < domain.nA + domain.nB; p++) {
        const spec = `r4abm1:p=${p}`
        expect(parseMultiplier(spec, domain).productRange, spec).toEqual(
          bruteForce(domain, (a, b) => approximateProduct(spec, domain, a, b)),
        )
      }
      for (let p = 0; p < Math.ceil(domain.nB / 2); p++)
        for (let r = 0; r < domain.nA; r++) {
          const spec = `roup:p=${p},r=${r},rounding=asymmetric`
          expect(parseMultiplier(spec, domain).productRange, spec).toEqual(
            bruteForce(domain, (a, b) => roupAsymmetric(a, b, p, r, domain.nB) + 0),
          )
        }
    },
  )

  it('is the same where no A is passed over, for rows that are wrong by all that they may be', () => {
    const domain = { nA: 12, signedA: true, nB: 12, signedB: true }
    for (let most = 0; most < 4096; most += 511) {
      const wrong = (a: number, digit: number) => ((a * 37 + digit * 911) % (2 * most + 1)) - most
      const rows: Omit<DigitRows, 'error'> = {
        digits: [0, 1, 2, 3, 4, 5],
        row: (a, digit, bits: DigitBits) =>
          digitValue(bits) * a * 4 ** digit + Math.max(-most, Math.min(most, wrong(a, digit))),
      }
      expect(digitwiseRange(domain, { ...rows, error: () => most })).toEqual(
        digitwiseRange(domain, { ...rows, error: () => Number.POSITIVE_INFINITY }),
      )
    }
  })

  it('passes over nearly all A of 16 bits where few columns are approximate', () => {
    const seen = new Set<number>()
    const rows: DigitRows = {
      digits: [0, 1, 2, 3, 4, 5, 6, 7],
      row: (a, digit, bits) => {
        seen.add(a)
        return digitValue(bits) * a * 4 ** digit
      },
      error: (digit) => (digit < 4 ? 2 ** 8 : 0),
    }
    const range = digitwiseRange({ nA: 16, signedA: true, nB: 16, signedB: true }, rows)
    expect(range).toEqual([-(2 ** 15) * (2 ** 15 - 1), 2 ** 30])
    expect(seen.size).toBeLessThan(10)
  })
})
