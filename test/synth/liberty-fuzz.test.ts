import { expect, it } from 'vitest'
import { XgenError } from '../../src/base/errors.ts'
import { type Random, seededRandom } from '../../src/base/random.ts'
import { readLibrary } from '../../src/synth/liberty/read.ts'
import { shapeText } from '../fixtures/liberty.ts'

const trials = process.env['XGEN_FULL'] === '1' ? 100_000 : 2000

/** What mistakes and broken files are made of. */
const pieces = [
  ...'(){}:;,"\\/*!\'+&^|\n\0\xff -',
  '/*',
  '*/',
  '"\\\n',
  'cell (c) {',
  'pin (A) {',
  'values (',
  'index_1 ("1")',
  'when : "A B";',
  '1e999',
  'NaN',
  '-1',
  '""',
  'ff (a) {',
  '}}}}',
]

function mutated(random: Random, text: string): string {
  const at = random.integer(0, text.length - 1)
  const end = Math.min(text.length, at + random.integer(1, 60))
  const [before, cut, after] = [text.slice(0, at), text.slice(at, end), text.slice(end)]
  const piece = pieces[random.integer(0, pieces.length - 1)]!
  switch (random.integer(0, 5)) {
    case 0:
      return before
    case 1:
      return before + after
    case 2:
      return before + cut + cut + after
    case 3:
      return before + piece + cut + after
    case 4:
      return before + piece + text.slice(at + 1)
    default:
      return before + after.slice(0, after.length >> 1) + cut + after.slice(after.length >> 1)
  }
}

it(`${trials} broken Liberty files are read, or refused with a place`, () => {
  const random = seededRandom(7)
  const came = { read: 0, refused: 0 }
  for (let trial = 0; trial < trials; trial++) {
    let text = shapeText
    for (let mistakes = random.integer(1, 4); mistakes > 0; mistakes--) text = mutated(random, text)
    try {
      readLibrary(text, 'fuzz.lib')
      came.read++
    } catch (error) {
      if (!(error instanceof XgenError)) throw new Error(`in trial ${trial}: ${String(error)}\n${text}`)
      expect([error.kind, error.where?.startsWith('fuzz.lib')]).toEqual(['data', true])
      came.refused++
    }
  }
  // both ways are taken
  expect(came.read).toBeGreaterThan(trials / 50)
  expect(came.refused).toBeGreaterThan(trials / 10)
}, 3_600_000)
