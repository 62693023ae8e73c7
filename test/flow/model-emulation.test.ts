import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { decodeNpy, encodeNpy } from '../../src/base/npy.ts'
import { silent } from '../../src/base/progress.ts'
import { parseSweep } from '../../src/cli/sweep.ts'
import { floatNetwork } from '../../src/float/forward.ts'
import { resolveConfiguration } from '../../src/flow/configuration.ts'
import { evaluate } from '../../src/flow/eval.ts'
import { importedNetwork } from '../../src/flow/imported.ts'
import { infer } from '../../src/flow/infer.ts'
import { imageModel } from '../../src/flow/model-accuracy.ts'
import { emulatedModel, whyNotEmulated } from '../../src/flow/model-emulation.ts'
import { checkNetwork } from '../../src/flow/net.ts'
import { type MeasuredPoint, studyRobustness, type Variant } from '../../src/flow/robustness.ts'
import { createEvaluator } from '../../src/model/evaluator.ts'
import type { Model } from '../../src/model/model.ts'
import { readModel } from '../../src/model/read.ts'
import { accuracyCounter } from '../../src/net/data/accuracy.ts'
import type { ImageSet } from '../../src/net/data/store.ts'
import { conv, floatInput, normalTensor, onnxModel } from '../fixtures/onnx-models.ts'
import { quantisedModel, withCodeOperators } from '../fixtures/quantised-models.ts'
import {
  activationOptions,
  convolutionOptions,
  type FileModel,
  type FileTensor,
  poolOptions,
  tfliteFile,
} from '../fixtures/tflite.ts'

const directory = mkdtempSync(join(tmpdir(), 'xgen-model-'))
afterAll(() => rmSync(directory, { recursive: true }))

const pattern = (count: number, step: number) =>
  Array.from({ length: count }, (_, i) => ((i * step) % 255) - 127)
const q = (name: string, shape: readonly number[], scale: number, zeroPoint: number): FileTensor => ({
  name,
  type: 'int8',
  shape,
  scale: [scale],
  zeroPoint: [zeroPoint],
})

/** The small classifier with an input and a result of another type, by operators that quantise. */
function wrapped(type: 'float32' | 'uint8'): string {
  const { tensors, operators } = classifier(false)
  const outer = (name: string, shape: readonly number[], like: FileTensor): FileTensor => {
    if (type === 'float32') return { name, type, shape }
    return { name, type, shape, scale: like.scale!, zeroPoint: [like.zeroPoint![0]! + 128] }
  }
  const count = tensors.length
  const model: FileModel = {
    tensors: [...tensors, outer('pixels', [1, 8, 8, 3], tensors[0]!), outer('scores', [1, 5], tensors[7]!)],
    operators: [
      { operator: 'QUANTIZE', inputs: [count], outputs: [0] },
      ...operators,
      { operator: type === 'float32' ? 'DEQUANTIZE' : 'QUANTIZE', inputs: [7], outputs: [count + 1] },
    ],
    inputs: [count],
    outputs: [count + 1],
  }
  const path = join(directory, `${type}.tflite`)
  writeFileSync(path, tfliteFile(model))
  return path
}

function file(scaled = false): string {
  const path = join(directory, `${scaled ? 'scaled' : 'plain'}.tflite`)
  writeFileSync(path, tfliteFile(classifier(scaled)))
  return path
}

/** A small classifier of 8x8 images of three channels; `scaled` puts something behind it that no integer graph has. */
function classifier(scaled: boolean): FileModel {
  return {
    tensors: [
      q('image', [1, 8, 8, 3], 1, -128),
      { name: 'w', type: 'int8', shape: [8, 3, 3, 3], data: pattern(216, 37), scale: [0.002] },
      { name: 'b', type: 'int32', shape: [8], data: pattern(8, 1000) },
      q('a', [1, 8, 8, 8], 2, -128),
      q('p', [1, 4, 4, 8], 2, -128),
      q('f', [1, 128], 2, -128),
      { name: 'v', type: 'int8', shape: [5, 128], data: pattern(640, 91), scale: [0.0005] },
      q('y', [1, 5], 0.7, 4),
      q('z', [1, 5], 0.7, 4),
    ],
    operators: [
      {
        operator: 'CONV_2D',
        inputs: [0, 1, 2],
        outputs: [3],
        options: convolutionOptions({ same: true, stride: [1, 1], activation: 'RELU' }),
      },
      {
        operator: 'AVERAGE_POOL_2D',
        inputs: [3],
        outputs: [4],
        options: poolOptions({ same: false, stride: [2, 2], window: [2, 2] }),
      },
      { operator: 'RESHAPE', inputs: [4], outputs: [5] },
      { operator: 'FULLY_CONNECTED', inputs: [5, 6, -1], outputs: [7], options: activationOptions() },
      ...(scaled ? [{ operator: 'PRELU' as const, inputs: [7, 7], outputs: [8] }] : []),
    ],
    inputs: [0],
    outputs: [scaled ? 8 : 7],
  }
}

