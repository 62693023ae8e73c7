import { describe, expect, it } from 'vitest'
import { resolveConfiguration } from '../../src/flow/configuration.ts'
import { planDesign } from '../../src/flow/planning.ts'
import { prepare } from '../../src/flow/preparation.ts'
import { isRowPlan } from '../../src/plan/any-plan.ts'
import type { Plan, PlanLayer } from '../../src/plan/plan.ts'
import { runCycles } from '../../src/plan/steps.ts'

/** The built-in networks with branches on 16x16 PEs. */
function planOf(net: string): Plan {
  const configuration = resolveConfiguration({
    environment: {},
    net,
    weights: 'seeded',
    array: '16x16',
  })
  const { plan } = planDesign(configuration, prepare(configuration))
  if (isRowPlan(plan)) throw new Error('the plan is one of another dataflow')
  return plan
}

const sum = (layers: readonly PlanLayer[], of: (layer: PlanLayer) => number) =>
  layers.reduce((total, layer) => total + of(layer), 0)

describe('built-in networks with branches, on 16x16 PEs', () => {
  it('resnet8-mlperf: additions and the global average cost no cycle', () => {
    const plan = planOf('resnet8-mlperf')
    expect(plan.layers.map(({ name }) => name)).toEqual([
      'conv1',
      'conv2',
      'conv3',
      'shortcut2',
      'conv4',
      'conv5',
      'shortcut3',
      'conv6',
      'conv7',
      'fc',
    ])
    const added = plan.layers.filter(({ merge }) => merge!.operand !== undefined)
    expect(added.map(({ name }) => name)).toEqual(['conv3', 'conv5', 'conv7'])
    for (const layer of added) expect([layer.merge!.operand!.lanes, layer.interval]).toEqual([1, 1])
    expect(sum(plan.layers, ({ macs }) => macs)).toBe(12_501_632)
    // SCALE-Sim takes 63,130; the products alone are 48,835 cycles of 256
    expect(sum(plan.layers, ({ cycles }) => cycles)).toBe(49_529)
    expect(runCycles(plan)).toBeLessThanOrEqual(51_000)
    const convolutions = plan.layers.slice(0, -1)
    const peak = sum(convolutions, ({ macs }) => macs) / 256
    expect(peak / sum(convolutions, ({ cycles }) => cycles)).toBeGreaterThan(0.95)
  })

  it.each([
    ['resnet8', { pool: 2, pad: 4 }],
    ['resnet20', { subsample: 2, pad: 4 }],
    ['dscnn-kws', {}],
  ])('%s: what is done to maps without products', (net, kinds) => {
    const counts: Record<string, number> = {}
    for (const { does } of planOf(net).layers) if (does !== undefined) counts[does] = (counts[does] ?? 0) + 1
    expect(counts).toEqual(kinds)
  })

  it('a depthwise layer reads the channels of its column fold alone', () => {
    const layer = planOf('dscnn-kws').layers.find(({ name }) => name === 'depthwise1')!
    expect(layer).toMatchObject({ channels: 16, taps: 144, rowFolds: 9, columnFolds: 4 })
    expect(layer.groups).toEqual({ count: 64, channels: 1, words: 1, folds: 1 })
  })
})
