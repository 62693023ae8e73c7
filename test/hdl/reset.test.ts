import { describe, expect, it } from 'vitest'
import { checkCircuit } from '../../src/hdl/checks.ts'
import { defineModule, type Module } from '../../src/hdl/module.ts'
import { compileCircuit } from '../../src/hdl/simulator.ts'
import { printVerilog } from '../../src/hdl/verilog.ts'
import { has, inDirectory, lintOutput, yosysComplaints } from './tools.ts'

/** Counts from 5, a level deep, so that resets pass through an instance. */
const counter = (): Module => {
  const inner = defineModule('count_inner', 'Counts.', (m) => {
    const count = m.register('count', 8, { reset: 5 })
    count.next(m.c.add(count.q, m.c.constant(1, 8)))
    m.output('count_out', count.q)
  })
  return defineModule('count_outer', 'Has a counter.', (m) => {
    m.output('count_out', m.instance(inner, 'u_inner', {})['count_out']!)
  })
}

/** Two counters with clock and reset of other names; one can be restarted alone. */
const pair = (): Module =>
  defineModule(
    'pair',
    'Two counters.',
    (m) => {
      const child = counter()
      const again = m.input('again', 1)
      const marked = m.register('marked', 1, { powerUp: 0 })
      marked.next(m.c.constant(1, 1), again)
      const [left, right] = [
        m.instance(child, 'u_left', {}),
        m.instance(child, 'u_right', {}, { restart: again }),
      ]
      m.output('left', left['count_out']!)
      m.output('right', right['count_out']!)
      m.output('marked_out', marked.q)
    },
    { clock: 'aclk', reset: 'aresetn' },
  )

describe('clock, reset and restart of instances', () => {
  it('an instance restarts alone, and with the module around it', () => {
    const circuit = compileCircuit(pair())
    const cycle = (aresetn: number, again: number) => {
      circuit.set('aresetn', aresetn)
      circuit.set('again', again)
      circuit.step()
      return [circuit.get('left'), circuit.get('right'), circuit.get('marked_out')]
    }
    expect(cycle(0, 0)).toEqual([5, 5, 0])
    expect(cycle(1, 0)).toEqual([6, 6, 0])
    expect(cycle(1, 1)).toEqual([7, 5, 1])
    expect(cycle(1, 0)).toEqual([8, 6, 1])
    expect(cycle(0, 0)).toEqual([5, 5, 1])
  })

  it('is printed with the names of each module', () => {
    const text = printVerilog(pair(), []).get('pair.v')!
    expect(text).toContain('input  wire aclk,\n  input  wire aresetn,')
    expect(text).toContain('count_outer u_left (.clk(aclk), .rst_n(aresetn), .count_out(u_left_count_out));')
    expect(text).toContain('.rst_n(aresetn & ~again)')
    expect(text).toContain("reg marked;\n  initial marked = 1'b0;")
    expect(text).toContain('always @(posedge aclk) if (again) marked <=')
  })

  it('refuses what cannot be restarted, and names that are taken', () => {
    const plain = defineModule('plain', 'No state.', (m) => m.output('y', m.c.not(m.input('x', 1))))
    const build = (body: Parameters<typeof defineModule>[2]) => () =>
      defineModule('faulty', 'Has a mistake.', body, { clock: 'aclk' })
    expect(
      build((m) => {
        const x = m.input('x', 1)
        m.instance(plain, 'u_plain', { x }, { restart: x })
      }),
    ).toThrow('the instance "u_plain" is to be restarted, but nothing in plain is reset')
    expect(build((m) => m.instance(counter(), 'u_count', {}, { restart: m.input('x', 2) }))).toThrow(
      'the restart of the instance "u_count" needs 1 bit, but "x" has 2 bits',
    )
    expect(build((m) => m.input('aclk', 1))).toThrow(
      'the input "aclk" has the name of the implicit port "aclk"',
    )
    expect(build((m) => m.output('clk', m.input('clk', 1)))).toThrow('the output "clk"')
  })

  it('tells modules apart that differ in a restart alone', () => {
    const restartable = (restarted: boolean) =>
      defineModule('user', 'Uses a counter.', (m) => {
        const x = m.input('x', 1)
        const { count_out } = m.instance(counter(), 'u_count', {}, restarted ? { restart: x } : {})
        m.output('y', m.c.and(x, m.c.slice(count_out!, 0, 0)))
      })
    const both = defineModule('both', 'Two that differ.', (m) => {
      const x = m.input('x', 1)
      m.output('a', m.instance(restartable(true), 'u_a', { x })['y']!)
      m.output('b', m.instance(restartable(false), 'u_b', { x })['y']!)
    })
    expect(() => checkCircuit(both)).toThrow('two different modules named "user"')
  })

  it('is clean for Verilator, Icarus and Yosys', async ({ skip }) => {
    if (!has('verilator')) skip('not run: no verilator')
    if (!has('iverilog')) skip('not run: no iverilog')
    const texts = printVerilog(pair(), [])
    expect(await yosysComplaints(texts, 'pair')).toBe('')
    await inDirectory(texts, (directory) => {
      for (const program of ['verilator', 'iverilog'] as const)
        expect(lintOutput(directory, program, 'pair', [...texts.keys()])).toBe('')
    })
  })
})
