import { describe, expect, it } from 'vitest'
import { encodeStimulus, halfStalled, stallPatterns } from '../../testbench/stimulus.ts'

const images = (count: number) => Array.from({ length: count }, (_, index) => Uint8Array.of(index % 256))
const isFull = (bits: Uint8Array) => bits.every((bit) => bit === 1)

describe('the stimulus of a run', () => {
  it('stalls every second image, each by a pattern of its own', () => {
    const { patterns, patternOf } = halfStalled(images(9), 7, 100)
    expect(patternOf).toEqual([0, 1, 0, 2, 0, 3, 0, 4, 0])
    expect(patterns.length).toBe(5)
    expect(patterns.map(({ inValid }) => isFull(inValid))).toEqual([true, false, false, false, false])
    expect(new Set(patterns.map(({ inValid }) => inValid.join(''))).size).toBe(5)
    expect(halfStalled(images(1), 7, 100).patterns.length).toBe(1)
  })

  it('takes no more memory for its patterns however many images there are', () => {
    const run = halfStalled(images(10_000), 7, 100)
    expect(run.patterns.length).toBe(1 + stallPatterns)
    const used = new Set(run.patternOf.filter((_, index) => index % 2 === 1))
    expect([...used].sort((a, b) => a - b)).toEqual(Array.from({ length: stallPatterns }, (_, i) => i + 1))
    expect(run.patternOf.filter((pattern) => pattern === 0).length).toBe(5000)
    expect(encodeStimulus(run).length).toBeLessThan(3_000_000)
  })
})
