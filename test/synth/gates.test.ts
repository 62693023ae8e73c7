import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { multiplierCore } from '../../src/arch/multiplier-core.ts'
import { parseDomain } from '../../src/arith/domain.ts'
import { parseMultiplier } from '../../src/arith/registry.ts'
import { fromLanes, toLanes } from '../../src/comb/lanes.ts'
import { bitParallel } from '../../src/synth/bit-parallel.ts'
import { characterise } from '../../src/synth/characterise.ts'
import { circuitGraph } from '../../src/synth/circuit-graph.ts'
import { bindCells } from '../../src/synth/gate-netlist.ts'
import { readLibrary } from '../../src/synth/liberty/read.ts'
import { openLibrary } from '../../src/synth/libraries.ts'
import { circuitOf } from '../../src/synth/mapping.ts'
import { staDelay } from '../../src/synth/opensta.ts'
import { uniformStream } from '../../src/synth/stream.ts'
import { analyseTiming } from '../../src/synth/timing.ts'
import { openYosys } from '../../src/tools/yosys.ts'
import { failure } from '../fixtures/failure.ts'
import { hasOsu018, mappedMultiplier } from '../fixtures/synthesis.ts'
import { hasSta } from '../fixtures/tools.ts'

let directory: string
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'xgen-gates-'))
})
afterAll(() => rmSync(directory, { recursive: true }))
const { signal } = new AbortController()
const generic = await openLibrary('generic', { data: '/nowhere' })

describe('gates side by side', () => {
  it.each([
    ['exact:arch=booth4', 's8s8'],
    ['roup:p=1,r=2', 's8s8'],
    ['trunc:ka=2,kb=1', 'u8u8'],
    ['exact', 'u8s8'],
  ])('give the table of %s in %s, all pairs', async (spec, domain) => {
    const multiplier = parseMultiplier(spec, parseDomain(domain))
    const netlist = await mappedMultiplier(generic, spec, domain, directory)
    const pairs = 65_536
    const codes = (shift: number) => Uint8Array.from({ length: pairs }, (_, i) => i >> shift)
    const lanes = (shift: number) => toLanes(codes(shift), 0, pairs, 8, pairs / 32)
    const { p } = bitParallel(circuitGraph(netlist), pairs / 32)({ a: lanes(8), b: lanes(0) })
    const products = new Int32Array(pairs)
    fromLanes(p!, multiplier.productSigned, products, 0, pairs)
    expect(products).toEqual(multiplier.table())
  })
})

describe('the longest path', () => {
  it('adds up by logical effort', () => {
    const cell = (cell: string, pins: Record<string, number>) => ({ cell, pins })
    const netlist = bindCells(
      {
        creator: 'a hand',
        top: 'm',
        ports: [
          { name: 'a', output: false, nets: [2] },
          { name: 'b', output: false, nets: [3] },
          { name: 'y', output: true, nets: [5] },
        ],
        netCount: 6,
        gates: [cell('INV', { A: 4, Y: 5 }), cell('NAND2', { A: 2, B: 3, Y: 4 })],
      },
      generic.content,
    )
    const { delay, path } = analyseTiming(circuitGraph(netlist), undefined)
    // NAND2: 2 + the inverter's input; INV: 1 + nothing
    expect(delay).toBeCloseTo(2 + 1 + 1)
    expect(path.map((step) => [step.net, step.cell])).toEqual([
      [2, undefined],
      [4, 'NAND2'],
      [5, 'INV'],
    ])
  })

  it.runIf(hasSta && hasOsu018)('is that of OpenSTA', async () => {
    const library = await openLibrary('osu018', { data: '/nowhere' })
    for (const spec of ['exact', 'exact:arch=booth4', 'roup:p=1,r=2', 'trunc:ka=2,kb=2']) {
      const netlist = await mappedMultiplier(library, spec, 's8s8', directory)
      const { delay } = analyseTiming(circuitGraph(netlist), library.content.wireLoad)
      const sta = await staDelay(netlist, library, { signal, cache: directory })
      expect(sta!.engine).toMatch(/^OpenSTA \d/)
      expect(Math.abs(delay / sta!.delay - 1)).toBeLessThan(1e-3)
    }
  })

  it.runIf(hasSta && hasOsu018)('is that of OpenSTA with names that its language would run', async () => {
    const { text, ...osu018 } = await openLibrary('osu018', { data: '/nowhere' })
    const name = 'w};puts;[exit]$x{'
    const wires = `default_wire_load : "${name}"; wire_load ("${name}") {
      capacitance : 0.01; resistance : 0.5; slope : 1; fanout_length (1, 1); }
    wire_load ("w") { slope : 1; }`
    const content = (await text()).replace('(INVX1)', '("INV-X;1")').replace(/\}\s*$/, `${wires} }`)
    const library = { ...osu018, content: readLibrary(content, 'named.lib'), text: async () => content }
    const netlist = bindCells(
      {
        creator: 'a hand',
        top: 'm',
        ports: [
          { name: 'a', output: false, nets: [2] },
          { name: 'y', output: true, nets: [4] },
        ],
        netCount: 5,
        gates: [
          { cell: 'INV-X;1', pins: { A: 2, Y: 3 } },
          { cell: 'INV-X;1', pins: { A: 3, Y: 4 } },
        ],
      },
      library.content,
    )
    const { delay } = analyseTiming(circuitGraph(netlist), library.content.wireLoad)
    const sta = await staDelay(netlist, library, { signal, cache: directory })
    expect(library.content.wireLoad!.name).toBe(name)
    expect(Math.abs(delay / sta!.delay - 1)).toBeLessThan(0.05)
  })

  it('is not asked of a program that is not there', async () => {
    const netlist = await mappedMultiplier(generic, 'exact', 'u4u4', directory)
    expect(await staDelay(netlist, generic, { signal, cache: directory, program: '/nowhere/sta' })).toBe(
      undefined,
    )
  })

  it('does not exist in a loop', () => {
    const gates = [
      { cell: 'INV', pins: { A: 3, Y: 2 } },
      { cell: 'INV', pins: { A: 2, Y: 3 } },
    ]
    const netlist = bindCells({ creator: '', top: 'ring', ports: [], netCount: 4, gates }, generic.content)
    expect(failure(() => circuitGraph(netlist)).message).toMatch(/ring has a combinational loop/)
  })
})

