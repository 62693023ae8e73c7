import { statSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { makeOnce } from '../src/tools/cache.ts'
import { runTool } from '../src/tools/tool.ts'
import type { Toolchain } from './toolchain.ts'

/** Code that runs in every cycle; and code that runs once (constructors, settling, symbol tables), where -O0 halves the build. */
export const fast = '-O1'
export const slow = '-O0'

/** Longest that Verilator or the compiler may take for one command. */
export const toolSeconds = 3600

export interface Unit {
  readonly name: string
  readonly level: string
  /** Sources that it includes. */
  readonly files: readonly string[]
}

export const unitArguments = (compile: readonly string[], level: string, unit: string): readonly string[] => [
  ...compile,
  level,
  '-c',
  `${unit}.cpp`,
  '-o',
  `${unit}.o`,
]

/** Characters of C++ above which another translation unit is worth another pass over the headers. */
const unitSize = 1_500_000

/**
 * The model's files in few translation units, since each reads all headers again: the code that runs often in as many as there are cores to
 * compile them, evenly by size (small designs have one), with the harness; the rest in one.
 */
export function translationUnits(
  work: string,
  { often, once }: { readonly often: readonly string[]; readonly once: readonly string[] },
  level: string,
): readonly Unit[] {
  const sized = often
    .map((file) => ({ file, size: statSync(join(work, file)).size }))
    .sort((a, b) => b.size - a.size)
  const total = sized.reduce((sum, { size }) => sum + size, 0)
  const count = Math.max(1, Math.min(availableParallelism(), Math.round(total / unitSize)))
  const bins = Array.from({ length: count }, () => ({ size: 0, files: [] as string[] }))
  for (const { file, size } of sized) {
    const bin = bins.reduce((least, one) => (one.size < least.size ? one : least))
    bin.size += size
    bin.files.push(file)
  }
  bins[0]!.files.push('harness.cpp')
  return [
    ...bins.map(({ files }, index) => ({ name: `fast_${index}`, level, files })),
    { name: 'slow', level: slow, files: once },
  ]
}

/** Verilator's own runtime, compiled once for a version of both tools. */
export async function runtimeObjects(
  names: readonly string[],
  key: string,
  tools: Toolchain,
  compile: readonly string[],
  cache: string,
  signal: AbortSignal,
): Promise<string[]> {
  const objects: string[] = []
  for (const name of names) {
    const directory = join(cache, 'runtime', key.slice(0, 32), name)
    await makeOnce(cache, directory, `${name}.o`, async (work, log) => {
      const args = [...compile, fast, '-c', join(tools.include, `${name}.cpp`), '-o', `${name}.o`]
      const environment = { TMPDIR: work }
      const where = { cwd: work, log: log('g++'), signal, timeoutSeconds: toolSeconds, environment }
      await runTool({ name: 'g++', file: tools.compiler, args, ...where })
    })
    objects.push(join(directory, `${name}.o`))
  }
  return objects
}
