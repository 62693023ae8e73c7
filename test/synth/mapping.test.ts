import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { multiplierCore } from '../../src/arch/multiplier-core.ts'
import { parseDomain } from '../../src/arith/domain.ts'
import { parseMultiplier } from '../../src/arith/registry.ts'
import { bitParallel } from '../../src/synth/bit-parallel.ts'
import { circuitGraph } from '../../src/synth/circuit-graph.ts'
import { bindCells, readYosysJson } from '../../src/synth/gate-netlist.ts'
import { openLibrary } from '../../src/synth/libraries.ts'
import { circuitOf, type Mapping, mapCircuit } from '../../src/synth/mapping.ts'
import type { MappingScript } from '../../src/synth/scripts.ts'
import { analyseTiming } from '../../src/synth/timing.ts'
import { openYosys } from '../../src/tools/yosys.ts'
import { failure } from '../fixtures/failure.ts'
import { hasYosys } from '../fixtures/tools.ts'

const circuit = circuitOf(multiplierCore(parseMultiplier('exact', parseDomain('s4s4'))))
const signal = new AbortController().signal
const yosys = openYosys()
const generic = await openLibrary('generic', { data: '/nowhere' })
let cache: string
beforeAll(() => {
  cache = mkdtempSync(join(tmpdir(), 'xgen-synth-'))
})
afterAll(() => rmSync(cache, { recursive: true }))

describe('mapping to cells', () => {
  it('is done once for the same circuit, script and library', async () => {
    const options = { script: 'delay', yosys, signal, cache } as const
    const first = await mapCircuit(circuit, generic, options)
    expect(first).toMatchObject({ engine: 'Yosys 0.55', script: 'delay', library: 'generic', cached: false })
    expect(first.netlist.inputs.map(({ name, nets }) => [name, nets.length])).toEqual([
      ['a', 4],
      ['b', 4],
    ])
    expect(first.netlist.outputs.map(({ name, nets }) => [name, nets.length])).toEqual([['p', 8]])
    expect(first.histogram.reduce((sum, { area }) => sum + area, 0)).toBe(first.area)
    expect(await mapCircuit(circuit, generic, options)).toEqual({ ...first, cached: true })

    const small = await mapCircuit(circuit, generic, { ...options, script: 'area' })
    expect(small.cached).toBe(false)
    expect(small.area).toBeLessThan(first.area)
    expect(readdirSync(join(cache, 'netlists'))).toHaveLength(2)

    // what is kept and cannot be read is made again
    for (const name of readdirSync(join(cache, 'netlists'))) writeFileSync(join(cache, 'netlists', name), '{')
    expect(await mapCircuit(circuit, generic, options)).toEqual(first)
  })

  it('gives nets with many sinks buffers, where the script says so, and the same function', async () => {
    // one net that enables 600 gates
    const verilog = `module fan(input [599:0] a, input s, t, output [599:0] p);
      assign p = a & {600{s & t}};
    endmodule`
    const fan = { top: 'fan', verilog: new Map([['fan.v', verilog]]), memories: new Map() }
    const map = (script: MappingScript) => mapCircuit(fan, generic, { script, yosys, signal, cache })
    const [plain, buffered] = [await map('delay'), await map('buffered')]
    const delay = ({ netlist }: Mapping) => analyseTiming(circuitGraph(netlist), undefined).delay
    expect(delay(buffered)).toBeLessThan(delay(plain) / 4)
    expect(buffered.area).toBeGreaterThan(plain.area)
    expect(buffered.area).toBeLessThan(1.5 * plain.area)

    const lanes = Array.from({ length: 600 }, (_, i) => Int32Array.of(i * 0x9e3779b1))
    const select = [0b1100, 0b1010].map((word) => [Int32Array.of(word)])
    const { p } = bitParallel(circuitGraph(buffered.netlist), 1)({ a: lanes, s: select[0]!, t: select[1]! })
    expect(p).toEqual(lanes.map(([word]) => Int32Array.of(word! & 0b1000)))
  })

  it('says what library is missing, and how to get it', async () => {
    await expect(openLibrary('sg13g2', { data: '/nowhere' })).rejects.toMatchObject({
      kind: 'tool-missing',
      where: '/nowhere/sg13g2/sg13g2_stdcell_typ_1p20V_25C.lib',
      hint: expect.stringContaining('xgen data fetch sg13g2'),
    })
    await expect(openLibrary('osu18', { data: '/nowhere' })).rejects.toMatchObject({
      kind: 'usage',
      message: expect.stringContaining('Did you mean "osu018"?'),
    })
    await expect(openLibrary('./none.lib', { data: '/nowhere' })).rejects.toMatchObject({
      kind: 'data',
      message: 'does not exist',
    })
  })
})

describe('the netlist of Yosys', () => {
  const module = (cells: unknown) =>
    JSON.stringify({
      creator: 'Yosys 0.55 (git)',
      modules: {
        m: {
          ports: { a: { direction: 'input', bits: [2] }, y: { direction: 'output', bits: [3, '1', 'x'] } },
          cells,
        },
      },
    })
  it('gives constants and nets numbers', () => {
    const text = module({ g: { type: 'INV', connections: { A: [2], Y: [3] } } })
    const { inputs, outputs, gates, netCount } = bindCells(readYosysJson(text, 'm'), generic.content)
    expect(inputs).toEqual([{ name: 'a', nets: [2] }])
    expect(outputs).toEqual([{ name: 'y', nets: [3, 1, 0] }])
    expect(gates.map(({ cell, nets }) => [cell.name, nets])).toEqual([['INV', [2, 3]]])
    expect(netCount).toBe(4)
  })
  it.each([
    [
      'a cell that the library lacks',
      { g: { type: '$_DLATCH_P_', connections: {} } },
      /no cell for \$_DLATCH_P_/,
    ],
    ['a pin that the cell lacks', { g: { type: 'INV', connections: { Q: [2] } } }, /no pin Q/],
    ['a wide pin', { g: { type: 'INV', connections: { A: [2, 3] } } }, /has 2 bits/],
    ['no netlist', 7, /cannot read the netlist/],
  ])('%s is refused', (_, cells, message) => {
    const found = failure(() => bindCells(readYosysJson(module(cells), 'm'), generic.content))
    expect(found).toMatchObject({ kind: 'tool-failed', message: expect.stringMatching(message) })
  })
})

describe('a job of Yosys that takes too long', () => {
  // true of all numbers, but products of 20 bits are beyond a solver
  const hard = {
    script: 'read_verilog m.v; prep -top m; sat -prove same 1; write_json out.json',
    files: new Map([
      [
        'm.v',
        'module m(input [19:0] a, input [19:0] b, output same); assign same = (a + b) * (a - b) == a * a - b * b; endmodule',
      ],
    ]),
    output: 'out.json',
    seconds: 4,
    signal,
  }
  const programs = [undefined, ...(hasYosys ? ['yosys'] : [])]
  it.each(programs)(
    'is ended (program: %s)',
    async (program) => {
      await expect(openYosys(program)({ ...hard, cache })).rejects.toMatchObject({
        kind: 'tool-failed',
        message: expect.stringMatching(/did not end within 4 seconds/),
      })
    },
    60_000,
  )
})
