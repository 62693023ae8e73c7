import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { dataError } from '../../base/errors.ts'
import { readInput } from '../../base/files.ts'
import { canonicalJson } from '../../base/hash.ts'
import { seededRandom } from '../../base/random.ts'
import { version } from '../../base/version.ts'
import type { RecordingSet, SplitName } from './catalogue.ts'
import { keptFeatures } from './feature-cache.ts'
import { mfccOf } from './mfcc.ts'
import { type ImageSet, setDirectory } from './store.ts'
import { byTurns } from './turns.ts'
import { parseWav } from './wav.ts'

/** A clip: a recording, or a part of one. */
interface Clip {
  readonly file: string
  readonly label: number
  /** The first sample; 0 unless given. */
  readonly from?: number
}

/** Recordings with their labels, features made of them. */
export function loadRecordings(set: RecordingSet, split: SplitName, directory: string): ImageSet {
  const at = setDirectory(set, directory)
  const clips = byTurns(
    set.layout === 'digits' ? spokenDigits(set, split, at) : speechCommands(set, split, at),
  )
  const size = set.shape[0] * set.shape[1] * set.shape[2]
  const images = keptFeatures(keyOf(set, clips), clips.length * size, () => featuresOf(set, clips, size))
  return {
    shape: set.shape,
    count: clips.length,
    images,
    labels: Uint8Array.from(clips, ({ label }) => label),
    encoding: { scale: [1], offset: [0] },
  }
}

/**
 * What the features of clips are made of: the front end, what it makes of noise, the contents of all files, and where clips begin in
 * them. So another arithmetic has other keys, whether the version has changed or not.
 */
function keyOf({ frontEnd }: RecordingSet, clips: readonly Clip[]): string {
  const hash = createHash('sha256')
  const places = new Map<string, number>()
  for (const { file } of clips) if (!places.has(file)) places.set(file, places.size)
  const starts = clips.map(({ file, from = 0 }) => [places.get(file), from])
  hash.update(canonicalJson([version, frontEnd, starts, [...featuresOfNoise(frontEnd)]]))
  for (const file of places.keys()) {
    const bytes = readInput(file, 'recording')
    hash.update(`\n${bytes.length}\n`).update(bytes)
  }
  return hash.digest('hex')
}

function featuresOfNoise(frontEnd: RecordingSet['frontEnd']): Float32Array {
  const random = seededRandom(1)
  return mfccOf(frontEnd)(Float32Array.from({ length: frontEnd.samples }, () => random.unit() - 0.5))
}

function featuresOf(set: RecordingSet, clips: readonly Clip[], size: number): Float32Array {
  const images = new Float32Array(clips.length * size)
  const features = mfccOf(set.frontEnd)
  // long recordings, of which several clips are taken, are few
  const long = new Map<string, Float32Array>()
  for (const [index, { file, from }] of clips.entries()) {
    const samples = long.get(file) ?? samplesOf(set, file)
    if (from !== undefined) long.set(file, samples)
    images.set(features(samples.subarray(from ?? 0, (from ?? 0) + set.frontEnd.samples)), index * size)
  }
  return images
}

function samplesOf({ name, frontEnd }: RecordingSet, file: string): Float32Array {
  const { rate, samples } = parseWav(readInput(file, 'recording'), file)
  if (rate === frontEnd.rate) return samples
  throw dataError(`has ${rate} samples a second; ${name} has ${frontEnd.rate}`, { where: file })
}

function missing(set: RecordingSet, where: string) {
  return dataError('does not exist', {
    where,
    hint: `Fetch it with "xgen data fetch ${set.name}", or set XGEN_DATA_DIR to the directory that holds ${set.directory}.`,
  })
}

/** `{digit}_{speaker}_{take}.wav`: takes 0 to 4 are the test set, as its makers say, and the last five for validation. */
function spokenDigits(set: RecordingSet, split: SplitName, directory: string): Clip[] {
  const recordings = join(directory, 'recordings')
  if (!existsSync(recordings)) throw missing(set, recordings)
  const takes = { test: [0, 5], train: [5, 45], validation: [45, 50] } as const
  const [first, end] = takes[split]
  return namesIn(recordings).flatMap((name): Clip[] => {
    const [, digit, take] = /^(\d)_[a-z]+_(\d{1,2})\.wav$/.exec(name) ?? []
    if (digit === undefined || Number(take) < first || Number(take) >= end) return []
    return [{ file: join(recordings, name), label: Number(digit) }]
  })
}

/**
 * Ten words, silence and the other words. The lists of the archive say what is for validation and test. Of the other words every so
 * many are taken, and so many seconds of the background noise, that both have as many clips as a word on average.
 */
function speechCommands(set: RecordingSet, split: SplitName, directory: string): Clip[] {
  const listed = (name: string): ReadonlySet<string> => {
    const file = join(directory, name)
    if (!existsSync(file)) throw missing(set, file)
    return new Set(readFileSync(file, 'utf8').split('\n').filter(Boolean))
  }
  const [validation, test] = [listed('validation_list.txt'), listed('testing_list.txt')]
  const splitOf = (path: string): SplitName =>
    test.has(path) ? 'test' : validation.has(path) ? 'validation' : 'train'
  const words = namesIn(directory).filter((name) => /^[a-z]+$/.test(name))
  const clipsOf = (word: string, label: number): Clip[] =>
    namesIn(join(directory, word))
      .filter((name) => name.endsWith('.wav') && splitOf(`${word}/${name}`) === split)
      .map((name) => ({ file: join(directory, word, name), label }))
  const keywords = set.classes.slice(0, -2)
  const [silence, unknown] = [keywords.length, keywords.length + 1]
  const known = keywords.flatMap((word, label) => (words.includes(word) ? clipsOf(word, label) : []))
  const average = Math.round(known.length / keywords.length)
  const others = words.filter((word) => !keywords.includes(word)).flatMap((word) => clipsOf(word, unknown))
  return [
    ...known,
    ...spread(noise(set, split, join(directory, '_background_noise_'), silence), average),
    ...spread(others, average),
  ]
}

/** So many of them, evenly spread. */
function spread<T>(items: readonly T[], count: number): T[] {
  const taken = Math.min(count, items.length)
  return Array.from({ length: taken }, (_, i) => items[Math.floor((i * items.length) / taken)]!)
}

/** Seconds of the background noise that begin every tenth of one: of every ten seconds eight are for training, one each for validation and test. */
function noise(set: RecordingSet, split: SplitName, directory: string, label: number): Clip[] {
  if (!existsSync(directory)) return []
  const { rate, samples } = set.frontEnd
  return namesIn(directory).flatMap((name): Clip[] => {
    const file = join(directory, name)
    if (!name.endsWith('.wav')) return []
    const length = parseWav(readInput(file, 'recording'), file).samples.length
    const starts = Math.max(0, Math.floor(((length - samples) / rate) * 10) + 1)
    return Array.from({ length: starts }, (_, i) => i)
      .filter((i) => wholly(i, split))
      .map((i) => ({ file, label, from: Math.floor((i * rate) / 10) }))
  })
}

/** Whether the second that begins after so many tenths lies within seconds of the split. */
function wholly(tenths: number, split: SplitName): boolean {
  const ofSecond = (second: number): SplitName =>
    second % 10 === 8 ? 'validation' : second % 10 === 9 ? 'test' : 'train'
  return ofSecond(Math.floor(tenths / 10)) === split && ofSecond(Math.floor((tenths + 9) / 10)) === split
}

/** Sorted, so that the order does not depend on the file system. */
function namesIn(directory: string): string[] {
  return readdirSync(directory).sort()
}
