import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ratioOf, spreadOf } from '../../bench/statistics.ts'

describe('the spread over rounds', () => {
  test('is the median with the quartiles, between neighbours where they fall there', () => {
    expect(spreadOf([5])).toEqual({ median: 5, low: 5, high: 5 })
    expect(spreadOf([4, 1, 3, 2])).toEqual({ median: 2.5, low: 1.75, high: 3.25 })
    expect(spreadOf([10, 1, 2, 3, 4])).toEqual({ median: 3, low: 2, high: 4 })
  })

  test('does not depend on the order, and one slow round does not move the median beyond its neighbours', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 1000 }), { minLength: 3, maxLength: 15 }), (values) => {
        const spread = spreadOf(values)
        expect(spreadOf([...values].reverse())).toEqual(spread)
        const sorted = [...values].sort((a, b) => a - b)
        const slow = spreadOf([...sorted.slice(0, -1), 1e9])
        expect(slow.median).toBeLessThanOrEqual(sorted[Math.ceil(sorted.length / 2)]!)
      }),
    )
  })
})

describe('ratios', () => {
  test('are taken round by round: what slows a whole round cancels', () => {
    const drift = [1, 3, 2, 10]
    const ratio = ratioOf(
      drift.map((slower) => 4 / slower),
      drift.map((slower) => 2 / slower),
    )
    expect(ratio).toEqual({ median: 2, low: 2, high: 2 })
  })
})
