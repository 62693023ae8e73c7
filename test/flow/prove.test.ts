import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { multiplierCore } from '../../src/arch/multiplier-core.ts'
import { allPairs } from '../../src/arith/batch.ts'
import { parseDomain } from '../../src/arith/domain.ts'
import { parseMultiplier } from '../../src/arith/registry.ts'
import { silent } from '../../src/base/progress.ts'
import { compared, proveBySat, proveMultiplier } from '../../src/flow/prove.ts'
import { openLibrary } from '../../src/synth/libraries.ts'
import { circuitOf, mapCircuit } from '../../src/synth/mapping.ts'
import { openYosys } from '../../src/tools/yosys.ts'
import { has } from '../hdl/tools.ts'

const { signal } = new AbortController()
const options = { library: 'generic', sat: false, seed: 1, pairs: 2000, signal, progress: silent }

describe('mult prove', () => {
  it('compares all pairs on every level, and by SAT', async ({ skip }) => {
    if (!has('verilator')) skip('not run: no verilator')
    const proof = await proveMultiplier('exact:arch=booth4,tree=arrival', parseDomain('s4u5'), {
      ...options,
      sat: true,
    })
    expect(proof).toMatchObject({ domain: 's4u5', method: 'all pairs', pass: true, complete: true })
    expect(
      proof.levels.map(({ compared: pairs, mismatches, notRun }) => [pairs, mismatches, notRun]),
    ).toEqual(Array(4).fill([512, 0, null]))
  })

  it('compares corners and seeded pairs of wide operands, and products of 33 bits', async ({ skip }) => {
    if (!has('verilator')) skip('not run: no verilator')
    const proof = await proveMultiplier('roup:p=7,r=15', parseDomain('u16s16'), options)
    expect(proof.pass).toBe(true)
    for (const level of proof.levels) expect(level.compared).toBeGreaterThan(4000)
  })

  it("takes a user's own Verilog as it is", async ({ skip }) => {
    if (!has('verilator')) skip('not run: no verilator')
    const directory = mkdtempSync(join(tmpdir(), 'xgen-prove-'))
    try {
      const file = join(directory, 'own.v')
      writeFileSync(
        file,
        "module own (input signed [3:0] y, input [2:0] x, output signed [7:0] z); assign z = y * $signed({1'b0, x}) + 1; endmodule\n",
      )
      const proof = await proveMultiplier(`verilog:file=${file},a=x`, parseDomain('u3s4'), options)
      expect(proof.levels.map((level) => level.compared)).toEqual([128, 128, 128])
      expect(proof.pass).toBe(true)
    } finally {
      rmSync(directory, { recursive: true })
    }
  })

  it('says which level did not run where a tool is missing', async () => {
    const path = process.env['PATH']
    process.env['PATH'] = '/nowhere'
    try {
      const proof = await proveMultiplier('trunc:ka=1,kb=0', parseDomain('u3u3'), options)
      expect(proof).toMatchObject({ pass: true, complete: false })
      expect(proof.levels.find(({ notRun }) => notRun !== null)).toMatchObject({
        name: 'Verilog in Verilator',
        compared: 0,
        notRun: expect.stringContaining('not run: Verilator was not found'),
      })
    } finally {
      process.env['PATH'] = path
    }
  })

  it('finds products that differ, and names the first', () => {
    const m = parseMultiplier('exact', parseDomain('s3s3'))
    const pairs = { ...allPairs(m.domain), products: m.table() }
    const right = (i: number) => BigInt.asUintN(m.productBits, BigInt(m.table()[i]!))
    expect(compared('x', m, pairs, right).mismatches).toBe(0)
    expect(compared('x', m, pairs, (i) => (i > 60 ? 0n : right(i)))).toMatchObject({
      compared: 64,
      mismatches: 3,
      first: { a: -1, b: -3, expected: 3, got: 0 },
    })
  })

  it('is refused by SAT where two bits of the product are exchanged', async () => {
    const library = await openLibrary('generic', { data: '/nowhere' })
    const circuit = circuitOf(multiplierCore(parseMultiplier('exact:arch=booth4', parseDomain('s3s3'))))
    const yosys = openYosys()
    const { netlist } = await mapCircuit(circuit, library, { script: 'delay', yosys, signal })
    await proveBySat(yosys, circuit, netlist, library, signal)
    const [first, ...others] = netlist.outputs[0]!.nets
    const outputs = [{ ...netlist.outputs[0]!, nets: [others[0]!, first!, ...others.slice(1)] }]
    await expect(proveBySat(yosys, circuit, { ...netlist, outputs }, library, signal)).rejects.toMatchObject({
      kind: 'tool-failed',
    })
  })
})
