import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { packageRoot } from '../src/base/files.ts'
import { hashOf } from '../src/base/hash.ts'
import { cacheDirectory, makeOnce } from '../src/tools/cache.ts'
import { runJobs } from '../src/tools/jobs.ts'
import { commandLine, runTool, type ToolRun } from '../src/tools/tool.ts'
import { fast, runtimeObjects, slow, toolSeconds, translationUnits, unitArguments } from './compilation.ts'
import type { Toolchain } from './toolchain.ts'

/** The Verilog of a design. Memory images are read when it runs, from `mem/` in its working directory. */
export interface Design {
  readonly top: string
  /** File name -> text. */
  readonly verilog: ReadonlyMap<string, string>
  /**
   * Registers that the harness reads, by module. The text stays as it is: a configuration file names them to Verilator, and the
   * harness finds them by name. (The other way, hierarchical references into one wide port of a wrapper, was measured on 16x16 PEs
   * and 528 registers: it ran as fast, 300,000 cycles a second, but took half as long again to build.)
   */
  readonly visible: readonly VisibleRegister[]
  /** It runs for a moment only: not worth the time to optimise it. */
  readonly brief?: boolean
  /** Drives the design's interface; that of the native one where it is not given. */
  readonly harness?: Harness
}

/** A C++ program of templates/testbench, which drives one interface, and the macros that it is compiled with. */
export interface Harness {
  readonly file: string
  readonly macros: Readonly<Record<`XGEN_${string}`, string>>
}

export const nativeHarness: Harness = { file: 'harness.cpp', macros: {} }

export interface VisibleRegister {
  readonly module: string
  readonly signal: string
}

export interface Built {
  /** The simulator's executable. */
  readonly simulator: string
  /** Whether it was found in the cache. */
  readonly cached: boolean
  /** The commands that make it, for people. */
  readonly commands: readonly string[]
}

const executable = 'simulator'

/** Where a design finds its memory images, seen from its working directory. */
export const memoryDirectory = 'mem/'

/**
 * Builds the simulator of a design, or finds it built. Its key is the hash of everything that goes into it: Verilog, harness, versions and
 * flags, but not the memory images.
 */
export async function buildSimulator(
  design: Design,
  tools: Toolchain,
  signal: AbortSignal,
  cache = cacheDirectory(),
): Promise<Built> {
  const { harness: { file, macros } = nativeHarness } = design
  const template = (name: string) => readFileSync(join(packageRoot, 'templates', 'testbench', name), 'utf8')
  const common = template('harness.h')
  const defines = Object.entries(macros).map(([name, value]) => `#define ${name} ${value}\n`)
  const harness = `${defines.join('')}${template(file)}`
  const configuration = visibility(design)
  const verilate = verilatorArguments(design)
  const compile = compilerArguments(tools)
  const runtimeKey = hashOf([tools.verilatorVersion, tools.compilerVersion, compile, fast])
  const level = design.brief === true ? slow : fast
  const key = hashOf([
    runtimeKey,
    common,
    harness,
    configuration,
    verilate,
    level,
    slow,
    [...design.verilog].sort(),
  ])
  const directory = join(cache, 'simulators', key.slice(0, 32))
  const cached = await makeOnce(cache, directory, executable, async (work, log) => {
    const tool = { cwd: work, timeoutSeconds: toolSeconds, environment: { TMPDIR: work } }
    const compiler = (args: readonly string[], name: string, inner: AbortSignal): ToolRun => ({
      ...tool,
      name: 'g++',
      file: tools.compiler,
      args,
      log: log(name),
      signal: inner,
    })
    for (const [name, text] of design.verilog) writeFileSync(join(work, name), text)
    writeFileSync(join(work, 'visible.vlt'), configuration)
    writeFileSync(join(work, 'harness.h'), common)
    writeFileSync(join(work, 'harness.cpp'), harness)
    await runTool({
      ...tool,
      name: 'Verilator',
      file: tools.verilator,
      args: verilate,
      log: log('verilator'),
      signal,
    })
    const sources = modelSources(join(work, 'model'))
    const units = translationUnits(work, sources, level)
    for (const { name, files } of units) writeFileSync(join(work, `${name}.cpp`), includes(files))
    const jobs = [
      (inner: AbortSignal) => runtimeObjects(sources.runtime, runtimeKey, tools, compile, cache, inner),
      ...units.map(({ name, level }) => async (inner: AbortSignal) => {
        await runTool(compiler(unitArguments(compile, level, name), name, inner))
        return []
      }),
    ]
    const runtime = (await runJobs<string[]>(jobs, availableParallelism(), signal)).flat()
    const objects = units.map(({ name }) => `${name}.o`)
    await runTool(compiler([...objects, ...runtime, '-pthread', '-o', executable], 'link', signal))
    for (const name of readdirSync(work))
      if (name !== executable) rmSync(join(work, name), { recursive: true })
  })
  const commands = [
    commandLine(tools.verilator, verilate),
    commandLine(tools.compiler, unitArguments(compile, level, 'fast_0')),
    commandLine(tools.compiler, unitArguments(compile, slow, 'slow')),
  ]
  return { simulator: join(directory, executable), cached, commands }
}

function verilatorArguments({ top, verilog }: Design): string[] {
  const split = ['--output-split', '20000', '--output-split-cfuncs', '500']
  const options = [
    '--prefix',
    'Vdesign',
    '--top-module',
    top,
    '--Mdir',
    'model',
    '--no-timing',
    '--x-initial',
    '0',
    '-Wno-fatal',
  ]
  return [
    '--cc',
    ...options,
    ...split,
    `+define+XGEN_MEM_DIR="${memoryDirectory}"`,
    'visible.vlt',
    ...[...verilog.keys()].sort(),
  ]
}

function compilerArguments({ include }: Toolchain): string[] {
  const defines = ['VM_COVERAGE', 'VM_SC', 'VM_TRACE', 'VM_TRACE_FST', 'VM_TRACE_VCD'].map(
    (name) => `-D${name}=0`,
  )
  return ['-std=gnu++17', '-pthread', `-I${include}`, `-I${join(include, 'vltstd')}`, '-Imodel', ...defines]
}

function visibility({ visible }: Design): string {
  const lines = visible.map(({ module, signal }) => `public_flat_rd -module "${module}" -var "${signal}"`)
  return `\`verilator_config\n${[...new Set(lines)].sort().join('\n')}\n`
}

/** What Verilator wrote, by its own list of classes: the model's sources, and the names of the runtime's that they need. */
function modelSources(model: string) {
  const lists = readFileSync(join(model, 'Vdesign_classes.mk'), 'utf8')
  const list = (name: string) => {
    const match = new RegExp(`^${name} \\+= \\\\\\n((?:\\t.*\\\\\\n)*)`, 'm').exec(lists)
    return match === null ? [] : match[1]!.split(/[\s\\]+/).filter((word) => word !== '')
  }
  const classes = list('VM_CLASSES_FAST').map((name) => `${name}.cpp`)
  const rest = readdirSync(model).filter((name) => name.endsWith('.cpp') && !classes.includes(name))
  return {
    often: classes.map((name) => `model/${name}`),
    once: rest.sort().map((name) => `model/${name}`),
    runtime: [...list('VM_GLOBAL_FAST'), ...list('VM_GLOBAL_SLOW')],
  }
}

const includes = (files: readonly string[]) => files.map((file) => `#include "${file}"\n`).join('')
