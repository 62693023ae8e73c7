import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { readCoefficients } from '../../src/quant/coefficients.ts'
import { type Degree, momentOperand, momentsOf } from '../../src/quant/curve.ts'
import { curveCodes } from '../../src/quant/curve-layer.ts'
import { fitCurve } from '../../src/quant/fit.ts'
import { failure } from '../fixtures/failure.ts'
import { oracleMoments } from '../oracles/curve.ts'

const degrees = fc.constantFrom<Degree>(1, 2)
const weights = fc.array(fc.double({ min: -1, max: 1, noNaN: true }), { minLength: 3, maxLength: 30 })

const valueAt = (coefficients: readonly number[], spread: number, i: number) =>
  coefficients.reduce((sum, c, k) => sum + c * (i / 2 ** spread) ** k, 0)

describe('fitting', () => {
  test('a curve is found again', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -50, max: 50 }), { minLength: 2, maxLength: 3 }), (curve) => {
        const values = Array.from({ length: 9 }, (_, i) => valueAt(curve, 4, i))
        const found = fitCurve(values, curve.length - 1, 4)
        for (const [k, c] of curve.entries()) expect(found[k]).toBeCloseTo(c, 8)
      }),
    )
  })

  test('what is left is orthogonal to every power: no other curve has a smaller square error', () => {
    fc.assert(
      fc.property(weights, degrees, (values, degree) => {
        const found = fitCurve(values, degree, 5)
        const rest = values.map((w, i) => w - valueAt(found, 5, i))
        for (let k = 0; k <= degree; k++)
          expect(rest.reduce((sum, r, i) => sum + r * (i / 32) ** k, 0)).toBeCloseTo(0, 8)
      }),
    )
  })

  test('lower orders make up for the rounding of higher ones: never worse than rounding each', () => {
    const values = Array.from({ length: 25 }, (_, i) => 40 * Math.sin(i / 7))
    const error = (c: readonly number[]) => values.reduce((sum, w, i) => sum + (w - valueAt(c, 5, i)) ** 2, 0)
    const together = fitCurve(values, 2, 5, Math.round)
    expect(error(together)).toBeLessThanOrEqual(error(fitCurve(values, 2, 5).map(Math.round)))
  })
})

describe('moments', () => {
  test('are cut and shifted as the page says', () => {
    fc.assert(
      fc.property(
        degrees,
        fc.integer({ min: 2, max: 256 }),
        fc.integer({ min: 2, max: 8 }),
        fc.boolean(),
        (degree, length, bits, signed) => {
          const { orders } = momentsOf(degree, length, bits, signed)
          expect(orders.map(({ cut, shift }) => ({ cut, shift }))).toEqual(
            oracleMoments(degree, length, { bits, signed }),
          )
        },
      ),
    )
  })

  test('stay in their range, reach both ends of it, and have at most 16 bits', () => {
    fc.assert(
      fc.property(
        degrees,
        fc.integer({ min: 2, max: 64 }),
        fc.boolean(),
        fc.infiniteStream(fc.integer({ min: -128, max: 127 })),
        (degree, length, signed, stream) => {
          const moments = momentsOf(degree, length, 8, signed)
          const [low, high] = signed ? [-128, 127] : [0, 255]
          const some = [...stream.take(length)].map((x) => (signed ? x : x & 255))
          for (const [order, { range, bits, wholeBits }] of moments.orders.entries()) {
            const operand = momentOperand(moments, order, some)
            expect(operand).toBeGreaterThanOrEqual(range[0])
            expect(operand).toBeLessThanOrEqual(range[1])
            expect(momentOperand(moments, order, Array(length).fill(low))).toBe(range[0])
            expect(momentOperand(moments, order, Array(length).fill(high))).toBe(range[1])
            const least = signed ? -(2 ** (bits - 1)) : 0
            expect(range[0]).toBeGreaterThanOrEqual(least)
            expect(range[1]).toBeLessThan(least + 2 ** bits)
            expect(bits).toBeLessThanOrEqual(16)
            expect(wholeBits).toBeLessThanOrEqual(31)
          }
        },
      ),
      { numRuns: 50 },
    )
  })
})

