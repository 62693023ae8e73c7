/** Synthesis, placement, routing and timing on an iCE40 HX8K: see scripts/ice40 and docs/ice40.md. */
import { existsSync, readFileSync, realpathSync, rmSync, statSync } from 'node:fs'
import { basename, delimiter, dirname, join } from 'node:path'
import { parseArgs } from 'node:util'
import { execa } from 'execa'
import { usageError, XgenError } from '../src/base/errors.ts'
import { packageRoot, writeFileAtomically } from '../src/base/files.ts'
import { canonicalJson } from '../src/base/hash.ts'
import { type Progress, progressOn } from '../src/base/progress.ts'
import { didYouMean } from '../src/base/suggest.ts'
import { runTool } from '../src/tools/tool.ts'
import { designs, type Ice40Design } from './ice40-designs.ts'
import { describe, type Ice40Report, readCells, readIcetime, readPlacement } from './ice40-report.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    out: { type: 'string', default: join(packageRoot, 'rtl-out', 'ice40') },
    simulate: { type: 'boolean', default: false },
  },
})

const abort = new AbortController()

/** The tools, how they are asked for a version, and Debian's packages. */
const tools = [
  { file: 'yosys', args: ['-V'], apt: 'yosys', version: /Yosys (\S+)/ },
  { file: 'nextpnr-ice40', args: ['--version'], apt: 'nextpnr-ice40', version: /Version ([^)\s]+)/ },
  { file: 'icepack', args: ['-h'], apt: 'fpga-icestorm', version: undefined },
  { file: 'icetime', args: ['-h'], apt: 'fpga-icestorm', version: undefined },
] as const
const verilator = {
  ...{ file: 'verilator', args: ['--version'], apt: 'verilator', version: /Verilator (\S+)/ },
} as const

async function toolVersions(): Promise<Record<string, string>> {
  const asked = values.simulate ? [...tools, verilator] : tools
  const found: Record<string, string> = {}
  const missing: string[] = []
  for (const { file, args, apt, version } of asked) {
    const { code, all } = await execa(file, [...args], { reject: false, all: true, timeout: 30_000 })
    if (code === 'ENOENT') missing.push(apt)
    else if (version !== undefined) found[file] = version.exec(all ?? '')?.[1] ?? 'unknown'
  }
  if (missing.length > 0)
    throw new XgenError('tool-missing', `missing: ${[...new Set(missing)].join(', ')}`, {
      hint: `apt-get install -y --no-install-recommends ${[...new Set(missing)].join(' ')}`,
    })
  return found
}

/** Runs a tool in the design's directory, or below. */
type Run = (file: string, args: readonly string[], below?: string) => Promise<void>

/** Runs the whole flow in a directory; every tool's output is in a log there. */
async function place(
  design: Ice40Design,
  versions: Record<string, string>,
  progress: Progress,
): Promise<Ice40Report> {
  const { name, top, files, registers, memoryBits, cycles } = design
  const directory = join(values.out, name)
  rmSync(directory, { recursive: true, force: true })
  for (const [path, contents] of files) writeFileAtomically(join(directory, path), contents)
  const sources = [...files.keys()].filter((path) => path.startsWith('rtl/')).sort()
  const run: Run = async (file, args, below = '.') => {
    progress.step(`${name}: ${file}`)
    await runTool({
      ...{
        name: file,
        file,
        args,
        cwd: join(directory, below),
        log: join(directory, `${basename(file)}.log`),
      },
      ...{ signal: abort.signal, timeoutSeconds: 3600 },
    })
    progress.done('')
  }
  const read = (file: string) => readFileSync(join(directory, file), 'utf8')

  writeFileAtomically(
    join(directory, 'synth.ys'),
    [
      'verilog_defines -DXGEN_MEM_DIR="mem/"',
      ...sources.map((path) => `read_verilog ${path}`),
      `hierarchy -check -top ${top}`,
      `synth_ice40 -abc9 -dff -device hx -top ${top} -json mapped.json`,
      'check -assert',
      'tee -o cells.txt stat',
      'write_verilog -noattr mapped.v',
      '',
    ].join('\n'),
  )
  await run('yosys', ['-q', '-s', 'synth.ys'])
  await run('nextpnr-ice40', [
    ...['--hx8k', '--package', 'ct256', '--json', 'mapped.json', '--asc', 'placed.asc'],
    ...['--report', 'placement.json', '--seed', '1', '--freq', '50', '--timing-allow-fail'],
    '--pcf-allow-unconstrained',
  ])
  await run('icepack', ['placed.asc', 'bitstream.bin'])
  await run('icetime', [...['-d', 'hx8k', '-P', 'ct256', '-m', '-i', '-t', '-r', 'timing.txt', 'placed.asc']])

  const cells = readCells(read('cells.txt'))
  const count = (...types: RegExp[]) =>
    [...cells].reduce((sum, [type, n]) => sum + (types.some((one) => one.test(type)) ? n : 0), 0)
  const flipFlops = count(/^SB_DFF/)
  const { megahertz, ...placement } = readPlacement(read('placement.json'))
  if (flipFlops > registers)
    throw new XgenError(
      'check',
      `${name}: ${flipFlops} flip-flops of ${registers} registers: a memory became flip-flops`,
    )
  if (memoryBits > 0 && count(/^SB_RAM40_4K/) === 0)
    throw new XgenError('check', `${name}: ${memoryBits} memory bits, but no block RAM`)
  return {
    ...{ design: name, top, device: 'iCE40 HX8K, package ct256' },
    ...{ luts: count(/^SB_LUT4$/), carries: count(/^SB_CARRY$/), flipFlops },
    ...placement,
    megahertz: { nextpnr: megahertz, icetime: readIcetime(read('timing.txt')) },
    bitstreamBytes: statSync(join(directory, 'bitstream.bin')).size,
    ...(cycles === undefined ? {} : { cycles, inferencesPerSecond: Math.floor((megahertz * 1e6) / cycles) }),
    simulation: await simulate(directory, files, run),
    tools: versions,
  }
}

