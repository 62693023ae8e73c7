import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { buildAccelerator } from '../../src/arch/accelerator.ts'
import { buildAxiAccelerator } from '../../src/arch/axi-top.ts'
import { defineModule, type Module } from '../../src/hdl/module.ts'
import type { ArraySpec } from '../../src/plan/array.ts'
import { planCounts } from '../../src/plan/counts.ts'
import { makePlan } from '../../src/plan/make.ts'
import { type CountedDesign, countedNumbers, explainCounts } from '../../testbench/count-comparison.ts'
import { countTotals } from '../../testbench/count-totals.ts'
import { netlistTally } from '../../testbench/netlist-counts.ts'
import { type NetworkSketch, sketchAssignment, sketchGraph } from '../fixtures/qgraph.ts'
import { mixedSketches, sketches } from '../fixtures/sketches.ts'
import { onArrays } from '../fixtures/tile-sizes.ts'
import { twoLayers } from '../fixtures/verification.ts'

function designOf(sketch: NetworkSketch, array: ArraySpec) {
  const graph = sketchGraph(sketch)
  const { plan, images } = makePlan(graph, sketchAssignment(sketch, graph), array)
  return { plan, top: buildAccelerator(plan, images) }
}

const square = (size: number): ArraySpec => ({
  dataflow: 'weight-stationary',
  rows: size,
  columns: size,
  memoryBits: 2 ** 26,
  parallel: false,
})

/** The same hierarchy with one module exchanged. */
function exchanged(module: Module, name: string, make: (old: Module) => Module): Module {
  if (module.name === name) return make(module)
  const { netlist } = module
  const done = new Map<Module, Module>()
  const child = (old: Module) => {
    if (!done.has(old)) done.set(old, exchanged(old, name, make))
    return done.get(old)!
  }
  const instances = netlist.instances.map((instance) => ({ ...instance, module: child(instance.module) }))
  return { ...module, netlist: { ...netlist, instances } }
}

/** What differs between plan and netlist, and between netlist and Yosys where that counted. */
function differences(design: CountedDesign) {
  const numbers = countedNumbers(design)
  expect(numbers.length).toBeGreaterThan(50)
  return numbers.filter(
    ({ plan, netlist, yosys }) => plan !== netlist || (yosys !== null && yosys !== netlist),
  )
}

const full = process.env['XGEN_FULL'] === '1'
const networks: [string, fc.Arbitrary<NetworkSketch>][] = [
  ['one tile a layer', sketches],
  ['layers mixed by filter and kernel', mixedSketches],
]

