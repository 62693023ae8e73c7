import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, describe, expect, test, vi } from 'vitest'
import { type DataSet, dataSet, type RecordingSet } from '../../src/net/data/catalogue.ts'
import { keptFeatures } from '../../src/net/data/feature-cache.ts'
import { loadSplit } from '../../src/net/data/load.ts'
import { framesOf, keywordFrontEnd, magnitudes, mfccOf } from '../../src/net/data/mfcc.ts'
import { realImageAt } from '../../src/net/data/store.ts'
import { parseWav } from '../../src/net/data/wav.ts'
import { makeWav } from '../fixtures/archives.ts'
import { failure } from '../fixtures/failure.ts'
import { naiveMfcc } from '../oracles/mfcc.ts'

const directory = mkdtempSync(join(tmpdir(), 'xgen-speech-'))
afterAll(() => rmSync(directory, { recursive: true, force: true }))

const tone = (hertz: number, rate: number, length: number) =>
  Int16Array.from(
    { length },
    (_, i) => 9000 * Math.sin((2 * Math.PI * hertz * i) / rate) + ((i * 7919) % 301) - 150,
  )

describe('features of sound', () => {
  test.each([8000, 16_000])(
    'at %d Hz they are the coefficients of the definition',
    (rate) => {
      const samples = Array.from(tone(700, rate, Math.floor(0.6 * rate)), (value) => value / 32768)
      const expected = naiveMfcc(samples, rate)
      const frontEnd = keywordFrontEnd(rate)
      const features = mfccOf(frontEnd)(Float32Array.from(samples))
      expect([framesOf(frontEnd), expected.length, features.length]).toEqual([49, 49, 490])
      for (const [frame, coefficients] of expected.entries())
        for (const [k, value] of coefficients.entries())
          expect(features[10 * frame + k], `frame ${frame}, coefficient ${k}`).toBeCloseTo(value, 2)
    },
    60_000,
  )

  test('silence has the logarithm of the floor in every band', () => {
    const features = mfccOf(keywordFrontEnd(16_000))(new Float32Array(100))
    expect(features[0]).toBeCloseTo(Math.sqrt(2 / 40) * 40 * Math.log(1e-6), 3)
    for (let k = 1; k < 10; k++) expect(features[k]).toBeCloseTo(0, 6)
  })

  test('loudness does not matter, and what is behind a second neither', () => {
    const features = mfccOf(keywordFrontEnd(8000))
    const samples = Float32Array.from(tone(440, 8000, 8000), (value) => value / 32768)
    const longer = Float32Array.from({ length: 9000 }, (_, i) => (i < 8000 ? samples[i]! / 4 : 0.001))
    for (const [i, value] of features(longer).entries()) expect(value).toBeCloseTo(features(samples)[i]!, 3)
  }, 60_000)

  test('magnitudes of one frequency, of a constant and of the highest frequency', () => {
    const of = (wave: (i: number) => number) =>
      Array.from(
        magnitudes(16)(Float64Array.from({ length: 16 }, (_, i) => wave(i))),
        (v) => Math.round(v * 1e9) / 1e9,
      )
    expect(of((i) => Math.cos((2 * Math.PI * 3 * i) / 16))).toEqual([0, 0, 0, 8, 0, 0, 0, 0, 0])
    expect(of(() => 1)).toEqual([16, 0, 0, 0, 0, 0, 0, 0, 0])
    expect(of((i) => (-1) ** i)).toEqual([0, 0, 0, 0, 0, 0, 0, 0, 16])
  })
})

