import { describe, expect, it } from 'vitest'
import type { Probe } from '../../src/plan/probes.ts'
import { compareDevices, cyclesAfter } from '../../testbench/comparison.ts'
import { gaveUpBit } from '../../testbench/ports.ts'
import { watchProbes } from '../../testbench/watch.ts'

const probe = (name: string, width: number): Probe => ({
  name,
  width,
  path: name,
  meaning: name,
  at: { kind: 'sequencer' },
})
const watch = watchProbes([probe('phase', 2), probe('sum', 24)])
const values = 2 + 10

/** Frames {ports, phase, sum}: phase is 2 from cycle 3 on. */
const frame = (cycle: number, image = 0) => Uint32Array.of(1, cycle < 3 ? 1 : 2, 100 * image + cycle)
const cycles = (count: number, image = 0) =>
  Array.from({ length: count }, (_, cycle) => ({
    image,
    cycle,
    words: frame(cycle, image),
    last: cycle === count - 1,
  }))

function compare(edit: (cycle: number, words: Uint32Array) => void, runs = cycles(20), history = 16) {
  const comparison = compareDevices('a = b', watch, 0, history)
  let taken = 0
  for (const cycle of runs) {
    const words = cycle.words.slice()
    if (cycle.image === 0) edit(cycle.cycle, words)
    taken++
    if (!comparison.take(cycle, words, 0)) break
  }
  return { ...comparison.result(), taken }
}

describe('a comparison of two devices', () => {
  it('counts what it compares', () => {
    const same = compare(() => {})
    expect(same).toMatchObject({
      cycles: 20,
      compared: 20 * values,
      mismatches: 0,
      first: undefined,
      ended: undefined,
    })
  })

  it('keeps the first difference with the cycles around it, and counts the rest of the image', () => {
    const { first, mismatches, taken } = compare(
      (cycle, words) => {
        if (cycle >= 10) words[2]! ^= 8
        if (cycle === 10) words[0]! |= 2
      },
      [...cycles(20), ...cycles(20, 1)],
    )
    expect(mismatches).toBe(11)
    expect(taken).toBe(20)
    expect(first).toMatchObject({
      image: 0,
      cycle: 10,
      runCycle: 7,
      value: 1,
      expected: 10,
      got: 2,
      others: [3],
    })
    expect(first!.window.start).toBe(0)
    expect(first!.window.expected.map((words) => words[2])).toEqual(
      Array.from({ length: 11 + cyclesAfter }, (_, i) => i),
    )
    expect(first!.window.got[10]![2]).toBe(2)
  })

  it('keeps no more cycles than it was asked for', () => {
    const { first } = compare((cycle, words) => void (cycle === 15 && (words[2]! ^= 1)), cycles(20), 9)
    expect(first!.window.start).toBe(7)
    expect(first!.window.expected[0]![2]).toBe(7)
  })

  it('does not go back into the image before', () => {
    const comparison = compareDevices('a = b', watch, 0, 16)
    for (const cycle of cycles(20)) comparison.take(cycle, cycle.words, 0)
    for (const cycle of cycles(5, 1))
      comparison.take(cycle, Uint32Array.of(1, cycle.words[1]!, cycle.cycle === 2 ? 0 : cycle.words[2]!), 0)
    const { first } = comparison.result()
    expect(first).toMatchObject({ image: 1, cycle: 2, runCycle: undefined, expected: 102, got: 0 })
    expect(first!.window.start).toBe(0)
    expect(first!.window.expected[0]![2]).toBe(100)
  })

  it('tells that a side hangs, and that one ends early', () => {
    const hung = compare((cycle, words) => void (cycle === 12 && (words[0] = (words[0]! | gaveUpBit) >>> 0)))
    expect(hung).toMatchObject({ cycles: 13, mismatches: 0, ended: expect.stringContaining('it hangs') })
    const comparison = compareDevices('a = b', watch, 0, 16)
    comparison.end(false, 'it ends before the model does')
    expect(comparison.result()).toMatchObject({ mismatches: 1, ended: 'it ends before the model does' })
  })
})
