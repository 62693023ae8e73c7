import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { Worker } from 'node:worker_threads'
import type { Tree } from '@yowasp/yosys'
import { cacheDirectory, openScratch, type Scratch } from './cache.ts'
import { interruption, runTool, type ToolRun, toolFailed } from './tool.ts'
import { packageVersion, yosysModule } from './yosys-package.ts'

/** A script over files, both in memory: paths are relative, with `/`. */
export interface YosysJob {
  readonly script: string
  readonly files: ReadonlyMap<string, string>
  /** The file that the script writes. */
  readonly output: string
  readonly signal: AbortSignal
  /** Where scratch directories and logs go. */
  readonly cache?: string
  /** A job that takes longer is ended; an hour unless given, which no module of a design needs. */
  readonly seconds?: number
}

const mostSeconds = 3600

/** Runs a job and gives the text of its output. Fails with `tool-missing`, `tool-failed` (log, last lines) or `interrupted`. */
export interface Yosys {
  (job: YosysJob): Promise<string>
  /** What tells one Yosys from another: the package's version, or what a program says of itself. */
  version(signal: AbortSignal): Promise<string>
}

/** The Yosys at `path`, a program; without one, the WebAssembly one that is part of xgen's packages. */
export const openYosys = (path?: string): Yosys =>
  path === undefined
    ? Object.assign((job: YosysJob) => inWorker(job), { version: async () => packageVersion() })
    : Object.assign((job: YosysJob) => native(path, job), {
        version: (signal: AbortSignal) => programVersion(path, signal),
      })

async function programVersion(path: string, signal: AbortSignal): Promise<string> {
  return inScratch({ script: '', files: new Map(), output: '', signal }, path, async (run) => {
    await runTool({ ...run, args: ['-V'] })
    return readFileSync(run.log, 'utf8').trim()
  })
}

async function native(path: string, job: YosysJob): Promise<string> {
  return inScratch(job, path, async (run, scratch) => {
    for (const [name, text] of job.files) {
      const file = join(scratch.work, name)
      mkdirSync(dirname(file), { recursive: true })
      writeFileSync(file, text)
    }
    await runTool(run)
    try {
      return readFileSync(join(scratch.work, job.output), 'utf8')
    } catch {
      throw toolFailed(run, `wrote no ${job.output}`)
    }
  })
}

/** WebAssembly blocks its thread: a job has one of its own. */
async function inWorker(job: YosysJob): Promise<string> {
  return inScratch(job, '@yowasp/yosys', async (run) => {
    const answer = await inThread({ args: run.args, files: treeOf(job.files) }, job)
    writeFileSync(run.log, answer.log)
    if ('failure' in answer) throw toolFailed(run, `failed (${answer.failure})`)
    const output = answer.files[job.output]
    if (output === undefined) throw toolFailed(run, `wrote no ${job.output}`)
    return typeof output === 'string' ? output : Buffer.from(output as Uint8Array).toString()
  })
}

async function inScratch(
  { script, signal, cache, seconds = mostSeconds }: YosysJob,
  file: string,
  body: (run: ToolRun, scratch: Scratch) => Promise<string>,
): Promise<string> {
  if (signal.aborted) throw interruption(signal)
  const scratch = openScratch(cache ?? cacheDirectory())
  try {
    const run = {
      name: 'Yosys',
      file,
      args: ['-p', script],
      cwd: scratch.work,
      log: scratch.log('yosys'),
      signal,
      timeoutSeconds: seconds,
      install,
    }
    const text = await body(run, scratch)
    scratch.forgetLogs()
    return text
  } finally {
    scratch.close()
  }
}

const install = 'Without --yosys PATH, the Yosys among the npm packages is used.'

interface Work {
  readonly args: readonly string[]
  readonly files: Tree
}

type Answer = { readonly log: string } & ({ readonly files: Tree } | { readonly failure: string })

/** What a thread runs: plain JavaScript, since neither a loader of TypeScript nor a built file is there in every setting. */
const program = `
const { parentPort, workerData: module } = require('node:worker_threads')
parentPort.on('message', ({ args, files }) => {
  const said = []
  const note = (bytes) => { if (bytes !== null) said.push(Buffer.from(bytes)) }
  const answer = (what) => parentPort.postMessage({ ...what, log: Buffer.concat(said).toString() })
  import(module)
    .then(({ runYosys }) => runYosys(args, files, { stdout: note, stderr: note }))
    .then((made) => answer({ files: made }), (error) => answer({ failure: String(error?.message ?? error) }))
})
`

/** Threads without work, and how many jobs each has done. The first job compiles WebAssembly, which takes most of its time. */
const idle: { readonly worker: Worker; readonly jobs: number }[] = []
/** What a job leaves behind in memory goes with its thread. */
const jobsOfThread = 40

function inThread(work: Work, { signal, seconds = mostSeconds }: YosysJob): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const { worker, jobs } = idle.pop() ?? {
      worker: new Worker(program, { eval: true, workerData: yosysModule(), execArgv: [] }),
      jobs: 0,
    }
    worker.ref()
    const abort = () => end(false, () => reject(interruption(signal)))
    const end = (usable: boolean, then: () => void) => {
      clearTimeout(late)
      signal.removeEventListener('abort', abort)
      worker.off('message', answered).off('error', broken).off('exit', left)
      worker.unref()
      if (usable && jobs + 1 < jobsOfThread) idle.push({ worker, jobs: jobs + 1 })
      else void worker.terminate()
      then()
    }
    signal.addEventListener('abort', abort, { once: true })
    const answered = (answer: Answer) => end('files' in answer, () => resolve(answer))
    const failed = (failure: string) => end(false, () => resolve({ failure, log: '' }))
    const late = setTimeout(() => failed(`it did not end within ${seconds} seconds`), 1000 * seconds)
    const broken = (error: Error) => failed(String(error))
    const left = (code: number) => failed(`its thread ended with ${code}`)
    worker.on('message', answered).on('error', broken).on('exit', left)
    worker.postMessage(work)
  })
}

function treeOf(files: ReadonlyMap<string, string>): Tree {
  const root: Tree = {}
  for (const [path, text] of files) {
    const parts = path.split('/')
    const name = parts.pop()!
    let place = root
    for (const part of parts) place = (place[part] ??= {}) as Tree
    place[name] = text
  }
  return root
}
