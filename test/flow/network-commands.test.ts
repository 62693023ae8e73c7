import { existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { execa } from 'execa'
import { afterAll, describe, expect, test } from 'vitest'
import { packageRoot } from '../../src/base/files.ts'
import { decodeNpy, encodeNpy } from '../../src/base/npy.ts'
import { readNpz } from '../../src/base/npz.ts'
import { silent } from '../../src/base/progress.ts'
import { createEmulator } from '../../src/emu/emulator.ts'
import { resolveConfiguration } from '../../src/flow/configuration.ts'
import { evaluate } from '../../src/flow/eval.ts'
import { infer } from '../../src/flow/infer.ts'
import { checkNetwork, showNetwork } from '../../src/flow/net.ts'
import { prepare, quantiseInput, testImages } from '../../src/flow/preparation.ts'
import { trainNetwork } from '../../src/flow/train.ts'
import { dataSet } from '../../src/net/data/catalogue.ts'
import { bytesAt, isPresent, realImage } from '../../src/net/data/store.ts'
import { syntheticDigits } from '../../src/net/data/synthetic.ts'
import { lenet5 } from '../../src/net/zoo/lenet5.ts'
import { recordSchema } from '../../src/quant/record.ts'

const directory = mkdtempSync(join(tmpdir(), 'xgen-flow-'))
afterAll(() => rmSync(directory, { recursive: true, force: true }))
const path = (name: string) => join(directory, name)
const configuration = (...mult: string[]) => resolveConfiguration({ net: 'lenet5', mult, environment: {} })
const shared = resolve(packageRoot, '../shared/data')
if (process.env['XGEN_DATA_DIR'] === undefined && existsSync(shared)) process.env['XGEN_DATA_DIR'] = shared

/** The reason why a test of the real data set does not run, if it does not. */
function absent(): string | undefined {
  if (isPresent(dataSet('mnist'))) return undefined
  if (process.env['XGEN_DATA_DIR'] !== undefined) throw new Error('XGEN_DATA_DIR has no mnist')
  return 'not run: no data (set XGEN_DATA_DIR, or run "xgen data fetch mnist")'
}

describe('preparation', () => {
  const prepared = prepare(configuration('conv2=roup:p=1,r=2'))

  test('gives the graph, and the multiplier of every layer', () => {
    expect(prepared.graph.nodes.map(({ name }) => name)).toEqual([
      'conv1',
      'pool1',
      'conv2',
      'pool2',
      'flatten',
      'fc1',
      'fc2',
      'fc3',
    ])
    expect(
      [...prepared.assignment].map(
        ([name, { multipliers }]) => `${name} ${multipliers.map(({ spec }) => spec)}`,
      ),
    ).toEqual(['conv1 exact', 'conv2 roup:p=1,r=2', 'fc1 exact', 'fc2 exact', 'fc3 exact']) // prettier-ignore
  })

  test('is the same every time', () => {
    expect(prepare(configuration('conv2=roup:p=1,r=2')).graph).toEqual(prepared.graph)
  })

  test('digits are drawn where no data is there, and say so', () => {
    const drawn = testImages({ ...lenet5, input: { shape: [1, 20, 20] } }, 5, 1)
    expect(drawn.source).toBe('synthetic digits')
    expect(drawn.images.map(({ length }) => length)).toEqual([400, 400, 400, 400, 400])
  })

  test('digits are of the set that fits, the one that is named first', (context) => {
    const reason = absent()
    if (reason !== undefined) return context.skip(reason)
    const other = { ...lenet5, name: 'other' }
    const found = testImages(other, 3, 1)
    expect(found).toEqual(testImages(lenet5, 3, 1))
    expect(found.source).toBe('mnist test set')
    expect(testImages(other, 3, 1, 'drawn')).toEqual(found)
    if (isPresent(dataSet('fashion-mnist')))
      expect(testImages(lenet5, 3, 1, 'fashion-mnist').source).toBe('fashion-mnist test set')
    const narrow = { ...other, layers: other.layers.slice(0, -1) }
    expect(testImages(narrow, 3, 1).source).toBe('synthetic digits')
  })

  test('an image of another size is refused', () => {
    expect(() => quantiseInput(prepared.graph, new Uint8Array(100))).toThrow(
      'an image has 100 values; the network "lenet5" takes 1x28x28 = 784',
    )
  })
})

describe('the built-in LeNet-5', () => {
  const record = recordSchema.parse(
    JSON.parse(readFileSync(join(packageRoot, 'nets', 'lenet5.json'), 'utf8')),
  )

  test('its weights are those that its record describes, and meet the bars', () => {
    expect(prepare(configuration()).weightsHash).toBe(record.weights)
    expect(record.training!.command).toMatch(/^xgen train --net lenet5 --data mnist --seed 1 /)
    expect(record.accuracy!.images).toBe(10000)
    expect(record.accuracy!.float).toBeGreaterThanOrEqual(0.989)
    expect(Math.abs(record.accuracy!.float - record.accuracy!.int8)).toBeLessThanOrEqual(0.002)
  })

  test('finds the digits of the test set', async (context) => {
    const reason = absent()
    if (reason !== undefined) return context.skip(reason)
    const run = (precision: 'int' | 'float', ...mult: string[]) =>
      evaluate(
        configuration(...mult),
        { data: 'mnist', images: 1000, precision },
        silent,
        new AbortController().signal,
      )
    const exact = await run('int')
    expect(exact.images).toBe(1000)
    expect(exact.top1).toBeGreaterThan(0.98)
    expect(exact.top5).toBeGreaterThanOrEqual(exact.top1)
    expect(exact.interval[0]).toBeLessThan(exact.top1)
    expect(exact.interval[1]).toBeGreaterThan(exact.top1)
    expect(Math.abs((await run('float')).top1 - exact.top1)).toBeLessThan(0.005)
    const coarse = await run('int', 'trunc:ka=6,kb=6')
    expect(coarse.top1).toBeLessThan(exact.top1)
    expect(coarse.multipliers).toEqual({ default: 'trunc:ka=6,kb=6' })
  })

  test('finds drawn digits that it has never seen better than chance', () => {
    const { graph, assignment, network } = prepare(configuration())
    const drawn = syntheticDigits(network.input.shape, 60, 1)
    const emulator = createEmulator(graph, assignment)
    const hits = Array.from(drawn.labels).filter((label, i) => {
      const codes = quantiseInput(graph, bytesAt(drawn, i))
      const scores = emulator.runImage(codes).get(graph.output)!
      return scores.indexOf(Math.max(...scores)) === label
    })
    expect(hits.length).toBeGreaterThan(30)
  })
})

describe('infer', () => {
  const { graph, assignment, network } = prepare(configuration())
  const { images } = testImages(network, 3, 4)
  const real = Float32Array.from(images.flatMap((image) => [...realImage(image)]))
  const request = { input: path('x.npy'), output: path('y.npy'), precision: 'int' as const, codes: false }

  test('real values in and out, as the emulator computes them', () => {
    writeFileSync(request.input, encodeNpy({ type: 'f4', shape: [3, 1, 28, 28], data: real }))
    expect(infer(configuration(), request)).toMatchObject({ images: 3, shape: [3, 10] })
    const { shape, data } = decodeNpy(readFileSync(request.output), 'y')
    expect(shape).toEqual([3, 10])
    const emulator = createEmulator(graph, assignment)
    const { scale } = graph.tensors[graph.output]!
    const expected = images.flatMap((image) =>
      Array.from(emulator.runImage(quantiseInput(graph, image)).get(graph.output)!, (code) =>
        Math.fround(code * scale),
      ),
    )
    expect([...(data as Float32Array)]).toEqual(expected)
  })

  test('one image has no leading dimension; codes go in and out', () => {
    const codes = quantiseInput(graph, images[0]!)
    writeFileSync(request.input, encodeNpy({ type: 'i1', shape: [1, 28, 28], data: codes as Int8Array }))
    infer(configuration(), { ...request, codes: true })
    const { type, shape, data } = decodeNpy(readFileSync(request.output), 'y')
    expect([type, shape]).toEqual(['i1', [10]])
    expect([...(data as Int8Array)]).toEqual([
      ...createEmulator(graph, assignment).runImage(codes).get(graph.output)!,
    ])
  })

  test('.npz holds every tensor, of the float reference too', () => {
    writeFileSync(request.input, encodeNpy({ type: 'f4', shape: [1, 28, 28], data: real.slice(0, 784) }))
    infer(configuration(), { ...request, output: path('all.npz'), precision: 'float' })
    const tensors = readNpz(readFileSync(path('all.npz')), 'all')
    expect(tensors.map(({ name }) => name)).toEqual(lenet5.layers.map(({ name }) => name))
    expect(tensors[0]!.shape).toEqual([6, 28, 28])
  })

  test.each([
    [
      'another shape',
      { type: 'f4', shape: [28, 28], data: new Float32Array(784) },
      false,
      'has the shape [28, 28]; expected is [1, 28, 28] or [n, 1, 28, 28]',
    ],
    [
      'integers without --codes',
      { type: 'u1', shape: [1, 28, 28], data: new Uint8Array(784) },
      false,
      'holds u1 values',
    ],
    [
      'NaN',
      { type: 'f4', shape: [1, 28, 28], data: new Float32Array(784).fill(Number.NaN) },
      false,
      'holds NaN at element 0',
    ],
    [
      'bytes as real values',
      { type: 'f4', shape: [1, 28, 28], data: new Float32Array(784).fill(255, 1) },
      false,
      'holds 255 at element 1: inputs lie in [0, 1]',
    ],
    [
      'a negative value',
      { type: 'f4', shape: [1, 28, 28], data: new Float32Array(784).fill(-0.5) },
      false,
      'holds -0.5 at element 0: inputs lie in [0, 1]',
    ],
    [
      'codes out of range',
      { type: 'i4', shape: [1, 28, 28], data: new Int32Array(784).fill(200) },
      true,
      'holds 200 at element 0: codes are whole numbers from -128 to 127',
    ],
  ] as const)('%s is refused', (_name, array, codes, message) => {
    writeFileSync(request.input, encodeNpy(array))
    expect(() => infer(configuration(), { ...request, codes })).toThrow(message)
  })

  test('values a rounding beyond [0, 1] are taken', () => {
    const data = Float32Array.from({ length: 784 }, (_, i) => (i % 2 === 0 ? -0.0005 : 1.0005))
    writeFileSync(request.input, encodeNpy({ type: 'f4', shape: [1, 28, 28], data }))
    expect(infer(configuration(), request)).toMatchObject({ images: 1 })
  })

  test('the input is never written over, by whatever name', () => {
    const bytes = encodeNpy({ type: 'f4', shape: [1, 28, 28], data: real.slice(0, 784) })
    writeFileSync(request.input, bytes)
    symlinkSync(request.input, path('link.npy'))
    for (const output of [request.input, path('./x.npy'), path('link.npy')]) {
      expect(() => infer(configuration(), { ...request, output })).toThrow(
        expect.objectContaining({ kind: 'usage', message: `--output ${output} is the input file` }),
      )
    }
    expect(readFileSync(request.input)).toEqual(Buffer.from(bytes))
  })
})

test('net show and net check', () => {
  const { parameters, macs, layers } = showNetwork('lenet5')
  expect({ parameters, macs }).toEqual({ parameters: 61706, macs: 416520 })
  expect(layers[0]).toMatchObject({
    name: 'conv1',
    kind: 'conv2d',
    input: [1, 28, 28],
    output: [6, 28, 28],
    parameters: 156,
    macs: 117600,
  })
  expect(checkNetwork('lenet5')).toMatchObject({ ok: true, output: [10] })
  const branches = showNetwork('resnet8').layers.filter(({ inputs }) => inputs.length > 1)
  expect(branches.map(({ name, inputs }) => [name, ...inputs])).toEqual([
    ['add1', 'conv3', 'relu1'],
    ['add2', 'conv5', 'pad2'],
    ['add3', 'conv7', 'pad3'],
  ])
})

test('training a network that does not fit the data is refused before anything is read', async () => {
  const file = path('wide.yaml')
  writeFileSync(
    file,
    'name: wide\ninput: { shape: [1, 28, 28] }\nlayers:\n  - { kind: flatten }\n  - { kind: dense, units: 12 }\n',
  )
  const request = {
    net: file,
    data: 'mnist',
    weights: undefined,
    out: path('w.safetensors'),
    calibration: 1,
    resume: false,
    epochs: 1,
    batch: 8,
    rate: 0.01,
    optimiser: 'adam' as const,
    shift: 0,
    seed: 1,
  }
  const run = (changes: object) =>
    trainNetwork({ ...request, ...changes }, silent, new AbortController().signal)
  await expect(run({})).rejects.toMatchObject({
    kind: 'usage',
    message: 'mnist has 10 classes; the network "wide" gives 12 results',
  })
  await expect(run({ net: 'lenet5', epochs: 0 })).rejects.toMatchObject({
    kind: 'usage',
    message: expect.stringContaining('needs weights'),
  })
  await expect(run({ net: 'lenet5', out: path('w.npz') })).rejects.toMatchObject({ kind: 'usage' })
})

describe('the command line', () => {
  const xgen = (args: string[], environment: Record<string, string> = {}) =>
    execa('node', ['--import', 'tsx', join(packageRoot, 'src/cli/main.ts'), ...args], {
      cwd: packageRoot,
      reject: false,
      env: environment,
      timeout: 60_000,
    })

  test.each([
    ['net show lenet5 --json', 0, { net: 'lenet5', parameters: 61706 }],
    ['net check --net lenet5 --json', 0, { net: 'lenet5', ok: true, hardware: [] }],
    ['net check nowhere.yaml --json', 2, { error: { kind: 'usage' } }],
    ['eval --net lenet6 --json', 2, { error: { kind: 'usage', where: '--net' } }],
    [
      'eval --net lenet5 --data mnist --json',
      5,
      { error: { kind: 'data', hint: expect.stringContaining('xgen data fetch mnist') } },
    ],
    ['data fetch mnist --offline --json', 5, { error: { kind: 'data' } }],
    ['data fetch cifar-100 --offline --json', 5, { error: { kind: 'data' } }],
    ['data fetch imagenet --json', 5, { error: { hint: expect.stringContaining('image-net.org') } }],
    ['eval --net lenet5 --data cifar-10 --json', 2, { error: { kind: 'usage', where: '--data' } }],
    [
      'eval --net lenet5 --data folder:nowhere --json',
      5,
      { error: { kind: 'data', where: 'folder:nowhere' } },
    ],
    ['eval --net lenet5 --sweep weights=9 --json', 2, { error: { kind: 'usage', where: '--sweep weights' } }],
    [
      'net show mobilnetv2:width=1 --json',
      2,
      { error: { message: expect.stringContaining('Did you mean "mobilenetv2:width=1"?') } },
    ],
    [
      'eval --net lenet5 --mult exact --mult drum:k=4 --json',
      2,
      { error: { kind: 'usage', where: '--mult' } },
    ],
    ['eval --net lenet5 --force --json', 2, { error: { kind: 'usage', where: '--force' } }],
    ['net show mobilenetv1:width=9 --json', 2, { error: { kind: 'usage', where: 'net' } }],
    [
      'train --net lenet5 --data mnist --epochs -1 --json',
      2,
      { error: { kind: 'usage', where: '--epochs' } },
    ],
  ])('%s', async (line, code, value) => {
    const { exitCode, stdout } = await xgen(line.split(' '), { XGEN_DATA_DIR: path('empty') })
    expect(JSON.parse(stdout)).toMatchObject(value)
    expect(exitCode).toBe(code)
  })

  test('net show for people names what layers read, where that is not the layer before', async () => {
    const { stdout: plain } = await xgen(['net', 'show', 'lenet5'], {})
    expect(plain).not.toContain('reads')
    const { stdout } = await xgen(['net', 'show', 'resnet8'], {})
    expect(stdout).toMatch(/^layer +kind +reads +output +parameters +MACs$/m)
    expect(stdout).toMatch(/^conv2 +conv2d +16 filters, 3x3, padding 1 +16x32x32/m)
    expect(stdout).toMatch(/^pool2 +average-pool +2x2 +16x16x16/m)
    expect(stdout).toMatch(/^conv4 +conv2d +32 filters, 3x3, stride 2x2, padding 1 +relu3 +32x16x16/m)
    expect(stdout).toMatch(/^add2 +add +conv5, pad2 +32x16x16/m)
  })

  test('seeded weights are told as what they are', async () => {
    const { stderr, exitCode } = await xgen(['eval', '--net', 'resnet8', '--weights', 'seeded'], {})
    expect(stderr).toContain('xgen: seeded weights, untrained')
    expect(stderr).toContain('they have no accuracy to measure')
    expect(exitCode).toBe(2)
  })

  test('data path and list for people', async () => {
    const { stdout, exitCode } = await xgen(['data', 'list'], { XGEN_DATA_DIR: path('empty') })
    expect(stdout).toMatch(/^mnist +absent/)
    expect(exitCode).toBe(0)
  })
})
