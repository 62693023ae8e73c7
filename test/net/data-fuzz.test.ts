import { Readable } from 'node:stream'
import { createGunzip, gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { XgenError } from '../../src/base/errors.ts'
import { parseIdx } from '../../src/net/data/idx.ts'
import { tarEntries } from '../../src/net/data/tar.ts'
import { parseWav } from '../../src/net/data/wav.ts'
import { makeTar, makeWav } from '../fixtures/archives.ts'

/** A file with a few bytes changed, cut off or doubled. */
const changes = fc.record({
  edits: fc.array(
    fc.record({
      at: fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }),
      byte: fc.constantFrom(0, 1, 0x20, 0x30, 0x37, 0x7f, 0x80, 0xff),
    }),
    { minLength: 1, maxLength: 4 },
  ),
  end: fc.double({ min: 0, max: 1.5, noNaN: true }),
})

function changed(
  file: Buffer,
  { edits, end }: { edits: { at: number; byte: number }[]; end: number },
): Buffer {
  const bytes = Buffer.concat([file, file]).subarray(0, Math.floor(end * file.length))
  for (const { at, byte } of edits) if (bytes.length > 0) bytes[Math.floor(at * bytes.length)] = byte
  return bytes
}

/** Anything but an error that says what is wrong with the data fails. */
async function readsOrRefuses(read: () => unknown): Promise<void> {
  try {
    await read()
  } catch (error) {
    if (!(error instanceof XgenError)) throw error
    expect(error.kind).toBe('data')
  }
}

const runs = { numRuns: 1000, seed: 7 }

describe('changed files are read or refused', () => {
  test('WAV', () =>
    fc.assert(
      fc.asyncProperty(changes, (change) =>
        readsOrRefuses(() => parseWav(changed(makeWav(Int16Array.from([1, 2, 3, 4]), 8000), change), 'f')),
      ),
      runs,
    ))

  test('idx', () =>
    fc.assert(
      fc.asyncProperty(changes, (change) =>
        readsOrRefuses(() =>
          parseIdx(changed(Buffer.from([0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 3, 1, 2, 3, 4, 5, 6]), change), 'f'),
        ),
      ),
      runs,
    ))

  test('tar: no more than the bounds allow', () =>
    fc.assert(
      fc.asyncProperty(changes, (change) =>
        readsOrRefuses(async () => {
          const bytes = changed(makeTar({ 'a/b': Buffer.alloc(700, 1), c: Buffer.from('c') }), change)
          async function* chunks() {
            for (let at = 0; at < bytes.length; at += 300) yield bytes.subarray(at, at + 300)
          }
          let total = 0
          const bounds = { mostBytes: 4096, mostFiles: 4 }
          for await (const { contents } of tarEntries(chunks(), 'f', bounds, () => true))
            total += contents.length
          expect(total).toBeLessThanOrEqual(4096)
        }),
      ),
      runs,
    ))
})

test('an archive of zeros that unpacks to much more is read without keeping it', async () => {
  const packed = gzipSync(makeTar({ 'x/zeros': Buffer.alloc(2 ** 24) }))
  expect(packed.length).toBeLessThan(2 ** 16)
  const entries = tarEntries(
    Readable.from([packed]).pipe(createGunzip()),
    'f',
    { mostBytes: 2 ** 20, mostFiles: 4 },
    () => true,
  )
  await expect(entries.next()).rejects.toThrow('unpacks to more than 1048576 bytes')
})
