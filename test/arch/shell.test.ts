import { describe, expect, it } from 'vitest'
import { designModel } from '../../sim/design.ts'
import { runImage } from '../../sim/drive.ts'
import type { LayerEvents } from '../../sim/events.ts'
import { noPressure } from '../../sim/pressure.ts'
import { buildCore } from '../../src/arch/core.ts'
import { clockedModules, memoriesOf } from '../../src/hdl/hierarchy.ts'
import type { Module } from '../../src/hdl/module.ts'
import { shellInputs, shellOf } from '../../src/hdl/shell.ts'
import { compileCircuit } from '../../src/hdl/simulator.ts'
import { printVerilog } from '../../src/hdl/verilog.ts'
import { planNetwork } from '../../src/plan/network.ts'
import { netlistDevice } from '../../testbench/netlist-device.ts'
import { type NetworkSketch, sketchAssignment, sketchGraph } from '../fixtures/qgraph.ts'

const sketch: NetworkSketch = {
  input: [2, 6, 5],
  seed: 31,
  layers: [
    {
      filters: 4,
      kernel: [3, 2],
      padding: [1, 0, 1, 1],
      relu: true,
      pool: { mode: 'max', window: [2, 2] },
      mix: { by: 'filter', multipliers: ['exact', 'roup:p=1,r=2'] },
    },
    { filters: 3, dense: true },
  ],
}

/** Registers of a module that a number holds. */
const registersOf = (module: Module) =>
  module.netlist.registers.filter(({ width }) => width <= 32).map(({ name }) => name)

describe('a part of a design alone', () => {
  it.each(['weight-stationary', 'row-stationary'] as const)(
    'does in a %s design what it does inside of it',
    (dataflow) => {
      const graph = sketchGraph(sketch)
      const { plan, images } = planNetwork(graph, sketchAssignment(sketch, graph), {
        dataflow,
        rows: 3,
        columns: 2,
        memoryBits: 2 ** 24,
        parallel: false,
      })
      const top = buildCore(plan, images)
      const parts = clockedModules(top)
        .map(({ module, paths }) => ({
          module,
          path: paths.at(-1)!,
          edges: [] as (readonly (number | bigint)[])[],
        }))
        .filter(({ path, module }) => path !== '' && module.netlist.registers.length > 0)
      expect(parts.length).toBeGreaterThan(8)
      const probes = parts.flatMap(({ module, path }) =>
        registersOf(module).map((name) => ({ path: `${path}.${name}` })),
      )
      const device = netlistDevice(top, probes, {
        watches: parts.map(({ path, edges }) => ({ path, onEdge: (values) => void edges.push(values) })),
        countAccesses: true,
      })
      const inReset = parts[0]!.edges.length
      const held: Uint32Array[] = []
      const codes = Uint8Array.from({ length: plan.input.elements }, (_, i) => (i * 37) % 256)
      const { cycles } = runImage(device, codes, noPressure, () => {
        const values = new Uint32Array(probes.length)
        device.probes(values)
        held.push(values)
      })
      expect(cycles).toBeGreaterThan(100)

      // what the netlist's memories did is what the cycle model says
      const model = designModel(plan, images)
      expect(runImage(model, codes, noPressure).cycles).toBe(cycles)
      const sum = (of: (events: LayerEvents) => number) =>
        model.events.layers.reduce((total, events) => total + of(events), 0)
      const accesses = device.accesses()
      const total = (kind: 'reads' | 'writes', of: RegExp) =>
        memoriesOf(top).reduce((sum, { path }, i) => sum + (of.test(path) ? accesses[i]![kind] : 0), 0)
      expect(total('reads', /weight/)).toBe(sum(({ weightReads }) => weightReads))
      expect(total('writes', /bank/)).toBeGreaterThanOrEqual(
        sum(({ bankWrites }) => bankWrites) + plan.input.elements,
      )
      expect(total('reads', /bank/)).toBeGreaterThanOrEqual(
        sum(({ bankReads }) => bankReads) + plan.output.elements,
      )

      let at = 0
      for (const { module, path, edges } of parts) {
        const shell = shellOf(module)
        expect(shell.netlist.memories).toHaveLength(0)
        expect(printVerilog(shell, []).size).toBeGreaterThan(0)
        const names = [
          ...shellInputs(module).map(({ name }) => name!),
          ...(module.reset ? [module.resetName] : []),
        ]
        const alone = compileCircuit(shell)
        const readers = registersOf(module).map((name) => alone.reader(name))
        for (let edge = 0; edge < inReset + cycles; edge++) {
          for (const [i, read] of edge < inReset ? [] : readers.entries())
            if (Number(read()) !== held[edge - inReset]![at + i]!)
              expect(`${path}.${registersOf(module)[i]} is ${read()}`).toBe(
                `${held[edge - inReset]![at + i]} in cycle ${edge - inReset}`,
              )
          for (const [i, name] of names.entries())
            if (name !== module.resetName || shell.reset) alone.set(name, edges[edge]![i]!)
          alone.step()
        }
        at += readers.length
      }
    },
  )
})
