import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { XgenError } from '../../src/base/errors.ts'
import { sha256 } from '../../src/base/hash.ts'
import { silent } from '../../src/base/progress.ts'
import { dataSet, type IdxSet } from '../../src/net/data/catalogue.ts'
import { fetchDataSet, fetchFiles } from '../../src/net/data/fetch.ts'
import { parseIdx } from '../../src/net/data/idx.ts'
import { loadSplit } from '../../src/net/data/load.ts'
import { dataDirectory, imageAt, isPresent } from '../../src/net/data/store.ts'
import { syntheticDigits } from '../../src/net/data/synthetic.ts'

/** A tiny data set in the published format: 5 training and 3 test images of 2x2. */
function tiny(url: string): { set: IdxSet; files: Map<string, Buffer> } {
  const files = new Map<string, Buffer>()
  const file = (name: string, contents: Buffer) => {
    files.set(name, gzipSync(contents))
    return { name, bytes: contents.length, sha256: sha256(contents) }
  }
  const images = (n: number) =>
    Buffer.from([
      0,
      0,
      8,
      3,
      0,
      0,
      0,
      n,
      0,
      0,
      0,
      2,
      0,
      0,
      0,
      2,
      ...Array.from({ length: 4 * n }, (_, i) => i),
    ])
  const labels = (n: number) =>
    Buffer.from([0, 0, 8, 1, 0, 0, 0, n, ...Array.from({ length: n }, (_, i) => i % 2)])
  const set: IdxSet = {
    kind: 'idx',
    name: 'tiny',
    summary: '',
    source: '',
    shape: [1, 2, 2],
    classes: ['a', 'b'],
    url,
    validation: 2,
    train: { images: file('train-i.gz', images(5)), labels: file('train-l.gz', labels(5)), count: 5 },
    test: { images: file('test-i.gz', images(3)), labels: file('test-l.gz', labels(3)), count: 3 },
  }
  return { set, files }
}

