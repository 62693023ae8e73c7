import { fullPattern, type PressurePattern, randomPattern } from '../sim/pressure.ts'
import { invariant } from '../src/base/errors.ts'

/**
 * What the host does in a verification run: images one after another, each with a pattern of back-pressure. The same value
 * drives the cycle model here and, as bytes, the simulator there.
 */
export interface Stimulus {
  /** Raw input codes in stream order (y, x, channel), one array an image, all of one length. */
  readonly images: readonly Uint8Array[]
  readonly patterns: readonly PressurePattern[]
  /** Index into `patterns` for each image. */
  readonly patternOf: readonly number[]
  /** Whether an image's elements may be sent while the image before it runs. */
  readonly ahead: readonly boolean[]
  /** Cycles without a transfer after which the host gives up on an image. */
  readonly patience: number
}

/** Patterns of stalls that a run has at most: each takes 128 KiB here, in the stimulus file and in the harness. */
export const stallPatterns = 16

/**
 * Every second image has stalls that come and go at random; the 17th of these has those of the first again, and so on. Of four images, the
 * last two are sent ahead.
 */
export function halfStalled(images: readonly Uint8Array[], seed: number, patience: number): Stimulus {
  const stalled = Math.floor(images.length / 2)
  const patterns = Array.from({ length: Math.min(stalled, stallPatterns) }, (_, index) =>
    randomPattern(seed + index),
  )
  return {
    images,
    patterns: [fullPattern, ...patterns],
    patternOf: images.map((_, index) => (index % 2 === 0 ? 0 : 1 + (((index - 1) / 2) % stallPatterns))),
    ahead: images.map((_, index) => index % 4 >= 2),
    patience,
  }
}

/** Whether the host never waits while it sends the image and takes its result. */
export const stallFree = ({ patterns, patternOf }: Stimulus, image: number): boolean =>
  patterns[patternOf[image]!]!.inValid.every((bit) => bit === 1)

/** Some images of a stimulus, with what belongs to them. */
export function takeImages(stimulus: Stimulus, from: number, count: number): Stimulus {
  const part = <T>(list: readonly T[]) => list.slice(from, from + count)
  return {
    ...stimulus,
    images: part(stimulus.images),
    patternOf: part(stimulus.patternOf),
    ahead: part(stimulus.ahead),
  }
}

export const stimulusMagic = 0x4d535458 // "XTSM"
export const stimulusVersion = 2
/** In an image's pattern word: its elements may be sent ahead. */
const aheadBit = 2 ** 31
const headerWords = 8

/**
 * The stimulus as bytes. All words are 32 bits, little endian: magic, version, bytes in all, images, elements an image, patterns, cycles a
 * pattern, patience; then a pattern index for each image, with bit 31 set where it is sent ahead; then the images' codes; then for each pattern in_valid and out_ready, one byte
 * (0 or 1) a cycle. The harness checks the length before it reads anything else.
 */
export function encodeStimulus({ images, patterns, patternOf, ahead, patience }: Stimulus): Uint8Array {
  const elements = images[0]?.length ?? 0
  const period = patterns[0]?.inValid.length ?? 0
  invariant(
    images.length > 0 && elements > 0 && period > 0,
    'a stimulus has at least one image and one pattern',
  )
  invariant(
    images.every((image) => image.length === elements) &&
      patternOf.length === images.length &&
      ahead.length === images.length,
    'images have one length',
  )
  const codesAt = 4 * (headerWords + images.length)
  const patternsAt = codesAt + images.length * elements
  const bytes = new Uint8Array(patternsAt + patterns.length * 2 * period)
  const view = new DataView(bytes.buffer)
  const header = [
    stimulusMagic,
    stimulusVersion,
    bytes.length,
    images.length,
    elements,
    patterns.length,
    period,
    patience,
  ]
  const choices = patternOf.map((pattern, image) => pattern + (ahead[image] ? aheadBit : 0))
  for (const [word, value] of [...header, ...choices].entries()) view.setUint32(4 * word, value, true)
  for (const [index, image] of images.entries()) bytes.set(image, codesAt + index * elements)
  for (const [index, pattern] of patterns.entries()) {
    bytes.set(pattern.inValid, patternsAt + 2 * index * period)
    bytes.set(pattern.outReady, patternsAt + (2 * index + 1) * period)
  }
  return bytes
}

/** The stimulus as the simulator takes it. */
export const simulatorInput = (stimulus: Stimulus) => ({
  bytes: encodeStimulus(stimulus),
  parts: stimulus.images.length,
})

/** Bits by cycle: pattern 0 never stalls, `count` more do at random. */
export const fullAndStalled = (count: number, seed: number): readonly Uint8Array[] => [
  fullPattern.inValid,
  ...Array.from({ length: count }, (_, index) => randomPattern(seed + index).inValid),
]
