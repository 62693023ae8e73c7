import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import { invariant } from '../base/errors.ts'
import { allocate, instantiate, kernelModule, memory, release, wordsAt } from './memory.ts'

/** Kernels that work in pieces. A piece computes its part of a result alone, so results never depend on who computes what. */
const kernelNames = [
  ...(['convolveTable', 'convolveRows', 'convolveDot', 'convolveWinograd', 'convolveFloat'] as const),
  ...(['addCodes', 'poolCodes', 'lookupCodes', 'lookupPairs', 'softmaxCodes'] as const),
  ...(['stepCells', 'transposeBytes', 'clampFloats', 'addFloats'] as const),
] as const
export type KernelName = (typeof kernelNames)[number]

type Kernel = (job: number, piece: number, scratch: number) => void

// Words that the threads share: see `program`.
const word = {
  ...{ call: 0, open: 1, active: 2, next: 3, pieces: 4, job: 5 },
  ...{ kernel: 6, scratch: 7, scratchBytes: 8, threads: 9, failed: 10 },
} as const
const wordCount = 11

/**
 * How often a thread looks before it sleeps: some microseconds. Layers follow one another sooner than a sleeping thread wakes, and
 * where they take half a millisecond, waking is a tenth of it.
 */
const turns = 2000

/**
 * What another thread runs. It looks for a call, then sleeps until one comes, and takes pieces while the gate is open. Who finds it
 * closed leaves again, so that a thread that wakes late does no harm; nobody waits for a thread that has not started yet.
 */
const program = `
const { module, memory, at, index, kernelNames, word } = require('node:worker_threads').workerData
const { exports } = new WebAssembly.Instance(module, { env: { memory } })
const words = new Int32Array(memory.buffer, at, ${wordCount})
for (let call = 0; ; ) {
  for (let turn = 0; turn < ${turns} && Atomics.load(words, word.call) === call; turn++);
  Atomics.wait(words, word.call, call)
  call = Atomics.load(words, word.call)
  Atomics.add(words, word.active, 1)
  try {
    if (Atomics.load(words, word.open) === 1 && index < words[word.threads]) {
      const kernel = exports[kernelNames[words[word.kernel]]]
      const scratch = words[word.scratch] + index * words[word.scratchBytes]
      for (let piece; (piece = Atomics.add(words, word.next, 1)) < words[word.pieces]; )
        kernel(words[word.job], piece, scratch)
    }
  } catch (error) {
    Atomics.store(words, word.failed, 1)
  }
  Atomics.sub(words, word.active, 1)
  Atomics.notify(words, word.active)
}
`

interface Team {
  readonly words: Int32Array
  readonly kernels: Readonly<Record<KernelName, Kernel>>
  /** How many were started, this thread included. */
  started: number
  scratch: { at: number; bytes: number }
}

let team: Team | undefined
let wanted = availableParallelism()

/** More threads than this would only take memory. */
const mostThreads = 64

/** With less work, in products, a layer is not worth waking threads for. */
const worthThreads = 2 ** 23
let least = worthThreads

/**
 * How many threads share the work from now on, this one included, and from how many products of a layer on. Those that are not needed
 * any more sleep.
 */
export function useThreads(count: number, products = worthThreads): void {
  wanted = Math.min(count, mostThreads)
  least = products
}

/** Threads for so many products. */
export const threadsFor = (products: number): number => (products < least ? 1 : wanted)

/** Runs all pieces of a job, on all threads where it is worth it. */
export function runPieces(
  kernel: KernelName,
  job: number,
  pieces: number,
  scratchBytes: number,
  threads: number,
): void {
  team ??= openTeam()
  const { words, kernels } = team
  const bytes = Math.ceil(scratchBytes / 4096) * 4096
  makeRoom(team, bytes * threads)
  const own = kernels[kernel]
  if (threads === 1 || pieces === 1) {
    for (let piece = 0; piece < pieces; piece++) own(job, piece, team.scratch.at)
    return
  }
  while (team.started < threads) startThread(team)
  words[word.next] = 0
  words[word.pieces] = pieces
  words[word.job] = job
  words[word.kernel] = kernelNames.indexOf(kernel)
  words[word.scratch] = team.scratch.at
  words[word.scratchBytes] = bytes
  words[word.threads] = threads
  Atomics.store(words, word.open, 1)
  Atomics.add(words, word.call, 1)
  Atomics.notify(words, word.call)
  for (let piece = Atomics.add(words, word.next, 1); piece < pieces; piece = Atomics.add(words, word.next, 1))
    own(job, piece, team.scratch.at)
  Atomics.store(words, word.open, 0)
  for (let turn = 0; turn < turns && Atomics.load(words, word.active) > 0; turn++);
  for (let active = Atomics.load(words, word.active); active > 0; active = Atomics.load(words, word.active))
    Atomics.wait(words, word.active, active)
  invariant(words[word.failed] === 0, 'a kernel failed in a thread')
}

function openTeam(): Team {
  const at = allocate(4 * wordCount)
  const kernels = instantiate(kernelModule()) as Record<KernelName, Kernel>
  return { words: wordsAt(at, wordCount).fill(0), kernels, started: 1, scratch: { at: 0, bytes: 0 } }
}

function makeRoom({ scratch }: Team, bytes: number): void {
  if (scratch.bytes >= bytes) return
  if (scratch.bytes > 0) release(scratch.at, scratch.bytes)
  scratch.bytes = 0
  scratch.at = allocate(bytes)
  scratch.bytes = bytes
}

function startThread(team: Team): void {
  const workerData = {
    module: kernelModule(),
    memory,
    at: team.words.byteOffset,
    index: team.started++,
    kernelNames,
    word,
  }
  // It ends with the process, and never keeps it.
  new Worker(program, { eval: true, workerData, execArgv: [] }).unref()
}
