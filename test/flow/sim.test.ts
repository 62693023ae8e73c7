import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { plotSimulation, scaleSimCycles, simulatePlan } from '../../src/flow/sim.ts'
import type { Network } from '../../src/net/network.ts'
import { inferenceCycles } from '../../src/plan/any-plan.ts'
import { makePlan } from '../../src/plan/make.ts'
import { type Fold, foldsOfLayer } from '../../src/plan/steps.ts'
import { graphDesign, graphDesigns, networkDesign } from '../fixtures/graph-designs.ts'
import { lenetSketch, type NetworkSketch, sketchAssignment, sketchGraph } from '../fixtures/qgraph.ts'

function simulateLenet(size: number) {
  const graph = sketchGraph(lenetSketch)
  const array = {
    dataflow: 'weight-stationary' as const,
    rows: size,
    columns: size,
    memoryBits: 2 ** 26,
    parallel: false,
  }
  const { plan, images } = makePlan(graph, sketchAssignment(lenetSketch, graph), array)
  return { plan, simulation: simulatePlan(plan, images, graph, 1) }
}

describe('the simulation of LeNet-5 on 16x16', () => {
  const { plan, simulation } = simulateLenet(16)

  it('gives cycles and utilisation by layer and in all', () => {
    expect(simulation.layers.map(({ kind, cycles, macs }) => [kind, cycles, macs])).toEqual([
      ['conv2d', 1589, 117_600],
      ['conv2d', 1031, 240_000],
      ['dense', 3208, 48_000],
      ['dense', 724, 10_080],
      ['dense', 94, 840],
    ])
    expect(simulation.cycles).toBe(6646)
    expect(simulation.utilisation).toBeCloseTo(416_520 / (6646 * 256), 12)
    expect(simulation.layers[1]!.utilisation).toBeCloseTo(240_000 / (1031 * 256), 12)
  })

  it('splits one inference into parts that add up', () => {
    const { total, ...parts } = simulation.inference
    expect(Object.values(parts).reduce((sum, part) => sum + part, 0)).toBe(total)
    expect(total).toBe(inferenceCycles(plan))
    expect(parts).toMatchObject({ input: 784, output: 11, layers: 6646, handshake: 1 })
  })

  it("stands beside SCALE-Sim's form, whose sum for LeNet-5 is 15,053", () => {
    expect(plan.layers.map((layer) => scaleSimCycles(plan, layer))).toEqual([1659, 1459, 9399, 2255, 281])
    expect(simulation.scaleSimCycles).toBe(15_053)
  })

  it('counts multiplications and accesses', () => {
    const [conv1, conv2] = simulation.layers
    expect(conv1!.accesses.multiplications).toBe(117_600)
    // padding is not read: of 28x28x25 taps those outside the map are missing, once for each row (and column) of the kernel
    expect(conv1!.accesses.bankReads).toBe((28 * 5 - 6) ** 2)
    expect(conv2!.accesses.weightReads).toBe(150)
    expect(conv2!.accesses.accumulatorWrites).toBe(100 * 16 * 9)
  })
})

describe('values moved, by level', () => {
  it('follow from the folds: one weight a product, activations across a row, sums down a column', () => {
    const { plan, simulation } = simulateLenet(16)
    for (const [index, { levels, accesses }] of simulation.layers.entries()) {
      const { positions } = plan.layers[index]!
      const folds = [...foldsOfLayer(plan, index)]
      const over = (of: (fold: Fold) => number) => positions * folds.reduce((sum, fold) => sum + of(fold), 0)
      expect(levels.register).toBe(over(({ rows, columns }) => rows * columns))
      expect(levels.neighbour).toBe(over(({ rows, columns }) => rows * (columns - 1) + (rows - 1) * columns))
      const { bankReads, bankWrites, weightReads, accumulatorReads, accumulatorWrites } = accesses
      expect(levels.buffer).toBe(
        bankReads + bankWrites + 16 * weightReads + accumulatorReads + accumulatorWrites,
      )
    }
  })
})

