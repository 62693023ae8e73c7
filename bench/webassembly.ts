import { readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { invariant } from '../src/base/errors.ts'
import { sha256 } from '../src/base/hash.ts'
import { cacheDirectory, makeOnce } from '../src/tools/cache.ts'
import { onlyTable, outputSize, type Problem, tapsOf } from './problems.ts'

/** The table loop in WebAssembly, over one problem. */
export interface WebAssemblyLoop {
  readonly sums: Int32Array
  run(): void
  close(): Promise<void>
}

/** What of WebAssembly is used here; the type library of Node has no values for it. */
interface Assembly {
  readonly Memory: new (size: {
    initial: number
    maximum: number
    shared: boolean
  }) => {
    readonly buffer: SharedArrayBuffer
  }
  readonly Module: new (bytes: Uint8Array) => object
  readonly Instance: new (module: object, imports: object) => { readonly exports: unknown }
}

const assembly = (globalThis as unknown as { WebAssembly: Assembly }).WebAssembly

/** The assembled loops. */
export type Loops = object

const pageBytes = 65536
const mostPages = 65536

const assemblerOptions = [
  ...'-O3 --enable simd,threads --importMemory --sharedMemory --runtime stub --noAssert'.split(' '),
  ...['--initialMemory', '1', '--maximumMemory', `${mostPages}`],
]

/** Assembles assembly/loops.ts, once: the assembler alone takes seconds to start. */
export async function assembleLoops(): Promise<Loops> {
  const source = readFileSync(join(import.meta.dirname, 'assembly/loops.ts'), 'utf8')
  const { version } = createRequire(import.meta.url)('assemblyscript/package.json')
  const key = sha256([source, version, ...assemblerOptions].join('\n'))
  const cache = cacheDirectory()
  const directory = join(cache, 'bench', key)
  await makeOnce(cache, directory, 'loops.wasm', async (work) =>
    writeFileSync(join(work, 'loops.wasm'), await assemble(source)),
  )
  return new assembly.Module(readFileSync(join(directory, 'loops.wasm')))
}

async function assemble(source: string): Promise<Uint8Array> {
  const { main } = await import('assemblyscript/asc')
  let wasm = new Uint8Array(0)
  const { error, stderr } = await main(['loops.ts', ...assemblerOptions, '--outFile', 'loops.wasm'], {
    readFile: (name) => (name === 'loops.ts' ? source : null),
    writeFile: (_name, contents) => {
      wasm = Uint8Array.from(contents as Uint8Array)
    },
    listFiles: () => [],
  })
  invariant(error === null, `assembly/loops.ts does not assemble: ${stderr}`)
  return wasm
}

/** Puts a problem into a memory of its own and starts the threads besides this one. */
export function webAssemblyLoop(module: Loops, problem: Problem, threads: number): WebAssemblyLoop {
  const { shape, images, activations, weights } = problem
  const table = onlyTable(problem)
  const { channels, height, width, filters, kernel, stride, padding } = shape
  const { rows, columns, positions } = outputSize(shape)
  let end = 64
  const reserve = (bytes: number) => {
    const at = end
    end = (end + bytes + 63) & ~63
    return at
  }
  const control = reserve(8)
  const job = reserve(64)
  const input = reserve(activations.length)
  const weightsAt = reserve(weights.length)
  const tableAt = reserve(2 * 65536)
  const output = reserve(4 * images * filters * positions)
  const padded = channels * (height + 2 * padding) * (width + 2 * padding)
  const windows = Array.from(
    { length: threads },
    () => [reserve(tapsOf(shape) * positions), reserve(padded)] as const,
  )
  const memory = new assembly.Memory({
    initial: Math.ceil(end / pageBytes),
    maximum: mostPages,
    shared: true,
  })
  const { buffer } = memory
  new Int8Array(buffer).set(activations, input)
  new Int8Array(buffer).set(weights, weightsAt)
  const lut = new Int16Array(buffer, tableAt, 65536)
  for (let a = 0; a < 256; a++) for (let w = 0; w < 256; w++) lut[w * 256 + a] = table.products[a * 256 + w]!
  new Int32Array(buffer, job).set([input, weightsAt, tableAt, output, channels, height, width, filters])
  new Int32Array(buffer, job + 32).set([kernel, stride, padding, rows, columns])

  const part = (index: number) =>
    [Math.floor((images * index) / threads), Math.floor((images * (index + 1)) / threads)] as const
  const workers = windows.slice(1).map(
    (window, i) =>
      new Worker(workerText, {
        eval: true,
        workerData: { module, memory, control, job, window, part: part(i + 1) },
      }),
  )
  const { convolve } = instantiate(module, memory)
  const [started, left] = [control >> 2, (control >> 2) + 1]
  const words = new Int32Array(buffer)
  return {
    sums: new Int32Array(buffer, output, images * filters * positions),
    run() {
      Atomics.store(words, left, workers.length)
      Atomics.add(words, started, 1)
      Atomics.notify(words, started)
      convolve(job, ...part(0), ...windows[0]!)
      for (let n = Atomics.load(words, left); n > 0; n = Atomics.load(words, left))
        Atomics.wait(words, left, n)
    },
    async close() {
      await Promise.all(workers.map((worker) => worker.terminate()))
    },
  }
}

interface LoopExports {
  convolve(job: number, first: number, until: number, unfolded: number, padded: number): void
  chain(count: number, factor: number): number
}

const instantiate = (module: Loops, memory: object) =>
  new assembly.Instance(module, { env: { memory, abort } }).exports as LoopExports

const abort = () => {
  throw new Error('the loop aborts')
}

/** Waits for the count of runs to go up, and does its part. */
const workerText = `
const { workerData } = require('node:worker_threads')
const { module, memory, control, job, window, part } = workerData
const { convolve } = new WebAssembly.Instance(module, { env: { memory, abort() { throw new Error('the loop aborts') } } }).exports
const words = new Int32Array(memory.buffer)
const started = control >> 2
for (let seen = 0; ; seen++) {
  while (Atomics.load(words, started) === seen) Atomics.wait(words, started, seen)
  convolve(job, part[0], part[1], ...window)
  Atomics.sub(words, started + 1, 1)
  Atomics.notify(words, started + 1)
}
`

/** Cycles that a 32-bit multiplication takes to its result, on the x86 processors since 2008 and on most others. */
const multiplicationCycles = 3

/** The processor's clock while it is at work, in GHz, from multiplications that wait for one another. */
export function measuredClock(module: Loops): number {
  const memory = new assembly.Memory({ initial: 1, maximum: mostPages, shared: true })
  const { chain } = instantiate(module, memory)
  const count = 8_000_000
  const once = () => {
    const before = process.cpuUsage()
    chain(count, 3)
    const { user, system } = process.cpuUsage(before)
    return (user + system) / 1e6
  }
  // The fastest: whatever disturbs makes it slower.
  const seconds = Math.min(...Array.from({ length: 20 }, once))
  return (multiplicationCycles * count) / seconds / 1e9
}
