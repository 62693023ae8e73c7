import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { multiplierCore } from '../../src/arch/multiplier-core.ts'
import { domainName, parseDomain } from '../../src/arith/domain.ts'
import type { Multiplier } from '../../src/arith/multiplier.ts'
import { parseMultiplier } from '../../src/arith/registry.ts'
import { defineModule, type Module } from '../../src/hdl/module.ts'
import { compileCircuit } from '../../src/hdl/simulator.ts'
import { printVerilog } from '../../src/hdl/verilog.ts'
import { has, inDirectory, lintOutput, runVerilator, yosysComplaints } from '../hdl/tools.ts'

const specs = [
  'exact',
  'exact:arch=array',
  'exact:arch=array,tree=wallace,adder=ripple',
  'exact:arch=booth4',
  'exact:arch=booth4,tree=wallace,adder=ripple',
  'exact:arch=booth4,tree=arrival',
  'exact:arch=array,tree=linear,adder=ripple',
  'roup:p=0,r=0',
  'roup:p=1,r=2',
  'roup:p=2,r=7',
  'roup:p=3,r=1,tree=wallace',
  'roup:p=0,r=5,rounding=asymmetric',
  'roup:p=1,r=6,rounding=asymmetric',
  'roup:p=2,r=7,rounding=asymmetric,adder=ripple',
  'trunc:ka=1,kb=1',
  'trunc:ka=3,kb=0',
  'trunc:ka=0,kb=5',
  'trunc:ka=7,kb=2,arch=array,tree=linear,adder=ripple',
  'trunc:ka=2,kb=3,arch=booth4',
]
/** One multiplier of each approximate family, or a few where hardware differs. */
const approximate = [
  'bam:h=0,v=4',
  'bam:h=2,v=5,tree=wallace',
  'perforate:j=1,k=2',
  'udm',
  'drum:k=4',
  'ssm:m=5',
  'essm:m=4',
  'dsm:m=3',
  'mitchell',
  'alm-soa:w=3',
  'mbm',
  'roba',
  'tosam:h=2,t=4',
  'compressor:design=1,columns=9',
  'compressor:design=2,zeroGate=yes',
  'etm:s=4',
]
const recoding = ['rad:k=4', 'rad:k=6', 'r4abm1:p=7', 'r4abm1:p=10,zeroGate=yes']
const multipliers = (
  [
    ['s8s8', [...specs, ...approximate, ...recoding]],
    ['u8s8', [...specs, ...recoding]],
    ['u8u8', approximate],
  ] as const
).flatMap(([domain, list]) => list.map((spec) => parseMultiplier(spec, parseDomain(domain))))

/** Those that go through Verilator: signed and unsigned activations; the cores of sign-magnitude multipliers are those of unsigned ones. */
const groups = ['s8s8', 'u8s8'].map(
  (domain) => [domain, multipliers.filter((one) => domainName(one.domain) === domain)] as const,
)

describe('8x8 multipliers, all 65,536 pairs', () => {
  it.each(multipliers.map((m) => [m.id, m] as const))(
    '%s: its netlist in JavaScript equals its table',
    (_id, m) => {
      const circuit = compileCircuit(multiplierCore(m))
      const table = m.table()
      const mask = 2 ** m.productBits - 1
      let wrong = -1
      for (let i = 0; i < 65536 && wrong < 0; i++) {
        circuit.set('a', i >> 8)
        circuit.set('b', i & 255)
        if (circuit.get('p') !== (table[i]! & mask)) wrong = i
      }
      expect(wrong).toBe(-1)
    },
  )

  it.for(groups)(
    'of %s are clean for all tools, and Verilator computes the tables',
    { timeout: 900_000 },
    async ([, group], { skip }) => {
      if (!has('verilator')) skip('not run: no verilator')
      if (!has('iverilog')) skip('not run: no iverilog')
      const texts = printVerilog(sideBySide(group), [])
      const files = [...texts.keys()]
      expect(await yosysComplaints(texts, 'cores')).toBe('')
      await inDirectory(new Map([...texts, ['main.cpp', mainProgram(group.length)]]), (directory) => {
        expect(lintOutput(directory, 'verilator', 'cores', files)).toBe('')
        expect(lintOutput(directory, 'iverilog', 'cores', files)).toBe('')
        runVerilator(directory, 'cores', files, ['-Wall'])
        const bytes = readFileSync(join(directory, 'out.bin'))
        const got = new Int32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4)
        expect(got.length).toBe(65536 * group.length)
        for (const [n, m] of group.entries()) {
          const table = m.table()
          const wrong = table.findIndex((product, i) => product !== got[i * group.length + n])
          expect(wrong, m.id).toBe(-1)
        }
      })
    },
  )
})

describe('other widths', () => {
  it.each([
    ['s7s5', 'exact:arch=booth4'],
    ['s5s7', 'roup:p=1,r=3'],
    ['u6s9', 'roup:p=0,r=4,rounding=asymmetric'],
    ['u3u10', 'exact:arch=booth4,tree=wallace'],
    ['u4s9', 'exact:arch=array'],
    ['s9u4', 'trunc:ka=2,kb=1'],
  ])('%s %s: its netlist in JavaScript equals its definition', (domain, spec) => {
    const m = parseMultiplier(spec, parseDomain(domain))
    const circuit = compileCircuit(multiplierCore(m))
    const { nA, signedA, nB, signedB } = m.domain
    const value = (code: number, n: number, signed: boolean) =>
      signed && code >> (n - 1) ? code - 2 ** n : code
    let wrong = 0
    for (let a = 0; a < 2 ** nA; a++) {
      circuit.set('a', a)
      for (let b = 0; b < 2 ** nB; b += 3) {
        circuit.set('b', b)
        if (
          circuit.get('p') !==
          (m.multiply(value(a, nA, signedA), value(b, nB, signedB)) & (2 ** m.productBits - 1))
        )
          wrong++
      }
    }
    expect(wrong).toBe(0)
  })
})

/** All cores on the same operands, each product widened to 32 bits by its sign. */
function sideBySide(list: readonly Multiplier[]): Module {
  return defineModule('cores', 'All multipliers side by side.', (m) => {
    const [a, b] = [m.input('a', 8), m.input('b', 8)]
    for (const [n, multiplier] of list.entries()) {
      const { p } = m.instance(multiplierCore(multiplier), `u_${n}`, { a, b })
      m.output(`p_${n}`, multiplier.productSigned ? m.c.signExtend(p!, 32) : m.c.zeroExtend(p!, 32))
    }
  })
}

function mainProgram(count: number): string {
  return `#include "Vcores.h"
#include <cstdint>
#include <cstdio>
int main() {
  Vcores top;
  FILE *out = fopen("out.bin", "wb");
  for (int i = 0; i < 65536; i++) {
    top.a = i >> 8;
    top.b = i & 255;
    top.eval();
    const uint32_t p[] = {${Array.from({ length: count }, (_, n) => `top.p_${n}`).join(',')}};
    fwrite(p, sizeof p, 1, out);
  }
  fclose(out);
}
`
}
