import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { multiplierCore } from '../../src/arch/multiplier-core.ts'
import { productsOf } from '../../src/arith/batch.ts'
import { domainName, operandRange, parseDomain } from '../../src/arith/domain.ts'
import { type ModalMultiplier, modalMultiplier, modeName } from '../../src/arith/modes.ts'
import type { Multiplier } from '../../src/arith/multiplier.ts'
import { parseMultiplier } from '../../src/arith/registry.ts'
import { asNumber, type Bits, numbers } from '../../src/comb/numbers.ts'
import { compileCircuit } from '../../src/hdl/simulator.ts'
import { printVerilog } from '../../src/hdl/verilog.ts'
import { has, inDirectory, lintOutput, runVerilator, yosysComplaints } from '../hdl/tools.ts'
import { roupAsymmetric, roupSymmetric } from '../oracles/multipliers.ts'

const sets = {
  'all that a network may mix': [
    'exact',
    'roup:p=1,r=2',
    'roup:p=0,r=5,rounding=asymmetric',
    'roup:p=3,r=7',
    'roup:p=0,r=1',
    'roup:p=2,r=7,rounding=asymmetric',
    'roup:p=2,r=0',
  ],
  'symmetric rounding alone': ['roup:p=1,r=4', 'roup:p=2,r=3', 'roup:p=1,r=1'],
  'one rounding': ['roup:p=1,r=2', 'roup:p=3,r=2'],
  'one perforation': ['roup:p=1,r=6,rounding=asymmetric', 'roup:p=1,r=3,rounding=asymmetric'],
  'the most extreme two': ['exact', 'roup:p=3,r=7'],
} as const

const cores = ['s8s8', 'u8s8'].flatMap((domain) =>
  Object.entries(sets).map(
    ([name, specs]) =>
      [
        `${name}, ${domain}`,
        modalMultiplier(specs.map((spec) => parseMultiplier(spec, parseDomain(domain)))),
      ] as const,
  ),
)

const pairs = Array.from({ length: 65536 }, (_, i) => i)

/** The core in one mode, as a multiplier whose products are computed by its definition. */
const inMode = (core: ModalMultiplier, mode: number): Multiplier => ({
  ...core.modes[mode]!,
  productBits: core.productBits,
  build: (c, a, b) => core.build(c, a, b, c.constant(mode, core.modeBits)),
})

describe('a roup core with run-time modes, all 65,536 pairs in every mode', () => {
  it.each(cores)('%s: its definition on numbers equals the tables of its modes', (_name, core) => {
    const a = pairs.map((i) => i >> 8)
    const b = pairs.map((i) => i & 255)
    for (const [mode, multiplier] of core.modes.entries()) {
      const products = productsOf(inMode(core, mode), a, b)
      const table = multiplier.table()
      expect(
        products.findIndex((product, i) => product !== table[i]),
        multiplier.spec,
      ).toBe(-1)
    }
  })

  it.each(cores)('%s: its netlist in JavaScript equals the tables of its modes', (_name, core) => {
    const circuit = compileCircuit(multiplierCore(core))
    const mask = 2 ** core.productBits - 1
    for (const [mode, multiplier] of core.modes.entries()) {
      const table = multiplier.table()
      circuit.set('mode', mode)
      const wrong = pairs.find((i) => {
        circuit.set('a', i >> 8)
        circuit.set('b', i & 255)
        return circuit.get('p') !== (table[i]! & mask)
      })
      expect(wrong, multiplier.spec).toBeUndefined()
    }
  })

  it('is clean for all tools, and Verilator computes the tables', async ({ skip }) => {
    if (!has('verilator')) skip('not run: no verilator')
    if (!has('iverilog')) skip('not run: no iverilog')
    const core = cores[0]![1]
    const module = multiplierCore(core)
    const texts = printVerilog(module, [])
    const files = [...texts.keys()]
    expect(await yosysComplaints(texts, module.name)).toBe('')
    await inDirectory(new Map([...texts, ['main.cpp', mainProgram(module.name, core)]]), (directory) => {
      expect(lintOutput(directory, 'verilator', module.name, files)).toBe('')
      expect(lintOutput(directory, 'iverilog', module.name, files)).toBe('')
      runVerilator(directory, module.name, files, ['-Wall'])
      const bytes = readFileSync(join(directory, 'out.bin'))
      const got = new Int32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4)
      expect(got.length).toBe(65536 * core.modes.length)
      for (const [mode, { spec, table }] of core.modes.entries()) {
        const products = table()
        const wrong = pairs.find((i) => products[i] !== got[mode * 65536 + i])
        expect(wrong, spec).toBeUndefined()
      }
    })
  })
})

