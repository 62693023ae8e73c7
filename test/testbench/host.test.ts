import { describe, expect, it } from 'vitest'
import type { Device } from '../../sim/device.ts'
import { patienceOf, runImage } from '../../sim/drive.ts'
import { cycleModel } from '../../sim/model.ts'
import { noPressure, pressureOf } from '../../sim/pressure.ts'
import { inferenceCycles, overlappedCycles } from '../../src/plan/any-plan.ts'
import { nativeLayout } from '../../testbench/frame.ts'
import { drive, harvest } from '../../testbench/host.ts'
import { gaveUp, type Port, portsByName, portValue } from '../../testbench/ports.ts'
import { twoLayers, verificationOf } from '../fixtures/verification.ts'

const run = verificationOf(twoLayers, { rows: 3, columns: 5 }, 4)
const { plan, images, stimulus } = run

describe('the host of the lockstep', () => {
  it('gives the outputs and cycles that runImage gives, with and without stalls', () => {
    const seen = harvest()
    let cycles = 0
    const alone = { ...stimulus, ahead: stimulus.ahead.map(() => false) }
    for (const cycle of drive(cycleModel(plan, images), alone, 0)) {
      seen.take(cycle.words, 0)
      cycles++
    }
    const model = cycleModel(plan, images)
    const runs = stimulus.images.map((codes, index) => {
      const pressure = index % 2 === 0 ? noPressure : pressureOf(stimulus.patterns[1]!)
      return runImage(model, codes, pressure, undefined, patienceOf(plan))
    })
    expect(seen.outputs).toEqual(runs.map(({ outputs }) => outputs))
    expect(seen.cycles).toEqual(runs.map((one) => one.cycles))
    expect(seen.cycles[0]).toBe(inferenceCycles(plan))
    expect(cycles).toBe(seen.cycles.reduce((sum, count) => sum + count))
    expect(seen.outputs).toEqual(run.expected)
  })

  it('sends images ahead: while one runs, the next one arrives', () => {
    const seen = harvest()
    const ahead = { ...stimulus, ahead: stimulus.ahead.map(() => true), patternOf: [0, 0, 0, 0] }
    for (const cycle of drive(cycleModel(plan, images), ahead, 0)) seen.take(cycle.words, 0)
    expect(seen.outputs).toEqual(run.expected)
    expect(seen.cycles).toEqual([inferenceCycles(plan), ...[1, 2, 3].map(() => overlappedCycles(plan))])
    expect(overlappedCycles(plan)).toBe(inferenceCycles(plan) - plan.input.elements + 2)
  })

  it('gives start to a busy device too, which has no effect', () => {
    let ignored = 0
    const [start, busy] = ['start', 'busy'].map(portsByName(nativeLayout)) as [Port, Port]
    const { patterns, patternOf } = stimulus
    for (const { image, cycle, words } of drive(cycleModel(plan, images), stimulus, 0)) {
      const started = portValue(words, 0, start) === 1
      const held = patterns[patternOf[image]!]!.inValid[cycle] === 0
      expect(started).toBe(cycle === 0 || (held && portValue(words, 0, busy) === 1))
      if (started && cycle > 0) ignored++
    }
    expect(ignored).toBeGreaterThan(10)
  })

  it('gives up on a device that does not move, and ends the run', () => {
    const dead: Device = {
      outputs: () => ({
        busy: true,
        done: false,
        inReady: false,
        outValid: false,
        outData: 0,
        outLast: false,
      }),
      probes: () => {},
      clock: () => {},
    }
    const ports: number[] = []
    for (const { words } of drive(dead, { ...stimulus, patience: 50 }, 0)) ports.push(words[0]!)
    expect(ports.length).toBe(51)
    expect(ports.map(gaveUp).indexOf(true)).toBe(50)
  })
})
