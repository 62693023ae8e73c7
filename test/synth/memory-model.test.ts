import { describe, expect, it } from 'vitest'
import { dramEnergyPerByte, estimateMemory, technologyOf } from '../../src/synth/memory-model.ts'

const published = { node: 45, voltage: 0.9 }

describe('the model of memories', () => {
  it('gives the published energies of 64-bit words: 10, 20 and 100 pJ', () => {
    const energy = (kilobytes: number) => estimateMemory((kilobytes * 8192) / 64, 64, published).readEnergy
    expect(energy(8)).toBeCloseTo(10, 10)
    expect(energy(32)).toBeCloseTo(20, 10)
    // the square root is 13 % above the figure for 1 MB
    expect(energy(1024) / 100).toBeCloseTo(1.13, 2)
    expect(dramEnergyPerByte * 8).toBe(1950)
  })

  it('scales with feature size and voltage', () => {
    const [small, large] = [published, { node: 90, voltage: 1.8 }].map((of) => estimateMemory(1024, 16, of))
    expect(large!.readEnergy / small!.readEnergy).toBeCloseTo(8, 10)
    expect(large!.area / small!.area).toBeCloseTo(4, 10)
    expect(small!.area).toBeCloseTo(2 * 0.346 * 16384, 6)
  })

  it('takes registers for a few words or bits', () => {
    expect(estimateMemory(16, 300, published).kind).toBe('registers')
    expect(estimateMemory(64, 8, published).kind).toBe('registers')
    expect(estimateMemory(65, 8, published).kind).toBe('sram')
    const { readEnergy, area } = estimateMemory(4, 10, { node: 40, voltage: 0.9 })
    expect([readEnergy, area].map((x) => Number(x.toPrecision(6)))).toEqual([0.09, 239.2])
  })

  it('knows the feature size of libraries by name, or takes the one that is given', () => {
    const content = { voltage: 1.2 }
    expect(technologyOf({ name: 'sg13g2', content })).toEqual({ node: 130, voltage: 1.2 })
    expect(technologyOf({ name: 'my.lib', content })).toBeUndefined()
    expect(technologyOf({ name: 'my.lib', content }, 65)).toEqual({ node: 65, voltage: 1.2 })
  })
})
