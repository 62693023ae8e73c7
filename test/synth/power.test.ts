import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { dataDirectory } from '../../src/net/data/store.ts'
import { netlistArea } from '../../src/synth/gate-netlist.ts'
import { knownLibraries, openLibrary, withWires } from '../../src/synth/libraries.ts'
import {
  measuring,
  osu018Models,
  type ReferenceCircuit,
  referenceCircuits,
  referencePoints,
  uniformPairs,
  withModelDelays,
} from '../fixtures/power-reference.ts'
import { hasOsu018, mapped } from '../fixtures/synthesis.ts'

let cache: string
beforeAll(() => {
  cache = mkdtempSync(join(tmpdir(), 'xgen-power-'))
})
afterAll(() => rmSync(cache, { recursive: true }))

type Named = keyof typeof referencePoints
const circuits = Object.keys(referenceCircuits) as ReferenceCircuit[]

/** As OpenSTA does since 2.3.2: without the wires that a library names by default. */
const opened = memoised(async (name: Named) =>
  withWires(await openLibrary(name, { data: dataDirectory() }), 'none'),
)
const subject = memoised(async (name: Named, circuit: ReferenceCircuit) => {
  const library = await opened(name)
  const netlist = await mapped(library, referenceCircuits[circuit], cache)
  return { area: netlistArea(netlist), ...measuring(netlist, library, uniformPairs) }
})

/** Each once. */
function memoised<A extends readonly string[], T>(make: (...given: A) => T): (...given: A) => T {
  const known = new Map<string, T>()
  return (...given) => {
    const key = given.join(' ')
    if (!known.has(key)) known.set(key, make(...given))
    return known.get(key)!
  }
}

const installed = (library: Named) =>
  knownLibraries
    .find(({ name }) => name === library)!
    .files(dataDirectory())
    .some((file) => existsSync(file))

/** Relative error. */
const error = (value: number, expected: number) => Math.abs(value / expected - 1)
const whole = (terms: object): number =>
  Object.values(terms).reduce((sum: number, term: number) => sum + term, 0)

describe.each([
  { library: 'osu018', internal: 0.02, switching: 0.01 },
  { library: 'sky130hd', internal: 0.05, switching: 0.05 },
  { library: 'sg13g2', internal: 0.07, switching: 0.03 },
] as const)('settled energies in $library', ({ library, internal, switching }) => {
  it.runIf(installed(library)).each(circuits)(
    '%s: transition by transition and by averages',
    async (circuit) => {
      const { settled, averages, average, graph } = await subject(library, circuit)
      const driven = graph.nodes.flatMap(({ outputs }) => outputs)
      expect(settled.toggles).toBeCloseTo(
        driven.reduce((sum, net) => sum + averages.density[net]!, 0),
        6,
      )
      const terms = average()
      expect(error(settled.switching, terms.switching)).toBeLessThan(switching)
      expect(error(settled.internal, terms.outputs + terms.inputs)).toBeLessThan(internal)
      expect(error(settled.total, whole(terms))).toBeLessThan(0.05)
    },
  )
})

describe.each(['osu018', 'sky130hd'] as const)('OpenSTA 3.1 in %s', (library) => {
  it.runIf(installed(library)).each(circuits)('%s is met within 5 %', async (circuit) => {
    const { area, settled } = await subject(library, circuit)
    const reference = referencePoints[library][circuit]
    expect(error(area, reference.area)).toBeLessThan(circuit === 'product' ? 1e-3 : 0.02)
    expect(error(settled.total, reference.settled)).toBeLessThan(0.05)
  })
})

describe('glitches', () => {
  it.runIf(hasOsu018 && existsSync(osu018Models)).each(circuits)(
    "%s with the delays of the library's models is met within 5 %",
    async (circuit) => {
      const { graph, arcs, average, events } = await subject('osu018', circuit)
      const { energy, density } = events(withModelDelays(graph, arcs, osu018Models))
      const reference = referencePoints.osu018[circuit].glitches!
      expect(error(energy, reference)).toBeLessThan(0.05)
      expect(error(whole(average(density)), energy)).toBeLessThan(0.02)
    },
  )
})
