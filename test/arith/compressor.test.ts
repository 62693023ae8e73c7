import { describe, expect, it } from 'vitest'
import { parseDomain } from '../../src/arith/domain.ts'
import { parseMultiplier } from '../../src/arith/registry.ts'
import { showMultiplier } from '../../src/flow/mult.ts'
import { approximateProduct } from '../oracles/approximate-multipliers.ts'

const u8u8 = parseDomain('u8u8')

describe('trees of approximate compressors', () => {
  it('have them in the columns that were asked for, as mult show lists', () => {
    const { details } = showMultiplier('compressor:design=1,columns=6', u8u8)
    expect(details).toEqual([
      '4 approximate compressors',
      'stage 0, column 5',
      'stage 1, column 3',
      'stage 1, column 4, with carry in',
      'stage 1, column 5, with carry in',
    ])
    const all = showMultiplier('compressor:design=2', u8u8).details
    expect(all).toHaveLength(1 + Number.parseInt(all[0]!, 10))
    expect(all.filter((line) => line.includes('carry in'))).toEqual([])
    expect(showMultiplier('drum:k=4', u8u8).details).toEqual([])
  })

  it('are exact where no column has one', () => {
    const m = parseMultiplier('compressor:design=2,columns=0', parseDomain('u6u7'))
    expect(m).toMatchObject({ exact: true, zeroExact: true, productRange: [0, 63 * 127] })
    expect(parseMultiplier('compressor:design=2,columns=3', u8u8).exact).toBe(true)
  })

  it('make something of zeros, and nothing with a gate', () => {
    const [plain, gated] = ['', ',zeroGate=yes'].map((gate) =>
      parseMultiplier(`compressor:design=2${gate}`, u8u8),
    )
    expect(plain!.multiply(0, 0)).toBeGreaterThan(0)
    expect(plain!.multiply(0, 0)).toBe(approximateProduct('compressor:design=2', u8u8, 0, 0))
    expect([gated!.multiply(0, 0), gated!.multiply(0, 255), gated!.multiply(255, 0)]).toEqual([0, 0, 0])
    expect(gated!.multiply(255, 255)).toBe(plain!.multiply(255, 255))
  })

  it('lose no carry out of the last column, up to 8x8 bits', () => {
    for (const [nA, nB] of [
      [8, 8],
      [5, 7],
    ] as const) {
      for (const design of [1, 2]) {
        for (let columns = 4; columns <= nA + nB; columns += 4) {
          const operands = { nA, nB, signedA: false, signedB: false }
          const spec = `compressor:design=${design},columns=${columns}`
          const table = parseMultiplier(spec, operands).table()
          // with ones in all high bits a carry would be lost first
          for (let a = 2 ** nA - 1; a >= 2 ** nA - 8; a--)
            for (let b = 2 ** nB - 1; b >= 2 ** nB - 8; b--)
              expect(table[a * 2 ** nB + b]).toBe(approximateProduct(spec, operands, a, b))
        }
      }
    }
  })
})
