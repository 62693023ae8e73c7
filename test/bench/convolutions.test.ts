import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type ConvolutionRequest, convolutionFigures } from '../../bench/convolutions.ts'
import {
  type Entrant,
  kernelEntrant,
  layerEntrant,
  nativeEntrant,
  plainEntrant,
  webAssemblyEntrant,
} from '../../bench/entrants.ts'
import { tables } from '../../bench/multipliers.ts'
import { openNative } from '../../bench/native.ts'
import { type Problem, problemOf } from '../../bench/problems.ts'
import { firstDifference, referenceSums } from '../../bench/reference.ts'
import { assembleLoops, webAssemblyLoop } from '../../bench/webassembly.ts'
import { oracleConvolution } from '../oracles/layers.ts'

const shape = {
  name: 'small',
  channels: 3,
  height: 6,
  width: 5,
  filters: 4,
  kernel: 3,
  stride: 1,
  padding: 1,
}
const request = (entrants: readonly Entrant[], threads = 1): ConvolutionRequest => ({
  shape,
  images: 3,
  threads,
  entrants,
  rounds: { rounds: 2, leastSeconds: 1e-4 },
  gigahertz: 3,
})

const loops = await assembleLoops()
const native = await openNative()

const shapes = fc
  .record({
    channels: fc.integer({ min: 1, max: 4 }),
    height: fc.integer({ min: 3, max: 8 }),
    width: fc.integer({ min: 3, max: 8 }),
    filters: fc.integer({ min: 1, max: 5 }),
    kernel: fc.integer({ min: 1, max: 3 }),
    stride: fc.integer({ min: 1, max: 2 }),
    padding: fc.integer({ min: 0, max: 1 }),
  })
  .map((one) => ({ name: 'drawn', ...one }))

describe('the loops that kernels are compared with', () => {
  const oracleSums = ({ shape: s, images, activations, weights, tables: [table] }: Problem) => {
    const size = s.channels * s.height * s.width
    return Array.from({ length: images }, (_, i) =>
      oracleConvolution(
        {
          input: [s.channels, s.height, s.width],
          filters: s.filters,
          kernel: [s.kernel, s.kernel],
          stride: [s.stride, s.stride],
          padding: [s.padding, s.padding, s.padding, s.padding],
          groups: 1,
        },
        Array.from(activations.subarray(i * size, (i + 1) * size)),
        Array.from(weights),
        new Array(s.filters).fill(0),
        (a, w) => table!.products[(a & 255) * 256 + (w & 255)]!,
      ),
    ).flat()
  }

  test('all compute what the naive oracle computes, with any number of threads', async (context) => {
    await fc.assert(
      fc.asyncProperty(shapes, fc.constantFrom(1, 2, 3), async (drawn, threads) => {
        const problem = problemOf(drawn, 4, [tables.wide])
        const expected = oracleSums(problem)
        expect(firstDifference(referenceSums(problem), expected)).toBeUndefined()
        const loop = webAssemblyLoop(loops, problem, threads)
        loop.run()
        loop.run()
        expect(firstDifference(loop.sums, expected)).toBeUndefined()
        await loop.close()
        if ('notRun' in native) return
        await native.take('drawn', problem)
        await native.run('table', 'drawn', threads, 1)
        expect(firstDifference(await native.sums('drawn'), expected)).toBeUndefined()
      }),
      { numRuns: 25 },
    )
    if ('notRun' in native) context.skip(`not run: ${native.notRun}`)
  })
})

describe('a comparison of convolutions', () => {
  test('has the speed, the limit and the ratio of all that run, the first being the baseline', async () => {
    const entrants = [
      plainEntrant('plain', '', tables.drawn),
      webAssemblyEntrant('wasm', '', tables.drawn, loops),
      kernelEntrant('by filter', '', [tables.drawn, tables.wide, tables.exact], 'rows', 'rows'),
      kernelEntrant('dot', '', [tables.truncated], 'truncated', 'dot'),
      layerEntrant('table', '', tables.wide, 'rows'),
      layerEntrant('exact', '', tables.exact, 'dot'),
      layerEntrant('truncated', '', tables.truncated, 'dot'),
    ]
    const figures = await convolutionFigures(request(entrants))
    expect(figures.map(({ entrant }) => entrant)).toEqual([
      'plain',
      'wasm',
      'by filter',
      'dot',
      'table',
      'exact',
      'truncated',
    ])
    for (const figure of figures) {
      if ('notRun' in figure) throw new Error(`${figure.entrant} is not run`)
      expect(figure.gmacs.median).toBeGreaterThan(0)
      expect(figure.limit).toBeGreaterThan(1)
    }
    expect(figures[0]).toMatchObject({ ratio: { median: 1, low: 1, high: 1 } })
  })

  test('leaves out who has one thread where there are to be two, and says who is not run', async () => {
    const entrants = [
      webAssemblyEntrant('wasm', '', tables.drawn, loops),
      plainEntrant('plain', '', tables.drawn),
      nativeEntrant('native', '', tables.drawn, 'table', await openNative('no-such-compiler')),
    ]
    const figures = await convolutionFigures(request(entrants, 2))
    expect(figures).toMatchObject([{ entrant: 'wasm' }, { entrant: 'native', notRun: 'no no-such-compiler' }])
  })

  test('refuses who computes something else', async () => {
    const right = plainEntrant('right', '', tables.drawn)
    const wrong: Entrant = {
      ...right,
      name: 'wrong',
      async open(problem, threads, sums) {
        const opened = await right.open(problem, threads, sums)
        if ('notRun' in opened) return opened
        const values = sums.map((sum, i) => (i === 17 ? sum + 1 : sum))
        return { ...opened, result: () => ({ kind: 'sums', values }) }
      },
    }
    await expect(convolutionFigures(request([right, wrong]))).rejects.toThrow(
      /^wrong \(small\) computes .* \(value 17\)$/,
    )
    const short = {
      ...right,
      name: 'short',
      async open(problem: Problem, threads: number, sums: Int32Array) {
        const opened = await right.open(problem, threads, sums)
        const values = sums.subarray(1)
        return { ...opened, result: () => ({ kind: 'sums' as const, values }) }
      },
    } as Entrant
    await expect(convolutionFigures(request([short]))).rejects.toThrow(/^short \(small\) computes/)
  })
})
