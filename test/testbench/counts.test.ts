import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { buildAccelerator } from '../../src/arch/accelerator.ts'
import { defineModule, type Module } from '../../src/hdl/module.ts'
import type { ArraySpec } from '../../src/plan/array.ts'
import { planCounts } from '../../src/plan/counts.ts'
import { makePlan } from '../../src/plan/make.ts'
import { compareTallies, planTally } from '../../testbench/count-comparison.ts'
import { netlistTally } from '../../testbench/netlist-counts.ts'
import { type NetworkSketch, sketchAssignment, sketchGraph } from '../fixtures/qgraph.ts'
import { arrays, mixedSketches, sketches } from '../fixtures/sketches.ts'
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

describe('the plan and the netlist', () => {
  const full = process.env['XGEN_FULL'] === '1'

  it.each([
    ['one tile a layer', sketches],
    ['layers mixed by filter and kernel', mixedSketches],
  ])('count the same in random designs: %s', (_, networks) => {
    fc.assert(
      fc.property(networks, arrays, (sketch, array) => {
        const { plan, top } = designOf(sketch, array)
        const { compared, differences } = compareTallies(planTally(planCounts(plan)), netlistTally(top))
        expect(differences).toEqual([])
        expect(compared).toBeGreaterThan(50)
      }),
      { numRuns: full ? 2000 : 150, seed: 1 },
    )
  })

  it('differ where a module has an adder and a register more, or an instance less', () => {
    const { plan, top } = designOf(twoLayers, square(2))
    const expected = planTally(planCounts(plan))
    const replaced = exchanged(top, 'control_delay', ({ name }) =>
      defineModule(name, 'Another one.', (m) => {
        const count = m.register('count', 3)
        count.next(m.c.add(count.q, m.c.constant(1, 3)))
        m.output('count_out', count.q)
      }),
    )
    const { registers } = expected.get('control_delay')!.holds
    expect(compareTallies(expected, netlistTally(replaced)).differences).toEqual([
      { module: 'control_delay', quantity: 'adders', left: 0, right: 1 },
      { module: 'control_delay', quantity: 'registers', left: registers, right: 3 },
    ])
    const smaller = exchanged(top, 'tile_0', (tile) => ({
      ...tile,
      netlist: { ...tile.netlist, instances: tile.netlist.instances.slice(1) },
    }))
    expect(compareTallies(expected, netlistTally(smaller)).differences).toEqual([
      { module: 'pe_exact_s8s8', quantity: 'instances', left: 4, right: 3 },
      { module: 'mul_exact_s8s8', quantity: 'instances', left: 4, right: 3 },
    ])
  })

  it('differ where one does not know a module', () => {
    const { plan, top } = designOf(twoLayers, square(2))
    const counts = planCounts(plan).filter(({ module }) => module !== 'row_feeder')
    const { differences } = compareTallies(planTally(counts), netlistTally(top))
    expect(differences.map(({ module, left }) => [module, left])).toEqual(
      Array.from({ length: 6 }, () => ['row_feeder', undefined]),
    )
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