const images: ImageSet = {
  shape: [3, 8, 8],
  count: 70,
  images: Uint8Array.from({ length: 70 * 192 }, (_, i) => (i * i * 31 + i * 7) % 256),
  labels: Uint8Array.from({ length: 70 }, (_, i) => i % 5),
}

async function accuracyOf(model: { run: ReturnType<typeof imageModel>['run'] }) {
  const counter = accuracyCounter()
  await model.run(images, new AbortController().signal, () => {}, counter)
  return counter.result()
}

describe('int8 model files on the emulator', () => {
  test('score like the evaluation of the file, signed and unsigned', async () => {
    const model = readModel(file())
    const expected = await accuracyOf(imageModel(model, undefined))
    expect(expected.top1).toBeGreaterThan(0)
    for (const unsigned of [false, true]) {
      const emulated = emulatedModel(model, [], { unsigned })!
      expect(emulated.taken).toBe(unsigned ? 'bytes as 0..255' : 'bytes as -128..127')
      expect(await accuracyOf(emulated)).toEqual(expected)
    }
  })

  test.each(['float32', 'uint8'] as const)('with an input and a result of %s too', async (type) => {
    const scores = await accuracyOf(emulatedModel(readModel(file()), [], {})!)
    const model = readModel(wrapped(type))
    const inputRange = type === 'float32' ? ([0, 255] as const) : undefined
    const expected = await accuracyOf(imageModel(model, inputRange))
    for (const unsigned of [false, true]) {
      const emulated = emulatedModel(model, [], { unsigned, inputRange })!
      expect(emulated.taken).toBe(type === 'float32' ? 'pixels as 0..255' : 'bytes as 0..255')
      expect(await accuracyOf(emulated)).toEqual(expected)
      expect(expected).toEqual(scores)
    }
  })

  test('take features of sound in their own scale, whatever the set keeps them in', () => {
    const set = (images: ImageSet['images'], scale: number, offset: number): ImageSet => {
      const each = <T>(value: T) => [value, value, value]
      const encoding = { scale: each(scale), offset: each(offset) }
      return { shape: [3, 8, 8], count: 1, images, labels: Uint8Array.of(0), encoding }
    }
    const reals = Float32Array.from({ length: 192 }, (_, i) => 1.4 * i - 5)
    const stored = Int8Array.from(reals, (_, i) => i - 100)
    // the input's scale is 1, and its zero the least code
    const bytes = (values: Iterable<number>) =>
      Array.from(values, (real) => Math.max(0, Math.min(255, Math.round(real))))
    const wanted = [bytes(reals), bytes(Array.from(stored, (code) => 1.5 * code + 60))]
    for (const [path, offset, unsigned] of [
      [file(), -128, false],
      [file(), 0, true],
      [wrapped('uint8'), 0, false],
    ] as const) {
      const emulated = emulatedModel(readModel(path), [], { unsigned })!
      const codes = [set(reals, 1, 0), set(stored, 1.5, 60)].map((one) => [...emulated.codes(one)])
      expect(codes).toEqual(wanted.map((codes) => codes.map((code) => code + offset)))
    }
  })

  test('take multipliers, by the numbers of their layers', async () => {
    const model = readModel(file())
    const exact = await accuracyOf(emulatedModel(model, [], {})!)
    const zero = [{ selector: 'fc1', spec: 'trunc:ka=7,kb=7', where: '' }]
    expect(await accuracyOf(emulatedModel(model, zero, {})!)).not.toEqual(exact)
    expect(() => emulatedModel(model, [{ selector: 'conv7', spec: 'exact', where: '' }], {})).toThrow(
      /there is no layer "conv7"/,
    )
  })

  test('infer gives the codes of the file, in and out, and takes no multipliers', () => {
    const path = file()
    const [input, output] = [join(directory, 'x.npy'), join(directory, 'y.npy')]
    const codes = Int8Array.from({ length: 192 }, (_, i) => ((i * 89) % 256) - 128)
    writeFileSync(input, encodeNpy({ type: 'i1', shape: [1, 8, 8, 3], data: codes }))
    const request = { input, output, precision: undefined, codes: false }
    expect(infer(resolveConfiguration({ net: path }), request)).toMatchObject({
      precision: 'int',
      shape: [1, 5],
    })
    const { type, data } = decodeNpy(readFileSync(output), output)
    expect([type, data.length]).toEqual(['i1', 5])
    expect(() => infer(resolveConfiguration({ net: path, mult: ['default=drum:k=6'] }), request)).toThrow(
      /with exact multipliers/,
    )
  })

  test('become networks in float, which take images in [0, 1]', () => {
    const path = file()
    const { network, weights } = importedNetwork(path)
    expect(network.layers.map(({ name }) => name)).toEqual(['conv1', 'relu1', 'pool1', 'flatten', 'fc1'])
    const image = Uint8Array.from({ length: 192 }, (_, i) => (i * 89) % 256)
    const found = floatNetwork(network, weights).run(Float32Array.from(image, (byte) => byte / 255))
    // the codes of the file, as real values
    const model = readModel(path)
    const codes = Int8Array.from({ length: 192 }, (_, i) => image[(i % 3) * 64 + Math.floor(i / 3)]! - 128)
    const result = createEvaluator(model).run(
      new Map([['image', { type: 'int8', shape: [1, 8, 8, 3], data: codes }]]),
    )
    for (const [i, code] of [...(result.get('y')!.data as Int8Array)].entries())
      if (code > -128 && code < 127) expect(Math.abs(0.7 * (code - 4) - found[i]!)).toBeLessThan(1.2)
    expect(checkNetwork(path)).toMatchObject({ output: [5], integers: null })
  })

  test('are studied with several multipliers, not with other bits', async () => {
    const pictures = join(directory, 'pictures')
    for (let label = 0; label < 5; label++) {
      mkdirSync(join(pictures, `${label}`), { recursive: true })
      for (let i = 0; i < 4; i++) {
        const pixels = Uint8Array.from({ length: 192 }, (_, n) => (n * n * 31 + i * 7 + label * 50) % 256)
        writeFileSync(
          join(pictures, `${label}`, `${i}.ppm`),
          Buffer.concat([Buffer.from('P6 8 8 255\n'), pixels]),
        )
      }
    }
    const net = file()
    const data = `folder:${pictures}`
    const variant: Variant = (set, mult) =>
      resolveConfiguration({ environment: {}, net, set, ...(mult === undefined ? {} : { mult }) })
    const signal = new AbortController().signal
    const study = (sweep: string[]) =>
      studyRobustness(
        variant,
        {
          data,
          split: 'test',
          images: undefined,
          layerImages: 8,
          directory: join(directory, 'study'),
          ...parseSweep(sweep),
        },
        silent,
        signal,
      )
    const { points } = await study(['mult=fc1=trunc:ka=7,kb=7'])
    for (const [i, mult] of [[], ['fc1=trunc:ka=7,kb=7']].entries()) {
      const alone = await evaluate(
        variant([], mult),
        { data, images: undefined, precision: undefined },
        silent,
        signal,
      )
      expect(points[i]).toMatchObject({ images: 20, top1: alone.top1, top5: alone.top5 })
    }
    const errors = (points[1] as MeasuredPoint).layers
    expect(errors.filter(({ max }) => max > 0).map(({ name }) => name)).toEqual(['fc1'])
    await expect(study(['weights=4'])).rejects.toThrow('a model file has its own bits')
  })

  test('have bits of their own: others that are asked for are refused, not passed over', async () => {
    const signal = new AbortController().signal
    const run = (setting: string, precision?: 'float') =>
      evaluate(
        resolveConfiguration({ environment: {}, net: file(), set: [setting] }),
        { data: 'cifar-10', images: 1, precision },
        silent,
        signal,
      )
    for (const setting of ['weights', 'activations'])
      await expect(run(`quant.${setting}=4`)).rejects.toMatchObject({ where: `quant.${setting}` })
    // the images do not fit, which is found later
    for (const [setting, precision] of [['quant.activations=uint8'], ['quant.weights=4', 'float']] as const)
      await expect(run(setting, precision)).rejects.toMatchObject({ where: '--data' })
  })

  test('files without an integer graph are evaluated as they are, unless multipliers are asked for', () => {
    const model = readModel(file(true))
    expect(emulatedModel(model, [], {})).toBeUndefined()
    expect(whyNotEmulated(model)).toMatch(/prelu_4 \(PRELU\): has no integer rule/)
    expect(() => emulatedModel(model, [{ selector: 'default', spec: 'exact', where: '' }], {})).toThrow(
      /prelu_4 \(PRELU\): has no integer rule/,
    )
  })
})