describe('products counted by the model', () => {
  it('are those that the network needs, each once, whatever the groups, tiles and passes', () => {
    const seen = { groups: 0, passes: 0, sideBySide: 0, filler: 0 }
    const property = fc.property(graphDesigns, (design) => {
      const { graph, assignment, array, seed } = graphDesign(design)
      const { plan, images } = makePlan(graph, assignment, array)
      const { layers } = simulatePlan(plan, images, graph, seed)
      for (const [index, { levels, accesses, gemm, utilisation, cycles }] of layers.entries()) {
        const { positions, groups, passes, filler } = plan.layers[index]!
        expect(levels.register).toBe(positions * gemm.K * gemm.N)
        expect(accesses.multiplications).toBe(levels.register)
        expect(utilisation).toBeCloseTo(levels.register / (cycles * array.rows * array.columns), 12)
        if (groups !== undefined) seen.groups++
        if (passes.some((list) => list.length > 1)) seen.passes++
        if (passes.some((list) => list.some((tiles) => tiles.length > 1))) seen.sideBySide++
        if (filler > 0) seen.filler++
      }
    })
    fc.assert(property, { numRuns: 30, seed: 301 })
    expect(Object.entries(seen).filter(([, count]) => count === 0)).toEqual([])
  })

  it('are none where the array only passes a map through', () => {
    const network: Network = {
      name: 'twice',
      input: { shape: [2, 3, 3] },
      layers: [{ kind: 'add', name: 'sum', inputs: ['input', 'input'] }],
    }
    const { graph, assignment, array } = networkDesign(network, 2, 3)
    const { plan, images } = makePlan(graph, assignment, array)
    const [sum] = simulatePlan(plan, images, graph, 1).layers
    expect(plan.layers[0]!.passed).toBe(true)
    expect(sum!.accesses).toMatchObject({ multiplications: 0, weightReads: 2 })
    expect(sum!.levels.register).toBe(0)
  })
})

describe('the plot of a simulation', () => {
  const { simulation } = simulateLenet(16)

  it('is an SVG file with its numbers beside it', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'xgen-plot-'))
    try {
      await plotSimulation(simulation, join(directory, 'lenet5.svg'))
      expect(readFileSync(join(directory, 'lenet5.svg'), 'utf8')).toContain('16x16 PEs')
      const lines = readFileSync(join(directory, 'lenet5.csv'), 'utf8').trim().split('\n')
      expect(lines).toHaveLength(1 + simulation.layers.length)
      expect(lines[1]).toMatch(/^[^,]+,weight-stationary,1589,/)
    } finally {
      rmSync(directory, { recursive: true })
    }
  })

  it('has no other format', async () => {
    await expect(plotSimulation(simulation, 'lenet5.png')).rejects.toThrow(
      'lenet5.png: a plot is an SVG file',
    )
  })
})

it('positions that pooling drops are no use of the array', () => {
  const sketch: NetworkSketch = {
    input: [2, 10, 10],
    seed: 3,
    layers: [{ filters: 2, kernel: [4, 4], pool: { mode: 'max', window: [2, 2] } }],
  }
  const graph = sketchGraph(sketch)
  const array = {
    dataflow: 'weight-stationary' as const,
    rows: 2,
    columns: 2,
    memoryBits: 2 ** 24,
    parallel: false,
  }
  const { plan, images } = makePlan(graph, sketchAssignment(sketch, graph), array)
  const [layer] = simulatePlan(plan, images, graph, 1).layers
  // 7x7 positions, of which pooling uses 6x6; 2x16 taps, 2 filters, 4 PEs
  expect(layer!.macs).toBe(49 * 32 * 2)
  expect(layer!.utilisation).toBeCloseTo((36 * 32 * 2) / (4 * layer!.cycles), 12)
  expect(layer!.utilisation).toBeLessThanOrEqual(1)
})

describe('xgen sim', () => {
  const run = (...args: string[]) =>
    execa('npx', ['tsx', 'src/cli/main.ts', 'sim', ...args], { reject: false, env: { XGEN_NET: '' } })

  it('prints one JSON object with the fields that scripts rely on', async () => {
    const { stdout, exitCode } = await run(
      '--net',
      'lenet5',
      '--array',
      '16x16',
      '--mult',
      'conv2=roup:p=1,r=2',
      '--json',
    )
    expect(exitCode).toBe(0)
    const result = JSON.parse(stdout)
    expect(result).toMatchObject({ net: 'lenet5', cycles: 6646 })
    expect(result.layers.map((layer: { name: string }) => layer.name)).toEqual([
      'conv1',
      'conv2',
      'fc1',
      'fc2',
      'fc3',
    ])
    expect(result.layers[1]).toMatchObject({
      name: 'conv2',
      kind: 'conv2d',
      dataflow: 'weight-stationary',
      multiplier: 'roup:p=1,r=2',
      cycles: 1031,
      macs: 240_000,
    })
    expect(result.layers[1].utilisation).toBeCloseTo(240_000 / (1031 * 256), 6)
  })

  it('prints a table for people', async () => {
    const { stdout, exitCode } = await run('--net', 'lenet5', '--array', '16x16')
    expect(exitCode).toBe(0)
    expect(stdout).toMatch(/conv2 +conv2d +exact +100 x 150 x 16 +10 +1,031 +90\.9 % +1,459 +0\.71/)
    expect(stdout).toMatch(/in all .* 6,646 .* 15,053/)
    expect(stdout).toContain('input 784')
  })

  it('refuses what it cannot simulate with the exit code of a usage error', async () => {
    const { stderr, exitCode } = await run('--net', 'lenet5', '--array', '0x16')
    expect(exitCode).toBe(2)
    expect(stderr).toContain('array.rows')
  })
})
