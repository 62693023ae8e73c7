import { describe, expect, it } from 'vitest'
import { cycleModel } from '../../sim/model.ts'
import type { Network } from '../../src/net/network.ts'
import { probesOf } from '../../src/plan/probes.ts'
import { layerSize } from '../../src/plan/size.ts'
import { stepsOf } from '../../src/plan/steps.ts'
import { drive } from '../../testbench/host.ts'
import { foldRow, occupantAt, tapOf } from '../../testbench/place.ts'
import { signed } from '../../testbench/signed.ts'
import { conv, networkDesign } from '../fixtures/graph-designs.ts'
import { designSpecimen } from '../fixtures/specimens.ts'
import { twoLayers, verificationOf } from '../fixtures/verification.ts'

/** What a place says of a register is checked against what the model holds there, computed from the place alone. */
const designs: [name: string, array: Parameters<typeof verificationOf>[1]][] = [
  ['tiles as large as the array', { rows: 4, columns: 3 }],
  ['a smaller tile', { rows: 4, columns: 3, tiles: { exact: { rows: 2, columns: 2 } } }],
]

describe.each(designs)('the place of a difference: %s', (_, array) => {
  const run = verificationOf(twoLayers, array, 1)
  const { plan, images, stimulus } = run
  const probes = probesOf(plan)
  const steps = [...stepsOf(plan)]
  const [channels, , width] = plan.input.shape
  const input = (channel: number, y: number, x: number) =>
    signed(stimulus.images[0]![(y * width + x) * channels + channel]!, 8)

  /** Frames of the first layer, by run cycle. */
  function* firstLayer(): Generator<{ run: number; words: Uint32Array }> {
    let begun: number | undefined
    for (const { cycle, words } of drive(cycleModel(plan, images), stimulus, probes.length)) {
      if (words[1] === 2) begun ??= cycle
      if (begun !== undefined && words[1] === 2) yield { run: cycle - begun, words }
    }
  }

  it('names the input element of every activation, and the taps and filter of every partial sum, of the first layer', () => {
    let activations = 0
    let sums = 0
    const wrong: string[] = []
    for (const { run: cycle, words } of firstLayer()) {
      for (const [index, { at, name, width: bits }] of probes.entries()) {
        if (at.kind !== 'feeder' && !(at.kind === 'sum' && at.tile === 0)) continue
        const here = occupantAt(plan, steps, at, cycle)
        if (here === undefined || here.layer !== plan.layers[0]) continue
        const value = signed(words[1 + index]!, bits)
        const reads = (row: number) => {
          const tap = tapOf(here, row)
          return tap?.inside ? input(tap.channel, tap.inputY, tap.inputX) : 0
        }
        if (at.kind === 'feeder') {
          activations++
          if (value !== reads(foldRow(plan, here, at))) wrong.push(`${name} at ${cycle}`)
          continue
        }
        if (at.column >= here.fold.columns) continue
        let sum = 0
        for (let row = 0; row <= foldRow(plan, here, at) && row < here.fold.rows; row++) {
          const word = here.layer.weightBase + here.fold.columnFold * here.layer.taps + here.fold.tap + row
          sum += reads(row) * images.weights[word * images.columns + at.column]!
        }
        sums++
        if (value !== sum) wrong.push(`${name} at ${cycle}`)
      }
    }
    expect(wrong).toEqual([])
    const folds = plan.layers[0]!.rowFolds * plan.layers[0]!.columnFolds
    expect(activations).toBe(folds * plan.layers[0]!.positions * layerSize(plan, plan.layers[0]!).rows)
    expect(sums).toBeGreaterThan(activations)
  })

  it('names the position of every total: where it is due, the register holds the full sum', () => {
    let totals = 0
    const wrong: number[] = []
    for (const { run: cycle, words } of firstLayer()) {
      for (const [index, { at }] of probes.entries()) {
        if (at.kind !== 'total') continue
        const here = occupantAt(plan, steps, at, cycle)
        if (here?.layer !== plan.layers[0] || !here.fold.last || at.column >= here.fold.columns) continue
        const { layer, fold, position } = here
        let sum = 0
        for (let k = 0; k < layer.taps; k++) {
          const tap = tapOf({ ...here, fold: { ...fold, tap: k, rows: 1 } }, 0)!
          const word = layer.weightBase + fold.columnFold * layer.taps + k
          if (tap.inside)
            sum +=
              input(tap.channel, tap.inputY, tap.inputX) * images.weights[word * images.columns + at.column]!
        }
        totals++
        if (signed(words[1 + index]!, plan.widths.accumulator) !== sum) wrong.push(position!.index)
      }
    }
    expect(wrong).toEqual([])
    expect(totals).toBe(plan.layers[0]!.positions * plan.layers[0]!.filters)
  })

  it('says that nothing is due at a register without a position', () => {
    expect(occupantAt(plan, steps, { kind: 'feeder', row: 0 }, 0)).toBeUndefined()
    expect(occupantAt(plan, steps, { kind: 'sequencer' }, 10)).toBeUndefined()
  })
})

describe('the place of a difference where a map is read', () => {
  const padded = [2, 1, 2, 1] as const
  const network: Network = {
    name: 'reads',
    input: { shape: [3, 5, 4] },
    layers: [
      { kind: 'pool', name: 'first', mode: 'max', window: [3, 2], stride: [2, 1], padding: padded },
      { ...conv('then', ['first'], 3) },
    ],
  }
  const { plan, images, stimulus } = designSpecimen(networkDesign(network, 4, 4))
  const probes = probesOf(plan)
  const steps = [...stepsOf(plan)]
  const [channels, height, width] = plan.input.shape
  const code = (channel: number, y: number, x: number) =>
    y < 0 || y >= height || x < 0 || x >= width
      ? 0
      : signed(stimulus.images[0]![(y * width + x) * channels + channel]!, 8)

  it('names the element of every operand, of the codes that are merged, and of those that are stored', () => {
    const seen = { operand: 0, merged: 0, pooled: 0 }
    let begun: number | undefined
    for (const { cycle, words } of drive(cycleModel(plan, images), stimulus, probes.length)) {
      if (words[0] === undefined || words[1] !== 2) continue
      begun ??= cycle
      for (const [index, { at, width: bits }] of probes.entries()) {
        if (at.kind !== 'operand' && at.kind !== 'merged' && at.kind !== 'pooled') continue
        const here = occupantAt(plan, steps, at, cycle - begun)
        if (here?.layer !== plan.layers[0] || here?.position === undefined || at.column >= channels) continue
        const { y, x, index: position } = here.position
        const value = signed(words[1 + index]!, bits)
        seen[at.kind]++
        if (at.kind !== 'pooled') {
          expect(value).toBe(code(at.column, y - padded[0], x - padded[1]))
          continue
        }
        if (position % 6 !== 5) continue
        const inside: number[] = []
        for (const dy of [0, 1, 2])
          for (const dx of [0, 1]) {
            const [py, px] = [
              2 * here.position.pooledY + dy - padded[0],
              here.position.pooledX + dx - padded[1],
            ]
            if (py >= 0 && py < height && px >= 0 && px < width) inside.push(code(at.column, py, px))
          }
        expect(value).toBe(Math.max(...inside))
      }
      if (cycle - begun > steps[2]!.start) break
    }
    const positions = plan.layers[0]!.positions
    expect(plan.layers[0]!.merge!.operand!.lanesLast).toBe(3)
    expect(seen).toMatchObject({ operand: 3 * positions, merged: 3 * positions })
    expect(seen.pooled).toBeGreaterThan(0)
  })
})
