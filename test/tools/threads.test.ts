import { afterAll, describe, expect, it } from 'vitest'
import { XgenError } from '../../src/base/errors.ts'
import { openThreads } from '../../src/tools/threads.ts'
import type { Task } from '../fixtures/thread.ts'

const threads = openThreads<Task, number>(new URL('../fixtures/thread', import.meta.url))
const never = new AbortController().signal
afterAll(() => threads.close())

describe('threads', () => {
  it('answer each task with its result, many at a time', async () => {
    const numbers = Array.from({ length: 4 }, (_, i) => i)
    expect(await Promise.all(numbers.map((number) => threads.run(number, never)))).toEqual([0, 1, 4, 9])
    expect(await threads.run(12, never)).toBe(144)
  })

  it('fail as the task did, and go on', async () => {
    const refused = await threads.run('refuse', never).catch((error: unknown) => error)
    expect(refused).toBeInstanceOf(XgenError)
    expect(refused).toMatchObject({
      kind: 'data',
      message: 'is no number',
      where: 'file:3',
      hint: 'Write one.',
    })
    const failed = await threads.run('fail', never).catch((error: unknown) => error)
    expect(failed).toBeInstanceOf(RangeError)
    expect(failed).toMatchObject({ message: 'beyond', stack: expect.stringContaining('thread.ts') })
    expect(await threads.run(3, never)).toBe(9)
  })

  it('say that one ended before its task did', async () => {
    await expect(threads.run('leave', never)).rejects.toMatchObject({
      kind: 'internal',
      message: expect.stringContaining('7'),
    })
    expect(await threads.run(5, never)).toBe(25)
  })

  it('end at once when they are interrupted, whatever they are at', async () => {
    const abort = new AbortController()
    const hanging = threads.run('hang', abort.signal)
    setTimeout(() => abort.abort(new XgenError('interrupted', 'interrupted')), 50)
    await expect(hanging).rejects.toMatchObject({ kind: 'interrupted' })
    await expect(threads.run(1, abort.signal)).rejects.toMatchObject({ kind: 'interrupted' })
    expect(await threads.run(6, never)).toBe(36)
  })
})
