import { describe, expect, it } from 'vitest'
import type { Device } from '../../sim/device.ts'
import { runImage } from '../../sim/drive.ts'
import { fullPattern, noPressure, patternCycles, pressureOf, randomPattern } from '../../sim/pressure.ts'
import { fromStream, toStream } from '../../sim/stream.ts'

/** A device that takes `elements`, gives each plus one, and records what it was offered. */
function echo(elements: number): Device & { readonly offered: string[] } {
  const taken: number[] = []
  const offered: string[] = []
  let phase: 'idle' | 'input' | 'output' = 'idle'
  let done = false
  return {
    offered,
    outputs: () => ({
      busy: phase !== 'idle',
      done,
      inReady: phase === 'input' && offered.length % 2 === 0,
      outValid: phase === 'output',
      outData: phase === 'output' ? taken[0]! + 1 : 0,
      outLast: phase === 'output' && taken.length === 1,
    }),
    probes: () => {},
    clock({ start, inValid, inData, outReady }) {
      const { inReady } = this.outputs()
      offered.push(inValid ? `${inData}` : '-')
      done = false
      if (phase === 'idle' && start) phase = 'input'
      else if (phase === 'input' && inValid && inReady) {
        if (taken.push(inData) === elements) phase = 'output'
      } else if (phase === 'output' && outReady) {
        taken.shift()
        if (taken.length === 0) {
          phase = 'idle'
          done = true
        }
      }
    },
  }
}

describe('the driver', () => {
  it('holds an element until it is taken, and counts from start to done', () => {
    const device = echo(2)
    const seen: number[] = []
    const run = runImage(device, Uint8Array.of(5, 9), noPressure, (cycle) => seen.push(cycle))
    expect([...run.outputs]).toEqual([6, 10])
    expect(device.offered).toEqual(['5', '5', '5', '9', '9', '-', '-', '-'])
    expect(run.cycles).toBe(8)
    expect(seen).toEqual([0, 1, 2, 3, 4, 5, 6, 7])
    // the device is idle again: a second image runs the same
    expect(runImage(device, Uint8Array.of(5, 9), noPressure).cycles).toBe(8)
  })

  it('offers nothing before the pattern does, and then does not take it back', () => {
    const device = echo(1)
    runImage(device, Uint8Array.of(7), { inValid: (cycle) => cycle === 1, outReady: () => true })
    expect(device.offered.slice(0, 4)).toEqual(['-', '7', '7', '-'])
  })

  it('ends a run in which nothing moves with the place and what to look at', () => {
    const stuck: Device = { ...echo(3), clock: () => {} }
    expect(() => runImage(stuck, Uint8Array.of(1, 2, 3), noPressure, undefined, 100)).toThrow(
      /hangs: in cycle 100 .* taken 0 of 3 input elements and given 0 output elements/,
    )
  })
})

describe('back-pressure', () => {
  it('is a function of the seed, with stalls and bursts, and repeats after its pattern', () => {
    const pattern = randomPattern(3)
    const again = randomPattern(3)
    expect(Buffer.compare(pattern.inValid, again.inValid)).toBe(0)
    expect(Buffer.compare(pattern.outReady, again.outReady)).toBe(0)
    expect(Buffer.compare(pattern.inValid, randomPattern(4).inValid)).not.toBe(0)
    expect(Buffer.compare(pattern.inValid, pattern.outReady)).not.toBe(0)
    for (const bits of [pattern.inValid, pattern.outReady]) {
      expect(bits.length).toBe(patternCycles)
      const share = bits.reduce((sum, bit) => sum + bit, 0) / patternCycles
      expect(share).toBeGreaterThan(0.4)
      expect(share).toBeLessThan(0.6)
      expect(bits.join('')).toMatch(/0{20}/)
      expect(bits.join('')).toMatch(/1{20}/)
    }
    const pressure = pressureOf(pattern)
    expect(pressure.inValid(17)).toBe(pattern.inValid[17] === 1)
    expect(pressure.outReady(patternCycles + 17)).toBe(pattern.outReady[17] === 1)
    expect(pressureOf(fullPattern).inValid(5)).toBe(true)
  })
})

describe('the stream order', () => {
  it('is y, x, channel with the channel fastest', () => {
    // [c][y][x] of 2 x 1 x 3
    const codes = [1, 2, 3, -1, -2, -3]
    const stream = toStream(codes, [2, 1, 3])
    expect([...stream]).toEqual([1, 255, 2, 254, 3, 253])
    expect([...fromStream(stream, [2, 1, 3], true)]).toEqual(codes)
    expect([...fromStream(stream, [2, 1, 3], false)]).toEqual([1, 2, 3, 255, 254, 253])
  })
})
