import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runYosys } from '@yowasp/yosys'

/** Whether a program answers. */
export const has = (program: string): boolean =>
  spawnSync(program, [program === 'iverilog' ? '-V' : '--version']).status === 0

/** Runs `body` in a directory with these files, which is removed afterwards. */
export async function inDirectory<R>(
  files: ReadonlyMap<string, string>,
  body: (directory: string) => R | Promise<R>,
): Promise<R> {
  const directory = mkdtempSync(join(tmpdir(), 'xgen-test-'))
  try {
    for (const [name, text] of files) {
      mkdirSync(join(directory, name, '..'), { recursive: true })
      writeFileSync(join(directory, name), text)
    }
    return await body(directory)
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

/** What a linter prints: '' where it has nothing to say. */
export function lintOutput(
  directory: string,
  program: 'verilator' | 'iverilog',
  top: string,
  files: readonly string[],
): string {
  const args =
    program === 'verilator'
      ? ['--lint-only', '-Wall', '--top-module', top, ...files]
      : ['-Wall', '-g2005', '-s', top, '-o', 'linted', ...files]
  const { stdout, stderr, error } = spawnSync(program, args, { cwd: directory, encoding: 'utf8' })
  return `${error?.message ?? ''}${stdout}${stderr}`
}

/** What Yosys warns of, or its error: '' where it has nothing to say. */
export async function yosysComplaints(
  texts: ReadonlyMap<string, string>,
  top: string,
  images: ReadonlyMap<string, string> = new Map(),
): Promise<string> {
  let log = ''
  const collect = (bytes: Uint8Array | null) => {
    if (bytes !== null) log += Buffer.from(bytes).toString()
  }
  const files = { ...Object.fromEntries(texts), mem: Object.fromEntries(images) }
  const script = `read_verilog ${[...texts.keys()].join(' ')}; hierarchy -check -top ${top}; proc; check -assert`
  try {
    await runYosys(['-p', script], files, { stdout: collect, stderr: collect })
  } catch (error) {
    return `${log}\n${String(error)}`
  }
  return log
    .split('\n')
    .filter((line) => /^(warning|error)/i.test(line))
    .join('\n')
}

/** Builds a Verilator program of these files and a `main.cpp`, and runs it; the directory holds its inputs and outputs. */
export function runVerilator(
  directory: string,
  top: string,
  files: readonly string[],
  lint: readonly string[],
): void {
  const options = {
    cwd: directory,
    encoding: 'utf8' as const,
    stdio: ['ignore', 'pipe', 'pipe'] as ['ignore', 'pipe', 'pipe'],
  }
  const args = [
    '--cc',
    '--exe',
    '--build',
    '-O1',
    '-CFLAGS',
    '-O1',
    ...lint,
    '--top-module',
    top,
    '--Mdir',
    'build',
    'main.cpp',
    ...files,
  ]
  execFileSync('verilator', args, options)
  execFileSync(join(directory, 'build', `V${top}`), [], options)
}