test('quantised files that take no images are told so', () => {
  const sketch = onnxModel(
    [floatInput('x', 1, 6)],
    [{ operator: 'Gemm', inputs: ['x', 'v'], outputs: ['y'] }],
    ['y'],
    { v: normalTensor([6, 5], 3) },
  )
  const x = { type: 'float32', shape: [1, 6], data: Float32Array.of(0, 1, 2, 3, 4, 5) } as const
  const model = quantisedModel(sketch, [x], { type: 'uint8', weights: 'int8', perFilter: false })
  expect(emulatedModel(model, [], {})).toBeUndefined()
  expect(whyNotEmulated(model)).toBe(
    'the emulator gives a model file images of four axes; its input "x" is [1, 6]',
  )
})

describe('quantised ONNX files on the emulator', () => {
  const model = (): Model => {
    const sketch = onnxModel(
      [floatInput('image', undefined, 3, 8, 8)],
      [
        conv(['image', 'w', 'b'], 'a', { pads: [1, 1, 1, 1], strides: [2, 2] }),
        { operator: 'Relu', inputs: ['a'], outputs: ['r'] },
        { operator: 'GlobalAveragePool', inputs: ['r'], outputs: ['p'] },
        { operator: 'Flatten', inputs: ['p'], outputs: ['f'] },
        { operator: 'Gemm', inputs: ['f', 'v'], outputs: ['y'], attributes: { transB: 1 } },
        { operator: 'Softmax', inputs: ['y'], outputs: ['z'] },
      ],
      ['z'],
      { w: normalTensor([6, 3, 3, 3], 1), b: normalTensor([6], 2), v: normalTensor([5, 6], 3) },
    )
    const data = Float32Array.from(images.images.subarray(0, 8 * 192), (byte) => byte / 255)
    return quantisedModel(sketch, [{ type: 'float32', shape: [8, 3, 8, 8], data }], {
      type: 'uint8',
      weights: 'int8',
      perFilter: true,
      plain: ['z'],
    })
  }

  test('score like the evaluation of the file, and take multipliers by the names of nodes', async () => {
    const whole = withCodeOperators(model())
    const expected = await accuracyOf(imageModel(whole, [0, 1]))
    const emulated = emulatedModel(whole, [], {})!
    expect(emulated.taken).toBe('pixels as 0..1')
    expect(await accuracyOf(emulated)).toEqual(expected)
    const coarse = [{ selector: 'Gemm_4', spec: 'trunc:ka=7,kb=7', where: '' }]
    const [exact, approximate] = [emulated, emulatedModel(whole, coarse, {})!].map(({ emulator, codes }) =>
      emulator.runBatch(codes(images), images.count),
    )
    expect(approximate!.get('Conv_0')).toEqual(exact!.get('Conv_0')!)
    expect(approximate!.get('Gemm_4')).not.toEqual(exact!.get('Gemm_4'))
  })

  test('take no features of sound where they take codes: their scale is not told', () => {
    const [quantiser, ...nodes] = withCodeOperators(model()).nodes
    const codes = { name: quantiser!.outputs[0]!, type: 'uint8', shape: [1, 3, 8, 8] } as const
    const emulated = emulatedModel({ ...withCodeOperators(model()), inputs: [codes], nodes }, [], {})!
    const set = { ...images, count: 1, encoding: { scale: [1, 1, 1], offset: [0, 0, 0] } }
    expect(() => emulated.codes({ ...set, images: new Float32Array(192) })).toThrow('a scale that its file')
    expect([...emulated.codes({ ...set, images: new Int8Array(192).fill(-28) })]).toEqual(
      new Array(192).fill(100),
    )
  })

  test('get the range that images are given in', async () => {
    const emulated = emulatedModel(model(), [], { inputRange: [-1, 1] })!
    const codes = emulated.codes({ ...images, count: 1 })
    const { scale, zeroPoint } = emulated.emulator.graph.tensors['input']!
    const least = Math.min(...images.images.subarray(0, 192))
    expect(Math.min(...codes)).toBe(Math.max(0, Math.round((-1 + (2 * least) / 255) / scale) + zeroPoint))
  })
})