const directory = mkdtempSync(join(tmpdir(), 'xgen-data-'))
let server: Server
let url = ''
const requests: string[] = []
let served = new Map<string, Buffer>()
beforeAll(async () => {
  server = createServer((request, response) => {
    const contents = served.get((request.url ?? '').slice(1))
    requests.push(`${request.url} ${request.headers.range ?? 'whole'}`)
    if (contents === undefined) return response.writeHead(404).end()
    const from = Number(/bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0)
    return response
      .writeHead(from > 0 ? 206 : 200, { 'content-length': contents.length - from })
      .end(contents.subarray(from))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  url = typeof address === 'object' && address !== null ? `http://127.0.0.1:${address.port}/` : ''
})
afterAll(() => {
  server.close()
  rmSync(directory, { recursive: true, force: true })
})

const options = (name: string, offline = false) => ({
  progress: silent,
  signal: new AbortController().signal,
  offline,
  directory: join(directory, name),
})
const failure = async (run: () => unknown): Promise<XgenError> => {
  try {
    await run()
  } catch (error) {
    if (error instanceof XgenError) return error
    throw error
  }
  throw new Error('it did not fail')
}

describe('fetching', () => {
  test('fetches, checks, and splits', async () => {
    const { set, files } = tiny(url)
    served = files
    expect(await fetchDataSet(set, options('whole'))).toHaveLength(4)
    const at = join(directory, 'whole')
    expect(isPresent(set, at)).toBe(true)
    expect(
      [
        loadSplit(set, 'train', { directory: at }),
        loadSplit(set, 'validation', { directory: at }),
        loadSplit(set, 'test', { directory: at }),
      ].map(({ count }) => count),
    ).toEqual([3, 2, 3])
    expect([...imageAt(loadSplit(set, 'validation', { directory: at }), 0)]).toEqual([12, 13, 14, 15])
    expect([...loadSplit(set, 'validation', { directory: at }).labels]).toEqual([1, 0])
    expect(await fetchDataSet(set, options('whole', true))).toEqual([])
  })

  test('an interrupted download goes on where it stopped', async () => {
    const { set, files } = tiny(url)
    served = files
    const at = join(directory, 'part', 'tiny')
    mkdirSync(at, { recursive: true })
    writeFileSync(join(at, 'train-i.gz.part'), files.get('train-i.gz')!.subarray(0, 10))
    requests.length = 0
    await fetchDataSet(set, options('part'))
    expect(requests[0]).toBe('/train-i.gz bytes=10-')
    expect(readFileSync(join(at, 'train-i.gz'))).toEqual(files.get('train-i.gz'))
    expect(existsSync(join(at, 'train-i.gz.part'))).toBe(false)
  })

  test('contents that are not the published ones are refused and not kept', async () => {
    const { set, files } = tiny(url)
    served = new Map(files).set('train-i.gz', gzipSync(Buffer.alloc(set.train.images.bytes)))
    const error = await failure(() => fetchDataSet(set, options('wrong')))
    expect(error).toMatchObject({ kind: 'data', message: expect.stringContaining('is corrupt: SHA-256') })
    expect(existsSync(join(directory, 'wrong', 'tiny', 'train-i.gz'))).toBe(false)
  })

  test('a server without the file, and no network at all', async () => {
    const { set } = tiny(url)
    served = new Map()
    expect(await failure(() => fetchDataSet(set, options('gone')))).toMatchObject({
      kind: 'data',
      message: expect.stringContaining('the server answered 404'),
    })
    expect(await failure(() => fetchDataSet(set, options('gone', true)))).toMatchObject({
      kind: 'data',
      message: expect.stringContaining('is not complete'),
    })
  })
})

describe('fetching from servers of all kinds', () => {
  const contents = Buffer.from(Array.from({ length: 100_000 }, (_, i) => (i * 7919) >> 5))
  const file = { name: 'cells.lib', bytes: contents.length, sha256: sha256(contents) }
  type Answer = (request: IncomingMessage, response: ServerResponse) => void
  /** Fetches from a server that answers so; what it was asked, and what then lies in the directory. */
  const fetchFrom = async (
    answer: Answer,
    more: { part?: Buffer; signal?: AbortSignal; stallSeconds?: number } = {},
  ) => {
    const asked: string[] = []
    const other = createServer((request, response) => {
      asked.push(`${request.url} ${request.headers.range ?? 'whole'}`)
      answer(request, response)
    })
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
    const { port } = other.address() as AddressInfo
    const at = mkdtempSync(join(directory, 'server-'))
    if (more.part !== undefined) {
      mkdirSync(join(at, 'lib'))
      writeFileSync(join(at, 'lib', 'cells.lib.part'), more.part)
    }
    const updates: number[] = []
    const set = { name: 'lib', url: `http://127.0.0.1:${port}/`, files: [file] }
    const run = fetchFiles(set, {
      progress: { ...silent, update: (done) => updates.push(done) },
      signal: more.signal ?? new AbortController().signal,
      offline: false,
      directory: at,
      stallSeconds: more.stallSeconds ?? 60,
    })
    const outcome = await run.catch((error: unknown) => error)
    other.closeAllConnections()
    other.close()
    const lies = Object.fromEntries(
      readdirSync(join(at, 'lib')).map((name) => [name, readFileSync(join(at, 'lib', name))]),
    )
    return { outcome, asked, updates, lies }
  }
  const whole: Answer = (_, response) =>
    response.writeHead(200, { 'content-length': contents.length }).end(contents)
  const refusal = (message: RegExp) => ({ kind: 'data', message: expect.stringMatching(message) })

  test('says how far it is', async () => {
    const { outcome, updates, lies } = await fetchFrom(whole)
    expect(outcome).toEqual(['cells.lib'])
    expect(lies).toEqual({ 'cells.lib': contents })
    expect(updates.at(-1)).toBe(contents.length)
    expect(updates).toEqual([...updates].sort((a, b) => a - b))
  })

  test('follows a redirection', async () => {
    const { outcome, asked, lies } = await fetchFrom((request, response) => {
      if (request.url === '/elsewhere') whole(request, response)
      else response.writeHead(302, { location: '/elsewhere' }).end()
    })
    expect([outcome, asked, lies]).toEqual([
      ['cells.lib'],
      ['/cells.lib whole', '/elsewhere whole'],
      { 'cells.lib': contents },
    ])
  })

  test('gives up where redirections go round', async () => {
    const { outcome, asked, lies } = await fetchFrom((request, response) => {
      response.writeHead(302, { location: request.url === '/a' ? '/b' : '/a' }).end()
    })
    expect(outcome).toMatchObject(refusal(/^cannot fetch http.*cells\.lib: redirect count exceeded$/))
    expect(asked.length).toBeLessThan(30)
    expect(lies).toEqual({})
  })

  test('keeps what came of a body that breaks off, and no file', async () => {
    const { outcome, lies } = await fetchFrom((_, response) => {
      response.writeHead(200, { 'content-length': contents.length })
      // what was not read when the connection is reset is lost
      response.write(contents.subarray(0, 5000), () => setTimeout(() => response.destroy(), 500))
    })
    expect(outcome).toMatchObject(refusal(/^cannot fetch http.*cells\.lib: /))
    const kept = lies['cells.lib.part']!
    expect(Object.keys(lies)).toEqual(['cells.lib.part'])
    expect(contents.subarray(0, kept.length)).toEqual(kept)
    const resumed = await fetchFrom(
      (request, response) => {
        const from = Number(/bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0)
        response.writeHead(from > 0 ? 206 : 200).end(contents.subarray(from))
      },
      { part: kept },
    )
    expect(resumed.lies).toEqual({ 'cells.lib': contents })
    expect(resumed.asked).toEqual([`/cells.lib ${kept.length > 0 ? `bytes=${kept.length}-` : 'whole'}`])
  })

  test('refuses a shorter body that its server calls whole', async () => {
    const { outcome, lies } = await fetchFrom((_, response) => response.end(contents.subarray(0, 5000)))
    expect(outcome).toMatchObject(refusal(/holds 5000 bytes; expected are 100000/))
    expect(lies).toEqual({})
  })

  test('refuses other contents, and goes on with no others', async () => {
    const other = Buffer.from(contents).fill(0, 0, 9)
    const { outcome, lies } = await fetchFrom((_, response) => response.end(other))
    expect(outcome).toMatchObject(refusal(/is corrupt: SHA-256/))
    expect(lies).toEqual({})
    const mixed = await fetchFrom((_, response) => response.writeHead(206).end(contents.subarray(5000)), {
      part: other.subarray(0, 5000),
    })
    expect(mixed.outcome).toMatchObject(refusal(/is corrupt: SHA-256/))
    expect(mixed.lies).toEqual({})
  })

  test('stops at a body without an end, announced or not', async () => {
    const announced = await fetchFrom((_, response) => {
      response.writeHead(200, { 'content-length': 2 ** 40 }).write('x')
    })
    expect(announced.outcome).toMatchObject(refusal(/more than the file has/))
    expect(announced.lies).toEqual({})
    const endless = await fetchFrom((_, response) => {
      const more = () => {
        while (response.write(Buffer.alloc(2 ** 16)) && !response.destroyed);
      }
      response.on('drain', more)
      more()
    })
    expect(endless.outcome).toMatchObject(refusal(/more than the file has/))
    expect(endless.lies).toEqual({})
  })

  test('starts over where a part does not fit, or the server knows no parts', async () => {
    const unfit = await fetchFrom(
      (request, response) => {
        if (request.headers.range === undefined) whole(request, response)
        else response.writeHead(416).end()
      },
      { part: Buffer.alloc(contents.length + 1) },
    )
    expect(unfit.asked).toEqual([`/cells.lib bytes=${contents.length + 1}-`, '/cells.lib whole'])
    expect(unfit.lies).toEqual({ 'cells.lib': contents })
    const plain = await fetchFrom(whole, { part: Buffer.alloc(77, 1) })
    expect(plain.lies).toEqual({ 'cells.lib': contents })
  })

  test('gives up a server that says nothing, or no more', async () => {
    const dumb = await fetchFrom(() => {}, { stallSeconds: 0.3 })
    expect(dumb.outcome).toMatchObject(refusal(/nothing came for 0\.3 s/))
    expect(dumb.lies).toEqual({})
    const slow = await fetchFrom(
      (_, response) => {
        response.writeHead(200, { 'content-length': contents.length }).write(contents.subarray(0, 10))
      },
      { stallSeconds: 5 },
    )
    expect(slow.outcome).toMatchObject(refusal(/nothing came for 5 s/))
    expect(Object.keys(slow.lies)).toEqual(['cells.lib.part'])
  })

  test('ends at once when it is interrupted, and keeps what came', async () => {
    const abort = new AbortController()
    const { outcome, lies } = await fetchFrom(
      (_, response) => {
        response.writeHead(200, { 'content-length': contents.length }).write(contents.subarray(0, 10))
        setTimeout(() => abort.abort(new XgenError('interrupted', 'interrupted')), 100)
      },
      { signal: abort.signal },
    )
    expect(outcome).toMatchObject({ kind: 'interrupted' })
    expect(Object.keys(lies)).toEqual(['cells.lib.part'])
  })
})

describe('files on disk', () => {
  const place = (name: string, change: (contents: Buffer) => Buffer) => {
    const { set, files } = tiny(url)
    const at = join(directory, name, 'tiny')
    mkdirSync(at, { recursive: true })
    for (const [file, contents] of files)
      writeFileSync(join(at, file), file === 'test-i.gz' ? change(contents) : contents)
    return () => loadSplit(set, 'test', { directory: join(directory, name) })
  }
  test.each([
    ['truncated', (c: Buffer) => c.subarray(0, c.length - 9), 'truncated or corrupt'],
    ['no gzip', () => Buffer.from('hello'), 'truncated or corrupt'],
    ['too long', () => gzipSync(Buffer.alloc(1000)), 'unpacks to more than'],
    ['too short', () => gzipSync(Buffer.alloc(3)), 'holds 3 bytes; expected are 28'],
    ['other contents', () => gzipSync(Buffer.alloc(28)), 'is corrupt'],
  ])('%s', async (name, change, message) => {
    const error = await failure(place(name, change))
    expect(error).toMatchObject({
      kind: 'data',
      message: expect.stringContaining(message),
      hint: expect.stringContaining('xgen data fetch tiny'),
    })
    expect(error.where).toContain('test-i.gz')
  })

  test('idx files are taken at their word only as far as they reach', async () => {
    expect(parseIdx(Uint8Array.of(0, 0, 8, 1, 0, 0, 0, 2, 7, 9), 'f')).toEqual({
      shape: [2],
      data: Uint8Array.of(7, 9),
    })
    for (const bytes of [
      [],
      [0, 0, 8],
      [1, 0, 8, 1],
      [0, 0, 13, 1, 0, 0, 0, 0],
      [0, 0, 8, 200],
      [0, 0, 8, 1, 255, 255, 255, 255, 1],
    ]) {
      expect((await failure(() => parseIdx(Uint8Array.from(bytes), 'f'))).kind).toBe('data')
    }
  })

  test('XGEN_DATA_DIR, then the cache directory', () => {
    expect(dataDirectory({ XGEN_DATA_DIR: '/data' })).toBe('/data')
    expect(dataDirectory({ XDG_CACHE_HOME: '/cache' })).toBe(join('/cache', 'xgen'))
    expect(() => dataSet('minst')).toThrow('there is no data set "minst". Did you mean "mnist"?')
  })
})

describe('drawn digits', () => {
  test('the same seed gives the same bytes, another one others', () => {
    const a = syntheticDigits([1, 28, 28], 20, 1)
    expect(syntheticDigits([1, 28, 28], 20, 1)).toEqual(a)
    expect(syntheticDigits([1, 28, 28], 20, 2).images).not.toEqual(a.images)
    expect(sha256(a.images)).toMatchInlineSnapshot(
      `"de4d4bf18793f1055947c953ea814b95aa23ce12c288a9919e207cf5fee46efa"`,
    )
  })

  test('have ink, empty corners and all classes, in any shape', () => {
    const digits = syntheticDigits([3, 12, 20], 200, 5)
    expect(new Set(digits.labels).size).toBe(10)
    for (let i = 0; i < digits.count; i++) expect(Math.max(...imageAt(digits, i))).toBeGreaterThan(150)
    expect(digits.images.filter((v) => v === 0).length / digits.images.length).toBeGreaterThan(0.4)
  })
})