describe('what cannot be simulated', () => {
  const ports = [{ name: 'a', output: false, nets: [2] }]
  it.each([
    [
      'a net with two drivers',
      [
        ['INV', { A: 2, Y: 3 }],
        ['BUF', { A: 2, Y: 3 }],
      ],
      /two drivers/,
    ],
    ['an input that a gate drives', [['INV', { A: 3, Y: 2 }]], /two drivers/],
    [
      'a clock of its own making',
      [
        ['INV', { A: 2, Y: 3 }],
        ['DFF', { D: 2, CK: 3, Q: 4 }],
      ],
      /makes its own clock/,
    ],
    [
      'two clocks',
      [
        ['DFF', { D: 2, CK: 2, Q: 3 }],
        ['DFF', { D: 2, CK: 3, Q: 4 }],
      ],
      /several clocks/,
    ],
  ] as const)('%s', (_, cells, message) => {
    const gates = cells.map(([cell, pins]) => ({ cell, pins }))
    const netlist = bindCells({ creator: '', top: 'm', ports, netCount: 5, gates }, generic.content)
    expect(failure(() => circuitGraph(netlist))).toMatchObject({
      kind: 'usage',
      message: expect.stringMatching(message),
    })
  })
})

describe('a cell cannot be simulated', () => {
  it.each([
    ['whose functions go round in circles', 'Y', 'X', /function of X names "Y", which is no input/],
    ['whose function names another output', '!A', 'X', /function of Y names "X", which is no input/],
    ['whose function names nothing', 'A Z', 'A', /function of X names "Z", which is no input/],
  ])('%s', (_, x, y, message) => {
    const pins = `pin (A) { direction : input; } pin (X) { direction : output; function : "${x}"; }
      pin (Y) { direction : output; function : "${y}"; }`
    const library = readLibrary(`library (l) { nom_voltage : 1; cell (C) { ${pins} } }`, 'l.lib')
    const ports = [{ name: 'a', output: false, nets: [2] }]
    const gates = [{ cell: 'C', pins: { A: 2, X: 3, Y: 4 } }]
    const netlist = bindCells({ creator: '', top: 'm', ports, netCount: 5, gates }, library)
    expect(failure(() => circuitGraph(netlist))).toMatchObject({
      kind: 'usage',
      message: expect.stringMatching(message),
    })
  })
})

describe.runIf(hasOsu018)('energy', () => {
  it('of the plain product is that of OpenSTA 3.1 on the same netlist, without glitches', async () => {
    const library = await openLibrary('osu018', { data: '/nowhere' })
    const circuit = circuitOf(multiplierCore(parseMultiplier('exact', parseDomain('s8s8'))))
    const operands = [
      { name: 'a', bits: 8 },
      { name: 'b', bits: 8 },
    ]
    const stream = uniformStream(operands, 2000, 1)
    const options = { script: 'delay', yosys: openYosys(), signal, cache: directory, stream } as const
    const settled = await characterise(circuit, library, { ...options, method: 'zero-delay' })
    expect(settled).toMatchObject({ area: 13_225, areaUnit: 'um2', cells: 374, engine: 'Yosys 0.55' })
    // 16.13 pJ for 2,000 uniform pairs
    expect(Math.abs(settled.energy!.total / 16.13 - 1)).toBeLessThan(0.01)

    const { energy } = await characterise(circuit, library, options)
    expect(energy!.toggles).toBeGreaterThan(settled.energy!.toggles)
    expect(energy!.total).toBeCloseTo(energy!.internal + energy!.switching + energy!.leakage, 9)
    // an operand that does not change takes only what leaks
    const still = {
      name: 'still',
      length: 10,
      ports: { a: new Int8Array(10).fill(77), b: new Int8Array(10).fill(-3) },
    }
    const idle = (await characterise(circuit, library, { ...options, stream: still })).energy!
    expect(idle).toMatchObject({ internal: 0, switching: 0, inputs: 0, toggles: 0 })
    expect(idle.total).toBeCloseTo(idle.leakage, 12)
    expect(idle.leakage).toBeGreaterThan(0)
  })
})
