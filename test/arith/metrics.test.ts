import { describe, expect, it } from 'vitest'
import { parseDomain } from '../../src/arith/domain.ts'
import { errorMetrics } from '../../src/arith/metrics.ts'
import { rank } from '../../src/arith/rank.ts'
import { parseMultiplier } from '../../src/arith/registry.ts'
import { rnd } from '../oracles/multipliers.ts'

const measure = (spec: string, domain = 's8s8') => errorMetrics(parseMultiplier(spec, parseDomain(domain)))

/** Equal to as many digits as the figure was printed with. */
const printed = (value: number, figure: number) => {
  const decimals = `${figure}`.split('.')[1]?.length ?? 0
  expect(Math.abs(value - figure)).toBeLessThanOrEqual(0.5 * 10 ** -decimals + 1e-9)
}

describe('8-bit signed, exhaustive', () => {
  // [MAE, WCE, MRED %, EP %] of the EvoApproxLib-lite circuits that these equal.
  it.each([
    ['exact', 0, 0, 0, 0],
    ['trunc:ka=1,kb=0', 32, 128, 2.4, 49.8],
    ['trunc:ka=1,kb=1', 53.33, 255, 4.41, 74.61],
    ['trunc:ka=2,kb=2', 149.8, 759, 12.26, 93.16],
    ['trunc:ka=3,kb=0', 224, 896, 15.72, 87.16],
    ['trunc:ka=3,kb=3', 339.9, 1743, 27.44, 97.75],
    ['trunc:ka=6,kb=0', 2016, 8064, 135.8, 98.05],
  ])('%s has MAE %f, WCE %f, MRED %f %%, EP %f %%', (spec, mae, wce, mred, ep) => {
    const m = measure(spec)
    printed(m.mae, mae)
    expect(m.wce).toBe(wce)
    printed(m.mred, mred)
    printed(m.ep, ep)
    expect(m).toMatchObject({ pairs: 65536, method: 'exhaustive', rank: 1, zeroExact: true })
  })

  // [MAE, WCE, EP %]
  it.each([
    ['roup:p=0,r=1', 32, 128, 49.8],
    ['roup:p=0,r=2', 64, 256, 74.71],
    ['roup:p=1,r=0', 64, 256, 74.71],
    ['roup:p=1,r=1', 78.67, 382, 87.01],
    ['roup:p=1,r=2', 98.68, 508, 93.16],
    ['roup:p=1,r=3', 151.0, 760, 96.24],
    ['roup:p=2,r=0', 256, 1024, 93.38],
    ['roup:p=2,r=2', 270.4, 1264, 97.78],
    ['roup:p=0,r=4,rounding=asymmetric', 6.375, 28, 84.38],
    ['roup:p=0,r=5,rounding=asymmetric', 16.69, 82, 91.41],
    ['roup:p=0,r=6,rounding=asymmetric', 32.08, 164, 94.92],
    ['roup:p=0,r=7,rounding=asymmetric', 77.23, 430, 97.27],
    ['roup:p=1,r=5,rounding=asymmetric', 68.13, 306, 93.46],
    ['roup:p=1,r=6,rounding=asymmetric', 73.24, 356, 95.8],
    ['roup:p=1,r=7,rounding=asymmetric', 98.42, 558, 97.56],
    ['roup:p=2,r=7,rounding=asymmetric', 266.1, 1224, 98.07],
  ])('%s has MAE %f, WCE %f, EP %f %%', (spec, mae, wce, ep) => {
    const m = measure(spec)
    printed(m.mae, mae)
    expect(m.wce).toBe(wce)
    printed(m.ep, ep)
    expect(m.bias).toBe(spec.includes('r=0') || spec.includes('p=0') ? m.bias : -0.25)
    expect(m.zeroExact).toBe(true)
  })

  it('has the bias of -0.25 in each ROUP with both kinds of error', () => {
    for (const spec of [
      'roup:p=1,r=1',
      'roup:p=1,r=3',
      'roup:p=2,r=2',
      'roup:p=1,r=5,rounding=asymmetric',
      'roup:p=2,r=7,rounding=asymmetric',
    ]) {
      expect(measure(spec).bias).toBe(-0.25)
    }
  })

  it('has a rank of at most the number of factors', () => {
    for (const spec of [
      'roup:p=0,r=7,rounding=asymmetric',
      'roup:p=1,r=5,rounding=asymmetric',
      'roup:p=0,r=3,rounding=asymmetric',
    ]) {
      const m = parseMultiplier(spec, parseDomain('s8s8'))
      expect(errorMetrics(m).rank).toBe(m.factors!.length)
    }
  })
})

describe('16-bit signed, Monte-Carlo', () => {
  it('roup p=2, r=4 has an MRED of 0.23 %', () => {
    const m = measure('roup:p=2,r=4', 's16s16')
    expect(Math.abs(m.mred - 0.23)).toBeLessThanOrEqual(0.005)
    expect(m).toMatchObject({ pairs: 2 ** 22, method: 'Monte-Carlo, seed 1', zeroExact: true, rank: 1 })
  })

  it('and of exactly 0.2304 % over all 2^32 pairs, by its factors', () => {
    // |f(a) g(b) - a b| / |a b| = |u v - 1| with u = f(a)/a, v = g(b)/b: sorted u make the sum over a one bisection.
    const operands = Array.from({ length: 65536 }, (_, i) => i - 32768).filter((x) => x !== 0)
    const u = Float64Array.from(operands, (a) => rnd(a, 4) / a).sort()
    const sums = new Float64Array(u.length + 1)
    for (const [i, value] of u.entries()) sums[i + 1] = sums[i]! + value
    let total = 0
    for (const b of operands) {
      const v = rnd(b, 4) / b
      let [low, high] = [0, u.length]
      while (low < high) {
        const middle = (low + high) >> 1
        if (u[middle]! * v < 1) low = middle + 1
        else high = middle
      }
      total += low - v * sums[low]! + v * (sums[u.length]! - sums[low]!) - (u.length - low)
    }
    expect((100 * total) / u.length ** 2).toBeCloseTo(0.2304, 4)
  })

  it('gives the same figures for the same seed, and others for another', () => {
    const m = parseMultiplier('roup:p=1,r=3,rounding=asymmetric', parseDomain('s12s10'))
    const [first, again, other] = [5, 5, 6].map((seed) => errorMetrics(m, { seed, pairs: 20_000 }))
    expect(again).toEqual(first)
    expect(other!.mae).not.toBe(first!.mae)
    expect(first!.pairs).toBe(20_000)
  })
})

describe('rank', () => {
  it('is that of linear algebra', () => {
    expect(rank([1, 2, 2, 4], 2, 2)).toBe(1)
    expect(rank([0, 0, 0, 0], 2, 2)).toBe(0)
    expect(rank([0, 1, 0, 0, 0, 1, -5, 0, 0], 3, 3)).toBe(3)
    expect(rank([1, 2, 3, 4, 5, 6, 5, 7, 9], 3, 3)).toBe(2)
    expect(rank([1, 2, 3, 2, 4, 7], 2, 3)).toBe(2)
  })
})