describe('a roup core with run-time modes over other domains', () => {
  const domains = fc.record({
    nA: fc.integer({ min: 2, max: 12 }),
    nB: fc.integer({ min: 2, max: 12 }),
    signedA: fc.boolean(),
    signedB: fc.constant(true),
  })
  const choices = fc.array(
    fc.record({ p: fc.nat(), r: fc.nat(), asymmetric: fc.boolean(), a: fc.nat(), b: fc.nat() }),
    { minLength: 2, maxLength: 9 },
  )

  it('is the plain definition of each mode, and its range holds them all', () => {
    fc.assert(
      fc.property(domains, choices, (domain, drawn) => {
        const { nA, nB, signedA } = domain
        const modes = new Map<string, { multiplier: Multiplier; product: (a: number, b: number) => number }>()
        for (const { p: x, r: y, asymmetric } of drawn) {
          const [p, r] = [x % Math.ceil(nB / 2), y % nA]
          const multiplier = parseMultiplier(
            `roup:p=${p},r=${r}${asymmetric ? ',rounding=asymmetric' : ''}`,
            domain,
          )
          modes.set(modeName(multiplier), {
            multiplier,
            product: (a, b) => (asymmetric ? roupAsymmetric(a, b, p, r, nB) : roupSymmetric(a, b, p, r)),
          })
        }
        fc.pre(modes.size > 1)
        const core = modalMultiplier([...modes.values()].map(({ multiplier }) => multiplier))
        const [lowA, highA] = operandRange(nA, signedA)
        const [lowB, highB] = operandRange(nB, true)
        for (const [mode, { product }] of [...modes.values()].entries()) {
          for (const { a, b } of drawn) {
            const operands = [lowA + (a % (highA - lowA + 1)), lowB + (b % (highB - lowB + 1))] as const
            const expected = product(...operands) + 0
            const [x, y] = [numbers.constant(operands[0], nA), numbers.constant(operands[1], nB)]
            const got = core.build<Bits>(numbers, x, y, numbers.constant(mode, core.modeBits))
            expect(asNumber(got, true)).toBe(expected)
            expect(expected).toBeGreaterThanOrEqual(core.productRange[0])
            expect(expected).toBeLessThanOrEqual(core.productRange[1])
          }
        }
      }),
      { numRuns: 300, seed: 21 },
    )
  })

  it('has a legal identifier that tells modes, order and domain apart, also of many modes', () => {
    const domain = parseDomain('s8s8')
    const all = [0, 1, 2, 3].flatMap((p) => [0, 1, 2, 3, 4, 5, 6, 7].map((r) => `roup:p=${p},r=${r}`))
    const of = (specs: readonly string[], name = 's8s8') =>
      modalMultiplier(specs.map((spec) => parseMultiplier(spec, parseDomain(name)))).id
    const ids = [
      of(all),
      of(all.slice(1)),
      of(all.toReversed()),
      of(['exact', all[9]!]),
      of(['exact', all[9]!], 'u8s8'),
    ]
    expect(new Set(ids).size).toBe(ids.length)
    for (const id of ids) expect(id).toMatch(/^[a-z][a-z0-9_]{0,199}$/)
    expect(ids[3]).toBe(`roup_modes_p0r0_p1r1_${domainName(domain)}`)
  })

  it('is not made of modes that are the same, or of other families', () => {
    const parse = (spec: string) => parseMultiplier(spec, parseDomain('s8s8'))
    expect(() => modalMultiplier([parse('exact'), parse('roup:p=0,r=0')])).toThrow('distinct')
    expect(() => modalMultiplier([parse('exact'), parse('trunc:ka=1,kb=1')])).toThrow('has no run-time mode')
  })
})

function mainProgram(name: string, core: ModalMultiplier): string {
  const unused = 32 - core.productBits
  return `#include "V${name}.h"
#include <cstdint>
#include <cstdio>
int main() {
  V${name} top;
  FILE *out = fopen("out.bin", "wb");
  for (int mode = 0; mode < ${core.modes.length}; mode++) {
    for (int i = 0; i < 65536; i++) {
      top.mode = mode;
      top.a = i >> 8;
      top.b = i & 255;
      top.eval();
      const int32_t p = static_cast<int32_t>(static_cast<uint32_t>(top.p) << ${unused}) >> ${unused};
      fwrite(&p, sizeof p, 1, out);
    }
  }
  fclose(out);
}
`
}
