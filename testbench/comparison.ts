import type { Cycle } from './host.ts'
import { gaveUp, movesOn, portValue } from './ports.ts'
import { frameWords, type Watch, watchedValue } from './watch.ts'

/** What a comparison of two devices, cycle by cycle, has found. */
export interface ComparisonResult {
  readonly name: string
  readonly cycles: number
  /** Values compared, and those that differ. */
  readonly compared: number
  readonly mismatches: number
  readonly first: Difference | undefined
  /** Why the comparison could not go on to the end, if so. */
  readonly ended: string | undefined
}

/** The first value that differs: earliest cycle, and in it the value furthest upstream. */
export interface Difference {
  readonly image: number
  /** Since the image's cycle with `start`. */
  readonly cycle: number
  /** Since the first cycle of phase 2 of the image's run (the expected side's), or undefined before it. */
  readonly runCycle: number | undefined
  /** Input and output elements moved in this image before this cycle (the expected side's). */
  readonly taken: number
  readonly given: number
  /** Index into `Watch.values`. */
  readonly value: number
  /** Raw bits. */
  readonly expected: number
  readonly got: number
  /** All values that differ in this cycle. */
  readonly others: readonly number[]
  /** The cycles around it: as many before as were kept, and up to `cyclesAfter` after. */
  readonly window: Window
}

/** Frames {ports, probes...} of both sides by cycle of the image; all of one image. */
export interface Window {
  /** Cycle of the first frame. */
  readonly start: number
  readonly expected: readonly Uint32Array[]
  readonly got: readonly Uint32Array[]
}

export const cyclesAfter = 4
/** Memory that the kept cycles may take, both sides together. */
const historyBytes = 64 * 1024 * 1024

export interface Comparison {
  /** Compares a cycle of the expected device with the same cycle of the other; false when nothing more is wanted. */
  take(expected: Cycle, words: Uint32Array, offset: number): boolean
  /** The expected side has ended; the other too? */
  end(complete: boolean, what?: string): void
  result(): ComparisonResult
}

/**
 * Compares two devices frame by frame. Keeps the last `history` cycles, so that the first difference can be shown with what led to
 * it. After a difference the comparison goes on to the end of that image, to count, and then wants no more.
 */
export function compareDevices(name: string, watch: Watch, phaseIndex: number, history: number): Comparison {
  const stride = frameWords(watch)
  const inputMoves = movesOn(watch.layout, 'input')
  const outputMoves = movesOn(watch.layout, 'output')
  const phaseWord = watch.layout.words + phaseIndex
  const kept = Math.max(8, Math.min(history, Math.floor(historyBytes / (8 * stride))))
  const ring = Array.from({ length: kept }, () => ({
    expected: new Uint32Array(stride),
    got: new Uint32Array(stride),
  }))
  let cycles = 0
  let mismatches = 0
  let runStart: number | undefined
  let runImage = -1
  let computed = false
  let taken = 0
  let given = 0
  let first: Difference | undefined
  let after: { expected: Uint32Array[]; got: Uint32Array[] } | undefined
  let ended: string | undefined

  const note = (cycle: Cycle, words: Uint32Array, offset: number, differing: number[]): void => {
    const held = Math.min(cycle.cycle, kept - 1)
    const before = Array.from({ length: held }, (_, i) => ring[(cycles - held + i) % kept]!)
    after = {
      expected: [...before.map((slot) => slot.expected.slice()), cycle.words.slice()],
      got: [...before.map((slot) => slot.got.slice()), words.slice(offset, offset + stride)],
    }
    const value = differing[0]!
    first = {
      image: cycle.image,
      cycle: cycle.cycle,
      runCycle: runStart === undefined ? undefined : cycle.cycle - runStart,
      taken,
      given,
      value,
      expected: watchedValue(watch, value, cycle.words, 0),
      got: watchedValue(watch, value, words, offset),
      others: differing.slice(1),
      window: { start: cycle.cycle - held, ...after },
    }
  }

  return {
    take(expected, words, offset) {
      if (expected.image !== runImage) {
        runImage = expected.image
        runStart = undefined
        taken = given = 0
      }
      const computes = phaseIndex >= 0 && expected.words[phaseWord] === 2
      if (computes && !computed) runStart = expected.cycle
      computed = computes
      const different = countDifferences(watch, expected.words, words, offset)
      if (different > 0) {
        mismatches += different
        if (first === undefined)
          note(expected, words, offset, differingValues(watch, expected.words, words, offset))
      }
      if (first === undefined) {
        const slot = ring[cycles % kept]!
        slot.expected.set(expected.words)
        slot.got.set(words.subarray(offset, offset + stride))
      } else if (
        after !== undefined &&
        expected.image === first.image &&
        expected.cycle > first.cycle &&
        expected.cycle <= first.cycle + cyclesAfter
      ) {
        after.expected.push(expected.words.slice())
        after.got.push(words.slice(offset, offset + stride))
      }
      if (inputMoves(expected.words, 0)) taken++
      if (outputMoves(expected.words, 0)) given++
      cycles++
      if (gaveUp(words[offset]!)) ended = 'nothing has moved for longer than a whole run lasts: it hangs'
      return first === undefined ? ended === undefined : !expected.last && ended === undefined
    },
    end(complete, what) {
      if (!complete) {
        ended ??= what
        if (first === undefined) mismatches++
      }
    },
    result: () => ({ name, cycles, compared: cycles * watch.values.length, mismatches, first, ended }),
  }
}

function countDifferences(watch: Watch, expected: Uint32Array, words: Uint32Array, offset: number): number {
  const { layout } = watch
  const stride = frameWords(watch)
  let count = 0
  for (let word = layout.words; word < stride; word++) if (expected[word] !== words[offset + word]) count++
  let portsDiffer = false
  for (let word = 0; word < layout.words; word++) portsDiffer ||= expected[word] !== words[offset + word]
  if (!portsDiffer) return count
  return (
    count +
    layout.ports.filter((port) => portValue(expected, 0, port) !== portValue(words, offset, port)).length
  )
}

function differingValues(watch: Watch, expected: Uint32Array, words: Uint32Array, offset: number): number[] {
  const found: number[] = []
  for (let index = 0; index < watch.values.length; index++) {
    if (watchedValue(watch, index, expected, 0) !== watchedValue(watch, index, words, offset))
      found.push(index)
  }
  return found
}