describe('WAV files', () => {
  test('samples, and chunks that are not known', () => {
    const wav = makeWav(Int16Array.of(0, 16384, -32768), 8000)
    expect(parseWav(wav, 'f')).toEqual({ rate: 8000, samples: Float32Array.of(0, 0.5, -1) })
    const extra = Buffer.concat([
      wav.subarray(0, 36),
      Buffer.from('LIST\x03\0\0\0abc\0', 'latin1'),
      wav.subarray(36),
    ])
    expect(parseWav(extra, 'f').samples).toHaveLength(3)
  })

  test.each([
    ['nothing', Buffer.alloc(0), 'no RIFF header'],
    ['another file', Buffer.from('RIFFxxxxAVI      '), 'no RIFF header'],
    ['two channels', makeWav(Int16Array.of(1, 2), 8000, { channels: 2 }), '2 channels'],
    ['floats', makeWav(Int16Array.of(1, 2), 8000, { format: 3 }), 'format 3'],
    ['a cut', makeWav(new Int16Array(100), 8000).subarray(0, 100), 'its chunk "data" has 200 bytes'],
    ['no samples', makeWav(new Int16Array(0), 8000).subarray(0, 36), 'it has no samples'],
  ])('%s is refused', (_, bytes, message) => {
    expect(failure(() => parseWav(bytes, 'f.wav'))).toMatchObject({
      kind: 'data',
      where: 'f.wav',
      message: expect.stringContaining(message),
    })
  })
})

describe('kept features', () => {
  const cache = { directory: join(directory, 'features') }
  const features = Float32Array.of(1.5, -2, 1e-30)
  const never = () => expect.unreachable('the features are kept')

  test('are made once, and again where their file is not what was written', () => {
    expect(keptFeatures('a', 3, () => features, cache)).toBe(features)
    expect(keptFeatures('a', 3, never, cache)).toEqual(features)
    const file = join(cache.directory, 'a.bin')
    for (const damage of [
      (bytes: Buffer) => bytes.subarray(0, -1),
      (bytes: Buffer) => bytes.fill(7, 40, 41),
    ]) {
      writeFileSync(file, damage(readFileSync(file)))
      const again = Float32Array.from(features)
      expect(keptFeatures('a', 3, () => again, cache)).toBe(again)
      expect(keptFeatures('a', 3, never, cache)).toEqual(features)
    }
  })

  test('make room by what was not used for longest', () => {
    const small = { directory: join(directory, 'small'), most: 3 * (32 + 12) }
    const use = (key: string, time: number) => {
      keptFeatures(key, 3, () => features, small)
      utimesSync(join(small.directory, `${key}.bin`), time, time)
    }
    for (const [time, key] of ['a', 'b', 'c'].entries()) use(key, 1000 + time)
    use('a', 2000)
    keptFeatures('d', 3, () => features, small)
    expect(readdirSync(small.directory).sort()).toEqual(['a.bin', 'c.bin', 'd.bin'])
    keptFeatures('large', 100, () => new Float32Array(100), small)
    expect(readdirSync(small.directory)).not.toContain('large.bin')
  })

  test('need no cache that can be written', () => {
    const file = join(directory, 'a-file')
    writeFileSync(file, '')
    expect(keptFeatures('a', 3, () => features, { directory: join(file, 'below') })).toBe(features)
  })
})

