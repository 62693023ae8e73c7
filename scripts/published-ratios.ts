/** Closed forms against published ratios: see scripts/published-ratios and docs/multipliers.md. */
import { parseArgs } from 'node:util'
import { multiplierCore } from '../src/arch/multiplier-core.ts'
import { parseDomain } from '../src/arith/domain.ts'
import { parseMultiplier } from '../src/arith/registry.ts'
import { dataDirectory } from '../src/net/data/store.ts'
import { characterise } from '../src/synth/characterise.ts'
import { openLibrary } from '../src/synth/libraries.ts'
import { circuitOf } from '../src/synth/mapping.ts'
import { mappingScripts } from '../src/synth/scripts.ts'
import { uniformStream } from '../src/synth/stream.ts'
import { openYosys } from '../src/tools/yosys.ts'

const { values } = parseArgs({
  options: { lib: { type: 'string', multiple: true, default: ['osu018', 'sg13g2'] } },
})

/** Percent of the exact 1KV8, 45 nm (V. Mrazek et al., EvoApproxLib-lite). */
const published: readonly (readonly [spec: string, power: number, area: number])[] = [
  ['bam:h=0,v=2', 99.3, 97.4],
  ['bam:h=0,v=3', 96.5, 93.9],
  ['bam:h=0,v=4', 92.0, 87.8],
  ['trunc:ka=1,kb=0,arch=array', 86.8, 89.4],
  ['bam:h=1,v=3', 85.4, 87.0],
  ['bam:h=1,v=4', 82.6, 82.2],
  ['trunc:ka=1,kb=1,arch=array', 70.8, 76.6],
  ['bam:h=2,v=5', 68.0, 74.4],
  ['trunc:ka=2,kb=2,arch=array', 47.1, 56.4],
  ['trunc:ka=3,kb=0,arch=array', 55.8, 66.1],
  ['trunc:ka=3,kb=3,arch=array', 29.6, 39.0],
  ['trunc:ka=6,kb=0,arch=array', 12.2, 23.6],
]
/** Carry-save rows and a ripple adder, in the exact array and in the approximate ones. */
const array = 'tree=linear,adder=ripple'

const domain = parseDomain('s8s8')
const yosys = openYosys()
const { signal } = new AbortController()
const stream = uniformStream(
  [
    { name: 'a', bits: 8 },
    { name: 'b', bits: 8 },
  ],
  2000,
  1,
)
for (const name of values.lib) {
  const library = await openLibrary(name, { data: dataDirectory() })
  for (const script of mappingScripts) {
    const measure = async (spec: string) => {
      const circuit = circuitOf(multiplierCore(parseMultiplier(spec, domain)))
      const { area, energy } = await characterise(circuit, library, { script, yosys, signal, stream })
      return { area, energy: energy?.total ?? Number.NaN }
    }
    const exact = await measure(`exact:arch=array,${array}`)
    const best = await measure('exact:arch=booth4,tree=arrival')
    const percent = (share: number) => (100 * share).toFixed(1).padStart(6)
    console.log(
      `${name}, script ${script}: exact array ${exact.area.toFixed(0)} um2, ${exact.energy.toFixed(2)} pJ; exact:arch=booth4,tree=arrival ${best.area.toFixed(0)} um2, ${best.energy.toFixed(2)} pJ`,
    )
    console.log(
      '                              energy  published    area  published   of booth4: energy    area',
    )
    for (const [spec, power, area] of published) {
      const found = await measure(`${spec},${array}`)
      console.log(
        `${spec.padEnd(28)}  ${percent(found.energy / exact.energy)}  ${power.toFixed(1).padStart(9)}  ${percent(found.area / exact.area)}  ${area.toFixed(1).padStart(9)}             ${percent(found.energy / best.energy)}  ${percent(found.area / best.area)}`,
      )
    }
  }
}
process.exit(0)
