import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { XgenError } from '../../src/base/errors.ts'
import { silent } from '../../src/base/progress.ts'
import { openZip, writeZip } from '../../src/base/zip.ts'
import type { Archive, RecordSet } from '../../src/net/data/catalogue.ts'
import { fetchDataSet } from '../../src/net/data/fetch.ts'
import { loadSplit } from '../../src/net/data/load.ts'
import { tarEntries } from '../../src/net/data/tar.ts'
import { makeTar, tarHeader } from '../fixtures/archives.ts'

/** Two files of two records: a coarse label, a fine one and 1x2 pixels of three channels. */
const contents = {
  'train.bin': Buffer.from([
    9, 0, 1, 2, 3, 4, 5, 6, 9, 1, 11, 12, 13, 14, 15, 16, 9, 1, 21, 22, 23, 24, 25, 26,
  ]),
  'test.bin': Buffer.from([0, 1, 31, 32, 33, 34, 35, 36]),
}
const tarball = makeTar({
  'tiny-binary/train.bin': contents['train.bin'],
  'tiny-binary/../../escaped.bin': contents['test.bin'],
  'tiny-binary/readme.html': Buffer.from('<html>'),
  'tiny-binary/test.bin': contents['test.bin'],
})

let server: Server
let served: Buffer = Buffer.alloc(0)
let url = ''
const asked: string[] = []
const directory = mkdtempSync(join(tmpdir(), 'xgen-archive-'))
beforeAll(async () => {
  server = createServer((request, response) => {
    const { range } = request.headers
    asked.push(range ?? 'whole')
    const from = Number(/bytes=(\d+)-/.exec(range ?? '')?.[1] ?? 0)
    response
      .writeHead(from > 0 ? 206 : 200, { 'content-length': served.length - from })
      .end(served.subarray(from))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/tiny.tar.gz`
})
afterAll(() => {
  server.close()
  rmSync(directory, { recursive: true, force: true })
})

function archiveOf(packed: Buffer, format: Archive['format'] = 'tar.gz'): Archive {
  served = packed
  const digest = createHash('md5').update(packed).digest('hex')
  return {
    url,
    format,
    published: { bytes: packed.length, algorithm: 'md5', digest },
    strip: 1,
    keep: /\.bin$/,
    mostFiles: 5,
    mostBytes: 4096,
  }
}

const setOf = (archive: Archive): RecordSet => ({
  kind: 'records',
  name: 'tiny',
  summary: '',
  source: '',
  shape: [3, 1, 2],
  classes: ['a', 'b'],
  directory: 'tiny-bin',
  archive,
  labels: { bytes: 2, at: 1 },
  train: [{ name: 'train.bin', bytes: 24 }],
  test: [{ name: 'test.bin', bytes: 8 }],
  validation: 1,
})

const optionsIn = (at: string, offline = false) => ({
  progress: silent,
  signal: new AbortController().signal,
  offline,
  directory: at,
})
const place = () => mkdtempSync(join(directory, 'at-'))
const failure = async (run: () => Promise<unknown>): Promise<XgenError> => {
  const error: unknown = await run().then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (error instanceof XgenError) return error
  throw error ?? new Error('it did not fail')
}

describe('archives of data sets', () => {
  test.each(['tar.gz', 'zip'] as const)('%s: fetched, checked, unpacked, split', async (format) => {
    const packed =
      format === 'zip'
        ? Buffer.from(
            writeZip(
              Object.entries(contents).map(([name, bytes]) => ({ name: `x/${name}`, contents: bytes })),
            ),
          )
        : gzipSync(tarball)
    const set = setOf(archiveOf(packed, format))
    const at = place()
    expect(await fetchDataSet(set, optionsIn(at))).toEqual(['tiny.tar.gz'])
    expect(readdirSync(at)).toEqual(['tiny-bin'])
    expect(readdirSync(join(at, 'tiny-bin'))).toEqual(['test.bin', 'train.bin'])
    const [train, validation, tested] = (['train', 'validation', 'test'] as const).map((split) =>
      loadSplit(set, split, { directory: at }),
    )
    expect([[...train!.labels], [...validation!.labels], [...tested!.labels]]).toEqual([[0, 1], [1], [1]])
    expect([...validation!.images]).toEqual([21, 22, 23, 24, 25, 26])
    expect(await fetchDataSet(set, optionsIn(at, true))).toEqual([])
  })

  test('an interrupted download goes on, and a whole one is not asked for again', async () => {
    const packed = gzipSync(tarball)
    const set = setOf(archiveOf(packed))
    const at = place()
    writeFileSync(join(at, 'tiny-bin.tar.gz.part'), packed.subarray(0, 50))
    asked.length = 0
    await fetchDataSet(set, optionsIn(at))
    expect(asked).toEqual(['bytes=50-'])
    rmSync(join(at, 'tiny-bin'), { recursive: true })
    writeFileSync(join(at, 'tiny-bin.tar.gz.part'), packed)
    await fetchDataSet(set, optionsIn(at))
    expect(asked).toHaveLength(1)
  })

  test('another archive than the published one is refused and not kept', async () => {
    const set = setOf(archiveOf(gzipSync(tarball)))
    served = gzipSync(Buffer.concat([tarball, Buffer.from('more')])).subarray(0, served.length)
    const at = place()
    expect(await failure(() => fetchDataSet(set, optionsIn(at)))).toMatchObject({
      kind: 'data',
      message: expect.stringContaining(`published are ${set.archive.published!.bytes} with`),
    })
    expect(readdirSync(at)).toEqual([])
  })

  test.each([
    ['truncated', () => gzipSync(tarball.subarray(0, 700)), 'it ends in the middle of a file'],
    ['no gzip', () => Buffer.from('hello'), 'cannot be unpacked'],
    [
      'too many files',
      () =>
        gzipSync(
          makeTar(Object.fromEntries(Array.from({ length: 6 }, (_, i) => [`x/${i}.bin`, Buffer.alloc(1)]))),
        ),
      'more than 5 files',
    ],
    [
      'too large',
      () => gzipSync(makeTar({ 'x/a.bin': Buffer.alloc(5000) })),
      'unpacks to more than 4096 bytes',
    ],
    [
      'a damaged header',
      () => gzipSync(Buffer.concat([Buffer.alloc(512, 65), tarball])),
      'is no valid tar archive',
    ],
    [
      'none of our files',
      () => gzipSync(makeTar({ 'x/other.txt': Buffer.from('x') })),
      'holds none of the files',
    ],
  ])('%s: refused, nothing is left at its place', async (_, packed, message) => {
    const set = setOf(archiveOf(packed()))
    const at = place()
    const error = await failure(() => fetchDataSet(set, optionsIn(at)))
    expect(error).toMatchObject({ kind: 'data', message: expect.stringContaining(message) })
    expect(existsSync(join(at, 'tiny-bin'))).toBe(false)
    expect(existsSync(join(at, '..', 'escaped.bin'))).toBe(false)
  })

  test('nothing that is there is written over, and nothing is fetched offline', async () => {
    const set = setOf(archiveOf(gzipSync(tarball)))
    const at = place()
    expect((await failure(() => fetchDataSet(set, optionsIn(at, true)))).message).toContain('is not complete')
    mkdirSync(join(at, 'tiny-bin'))
    writeFileSync(join(at, 'tiny-bin', 'mine'), 'x')
    expect((await failure(() => fetchDataSet(set, optionsIn(at)))).message).toContain(
      'is there and not complete',
    )
    expect(readFileSync(join(at, 'tiny-bin', 'mine'), 'utf8')).toBe('x')
  })

  test('labels that are no class are refused', async () => {
    const at = place()
    const set = setOf(archiveOf(gzipSync(makeTar({ 'x/test.bin': Buffer.from([0, 2, 1, 2, 3, 4, 5, 6]) }))))
    await fetchDataSet(set, optionsIn(at))
    expect(() => loadSplit(set, 'test', { directory: at })).toThrow(
      'has the label 2 at image 0; tiny has 2 classes',
    )
  })
})

describe('tar archives', () => {
  const list = async (bytes: Buffer, chunk: number) => {
    async function* chunks() {
      for (let at = 0; at < bytes.length; at += chunk) yield bytes.subarray(at, at + chunk)
    }
    const entries: [string, string][] = []
    const bounds = { mostBytes: 1e6, mostFiles: 10 }
    for await (const { path, contents } of tarEntries(chunks(), 'f', bounds, () => true))
      entries.push([path, Buffer.from(contents).toString()])
    return entries
  }

  test('chunks of any size; long names of GNU and of pax; directories and links are passed over', async () => {
    const long = `${'d/'.repeat(80)}file`
    const pax = `${long.length + 10} path=${long}2\n`
    const pad = (text: string) => Buffer.concat([Buffer.from(text), Buffer.alloc(512 - (text.length % 512))])
    const bytes = Buffer.concat([
      tarHeader('d/', 0, '5'),
      tarHeader('././@LongLink', long.length + 1, 'L'),
      pad(`${long}\0`),
      tarHeader('cut', 3),
      pad('one'),
      tarHeader('pax', pax.length, 'x'),
      pad(pax),
      tarHeader('cut', 3),
      pad('two'),
      tarHeader('link', 0, '2'),
      makeTar({ short: Buffer.from('three') }),
    ])
    const expected = [
      [long, 'one'],
      [`${long}2`, 'two'],
      ['short', 'three'],
    ]
    for (const chunk of [1, 100, 512, 1e6]) expect(await list(bytes, chunk)).toEqual(expected)
  })

  test('sizes that no file has', async () => {
    const header = tarHeader('x', 0)
    header.write('77777777777', 124)
    const sum = header.reduce((total, byte, i) => total + (i >= 148 && i < 156 ? 32 : byte), 0)
    header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
    await expect(list(header, 512)).rejects.toThrow('unpacks to more than 1000000 bytes')
    await expect(list(tarHeader('x', 2 ** 20, 'L'), 512)).rejects.toThrow('a name of 1048576 bytes')
  })
})

describe('ZIP archives of many files', () => {
  test('are read where the caller expects so many', () => {
    const entries = Array.from({ length: 66_000 }, (_, i) => ({ name: `${i}`, contents: new Uint8Array(0) }))
    const small = Buffer.from(writeZip(entries.slice(0, 65_000)))
    expect(openZip(small, 'f')).toHaveLength(65_000)
    const large = zip64(entries.map(({ name }) => name))
    expect(() => openZip(large, 'f')).toThrow('it is a ZIP64 archive')
    expect(openZip(large, 'f', { mostEntries: 70_000, mostUnpacked: 1 })).toHaveLength(66_000)
    expect(() => openZip(large, 'f', { mostEntries: 65_999, mostUnpacked: 1 })).toThrow('at most 65999')
  })
})

/** An archive of empty files whose number stands in the record of ZIP64. */
function zip64(names: readonly string[]): Buffer {
  const plain = names.map((name) => Buffer.from(writeZip([{ name, contents: new Uint8Array(0) }])))
  const locals = plain.map((bytes) => bytes.subarray(0, bytes.indexOf('PK\x01\x02')))
  let at = 0
  const starts = locals.map(({ length }) => (at += length) - length)
  const directory = plain.map((bytes, i) => {
    const entry = Buffer.from(bytes.subarray(bytes.indexOf('PK\x01\x02'), bytes.indexOf('PK\x05\x06')))
    entry.writeUInt32LE(starts[i]!, 42)
    return entry
  })
  const start = locals.reduce((sum, { length }) => sum + length, 0)
  const size = directory.reduce((sum, { length }) => sum + length, 0)
  const record = Buffer.alloc(56)
  record.writeUInt32LE(0x06064b50, 0)
  record.writeBigUInt64LE(BigInt(names.length), 32)
  record.writeBigUInt64LE(BigInt(start), 48)
  const locator = Buffer.alloc(20)
  locator.writeUInt32LE(0x07064b50, 0)
  locator.writeBigUInt64LE(BigInt(start + size), 8)
  const end = Buffer.alloc(22)
  end.writeUInt32LE(0x06054b50, 0)
  end.writeUInt16LE(0xffff, 10)
  end.writeUInt32LE(0xffffffff, 16)
  return Buffer.concat([...locals, ...directory, record, locator, end])
}
