import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { ExecaError, execa } from 'execa'
import { invariant } from '../src/base/errors.ts'
import { sha256 } from '../src/base/hash.ts'
import { cacheDirectory, makeOnce } from '../src/tools/cache.ts'
import type { NotRun } from './not-run.ts'
import { onlyTable, type Problem } from './problems.ts'
import type { Timing } from './rounds.ts'

export const nativeFlags: readonly string[] = ['-O3', '-march=native', '-fopenmp']

export type NativeLoop = 'table' | 'exact'

/** The C++ loops in a process of their own. */
export interface Native {
  readonly compiler: string
  /** Gives it a problem under a name. */
  take(name: string, problem: Problem): Promise<void>
  run(loop: NativeLoop, name: string, threads: number, repeats: number): Promise<Timing>
  /** The sums of the last run. */
  sums(name: string): Promise<Int32Array>
  close(): Promise<void>
}

/** Builds the loops, once, and starts them; or says why not. */
export async function openNative(gxx = 'g++'): Promise<Native | NotRun> {
  const version = await execa(gxx, ['--version'], { reject: false, stdin: 'ignore' })
  if (version.exitCode !== 0) return { notRun: `no ${gxx}` }
  const compiler = version.stdout.split('\n')[0]!
  const built = await build(gxx, compiler)
  if (built === undefined) return { notRun: `${gxx} ${nativeFlags.join(' ')} fails` }
  const directory = mkdtempSync(join(tmpdir(), 'xgen-bench-'))
  const server = serve(built)
  return {
    compiler,
    async take(name, problem) {
      const { shape, images, activations, weights } = problem
      writeFileSync(join(directory, 'activations.bin'), activations)
      writeFileSync(join(directory, 'weights.bin'), weights)
      writeFileSync(join(directory, 'table.bin'), byWeight(onlyTable(problem).products))
      const { channels, height, width, filters, kernel, stride, padding } = shape
      const words = [name, images, channels, height, width, filters, kernel, stride, padding, directory]
      expectAnswer(await server.ask(`problem ${words.join(' ')}`), 'ready')
    },
    run: async (loop, name, threads, repeats) =>
      timingOf(await server.ask(`run ${loop} ${name} ${threads} ${repeats}`)),
    async sums(name) {
      const file = join(directory, 'sums.bin')
      expectAnswer(await server.ask(`sums ${name} ${file}`), 'written')
      const bytes = readFileSync(file)
      return new Int32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length))
    },
    async close() {
      await server.close()
      rmSync(directory, { recursive: true, force: true })
    },
  }
}

/** The program, by what it is made from and for: -march=native builds for one processor. */
async function build(gxx: string, compiler: string): Promise<string | undefined> {
  const source = join(import.meta.dirname, 'native/loops.cpp')
  const target = await execa(gxx, ['-march=native', '-Q', '--help=target'], { reject: false })
  const key = sha256([readFileSync(source, 'utf8'), compiler, target.stdout, ...nativeFlags].join('\n'))
  const cache = cacheDirectory()
  const directory = join(cache, 'bench', key)
  try {
    await makeOnce(cache, directory, 'loops', async (work) => {
      await execa(gxx, [...nativeFlags, source, '-o', join(work, 'loops')])
    })
  } catch (error) {
    if (error instanceof ExecaError) return undefined
    throw error
  }
  return join(directory, 'loops')
}

/** As the loops read it: a row of products by weight. */
function byWeight(products: Int32Array): Int16Array {
  const rows = new Int16Array(65536)
  for (let a = 0; a < 256; a++)
    for (let w = 0; w < 256; w++) {
      const product = products[a * 256 + w]!
      rows[w * 256 + a] = product
      invariant(rows[w * 256 + a] === product, `the product ${product} has more than 16 bits`)
    }
  return rows
}

function serve(program: string) {
  // Threads that wait for work actively would slow down who is measured next.
  const environment = { ...process.env, OMP_WAIT_POLICY: 'passive' }
  const child: ChildProcess = spawn(program, { env: environment, stdio: ['pipe', 'pipe', 'inherit'] })
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()))
  const answers = createInterface({ input: child.stdout! })[Symbol.asyncIterator]()
  return {
    async ask(command: string): Promise<string> {
      child.stdin!.write(`${command}\n`)
      const { value, done } = await answers.next()
      invariant(done !== true, `the C++ loops ended instead of answering "${command}"`)
      return value
    },
    close: () => {
      child.stdin!.end()
      return ended
    },
  }
}

function expectAnswer(answer: string, expected: string): void {
  invariant(answer === expected, `the C++ loops answer "${answer}" instead of "${expected}"`)
}

function timingOf(answer: string): Timing {
  const [seconds, busy] = answer.split(' ').map(Number)
  invariant(Number.isFinite(seconds) && Number.isFinite(busy), `"${answer}" is no time`)
  return { seconds: seconds!, busy: busy! }
}
