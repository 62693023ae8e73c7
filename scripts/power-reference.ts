/** Energies against those of OpenSTA 3.1: see scripts/power-reference and docs/synthesis.md. */
import { parseArgs } from 'node:util'
import { usageError } from '../src/base/errors.ts'
import { dataDirectory } from '../src/net/data/store.ts'
import { netlistArea } from '../src/synth/gate-netlist.ts'
import { openLibrary, withWires } from '../src/synth/libraries.ts'
import { cacheDirectory } from '../src/tools/cache.ts'
import {
  heldWeights,
  measuring,
  osu018Models,
  referenceCircuits,
  referencePoints,
  uniformPairs,
  withModelDelays,
} from '../test/fixtures/power-reference.ts'
import { mapped } from '../test/fixtures/synthesis.ts'

const { values } = parseArgs({
  options: {
    lib: { type: 'string', multiple: true, default: Object.keys(referencePoints) },
    wires: { type: 'string', default: 'none' },
  },
})

const against = (value: number, reference: number) => {
  const percent = 100 * (value / reference - 1)
  return `${value.toFixed(3)} (${percent < 0 ? '' : '+'}${percent.toFixed(1)} %)`.padStart(18)
}

for (const name of values.lib) {
  const points = Object.entries(referencePoints).find(([library]) => library === name)?.[1]
  if (points === undefined) throw usageError(`no figures are known for "${name}"`, { where: '--lib' })
  const library = withWires(await openLibrary(name, { data: dataDirectory() }), values.wires)
  const wires = library.content.wireLoad?.name ?? 'none'
  for (const circuit of ['product', 'booth', 'perforated'] as const) {
    const reference = points[circuit]
    const netlist = await mapped(library, referenceCircuits[circuit], cacheDirectory())
    const area = netlistArea(netlist)
    console.log(`${name}, wires ${wires}, ${circuit}: ${against(area, reference.area).trim()} um2`)
    const line = (stream: string, method: string, energy: number, expected: number, terms = '') =>
      console.log(`  ${stream.padEnd(28)} ${method.padEnd(9)} ${against(energy, expected)} pJ  ${terms}`)
    const streams = [
      { stream: 'uniform', given: uniformPairs, expected: reference.settled },
      { stream: 'held, uniform', given: heldWeights(), expected: reference.network },
      {
        stream: 'held, small',
        given: heldWeights({ weight: 24, activation: 32 }),
        expected: reference.network,
      },
    ]
    for (const { stream, given, expected } of streams) {
      const { settled, average } = measuring(netlist, library, given)
      const { outputs, inputs, switching, leakage } = average()
      const shown = [outputs, inputs, switching].map((term) => term.toFixed(4))
      line(
        stream,
        'averages',
        outputs + inputs + switching + leakage,
        expected,
        `outputs ${shown[0]}, inputs ${shown[1]}, switching ${shown[2]}`,
      )
      line(
        stream,
        'xgen',
        settled.total,
        expected,
        `internal ${settled.internal.toFixed(4)}, switching ${settled.switching.toFixed(4)}`,
      )
    }
    if (reference.glitches === undefined) continue
    const { graph, arcs, average, events } = measuring(netlist, library, uniformPairs)
    for (const [delays, given] of [
      ['of the tables', arcs],
      ['of the models', withModelDelays(graph, arcs, osu018Models)],
    ] as const) {
      const { energy, density } = events(given)
      const { outputs, inputs, switching } = average(density)
      line(`glitches, delays ${delays}`, 'averages', outputs + inputs + switching, reference.glitches)
      line(`glitches, delays ${delays}`, 'xgen', energy, reference.glitches)
    }
  }
}
