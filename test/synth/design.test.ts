import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { processingElement } from '../../src/arch/processing-element.ts'
import { parseDomain } from '../../src/arith/domain.ts'
import { parseMultiplier } from '../../src/arith/registry.ts'
import { defineModule, type Module, type Node } from '../../src/hdl/module.ts'
import { designMemories, mapDesign } from '../../src/synth/design.ts'
import { openLibrary } from '../../src/synth/libraries.ts'
import { circuitOf, mapCircuit } from '../../src/synth/mapping.ts'
import { openYosys } from '../../src/tools/yosys.ts'

let cache: string
beforeAll(() => {
  cache = mkdtempSync(join(tmpdir(), 'xgen-design-'))
})
afterAll(() => rmSync(cache, { recursive: true }))

const library = await openLibrary('generic', { data: '/nowhere' })
const options = () => ({
  script: 'delay' as const,
  yosys: openYosys(),
  signal: new AbortController().signal,
  cache,
})

/** PEs in rows and columns, as in a tile, but with all that comes in and goes out at the edges as ports. */
const array = (pe: Module, rows: number, columns: number) =>
  defineModule('array', 'PEs with open edges.', (m) => {
    const right = ['activation', 'active', 'load', 'swap'] as const
    const widthOf = (port: string) => pe.ports.find(({ name }) => name === port)!.width
    const given = (port: string, place: string) => m.input(`${port}_${place}`, widthOf(port))
    const weights = Array.from({ length: columns }, (_, j) => given('weight_in', `${j}`))
    let partials = weights.map((_, j) => given('partial', `${j}`))
    for (let i = 0; i < rows; i++) {
      let passed = Object.fromEntries(right.map((port) => [port, given(port, `${i}`)]))
      partials = partials.map((partial, j) => {
        const out = m.instance(pe, `u_pe_${i}_${j}`, { ...passed, weight_in: weights[j]!, partial })
        passed = Object.fromEntries(right.map((port) => [port, out[`${port}_out`]!]))
        return out['sum_out']!
      })
      for (const [port, value] of Object.entries<Node>(passed)) m.output(`${port}_${i}_out`, value)
    }
    for (const [j, partial] of partials.entries()) m.output(`sum_${j}`, partial)
  })

describe('a design module by module', () => {
  it.each(['exact:arch=booth4', 'roup:p=1,r=2'])(
    'has the area of a flat 2x2 array of %s within 3 %',
    async (spec) => {
      const multiplier = parseMultiplier(spec, parseDomain('s8s8'))
      const pe = processingElement(
        { multiplier, shift: 0 },
        { accumulatorBits: 24, masked: false, modesFrom: undefined },
      )
      const top = array(pe, 2, 2)
      const parts = await mapDesign(top, library, { ...options(), jobs: 1 })
      expect(parts.map(({ module, paths }) => [module.name, paths.length])).toEqual([[pe.name, 4]])
      const flat = await mapCircuit(circuitOf(top), library, options())
      expect(Math.abs((4 * parts[0]!.mapping.area) / flat.area - 1)).toBeLessThan(0.03)
    },
  )

  it('has every module with logic once, and every memory', async () => {
    const inverter = defineModule('inverter', 'No registers.', (m) => {
      m.output('y', m.c.not(m.input('a', 8)))
    })
    const store = defineModule('store', 'A memory and a register.', (m) => {
      const [address, data] = [m.input('address', 5), m.input('data', 8)]
      const memory = m.memory('words', { width: 8, depth: 20 })
      memory.write(m.input('write', 1), address, m.instance(inverter, 'u_inverter', { a: data })['y']!)
      const q = m.register('kept', 8)
      q.next(memory.read('read', address))
      m.output('q', q.q)
    })
    const wires = defineModule('wires', 'Nothing but instances.', (m) => {
      const ports = { address: m.input('address', 5), data: m.input('data', 8), write: m.input('write', 1) }
      const first = m.instance(store, 'u_first', ports)
      m.output('q', m.instance(store, 'u_second', { ...ports, data: first['q']! })['q']!)
    })
    const seen: string[] = []
    const parts = await mapDesign(wires, library, {
      ...options(),
      jobs: 2,
      onMapped: (module) => seen.push(module),
    })
    expect(parts.map(({ module, paths }) => [module.name, paths])).toEqual([
      ['store', ['u_first', 'u_second']],
    ])
    expect(seen).toEqual(['store'])
    const { histogram } = parts[0]!.mapping
    // eight flip-flops and eight inverters: neither the memory nor its read register
    expect(histogram.map(({ count }) => count)).toEqual([8, 8])
    expect(designMemories(wires, undefined)).toEqual([
      { module: 'store', name: 'words', words: 20, width: 8, instances: 2, estimate: undefined },
    ])
    expect(designMemories(wires, { node: 45, voltage: 0.9 })[0]!.estimate?.kind).toBe('registers')
  })
})