/** The mapped netlist under the stored testbench, with Yosys' models of the cells. */
async function simulate(directory: string, files: Ice40Design['files'], run: Run): Promise<string> {
  if (!files.has('tb/tb.v')) return 'not run: it has no testbench of its own'
  if (!values.simulate) return 'not run: --simulate was not given'
  const build = ['--binary', '--timing', '-j', '2', '--Mdir', 'build', '--top-module', 'tb']
  // Yosys' models and its netlist are not written for lint; compiling is what takes the time.
  const quick = ['-Wno-fatal', '-Wno-lint', '-Wno-style', '-MAKEFLAGS', 'OPT_FAST=-O0']
  const sources = ['tb.v', '../mapped.v', cellModels()]
  await run('verilator', [...build, ...quick, '-DNO_ICE40_DEFAULT_ASSIGNMENTS', ...sources], 'tb')
  await run('build/Vtb', [], 'tb')
  const log = join(directory, 'Vtb.log')
  const said = readFileSync(log, 'utf8')
  const verdict = /^(PASS|FAIL): .*$/m.exec(said)?.[0]
  if (verdict === undefined || !verdict.startsWith('PASS'))
    throw new XgenError('check', `the mapped netlist: ${verdict ?? 'the testbench gave no verdict'}`, {
      where: log,
    })
  return verdict
}

/** Where Yosys keeps its models of the iCE40's cells: beside its program, as it looks for them itself. */
function cellModels(): string {
  const found = (process.env['PATH'] ?? '')
    .split(delimiter)
    .map((directory) => join(directory, 'yosys'))
    .find((file) => existsSync(file))
  const models = found && join(dirname(realpathSync(found)), '..', 'share', 'yosys', 'ice40', 'cells_sim.v')
  if (!models || !existsSync(models))
    throw new XgenError(
      'tool-missing',
      'Yosys has no models of the iCE40 cells (share/yosys/ice40/cells_sim.v)',
    )
  return models
}

async function main(): Promise<void> {
  const names = positionals.length === 0 ? Object.keys(designs) : positionals
  for (const name of names)
    if (!Object.hasOwn(designs, name))
      throw usageError(`"${name}" is no design.${didYouMean(name, Object.keys(designs))}`, {
        hint: `Possible: ${Object.keys(designs).join(', ')}.`,
      })
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.on(signal, () => abort.abort(new XgenError('interrupted', 'interrupted')))
  const versions = await toolVersions()
  const progress = progressOn({ enabled: true })
  for (const name of names) {
    const report = await place(designs[name]!(), versions, progress)
    writeFileAtomically(join(values.out, `${name}.json`), `${canonicalJson(report, 2)}\n`)
    writeFileAtomically(join(values.out, `${name}.txt`), `${describe(report)}\n`)
    process.stdout.write(`${describe(report)}\n`)
  }
}

try {
  await main()
} catch (error) {
  if (!(error instanceof XgenError)) throw error
  process.stderr.write(`ice40: ${error.where === undefined ? '' : `${error.where}: `}${error.message}\n`)
  if (error.hint !== undefined) process.stderr.write(`  ${error.hint}\n`)
  process.exitCode = error.exitCode
}