test('the coefficients of a layer give its weights back, as near as their bits allow', () => {
  const row = Float32Array.from({ length: 50 }, (_, i) => (i < 25 ? 0.5 - 0.03 * i : -0.2 + 0.01 * (i - 25)))
  const choice = { degree: 1, length: 25, bits: 12 } as const
  const { curve, units } = curveCodes('conv1', row, 1, choice, { bits: 8, signed: true }, () => 0)
  const scale = units[0]! * 2 ** curve.moments.fraction
  for (const [i, w] of row.entries()) {
    const group = [...curve.coefficients.subarray(2 * Math.floor(i / 25), 2 * Math.floor(i / 25) + 2)]
    expect(Math.abs(scale * valueAt(group, curve.moments.spread, i % 25) - w)).toBeLessThan(scale)
  }
})

describe('a file of coefficients', () => {
  const directory = mkdtempSync(join(tmpdir(), 'coefficients-'))
  const layers = new Map([['conv1', { filters: 2, taps: 18 }]])
  const good = {
    curve: 'linear',
    group: 9,
    bits: 8,
    scales: [0.01, 0.02],
    coefficients: [
      [
        [1, 2],
        [3, 4],
      ],
      [
        [5, 6],
        [7, -127],
      ],
    ],
  }
  const read = (layer: object, name = 'conv1') => {
    const path = join(directory, 'coefficients.json')
    writeFileSync(
      path,
      JSON.stringify({ format: 'xgen-coefficients-1', layers: { [name]: { ...good, ...layer } } }, null, 1),
    )
    return readCoefficients(path, layers)
  }

  test('gives the coefficients of each layer', () => {
    const conv1 = read({}).layers.get('conv1')!
    expect(conv1).toMatchObject({ degree: 1, length: 9, bits: 8, scales: [0.01, 0.02] })
    expect([...conv1.coefficients]).toEqual([1, 2, 3, 4, 5, 6, 7, -127])
  })

  test.each<readonly [string, object, RegExp, RegExp]>([
    [
      'a wrong group length',
      { group: 6 },
      /json:\d+:5: .*2 groups in filter 0, but 3 are needed/,
      /groups of 6/,
    ],
    ['too many filters', { coefficients: [...good.coefficients, [[1, 2]]] }, /3 filters, but 2/, /2 filters/],
    ['too few coefficients', { curve: 'quadratic' }, /2 coefficients in filter 0, group 0, but 3/, /has 3/],
    [
      'a coefficient out of range',
      { bits: 7 },
      /filter 1, group 1: the coefficient -127 is out of range; 7 bits hold -63 to 63/,
      /Scale/,
    ],
    ['too few scales', { scales: [1] }, /1 scales, but 2 are needed/, /2 filters/],
    ['a scale that is not positive', { scales: [1, 0] }, /scales\[1\]/, /^$/],
    [
      'a fraction',
      {
        coefficients: [
          [
            [1.5, 2],
            [3, 4],
          ],
          good.coefficients[1],
        ],
      },
      /whole number/,
      /^$/,
    ],
    ['a group that is too long', { group: 1000 }, /group is 1000: write a number of at most 256/, /^$/],
  ])('refuses %s', (_what, layer, message, hint) => {
    const error = failure(() => read(layer))
    expect(`${error.where}: ${error.message}`).toMatch(message)
    expect(error.hint ?? '').toMatch(hint)
  }) // prettier-ignore

  test('refuses a layer that the network does not have', () => {
    const error = failure(() => read({}, 'conv2'))
    expect(error.message).toMatch(/no layer "conv2" with weights. Did you mean "conv1"\?/)
  })
})
