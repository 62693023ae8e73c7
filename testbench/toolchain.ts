import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { execa } from 'execa'
import { XgenError } from '../src/base/errors.ts'
import { installLine, interruption } from '../src/tools/tool.ts'

/** The programs that turn Verilog into a simulator, with the versions that decide what a cached build is good for. */
export interface Toolchain {
  readonly verilator: string
  readonly verilatorVersion: string
  /** Directory of verilated.h and verilated.cpp. */
  readonly include: string
  readonly compiler: string
  readonly compilerVersion: string
}

const oldestVerilator = [5, 6] as const

/** Finds Verilator (>= 5.006) and g++; what is missing or too old is a `tool-missing` error with the line that installs it. */
export async function findToolchain(signal?: AbortSignal): Promise<Toolchain> {
  const banner = await firstLineOf('Verilator', 'verilator', ['--version'], signal)
  const match = /^Verilator (\d+)\.(\d+)/.exec(banner)
  if (match === null)
    throw new XgenError('tool-missing', `"verilator --version" answers "${banner}", which is no version`, {
      hint: installLine,
    })
  const [major, minor] = [Number(match[1]), Number(match[2])]
  if (major < oldestVerilator[0] || (major === oldestVerilator[0] && minor < oldestVerilator[1])) {
    throw new XgenError(
      'tool-missing',
      `Verilator ${major}.${match[2]} is too old: 5.006 or newer is needed`,
      { hint: installLine },
    )
  }
  const root = await firstLineOf('Verilator', 'verilator', ['--getenv', 'VERILATOR_ROOT'], signal)
  const include = join(root, 'include')
  if (!existsSync(join(include, 'verilated.cpp'))) {
    throw new XgenError('tool-missing', `Verilator's runtime (verilated.cpp) is not in ${include}`, {
      hint: `Is VERILATOR_ROOT set wrongly? ${installLine}`,
    })
  }
  const compilerVersion = await firstLineOf('g++', 'g++', ['--version'], signal)
  return { verilator: 'verilator', verilatorVersion: banner, include, compiler: 'g++', compilerVersion }
}

async function firstLineOf(
  name: string,
  file: string,
  args: readonly string[],
  signal: AbortSignal | undefined,
): Promise<string> {
  const result = await execa(file, [...args], {
    reject: false,
    stdin: 'ignore',
    timeout: 30_000,
    cancelSignal: signal,
    cleanup: false, // its exit handler would end xgen on a signal before xgen has said so
  })
  // Ctrl-C on a terminal ends the child too: that is no missing tool.
  if (signal?.aborted) throw interruption(signal)
  if (result.failed) {
    const missing = result.code === 'ENOENT'
    throw new XgenError(
      'tool-missing',
      missing ? `${name} was not found` : `"${file} ${args.join(' ')}" failed: ${result.shortMessage ?? ''}`,
      {
        hint: installLine,
      },
    )
  }
  return result.stdout.split('\n')[0]!.trim()
}