describe('the plan and the netlist', () => {
  it.each(networks)('count the same in random designs: %s', (_, sketch) => {
    fc.assert(
      fc.property(onArrays(sketch), ([network, array]) => {
        const { plan, top } = designOf(network, array)
        const design = { plan: planCounts(plan), netlist: netlistTally(top), yosys: undefined }
        expect(differences(design)).toEqual([])
      }),
      { numRuns: full ? 2000 : 100, seed: 1 },
    )
  })

  it.each([false, true])('count the same with an AXI interface, weights loaded at run time: %s', (reload) => {
    fc.assert(
      fc.property(onArrays(mixedSketches), ([network, array]) => {
        const graph = sketchGraph(network)
        const { plan, images } = makePlan(graph, sketchAssignment(network, graph), array, { reload })
        const top = buildAxiAccelerator(plan, images)
        const design = { plan: planCounts(plan, 'axi'), netlist: netlistTally(top), yosys: undefined }
        expect(differences(design)).toEqual([])
        expect(design.netlist.has('weight_loader')).toBe(reload)
      }),
      { numRuns: full ? 500 : 30, seed: 3 },
    )
  })

  it('differ where a module has an adder and a register more, or an instance less', () => {
    const { plan, top } = designOf(twoLayers, square(2))
    const expected = planCounts(plan)
    const replaced = exchanged(top, 'control_delay', ({ name }) =>
      defineModule(name, 'Another one.', (m) => {
        const count = m.register('count', 3)
        count.next(m.c.add(count.q, m.c.constant(1, 3)))
        m.output('count_out', count.q)
      }),
    )
    const own = { plan: expected, netlist: netlistTally(top), yosys: undefined }
    const registers = own.netlist.get('control_delay')!.holds.registers
    const more = { ...own, netlist: netlistTally(replaced) }
    expect(differences(more)).toMatchObject([
      { module: 'control_delay', quantity: 'adders', plan: 0, netlist: 1 },
      { module: 'control_delay', quantity: 'registers', plan: registers, netlist: 3 },
    ])
    expect(explainCounts(more, countedNumbers(more), 'plan', 'netlist')).toEqual({
      summary: 'control adders of control_delay: plan 0, netlist 1, Yosys not run in each instance',
      text:
        'control adders of control_delay: plan 0, netlist 1, Yosys not run in each instance\n' +
        `register bits of control_delay: plan ${registers}, netlist 3, Yosys not run in each instance\n`,
    })
    expect(countTotals(more).adders.control).toMatchObject({
      plan: countTotals(own).adders.netlist - countTotals(own).adders.datapath.netlist,
      netlist: countTotals(own).adders.control.netlist + 1,
    })
    const smaller = exchanged(top, 'tile_0', (tile) => ({
      ...tile,
      netlist: { ...tile.netlist, instances: tile.netlist.instances.slice(1) },
    }))
    expect(differences({ ...own, netlist: netlistTally(smaller) })).toMatchObject([
      { module: 'pe_exact_s8s8', quantity: 'instances', plan: 4, netlist: 3 },
      { module: 'mul_exact_s8s8', quantity: 'instances', plan: 4, netlist: 3 },
    ])
  })

  it('differ where one does not know a module', () => {
    const { plan, top } = designOf(twoLayers, square(2))
    const formulas = planCounts(plan).filter(({ module }) => module !== 'row_feeder')
    const design = { plan: formulas, netlist: netlistTally(top), yosys: undefined }
    expect(differences(design).map(({ module, plan: none }) => [module, none])).toEqual(
      Array.from({ length: 6 }, () => ['row_feeder', undefined]),
    )
    const { text } = explainCounts(design, countedNumbers(design), 'plan', 'netlist')!
    expect(text).toContain('instances of row_feeder: plan no such module, netlist 2')
    expect(text).toContain('no formula')
  })
})

describe('the walk over a netlist', () => {
  it('counts operators outside cores, shared ones once and unused ones not', () => {
    const core = defineModule('mul_own', 'A core.', (m) => {
      const [a, b] = [m.input('a', 4), m.input('b', 4)]
      m.output('p', m.c.add(m.c.mul(a, b), m.c.constant(3, 8)))
    })
    const adder = defineModule('add_own', 'An adder.', (m) => {
      const [a, b] = [m.input('a', 8), m.input('b', 8)]
      m.output('s', m.c.sub(m.c.add(a, b), m.c.constant(1, 8)))
    })
    const top = defineModule('top', 'Counted.', (m) => {
      const { c } = m
      const [a, b] = [m.input('a', 4), m.input('b', 4)]
      const { p } = m.instance(core, 'u_one', { a, b })
      const { p: q } = m.instance(core, 'u_two', { a: b, b: a })
      const { s } = m.instance(adder, 'u_sum', { a: p!, b: q! })
      const sum = c.add(a, b)
      c.sub(a, b)
      m.output('x', c.add(b, a))
      m.output('y', c.mulSigned(sum, a))
      const memory = m.memory('words', { width: 5, depth: 6, init: { file: 'words.hex', words: [1] } })
      m.output('z', memory.read('word', c.slice(s!, 2, 0)))
      const held = m.register('held', 8)
      held.next(s!)
      m.output('w', held.q)
    })
    expect(netlistTally(top)).toEqual(
      new Map([
        [
          'top',
          {
            instances: 1,
            holds: { cores: 2, multiplications: 1, adders: 2, registers: 13, memoryBits: 30 },
          },
        ],
        [
          'add_own',
          {
            instances: 1,
            holds: { cores: 0, multiplications: 0, adders: 0, registers: 0, memoryBits: 0 },
          },
        ],
        [
          'mul_own',
          {
            instances: 2,
            holds: { cores: 0, multiplications: 0, adders: 0, registers: 0, memoryBits: 0 },
          },
        ],
      ]),
    )
  })
})
