import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { Worker } from 'node:worker_threads'
import type { Tree } from '@yowasp/yosys'
import { XgenError } from '../base/errors.ts'
import { cacheDirectory, openScratch, type Scratch } from './cache.ts'
import { interruption, runTool, type ToolRun, toolFailed } from './tool.ts'

/** A script over files, both in memory: paths are relative, with `/`. */
export interface YosysJob {
  readonly script: string
  readonly files: ReadonlyMap<string, string>
  /** The file that the script writes. */
  readonly output: string
  readonly signal: AbortSignal
  /** Where scratch directories and logs go. */
  readonly cache?: string
}

/** Runs a job and gives the text of its output. Fails with `tool-missing`, `tool-failed` (log, last lines) or `interrupted`. */
export type Yosys = (job: YosysJob) => Promise<string>

/** The Yosys at `path`, a program; without one, the WebAssembly one that is part of xgen's packages. */
export const openYosys = (path?: string): Yosys =>
  path === undefined ? inWorker : (job) => native(path, job)

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

/** WebAssembly blocks its thread, and keeps its memory: each job has a thread of its own, which ends with it. */
async function inWorker(job: YosysJob): Promise<string> {
  return inScratch(job, '@yowasp/yosys', async (run) => {
    const answer = await inThread(
      { module: yosysModule(), args: run.args, files: treeOf(job.files) },
      job.signal,
    )
    writeFileSync(run.log, answer.log)
    if ('failure' in answer) throw toolFailed(run, `failed (${answer.failure})`)
    const output = answer.files[job.output]
    if (output === undefined) throw toolFailed(run, `wrote no ${job.output}`)
    return typeof output === 'string' ? output : Buffer.from(output as Uint8Array).toString()
  })
}

async function inScratch(
  { script, signal, cache }: YosysJob,
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

/** Where the package lies, for a thread that resolves nothing itself. */
function yosysModule(): string {
  try {
    return pathToFileURL(createRequire(import.meta.url).resolve('@yowasp/yosys')).href
  } catch (cause) {
    throw new XgenError('tool-missing', 'the package @yowasp/yosys was not found', {
      hint: 'Run npm ci in the directory of xgen, or name a Yosys: --yosys PATH.',
      cause,
    })
  }
}

interface Work {
  readonly module: string
  readonly args: readonly string[]
  readonly files: Tree
}

type Answer = { readonly log: string } & ({ readonly files: Tree } | { readonly failure: string })

/** What the thread runs: plain JavaScript, since neither a loader of TypeScript nor a built file is there in every setting. */
const program = `
const { parentPort, workerData: { module, args, files } } = require('node:worker_threads')
const said = []
const note = (bytes) => { if (bytes !== null) said.push(Buffer.from(bytes)) }
const answer = (what) => parentPort.postMessage({ ...what, log: Buffer.concat(said).toString() })
import(module)
  .then(({ runYosys }) => runYosys(args, files, { stdout: note, stderr: note }))
  .then((made) => answer({ files: made }), (error) => answer({ failure: String(error?.message ?? error) }))
`

function inThread(work: Work, signal: AbortSignal): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(program, { eval: true, workerData: work, execArgv: [] })
    const abort = () => end(() => reject(interruption(signal)))
    const end = (then: () => void) => {
      signal.removeEventListener('abort', abort)
      void worker.terminate()
      then()
    }
    signal.addEventListener('abort', abort, { once: true })
    worker.once('message', (answer: Answer) => end(() => resolve(answer)))
    worker.once('error', (error) => end(() => resolve({ failure: String(error), log: '' })))
    worker.once('exit', (code) => end(() => resolve({ failure: `its thread ended with ${code}`, log: '' })))
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
