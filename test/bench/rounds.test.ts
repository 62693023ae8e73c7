import { describe, expect, test } from 'vitest'
import { inTurn } from '../../bench/rounds.ts'

describe('a measurement in turn', () => {
  /** A contestant that takes a known time a repetition, on half of a processor. */
  const contestant = (name: string, each: number, log: string[]) => ({
    name,
    run: (repeats: number) => {
      log.push(`${name}${repeats}`)
      return { seconds: each * repeats, busy: (each * repeats) / 2 }
    },
  })

  test('goes round after round, each contestant with as many repetitions as fill the time', async () => {
    const log: string[] = []
    const series = await inTurn([contestant('a', 0.5, log), contestant('b', 0.125, log)], {
      rounds: 3,
      leastSeconds: 0.5,
    })
    expect(log.slice(0, 4)).toEqual(['a1', 'a1', 'b1', 'b1'])
    expect(log.slice(4)).toEqual(['a1', 'b4', 'a1', 'b4', 'a1', 'b4'])
    expect(series).toEqual([
      { repeats: 1, seconds: [0.5, 0.5, 0.5], busy: [0.25, 0.25, 0.25] },
      { repeats: 4, seconds: [0.125, 0.125, 0.125], busy: [0.0625, 0.0625, 0.0625] },
    ])
  })
})
