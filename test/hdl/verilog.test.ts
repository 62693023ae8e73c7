import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { bits, numbers } from '../../src/comb/numbers.ts'
import { defineModule, type Module } from '../../src/hdl/module.ts'
import { memoryImages, printVerilog } from '../../src/hdl/verilog.ts'
import { follow, recipes } from './expressions.ts'
import { has, inDirectory, lintOutput, runVerilator, yosysComplaints } from './tools.ts'

/** One of everything: registers with and without reset, a preloaded memory, instances, a wire, odd widths, unused bits. */
function sampler(): Module {
  const cell = defineModule('sampler_cell', 'Multiplies and adds.', (m) => {
    const c = m.c
    const [x, weight, partial] = [m.input('x', 8), m.input('weight', 8), m.input('partial', 32)]
    const used = m.input('used', 1)
    const held = m.register('held', 8)
    held.next(weight, m.input('load', 1))
    const total = m.register('total', 32)
    const product = c.label(c.mulSigned(x, held.q), 'product')
    total.next(c.add(partial, c.signExtend(c.and(product, c.signExtend(used, 16)), 32)))
    m.output('sum', total.q)
    m.output('weight_out', held.q)
  })
  return defineModule('sampler', 'One of everything.\nFor the printer.', (m) => {
    const c = m.c
    const [x, enable] = [m.input('x', 12), m.input('enable', 1)]
    const state = m.register('state', 4, { reset: 3 })
    state.next(c.add(state.q, c.constant(1, 4)), enable)
    const store = m.memory('store', {
      width: 16,
      depth: 10,
      init: { file: 'store.hex', words: [1, 2, 0xfff] },
    })
    const word = store.read('word', state.q, enable)
    store.write(c.equal(state.q, c.constant(2, 4)), c.xor(state.q, c.constant(1, 4)), c.cat(x, state.q))
    const shared = { x: c.slice(x, 7, 0), load: enable }
    const first = m.instance(cell, 'u_first', {
      ...shared,
      weight: c.slice(word, 7, 0),
      partial: c.constant(0, 32),
      used: c.constant(1, 1),
    })
    const later = m.wire('later', 8)
    const second = m.instance(cell, 'u_second', {
      ...shared,
      weight: first['weight_out']!,
      partial: first['sum']!,
      used: c.less(state.q, c.constant(9, 4)),
    })
    const gap = c.label(c.sub(second['sum']!, first['sum']!), 'gap')
    m.output('shifted', c.slice(c.shiftRightArithmetic(gap, state.q), 20, 3))
    m.output(
      'larger',
      c.mux(c.lessSigned(first['sum']!, gap), c.mul(c.slice(x, 3, 0), state.q), c.slice(word, 9, 2)),
    )
    m.output('masked', c.and(later.value, c.not(c.slice(x, 11, 4))))
    later.drive(c.add(c.slice(gap, 7, 0), c.slice(gap, 15, 8)))
  })
}

describe('Verilog', () => {
  it('reads as it did', () => {
    const texts = printVerilog(sampler(), ['Header line.'])
    expect([...texts.keys()]).toEqual(['sampler_cell.v', 'sampler.v'])
    expect([...texts.values()].join('\n')).toMatchSnapshot()
  })

  it('gives the same bytes each time', () => {
    expect([...printVerilog(sampler(), [])]).toEqual([...printVerilog(sampler(), [])])
  })

  it('has memory images of the full depth', () => {
    expect([...memoryImages(sampler())]).toEqual([['store.hex', `0001\n0002\n0fff\n${'0000\n'.repeat(7)}`]])
  })

  it('is clean for Verilator, Icarus and Yosys', async ({ skip }) => {
    if (!has('verilator')) skip('not run: no verilator')
    if (!has('iverilog')) skip('not run: no iverilog')
    const texts = printVerilog(sampler(), [])
    expect(await yosysComplaints(texts, 'sampler', memoryImages(sampler()))).toBe('')
    await inDirectory(texts, (directory) => {
      for (const program of ['verilator', 'iverilog'] as const) {
        expect(lintOutput(directory, program, 'sampler', [...texts.keys()])).toBe('')
      }
    })
  })

  it('computes what the same text computes on numbers, under Verilator', async ({ skip }) => {
    if (!has('verilator')) skip('not run: no verilator')
    const widest = 60
    const chosen = fc.sample(recipes(widest), { numRuns: 60, seed: 7 })
    const modules = chosen.map((recipe, n) =>
      defineModule(`recipe_${n}`, 'Random expressions.', (m) => {
        const inputs = recipe.inputs.map((width, i) => m.input(`in_${i}`, width))
        for (const [i, value] of follow(m.c, recipe, inputs, widest).entries()) m.output(`out_${i}`, value)
      }),
    )
    const ports: string[] = []
    const top = defineModule('recipes', 'All recipes on the same inputs.', (m) => {
      const inputs = [0, 1, 2, 3].map((i) => m.input(`in_${i}`, 64))
      for (const [n, module] of modules.entries()) {
        const given = Object.fromEntries(
          chosen[n]!.inputs.map((width, i) => [`in_${i}`, m.c.slice(inputs[i]!, width - 1, 0)]),
        )
        for (const value of Object.values(m.instance(module, `u_${n}`, given))) {
          ports.push(`out_${ports.length}`)
          m.output(ports.at(-1)!, m.c.zeroExtend(value, 64))
        }
      }
    })
    const vectors = fc.sample(
      fc.array(fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }), { minLength: 4, maxLength: 4 }),
      { numRuns: 200, seed: 7 },
    )
    const expected = vectors.flatMap((data) =>
      chosen.flatMap((recipe) =>
        follow(
          numbers,
          recipe,
          recipe.inputs.map((width, i) => bits(data[i]!, width)),
          widest,
        ).map((value) => BigInt(value.value)),
      ),
    )
    const main = `#include "Vrecipes.h"
#include <cstdint>
#include <cstdio>
static const uint64_t vectors[][4] = {${vectors.map((data) => `{${data.map((value) => `${value}ull`).join(',')}}`).join(',')}};
int main() {
  Vrecipes top;
  FILE *out = fopen("out.bin", "wb");
  for (auto &v : vectors) {
    top.in_0 = v[0]; top.in_1 = v[1]; top.in_2 = v[2]; top.in_3 = v[3];
    top.eval();
    const uint64_t values[] = {${ports.map((port) => `top.${port}`).join(',')}};
    fwrite(values, 8, sizeof values / 8, out);
  }
  fclose(out);
}
`
    const texts = printVerilog(top, [])
    await inDirectory(new Map([...texts, ['main.cpp', main]]), (directory) => {
      // Random expressions compare and drop bits as no design would.
      runVerilator(directory, 'recipes', [...texts.keys()], ['-Wno-UNUSED', '-Wno-CMPCONST', '-Wno-UNSIGNED'])
      const bytes = readFileSync(join(directory, 'out.bin'))
      const got = Array.from({ length: bytes.length / 8 }, (_, i) => bytes.readBigUInt64LE(8 * i))
      expect(got.length).toBe(expected.length)
      const wrong = got.findIndex((value, i) => value !== expected[i])
      expect(
        wrong,
        wrong < 0 ? '' : `vector ${Math.floor(wrong / ports.length)}, ${ports[wrong % ports.length]}`,
      ).toBe(-1)
    })
  })
})
