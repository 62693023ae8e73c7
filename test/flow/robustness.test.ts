import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { XgenError } from '../../src/base/errors.ts'
import { silent } from '../../src/base/progress.ts'
import { seededRandom } from '../../src/base/random.ts'
import { study } from '../../src/cli/study.ts'
import { parseSweep } from '../../src/cli/sweep.ts'
import type { Emulator } from '../../src/emu/emulator.ts'
import { resolveConfiguration } from '../../src/flow/configuration.ts'
import { evaluate } from '../../src/flow/eval.ts'
import { layerErrors } from '../../src/flow/layer-errors.ts'
import { prepare } from '../../src/flow/preparation.ts'
import {
  type MeasuredPoint,
  type RobustnessRequest,
  studyRobustness,
  type Variant,
} from '../../src/flow/robustness.ts'
import { matricesOf, studyPage, writeStudy } from '../../src/flow/robustness-page.ts'
import { seededRanges, seededWeights } from '../../src/flow/seeded.ts'
import type { ImageSet } from '../../src/net/data/store.ts'
import { readNetworkFile } from '../../src/net/schema.ts'
import { hashWeights, serialiseWeights } from '../../src/net/weights.ts'
import { serialiseRecord } from '../../src/quant/record.ts'
import { hasBrowser, visit } from '../fixtures/browser.ts'
import { failure } from '../fixtures/failure.ts'

const directory = mkdtempSync(join(tmpdir(), 'xgen-robustness-'))
afterAll(() => rmSync(directory, { recursive: true, force: true }))
const net = join(directory, 'small.yaml')
const weightFile = join(directory, 'small.safetensors')
const pictures = join(directory, 'pictures')

/** A network with drawn weights, and pictures of noise: any accuracy does, if it is the right one. */
beforeAll(() => {
  writeFileSync(
    net,
    `name: small
input: { shape: [1, 6, 6] }
layers:
  - { kind: conv2d, name: conv, filters: 4, kernel: 3 }
  - { kind: relu }
  - { kind: pool, mode: max, window: 2 }
  - { kind: flatten }
  - { kind: dense, name: fc, units: 3 }
`,
  )
  const network = readNetworkFile(net)
  const weights = seededWeights(network)
  writeFileSync(weightFile, serialiseWeights(weights, network))
  writeFileSync(
    weightFile.replace(/\.safetensors$/, '.json'),
    serialiseRecord({
      network: 'small',
      weights: hashWeights(weights, network),
      calibration: { data: 'drawn', images: 8 },
      ranges: Object.fromEntries(seededRanges(network, weights)),
    }),
  )
  const random = seededRandom(3)
  for (const label of ['a', 'b', 'c']) {
    mkdirSync(join(pictures, label), { recursive: true })
    for (let i = 0; i < 10; i++) {
      const pixels = Uint8Array.from({ length: 36 }, () => random.integer(0, 255))
      writeFileSync(join(pictures, label, `${i}.pgm`), Buffer.concat([Buffer.from('P5 6 6 255\n'), pixels]))
    }
  }
})

const variant: Variant = (set, mult) =>
  resolveConfiguration({
    environment: {},
    net,
    weights: weightFile,
    set,
    ...(mult === undefined ? {} : { mult }),
  })

const requestIn = (
  name: string,
  sweep: string[],
  change: Partial<RobustnessRequest> = {},
): RobustnessRequest => ({
  data: `folder:${pictures}`,
  split: 'test',
  images: undefined,
  layerImages: 20,
  directory: join(directory, name),
  ...parseSweep(sweep),
  ...change,
})

const run = (request: RobustnessRequest, signal = new AbortController().signal) =>
  studyRobustness(variant, request, silent, signal)

