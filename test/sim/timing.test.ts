import { expect, it } from 'vitest'
import { runImage } from '../../sim/drive.ts'
import { cycleModel } from '../../sim/model.ts'
import { noPressure } from '../../sim/pressure.ts'
import { makePlan } from '../../src/plan/make.ts'
import { probesOf } from '../../src/plan/probes.ts'
import type { QGraph, QTensor } from '../../src/quant/qgraph.ts'
import { sketchAssignment } from '../fixtures/qgraph.ts'

const vector = (shape: QTensor['shape']): QTensor => ({
  shape,
  bits: 8,
  signed: true,
  scale: 1,
  zeroPoint: 0,
})

/** Two features, two filters, requantisation by 2^15 / 2^15: the numbers can be followed by hand. */
const graph: QGraph = {
  name: 'by-hand',
  input: 'x',
  output: 'y',
  tensors: { x: vector([2, 1, 1]), y: vector([2, 1, 1]) },
  nodes: [
    {
      kind: 'conv',
      name: 'fc',
      dense: true,
      input: 'x',
      output: 'y',
      kernel: [1, 1],
      stride: [1, 1],
      padding: [0, 0, 0, 0],
      groups: 1,
      weightBits: 8,
      weights: Int8Array.of(2, -3, 5, 7),
      bias: Int32Array.of(10, -20),
      multiplier: Uint16Array.of(2 ** 15, 2 ** 15),
      shift: Uint8Array.of(15, 15),
      low: -128,
      high: 127,
    },
  ],
}

/** All changes of the probes in one image, by cycle of the run: `cycle: probe=value ...`. */
function changes(codes: readonly number[]): string[] {
  const array = {
    dataflow: 'weight-stationary' as const,
    rows: 2,
    columns: 2,
    memoryBits: 2 ** 20,
    parallel: false,
  }
  const assignment = sketchAssignment({ input: [2, 1, 1], seed: 0, layers: [{ filters: 2 }] }, graph)
  const { plan, images } = makePlan(graph, assignment, array)
  const model = cycleModel(plan, images)
  const probes = probesOf(plan)
  const before = new Uint32Array(probes.length)
  const now = new Uint32Array(probes.length)
  const lines: string[] = []
  runImage(model, Uint8Array.from(codes), noPressure, (cycle) => {
    model.probes(now)
    const changed = probes.flatMap(({ name, width }, i) => {
      if (now[i] === before[i]) return []
      const signed = /sum|total|weight|bias/.test(name) ? (now[i]! << (32 - width)) >> (32 - width) : now[i]
      return [`${name}=${signed}`]
    })
    // cycles 0, with `start`, and 1 take the input
    if (changed.length > 0) lines.push(`${cycle - 2}: ${changed.join(' ')}`)
    before.set(now)
  })
  return lines
}

it('does in each cycle what docs/weight-stationary.md says', () => {
  // R = C = 2. Step 0 loads two rows in cycles 0 and 1 and lasts three cycles; step 1 streams the one position: t = s = 3.
  expect(changes([3, 4])).toEqual([
    '-1: phase=1',
    '0: phase=2',
    // activation[i] at s+i+2; weight (i, j) at t+i+j+2; sum (i, j) at s+i+j+3
    '5: activation[0]=3 tile_0.weight[0][0]=2',
    '6: activation[0]=0 activation[1]=4 tile_0.weight[0][1]=5 tile_0.weight[1][0]=-3 tile_0.sum[0][0]=6',
    '7: activation[1]=0 tile_0.weight[1][1]=7 tile_0.sum[0][0]=0 tile_0.sum[0][1]=15 tile_0.sum[1][0]=-6',
    // p = s+R+2+j = 7+j: total, bias and scale (shift 15, multiplier 32768) a cycle later, pooled at p+5
    '8: tile_0.sum[0][1]=0 tile_0.sum[1][0]=0 tile_0.sum[1][1]=43 total[0]=-6 bias[0]=10 scale[0]=1015808',
    '9: tile_0.sum[1][1]=0 total[1]=43 bias[1]=-20 scale[1]=1015808',
    '12: pooled[0]=4',
    '13: pooled[1]=23',
    // a = s+R+C+6 = 13: stored in cycles 14 and 15, from word 1
    '14: write_valid=1 write_address=1 hold[0]=4 hold[1]=23',
    '15: write_address=2 hold[0]=23 hold[1]=0',
    '16: phase=3 write_valid=0 write_address=3 hold[0]=0',
    '17: out_valid=1',
    '19: phase=0 out_valid=0',
  ])
})
