import { Worker } from 'node:worker_threads'
import { type ErrorDetail, type ErrorKind, XgenError } from '../base/errors.ts'
import { interruption } from './tool.ts'

/** Threads that do tasks of one kind, as many at a time as are asked of them. They end with `close`, and with the process. */
export interface Threads<Task, Result> {
  /** Fails as the task did in its thread, or with `interrupted`: at once, whatever the thread is at. */
  run(task: Task, signal: AbortSignal): Promise<Result>
  close(): void
}

/** What a thread says of a task. */
export type ThreadAnswer =
  | { readonly result: unknown }
  | { readonly refused: { readonly kind: ErrorKind; readonly message: string; readonly detail: ErrorDetail } }
  | { readonly failed: Error }

/** What a thread runs: plain JavaScript, which loads the module as this process was loaded, from sources or built. */
const program = `
const { workerData: { module, loader } } = require('node:worker_threads')
const ready = loader === undefined ? Promise.resolve() : import(loader).then(({ register }) => register())
ready.then(() => import(module)).catch((error) => { setImmediate(() => { throw error }) })
`

/** Opens threads of a module that calls `answerTasks`: its address without the suffix, which is that of what runs (.ts or .js). */
export function openThreads<Task, Result>(module: URL): Threads<Task, Result> {
  const idle: Worker[] = []
  const all = new Set<Worker>()
  const workerData = threadData(module)
  const open = () => {
    const worker = new Worker(program, { eval: true, workerData, execArgv: [] })
    all.add(worker)
    return worker
  }
  const run = (task: Task, signal: AbortSignal) =>
    new Promise<Result>((resolve, reject) => {
      if (signal.aborted) throw interruption(signal)
      const worker = idle.pop() ?? open()
      worker.ref()
      const end = (usable: boolean, then: () => void) => {
        signal.removeEventListener('abort', abort)
        worker.off('message', answered).off('error', broken).off('exit', left)
        worker.unref()
        if (usable && all.has(worker)) idle.push(worker)
        else {
          all.delete(worker)
          void worker.terminate()
        }
        then()
      }
      const abort = () => end(false, () => reject(interruption(signal)))
      const answered = (answer: ThreadAnswer) =>
        end(true, () => ('result' in answer ? resolve(answer.result as Result) : reject(failureOf(answer))))
      const broken = (error: Error) => end(false, () => reject(brokenThread(error)))
      const left = (code: number) =>
        end(false, () => reject(brokenThread(new Error(`it ended with ${code}`))))
      signal.addEventListener('abort', abort, { once: true })
      worker.on('message', answered).on('error', broken).on('exit', left)
      worker.postMessage(task)
    })
  const close = () => {
    for (const worker of all) void worker.terminate()
    all.clear()
    idle.length = 0
  }
  return { run, close }
}

function threadData(module: URL): { readonly module: string; readonly loader: string | undefined } {
  const fromSources = import.meta.url.endsWith('.ts')
  return {
    module: `${module.href}${fromSources ? '.ts' : '.js'}`,
    loader: fromSources ? import.meta.resolve('tsx/esm/api') : undefined,
  }
}

const failureOf = (answer: Exclude<ThreadAnswer, { readonly result: unknown }>): Error =>
  'refused' in answer
    ? new XgenError(answer.refused.kind, answer.refused.message, answer.refused.detail)
    : answer.failed

/** A thread that ended before its task did. */
const brokenThread = (cause: Error): XgenError =>
  (cause as NodeJS.ErrnoException).code === 'ERR_WORKER_OUT_OF_MEMORY'
    ? new XgenError('tool-failed', 'a thread ran out of memory', {
        hint: 'Run fewer at a time: --jobs 1.',
        cause,
      })
    : new XgenError('internal', `a thread broke off: ${cause.message}`, { cause })
