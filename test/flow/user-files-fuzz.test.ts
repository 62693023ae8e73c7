import { describe, expect, it } from 'vitest'
import { XgenError } from '../../src/base/errors.ts'
import { encodeNpy } from '../../src/base/npy.ts'
import { type Random, seededRandom } from '../../src/base/random.ts'
import { readUserTable } from '../../src/flow/user-table.ts'
import { checkVerilogText } from '../../src/flow/verilog-text.ts'
import { mutated } from '../fixtures/mutated.ts'

const full = process.env['XGEN_FULL'] === '1'
const runs = full ? 100_000 : 5000

/** A character that tables and Verilog give a meaning. */
const meaning = (random: Random) => ['0123456789-+.,;e#"$`\n'.charCodeAt(random.integer(0, 20))]

const csv = Array.from({ length: 4 }, (_, a) => Array.from({ length: 4 }, (_, b) => a * b).join(',')).join(
  '\n',
)
const products = Int32Array.from({ length: 16 }, (_, i) => (i >> 2) * (i & 3))
const tables: [file: string, bytes: Uint8Array][] = [
  ['t.csv', Buffer.from(csv)],
  ['t.npy', encodeNpy({ type: 'i4', shape: [4, 4], data: products })],
  ['t.npy', encodeNpy({ type: 'f8', shape: [4, 4], data: Float64Array.from(products) })],
  ['t.bin', new Uint8Array(products.buffer)],
]

describe('mutated files', () => {
  it.each(tables)('%s %#: a table of whole numbers, or an error that says why', (file, bytes) => {
    const random = seededRandom(bytes.length)
    let refused = 0
    for (let i = 0; i < runs; i++) {
      try {
        const found = readUserTable(mutated(bytes, random, meaning), file).products(4, 4, true)
        expect(found.length).toBe(16)
        expect(
          [...(found as number[])].every((value) => Number.isInteger(value) && Math.abs(value) <= 2 ** 31),
        ).toBe(true)
      } catch (error) {
        if (!(error instanceof XgenError) || error.kind !== 'data') throw error
        expect(error.where).toContain(file)
        refused++
      }
    }
    expect(refused).toBeGreaterThan(0)
  })

  it('Verilog: module names, or an error with its place; never a system task that does something', () => {
    const text = Buffer.from(
      'module m (input [7:0] a, b, output [15:0] p); /* $x */ `define K 3\nwire s = "$system"; assign p = $signed(a) * `K; endmodule\n',
    )
    const random = seededRandom(7)
    for (let i = 0; i < runs; i++) {
      try {
        checkVerilogText(Buffer.from(mutated(text, random, meaning)).toString('utf8'), 'm.v')
      } catch (error) {
        if (!(error instanceof XgenError) || error.kind !== 'data') throw error
        expect(error.where).toMatch(/^m\.v/)
      }
    }
  })
})
