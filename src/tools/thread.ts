import { parentPort } from 'node:worker_threads'
import { invariant, XgenError } from '../base/errors.ts'
import type { ThreadAnswer } from './threads.ts'

/** What a module of `openThreads` does with each task that its thread is given. */
export function answerTasks<Task, Result>(work: (task: Task) => Promise<Result>): void {
  invariant(parentPort !== null, 'tasks are answered in a thread')
  const port = parentPort
  port.on('message', (task: Task) => {
    work(task).then(
      (result) => port.postMessage({ result } satisfies ThreadAnswer),
      (error: unknown) => port.postMessage(answerOf(error)),
    )
  })
}

/** Errors keep their class on the way only where it is one of JavaScript's own: ours goes in parts. */
function answerOf(error: unknown): ThreadAnswer {
  if (!(error instanceof XgenError))
    return { failed: error instanceof Error ? error : new Error(String(error)) }
  const { kind, message, hint, where } = error
  const detail = { ...(hint === undefined ? {} : { hint }), ...(where === undefined ? {} : { where }) }
  return { refused: { kind, message, detail } }
}
