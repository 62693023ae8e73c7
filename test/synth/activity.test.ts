import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { defineModule } from '../../src/hdl/module.ts'
import { recordActivity } from '../../src/synth/activity.ts'
import { gateArcs } from '../../src/synth/arcs.ts'
import { circuitGraph } from '../../src/synth/circuit-graph.ts'
import { eventSettle } from '../../src/synth/events.ts'
import { openLibrary } from '../../src/synth/libraries.ts'
import { circuitOf } from '../../src/synth/mapping.ts'
import { uniformStream } from '../../src/synth/stream.ts'
import { analyseTiming } from '../../src/synth/timing.ts'
import { zeroDelaySettle } from '../../src/synth/zero-delay.ts'
import { togglesInIcarus } from '../fixtures/gate-icarus.ts'
import { hasOsu018, mapped, mappedMultiplier } from '../fixtures/synthesis.ts'
import { hasIcarus } from '../fixtures/tools.ts'

let directory: string
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'xgen-gates-'))
})
afterAll(() => rmSync(directory, { recursive: true }))

async function subject(library: string, spec: string, domain: string) {
  const opened = await openLibrary(library, { data: '/nowhere' })
  const graph = circuitGraph(await mappedMultiplier(opened, spec, domain, directory))
  const timing = analyseTiming(graph, opened.content.wireLoad)
  return { graph, arcs: gateArcs(graph, timing, opened.content.wireLoad) }
}

describe.runIf(hasIcarus)('event-driven transitions are those of Icarus, net by net', () => {
  it.each([
    ['generic', 'exact', 's4s4', 300],
    ['generic', 'exact:arch=array', 'u5u3', 300],
    ['generic', 'roup:p=1,r=2', 's8s8', 100],
    ...(hasOsu018
      ? ([
          ['osu018', 'exact:arch=booth4', 's8s8', 100],
          ['osu018', 'exact', 'u6u5', 200],
        ] as const)
      : []),
  ] as const)('%s, %s, %s', async (library, spec, domain, length) => {
    const { graph, arcs } = await subject(library, spec, domain)
    const bits = (name: string) => graph.netlist.inputs.find((port) => port.name === name)!.nets.length
    const stream = uniformStream(
      [
        { name: 'a', bits: bits('a') },
        { name: 'b', bits: bits('b') },
      ],
      length,
      5,
    )
    const { toggles } = recordActivity(graph, arcs, stream, 'events', eventSettle)[0]!
    const expected = await togglesInIcarus(
      graph,
      arcs,
      stream,
      join(directory, `${library}-${spec}-${domain}`),
    )
    expect(toggles).toEqual(expected)

    // and glitches are among them
    const settled = recordActivity(graph, arcs, stream, 'zero-delay', zeroDelaySettle)[0]!
    const sum = (counts: Float64Array) => counts.reduce((total, count) => total + count, 0)
    expect(sum(toggles)).toBeGreaterThan(1.1 * sum(settled.toggles))
    for (const [net, count] of settled.toggles.entries()) {
      expect(toggles[net]).toBeGreaterThanOrEqual(count)
      expect((toggles[net]! - count) % 2).toBe(0)
    }
  })
})

describe('a clocked netlist', () => {
  it.each(['events', 'zero-delay'] as const)(
    'does cycle by cycle what its module does (%s)',
    async (method) => {
      const module = defineModule('accumulator', 'A sum with a reset.', (m) => {
        const sum = m.register('sum', 10, { reset: 0 })
        sum.next(m.c.add(sum.q, m.c.signExtend(m.input('x', 6), 10)), m.input('go', 1))
        m.output('total', sum.q)
      })
      const opened = await openLibrary('generic', { data: '/nowhere' })
      const graph = circuitGraph(await mapped(opened, circuitOf(module), directory))
      const arcs = gateArcs(graph, analyseTiming(graph, undefined), undefined)
      const length = 400
      const given = uniformStream(
        [
          { name: 'x', bits: 6 },
          { name: 'go', bits: 1 },
        ],
        length,
        3,
      )
      const reset = Uint8Array.from({ length }, (_, i) => (i < 2 || i === 200 ? 0 : 1))
      const stream = { ...given, ports: { ...given.ports, [module.resetName]: reset } }
      const settle = method === 'events' ? eventSettle : zeroDelaySettle
      const [whole] = recordActivity(graph, arcs, stream, method, settle)
      const { toggles, operations } = whole!

      // the naive sum: the values before an edge decide what it does
      const { x, go } = given.ports as { x: Float64Array; go: Float64Array }
      const expected = new Array<number>(10).fill(0)
      let sum = 0
      for (let i = 0; i + 1 < length; i++) {
        const signed = x[i]! > 31 ? x[i]! - 64 : x[i]!
        const next = reset[i] === 0 ? 0 : go[i] === 1 ? (sum + signed) & 1023 : sum
        for (let bit = 0; bit < 10; bit++) expected[bit]! += ((sum ^ next) >> bit) & 1
        sum = next
      }
      expect(operations).toBe(length - 1)
      expect(graph.netlist.outputs[0]!.nets.map((net) => toggles[net])).toEqual(expected)

      // the same in windows
      const windows = [100, 0, 250, 49]
      const parts = recordActivity(graph, arcs, stream, method, settle, windows)
      expect(parts.map((part) => part.operations)).toEqual(windows)
      for (const net of graph.netlist.outputs[0]!.nets)
        expect(parts.reduce((total, part) => total + part.toggles[net]!, 0)).toBe(toggles[net])
      expect(parts.reduce((total, { internal }) => total + internal, 0)).toBeCloseTo(whole!.internal, 6)
    },
  )
})
