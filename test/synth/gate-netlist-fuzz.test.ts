import { expect, it } from 'vitest'
import { XgenError } from '../../src/base/errors.ts'
import { type Random, seededRandom } from '../../src/base/random.ts'
import { circuitGraph } from '../../src/synth/circuit-graph.ts'
import { bindCells, readYosysJson } from '../../src/synth/gate-netlist.ts'
import { openLibrary } from '../../src/synth/libraries.ts'
import { analyseTiming } from '../../src/synth/timing.ts'

const trials = process.env['XGEN_FULL'] === '1' ? 100_000 : 2000
const { content } = await openLibrary('generic', { data: '/nowhere' })

const whole = JSON.stringify({
  creator: 'Yosys 0.55',
  modules: {
    m: {
      ports: {
        a: { direction: 'input', bits: [2, 3] },
        clk: { direction: 'input', bits: [4] },
        y: { direction: 'output', bits: [5, 6, '0'] },
      },
      cells: {
        g0: { type: 'NAND2', connections: { A: [2], B: [3], Y: [7] } },
        g1: { type: 'XOR2', connections: { A: [7], B: [6], Y: [5] } },
        g2: { type: 'DFF', connections: { D: [5], CK: [4], Q: [6] } },
      },
    },
  },
})

const pieces = [
  '[',
  ']',
  '{',
  '}',
  '"',
  ',',
  ':',
  '-1',
  '1e9',
  '2',
  '"x"',
  '"A"',
  '"DFF"',
  'null',
  '"inout"',
  '[2,3]',
]

function mutated(random: Random, text: string): string {
  const at = random.integer(0, text.length - 1)
  const end = Math.min(text.length, at + random.integer(1, 12))
  const piece = pieces[random.integer(0, pieces.length - 1)]!
  switch (random.integer(0, 3)) {
    case 0:
      return text.slice(0, at) + text.slice(end)
    case 1:
      return text.slice(0, at) + piece + text.slice(at)
    case 2:
      return text.replace(/\d+/g, (digits) =>
        random.integer(0, 9) === 0 ? `${random.integer(0, 9)}` : digits,
      )
    default:
      return text.replace(/"[A-Z]\w*"/g, (name) => (random.integer(0, 9) === 0 ? piece : name))
  }
}

it(`${trials} broken netlists are read and timed, or refused`, () => {
  const random = seededRandom(11)
  const came = { read: 0, refused: 0 }
  for (let trial = 0; trial < trials; trial++) {
    const text = mutated(random, whole)
    try {
      analyseTiming(circuitGraph(bindCells(readYosysJson(text, 'm'), content)), undefined)
      came.read++
    } catch (error) {
      if (!(error instanceof XgenError)) throw new Error(`in trial ${trial}: ${String(error)}\n${text}`)
      expect(['tool-failed', 'usage']).toContain(error.kind)
      came.refused++
    }
  }
  expect(came.read).toBeGreaterThan(trials / 50)
  expect(came.refused).toBeGreaterThan(trials / 10)
}, 3_600_000)