describe('a robustness study', () => {
  const sweep = ['weights=3,8', 'activations=4..5', 'mult=trunc:ka=2,kb=2', 'mult=conv=drum:k=3;fc=exact']

  test('every point is what eval measures with those bits and multipliers', async () => {
    const study = await run(requestIn('all', sweep))
    expect(study.points).toHaveLength(2 * 2 * 3)
    expect(study.multipliers).toEqual(['exact', 'trunc:ka=2,kb=2', 'conv=drum:k=3; fc=exact'])
    for (const point of study.points as MeasuredPoint[]) {
      const mult = point.multipliers === 'exact' ? [] : point.multipliers.split('; ')
      const configuration = variant(
        [`quant.weights=${point.weights}`, `quant.activations=${point.activations}`],
        mult,
      )
      const alone = await evaluate(
        configuration,
        { data: `folder:${pictures}`, images: undefined, precision: 'int', layerImages: 20 },
        silent,
        new AbortController().signal,
      )
      expect([point.top1, point.top5, point.images, point.interval]).toEqual([
        alone.top1,
        alone.top5,
        30,
        alone.interval,
      ])
      expect(alone.layers).toEqual(point.layers)
      const { graph } = prepare(configuration)
      expect(graph.tensors[graph.output]!.bits).toBe(point.activations)
      const largest = Math.max(...point.layers.map(({ max }) => max))
      if (point.multipliers === 'exact') expect(largest).toBe(0)
      // narrow operands may be exact with these multipliers
      else if (point.weights === 8) expect(largest).toBeGreaterThan(0)
      for (const { mean, std, max } of point.layers) {
        expect(Math.abs(mean)).toBeLessThanOrEqual(max)
        expect(std).toBeLessThanOrEqual(max)
      }
    }
  }, 60_000)

  test('errors of layers: mean, standard deviation and largest, by hand', () => {
    const graph = prepare(variant([], [])).graph
    const emulatorOf = (codes: readonly number[]): Emulator => ({
      graph,
      runBatch: (_, images) =>
        new Map(
          graph.nodes.map(({ output }) => [
            output,
            Int8Array.from({ length: images }, (_, i) => codes[i % 16]!),
          ]),
        ),
      runImage: () => expect.unreachable('images come in batches'),
      result: () => expect.unreachable('all tensors are asked for'),
    })
    const images: ImageSet = {
      shape: [1, 6, 6],
      count: 20,
      images: new Uint8Array(20 * 36),
      labels: new Uint8Array(20),
    }
    const same = Array.from({ length: 16 }, (_, i) => i)
    const changed = same.map((code, i) => (i === 0 ? code - 6 : i === 1 ? code + 1 : code))
    // image 0 and 16: -6, 1 and 17: +1, sixteen others 0
    const mean = (2 * -6 + 2) / 20
    const expected = { mean, std: Math.sqrt((2 * 36 + 2) / 20 - mean * mean), max: 6 }
    const errors = layerErrors(
      emulatorOf(changed),
      emulatorOf(same),
      images,
      ({ count }) => new Int8Array(count),
    )
    expect(errors.map(({ name }) => name)).toEqual(['conv', 'pool1', 'fc'])
    for (const error of errors)
      expect(error).toMatchObject({ max: 6, mean, std: expect.closeTo(expected.std, 12) })
  })

  test('an interrupted one goes on where it stopped, and a line that was cut off is measured again', async () => {
    const request = requestIn('interrupted', sweep)
    const abort = new AbortController()
    let steps = 0
    const stopping = {
      ...silent,
      step: () => void (++steps === 5 && abort.abort(new XgenError('interrupted', 'interrupted'))),
    }
    await expect(studyRobustness(variant, request, stopping, abort.signal)).rejects.toThrow('interrupted')
    const log = join(request.directory, 'points.jsonl')
    expect(readFileSync(log, 'utf8').trim().split('\n')).toHaveLength(1 + 4)
    appendFileSync(log, '{"weights":3,"activ')
    let measured = 0
    const counting = { ...silent, step: () => void measured++ }
    const resumed = await studyRobustness(variant, request, counting, new AbortController().signal)
    expect(measured).toBe(12 - 4)
    expect(resumed).toEqual(await run(requestIn('all', sweep)))
    const again = { ...silent, step: () => expect.unreachable('nothing is left to measure') }
    await studyRobustness(variant, request, again, new AbortController().signal)
  }, 60_000)

  test('the command says what is kept of an interrupted one', async () => {
    const abort = new AbortController()
    let steps = 0
    const step = () => void (++steps === 3 && abort.abort(new XgenError('interrupted', 'interrupted')))
    const out = join(directory, 'command')
    const options = {
      ...{ net, weights: weightFile, data: `folder:${pictures}`, split: 'test', sweep, out },
      ...{ json: false, quiet: false, verbose: false, progress: false, offline: true, seed: 1, jobs: 1 },
    }
    const session = { options, progress: { ...silent, step }, signal: abort.signal, print: () => {} }
    await expect(study(options, session)).rejects.toMatchObject({
      kind: 'interrupted',
      hint: `The same command goes on: what was measured is kept in ${out}.`,
    })
    expect(readFileSync(join(out, 'points.jsonl'), 'utf8').trim().split('\n')).toHaveLength(1 + 2)
  })

  test('other images than the log has are refused', async () => {
    await run(requestIn('log', ['weights=8']))
    await expect(run(requestIn('log', ['weights=8'], { images: 5 }))).rejects.toThrow(
      'holds a study of other images: 30 instead of 5',
    )
    const anew = await run(requestIn('log', ['weights=8'], { images: 5, force: true }))
    expect(anew.points).toMatchObject([{ weights: 8, images: 5 }])
    writeFileSync(join(directory, 'log', 'points.jsonl'), '{"format":"other"}\n')
    await expect(run(requestIn('log', ['weights=8']))).rejects.toThrow('is no log of a robustness study')
  })

  test('pictures that have changed, and settings of curves, are not those of the log', async () => {
    const other = join(directory, 'other', 'pictures')
    cpSync(pictures, other, { recursive: true })
    await run(requestIn('moved', ['weights=8']))
    // the same pictures elsewhere are the same
    const again = { ...silent, step: () => expect.unreachable('nothing is left to measure') }
    const request = requestIn('moved', ['weights=8'], { data: `folder:${other}` })
    await studyRobustness(variant, request, again, new AbortController().signal)
    renameSync(join(other, 'a', '0.pgm'), join(other, 'b', 'more.pgm'))
    await expect(run(request)).rejects.toThrow('holds a study of other pictures')
    const curved: Variant = (set, mult) => variant([...set, 'weights.curve=linear'], mult)
    await expect(
      studyRobustness(curved, requestIn('moved', ['weights=8']), silent, new AbortController().signal),
    ).rejects.toThrow('holds a study of other settings')
  })

  test('a line of the log that is no point is refused with its place', async () => {
    const request = requestIn('changed', ['weights=8'])
    await run(request)
    const log = join(request.directory, 'points.jsonl')
    const text = readFileSync(log, 'utf8')
    writeFileSync(log, text.replace(/"top1":[\d.]+/, '"top1":12'))
    await expect(run(request)).rejects.toMatchObject({ kind: 'data', where: `${log}:2` })
  })

  test('a directory that holds something else is left alone, unless forced', async () => {
    const request = requestIn('occupied', ['weights=8'])
    mkdirSync(request.directory)
    writeFileSync(join(request.directory, 'notes.txt'), 'mine')
    await expect(run(request)).rejects.toMatchObject({ kind: 'usage', where: '--out' })
    expect(readdirSync(request.directory)).toEqual(['notes.txt'])
    await run({ ...request, force: true })
    await run(request)
    writeFileSync(join(request.directory, 'run.json'), '{}')
    await expect(run(request)).rejects.toThrow('holds a run of xgen')
    await expect(run({ ...request, directory: net, force: true })).rejects.toMatchObject({ kind: 'usage' })
  })

  test('what does not exist for narrow operands is told, and left empty', async () => {
    const study = await run(requestIn('narrow', ['weights=2,8', 'mult=trunc:ka=2,kb=3']))
    const refused = study.points.filter((point) => 'refused' in point)
    expect(refused).toMatchObject([{ weights: 2, multipliers: 'trunc:ka=2,kb=3' }])
    const { matrices, axes } = matricesOf(study)
    expect(axes.row).toBe('multipliers')
    expect(matrices).toHaveLength(1)
    expect(matrices[0]!.columns).toEqual(['2/8', '8/8'])
    expect(matrices[0]!.values.map((value) => value === undefined)).toEqual([false, false, true, false])
    const page = await studyPage(study)
    expect(page.sections.map(({ id }) => id)).toEqual(['accuracy', 'layers', 'refused'])
  })

  test('a range of inputs, and layers of a run in float, are refused', async () => {
    await expect(run(requestIn('range', [], { inputRange: [0, 255] }))).rejects.toMatchObject({
      kind: 'usage',
      where: '--input-range',
    })
    const request = { data: `folder:${pictures}`, images: 1, precision: 'float', layerImages: 1 } as const
    await expect(
      evaluate(variant([], []), request, silent, new AbortController().signal),
    ).rejects.toMatchObject({ kind: 'usage', where: '--per-layer' })
  })

  test('misspelt multipliers, seeded weights and multipliers of the configuration are refused at once', async () => {
    await expect(run(requestIn('bad', ['mult=roop:p=1']))).rejects.toThrow('roop')
    expect(existsSync(join(directory, 'bad', 'plots'))).toBe(false)
    const withOwn: Variant = (set, mult) =>
      resolveConfiguration({
        environment: {},
        net,
        weights: weightFile,
        set,
        mult: ['conv=drum:k=4', ...(mult ?? [])],
      })
    const request = requestIn('own', ['mult=drum:k=3'])
    await expect(studyRobustness(withOwn, request, silent, new AbortController().signal)).rejects.toThrow(
      'the configuration has others: conv',
    )
    const own = await studyRobustness(
      withOwn,
      requestIn('own', ['weights=8']),
      silent,
      new AbortController().signal,
    )
    expect(own.multipliers).toEqual(['conv=drum:k=4'])
  })

  test('files: a page, the numbers, a line a point and a line a layer', async () => {
    const study = await run(requestIn('all', sweep))
    const at = join(directory, 'files')
    await writeStudy(study, at)
    const lines = (name: string) => readFileSync(join(at, name), 'utf8').trim().split('\n')
    expect(lines('results.csv')).toHaveLength(1 + 12)
    const layers = (study.points as MeasuredPoint[]).flatMap((point) => point.layers)
    expect(lines('layers.csv')).toHaveLength(1 + layers.length)
    expect(JSON.parse(readFileSync(join(at, 'robustness.json'), 'utf8'))).toEqual(
      JSON.parse(JSON.stringify(study)),
    )
    const svg = readFileSync(join(at, 'plots', 'accuracy-matrix.svg'), 'utf8')
    for (const point of study.points as MeasuredPoint[])
      expect(svg).toContain(`>${(100 * point.top1).toFixed(1)}<`)
    expect(lines('plots/accuracy-matrix.csv')).toHaveLength(1 + 12)
  })

  test.skipIf(!hasBrowser)(
    'a browser shows the page without complaint',
    async () => {
      const study = await run(requestIn('all', sweep))
      const at = join(directory, 'page')
      await writeStudy(study, at)
      const seen = await visit(join(at, 'robustness.html'))
      expect(seen).toMatchObject({ complaints: [], dead: [], pictures: 1, empty: 0, overflows: false })
    },
    60_000,
  )
})

describe('--sweep', () => {
  test('ranges, lists, choices of multipliers', () => {
    expect(parseSweep(['weights=2..4', 'weights=8,4', 'activations=5'])).toEqual({
      weights: [2, 3, 4, 8],
      activations: [5],
      multipliers: undefined,
    })
    expect(
      parseSweep(['mult=exact', 'mult=a=drum:k=3; b=drum:k=4', 'mult=roup:p=1,r=2']).multipliers,
    ).toEqual([[], ['a=drum:k=3', 'b=drum:k=4'], ['roup:p=1,r=2']])
  })

  test.each([
    ['weight=8', '"weight" cannot be swept. Did you mean "weights"?'],
    ['weights=1..8', '"1..8" are no bits'],
    ['weights=8..2', '"8..2" are no bits'],
    ['activations=', '"" are no bits'],
    ['activations=9', '"9" are no bits'],
    ['mult=', 'no multiplier is named'],
  ])('%s is refused', (text, message) => {
    expect(failure(() => parseSweep([text])).message).toContain(message)
  })
})
