import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { XgenError } from '../../src/base/errors.ts'
import { seededRandom } from '../../src/base/random.ts'
import { openPictures } from '../../src/flow/picture-reading.ts'
import { useThreads } from '../../src/kernels/threads.ts'
import { dataSet } from '../../src/net/data/catalogue.ts'
import { openSplit } from '../../src/net/data/load.ts'

const directory = mkdtempSync(join(tmpdir(), 'xgen-pictures-'))
const count = 300
const pathOf = (i: number) => join(directory, i % 2 === 0 ? 'a' : 'b', `${1000 + i}.ppm`)

beforeAll(() => {
  for (const name of ['a', 'b']) mkdirSync(join(directory, name))
  const random = seededRandom(7)
  for (let i = 0; i < count; i++) {
    const pixels = Uint8Array.from({ length: 3 * 9 * 7 }, () => random.integer(0, 255))
    writeFileSync(pathOf(i), Buffer.concat([Buffer.from('P6 9 7 255\n'), pixels]))
  }
  useThreads(3)
})
afterAll(() => {
  useThreads(availableParallelism())
  rmSync(directory, { recursive: true, force: true })
})

const open = () => openSplit(dataSet(`folder:${directory}`), 'test', { shape: [3, 8, 8] })
const { signal } = new AbortController()

describe('pictures decoded in threads', () => {
  test('are those that are read one by one, in their order', async () => {
    const source = open()
    const reader = openPictures(source, count, signal)!
    try {
      expect(reader.part).toBeLessThan(count)
      for (let from = 0; from < count; from += reader.part) {
        const until = Math.min(count, from + reader.part)
        const [read, expected] = [await reader.read(from, until), source.read(from, until)]
        expect(read.count).toBe(until - from)
        expect(Buffer.from(read.images).equals(Buffer.from(expected.images))).toBe(true)
        expect(read.labels).toEqual(expected.labels)
      }
      // out of order too
      expect((await reader.read(0, reader.part)).labels).toEqual(source.read(0, reader.part).labels)
    } finally {
      reader.close()
    }
  })

  test('are refused as one by one: the first that is none, with its name', async () => {
    for (const i of [200, 120, 44]) writeFileSync(pathOf(i), 'no picture')
    const reader = openPictures(open(), count, signal)!
    await expect(reader.read(0, reader.part)).rejects.toMatchObject({ kind: 'data', where: pathOf(44) })
    reader.close()
  })

  test('end when they are interrupted', async () => {
    const abort = new AbortController()
    const reader = openPictures(open(), count, abort.signal)!
    const reading = reader.read(0, reader.part)
    abort.abort(new XgenError('interrupted', 'interrupted'))
    await expect(reading).rejects.toMatchObject({ kind: 'interrupted' })
    reader.close()
  })

  test('need no threads where they are few', () => {
    expect(openPictures(open(), 10, signal)).toBeUndefined()
  })
})
