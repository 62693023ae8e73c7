/** Exact multipliers against Yosys's own: see scripts/exact-area and docs/exact.md. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { multiplierCore } from '../src/arch/multiplier-core.ts'
import { parseDomain } from '../src/arith/domain.ts'
import { parseMultiplier } from '../src/arith/registry.ts'
import { invariant } from '../src/base/errors.ts'
import { dataDirectory } from '../src/net/data/store.ts'
import { type OpenLibrary, openLibrary } from '../src/synth/libraries.ts'
import { type Circuit, circuitOf } from '../src/synth/mapping.ts'
import { abcScriptFile, abcScripts, mappingScripts, yosysScript } from '../src/synth/scripts.ts'
import { openYosys } from '../src/tools/yosys.ts'

const { values } = parseArgs({
  options: {
    lib: { type: 'string', multiple: true, default: ['osu018', 'sg13g2'] },
    bits: { type: 'string', multiple: true, default: ['8', '16'] },
  },
})

interface Design {
  readonly name: string
  readonly circuit: Circuit
  /** What `synth` is given besides. */
  readonly option: string
}

const specs = [
  'exact:arch=array,tree=linear,adder=ripple',
  'exact:arch=array',
  'exact:arch=booth4',
  'exact:arch=booth4,adder=ripple',
  'exact:arch=booth4,tree=wallace',
  'exact:arch=booth4,tree=arrival',
]

function designs(bits: number): Design[] {
  const text = [
    `module product (input signed [${bits - 1}:0] a, input signed [${bits - 1}:0] b, output signed [${2 * bits - 1}:0] p);`,
    '  assign p = a * b;',
    'endmodule',
    '',
  ].join('\n')
  const circuit: Circuit = { top: 'product', verilog: new Map([['product.v', text]]), memories: new Map() }
  return [
    { name: 'Yosys: a * b', circuit, option: '' },
    { name: 'Yosys: a * b, synth -booth', circuit, option: ' -booth' },
    ...specs.map((spec) => ({
      name: spec,
      circuit: circuitOf(multiplierCore(parseMultiplier(spec, parseDomain(`s${bits}s${bits}`)))),
      option: '',
    })),
  ]
}

const yosys = openYosys()
const directory = mkdtempSync(join(tmpdir(), 'exact-area-'))
const mapped = 'mapped.v'

/** The circuit in cells, as Verilog. */
function netlistOf(
  { circuit, option }: Design,
  library: OpenLibrary,
  liberty: string,
  script: (typeof mappingScripts)[number],
) {
  const names = {
    top: circuit.top,
    sources: [...circuit.verilog.keys()],
    library: 'cells.lib',
    output: 'n.json',
  }
  const abc = abcScripts[script]
  return yosys({
    script: `${yosysScript(script, names).replace('synth -flatten', `synth -flatten${option}`)}; write_verilog -noattr -noexpr -simple-lhs ${mapped}`,
    files: new Map([
      ...circuit.verilog,
      [names.library, liberty],
      ...(abc === undefined ? [] : [[abcScriptFile, abc] as const]),
    ]),
    output: mapped,
    signal: new AbortController().signal,
  }).then((verilog) => ({ verilog, area: areaOf(verilog, library) }))
}

function areaOf(verilog: string, { content }: OpenLibrary): number {
  let area = 0
  for (const [, type] of verilog.matchAll(/^ {2}(\w+) \S+ \($/gm)) {
    const cell = content.cells.get(type!)
    invariant(cell !== undefined, `${type} is no cell of ${content.name}`)
    area += cell.area
  }
  return area
}

/** The longest path in ns, by OpenSTA without loads at the outputs; undefined where it is not installed. */
function delayOf(verilog: string, top: string, liberty: string): number | undefined {
  const at = (name: string) => join(directory, name)
  writeFileSync(at('cells.lib'), liberty)
  writeFileSync(at('n.v'), verilog)
  writeFileSync(
    at('sta.tcl'),
    [
      `read_liberty ${at('cells.lib')}`,
      `read_verilog ${at('n.v')}`,
      `link_design ${top}`,
      'create_clock -name clock -period 1000',
      'set_input_delay 0 -clock clock [all_inputs]',
      'set_output_delay 0 -clock clock [all_outputs]',
      'report_checks',
      '',
    ].join('\n'),
  )
  const run = spawnSync('sta', ['-no_splash', '-exit', at('sta.tcl')], { encoding: 'utf8', timeout: 60_000 })
  if (run.error !== undefined) return undefined
  const found = /([\d.]+)\s+data arrival time/.exec(run.stdout)
  invariant(found !== null && !/Error/.test(run.stdout), `sta: ${run.stdout.slice(-300)}`)
  return Number(found[1])
}

try {
  for (const name of values.lib) {
    const library = await openLibrary(name, { data: dataDirectory() })
    const liberty = await library.text()
    for (const bits of values.bits.map(Number)) {
      for (const script of mappingScripts) {
        console.log(
          `\n${library.name}, ${bits}x${bits} signed, script ${script}: area in ${library.content.areaUnit}, delay in ns`,
        )
        for (const design of designs(bits)) {
          const { verilog, area } = await netlistOf(design, library, liberty, script)
          const delay = delayOf(verilog, design.circuit.top, liberty)
          console.log(
            `  ${design.name.padEnd(44)} ${area.toFixed(0).padStart(7)}  ${delay?.toFixed(2) ?? 'no sta'}`,
          )
        }
      }
    }
  }
} finally {
  rmSync(directory, { recursive: true })
}