describe('data sets of recordings', () => {
  const place = (set: DataSet, files: Readonly<Record<string, Uint8Array | string>>) => {
    const root = mkdtempSync(join(directory, 'set-'))
    for (const [name, contents] of Object.entries(files)) {
      const path = join(root, (set as RecordingSet).directory, name)
      mkdirSync(dirname(path), { recursive: true })
      writeFileSync(path, contents)
    }
    return root
  }

  test('spoken digits: labels and splits by the names of the files', () => {
    const set = dataSet('spoken-digits')
    const wav = makeWav(tone(500, 8000, 4000), 8000)
    const names = ['0_theo_0', '3_theo_4', '7_theo_5', '8_jackson_44', '9_theo_49', '1_theo_45', 'notes']
    const root = place(set, Object.fromEntries(names.map((name) => [`recordings/${name}.wav`, wav])))
    const labels = (split: 'train' | 'validation' | 'test') => [
      ...loadSplit(set, split, { directory: root }).labels,
    ]
    expect([labels('test'), labels('train'), labels('validation')]).toEqual([
      [0, 3],
      [7, 8],
      [1, 9],
    ])
    const images = loadSplit(set, 'test', { directory: root })
    expect(images.shape).toEqual([1, 49, 10])
    expect(realImageAt(images, 1)).toEqual(realImageAt(images, 0))
    // features are kept by the contents of the recordings, not by their names
    expect(loadSplit(set, 'test', { directory: root }).images).toEqual(images.images)
    const louder = makeWav(tone(900, 8000, 4000), 8000)
    writeFileSync(join(root, (set as RecordingSet).directory, 'recordings', '3_theo_4.wav'), louder)
    const changed = loadSplit(set, 'test', { directory: root })
    expect(realImageAt(changed, 0)).toEqual(realImageAt(images, 0))
    expect(realImageAt(changed, 1)).not.toEqual(realImageAt(images, 1))
  })

  test('features of another arithmetic are made anew', async () => {
    const set = dataSet('spoken-digits')
    const root = place(set, { 'recordings/0_theo_0.wav': makeWav(tone(440, 8000, 4000), 8000) })
    const { images } = loadSplit(set, 'test', { directory: root })
    vi.resetModules()
    vi.doMock(import('../../src/net/data/mfcc.ts'), async (original) => {
      const own = await original()
      return {
        ...own,
        mfccOf: (frontEnd) => (samples) =>
          own
            .mfccOf(frontEnd)(samples)
            .map((x) => x + 1),
      }
    })
    const other = await import('../../src/net/data/load.ts')
    expect(other.loadSplit(set, 'test', { directory: root }).images).toEqual(images.map((x) => x + 1))
    vi.doUnmock('../../src/net/data/mfcc.ts')
    vi.resetModules()
  })

  test('speech commands: keywords, and as many clips of noise and of other words as of a keyword', () => {
    const set = dataSet('speech-commands')
    const wav = makeWav(tone(500, 16_000, 16_000), 16_000)
    const files: Record<string, Uint8Array | string> = {
      '_background_noise_/hum.wav': makeWav(tone(50, 16_000, 20 * 16_000), 16_000),
    }
    const keywords = (set.classes as string[]).slice(0, 10)
    const path = (word: string, number: number) => `${word}/0000000${number}_nohash_0.wav`
    for (const word of [...keywords, 'bed', 'cat'])
      for (let number = 0; number < 4; number++) files[path(word, number)] = wav
    files['testing_list.txt'] = [...keywords, 'bed'].map((word) => `${path(word, 0)}\n`).join('')
    files['validation_list.txt'] = [...keywords, 'cat'].map((word) => `${path(word, 1)}\n`).join('')
    const root = place(set, files)
    const labels = (split: 'train' | 'validation' | 'test') => [
      ...loadSplit(set, split, { directory: root }).labels,
    ]
    const every = Array.from({ length: 10 }, (_, label) => label)
    expect(labels('test')).toEqual([...every, 10, 11])
    expect(labels('validation')).toEqual([...every, 10, 11])
    expect(labels('train')).toEqual([...every, 10, 11, ...every, 10, 11])
  }, 60_000)

  test('what is missing or of another rate is told', () => {
    const set = dataSet('spoken-digits')
    expect(failure(() => loadSplit(set, 'test', { directory: join(directory, 'nowhere') }))).toMatchObject({
      kind: 'data',
      message: 'does not exist',
      hint: expect.stringContaining('xgen data fetch spoken-digits'),
    })
    const root = place(set, { 'recordings/0_theo_0.wav': makeWav(new Int16Array(100), 16_000) })
    expect(failure(() => loadSplit(set, 'test', { directory: root })).message).toBe(
      'has 16000 samples a second; spoken-digits has 8000',
    )
  })

  test('clips that are codes already are test data, and keep their scale', () => {
    const set = dataSet('keyword-spotting')
    expect(failure(() => loadSplit(set, 'train', { directory })).message).toContain('has test clips alone')
  })
})
