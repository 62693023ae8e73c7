import { describe, expect, test } from 'vitest'
import { rankOf, wilsonInterval } from '../../src/base/statistics.ts'
import { accuracyCounter } from '../../src/net/data/accuracy.ts'
import { failure } from '../fixtures/failure.ts'

describe('the Wilson interval', () => {
  // figures of Newcombe 1998, table I, method 3
  test.each([
    [81, 263, 0.2553, 0.3662],
    [15, 148, 0.0624, 0.1605],
    [0, 20, 0, 0.1611],
    [1, 29, 0.0061, 0.1718],
  ])('of %i hits in %i', (hits, trials, low, high) => {
    const interval = wilsonInterval(hits, trials)
    expect(interval[0]).toBeCloseTo(low, 4)
    expect(interval[1]).toBeCloseTo(high, 4)
  })

  test('of none and of all it ends at 0 and 1', () => {
    expect(wilsonInterval(0, 12)[0]).toBe(0)
    expect(wilsonInterval(12, 12)[1]).toBe(1)
    expect(wilsonInterval(0, 0)).toEqual([0, 1])
  })
})

describe('accuracy', () => {
  test('of two classes everything is among the first five', () => {
    const counter = accuracyCounter(2)
    counter.add([1, 2], 1)
    counter.add([1, 2], 0)
    // of equal scores the lower class wins
    counter.add([3, 3], 0)
    counter.add([3, 3], 1)
    expect(counter.result()).toMatchObject({
      images: 4,
      top1: 0.5,
      top5: 1,
      classes: [
        { images: 2, top1: 0.5, top5: 1 },
        { images: 2, top1: 0.5, top5: 1 },
      ],
    })
  })

  test('of a thousand, the first five count', () => {
    const scores = Float32Array.from({ length: 1000 }, (_, i) => -Math.abs(i - 500))
    const counter = accuracyCounter(1000)
    // 500, then 499, 501, 498, 502, 497
    for (const label of [500, 499, 501, 498, 502, 497, 0]) counter.add(scores, label)
    const { images, top1, top5, classes } = counter.result()
    expect([images, top1, top5]).toEqual([7, 1 / 7, 5 / 7])
    expect(classes).toHaveLength(1000)
    expect(classes[499]).toEqual({ images: 1, top1: 0, top5: 1 })
    expect(classes[7]).toEqual({ images: 0, top1: 0, top5: 0 })
  })

  test('scores that are no numbers find nothing', () => {
    expect(rankOf([Number.NaN, 0, 1], 0)).toBe(3)
    const counter = accuracyCounter()
    counter.add([Number.NaN, Number.NaN], 0)
    counter.add([Number.NaN, 1], 1)
    expect(counter.result().top1).toBe(0.5)
  })

  test('as many scores as classes are demanded', () => {
    expect(failure(() => accuracyCounter(3).add([1, 2], 0))).toMatchObject({
      kind: 'usage',
      where: '--data',
      message: 'the network gives 2 scores for an image; the data set has 3 classes',
    })
  })
})
