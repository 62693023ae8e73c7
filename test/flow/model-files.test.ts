import { mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import { describe, expect, it } from 'vitest'
import { packageRoot } from '../../src/base/files.ts'
import { decodeNpy, encodeNpy } from '../../src/base/npy.ts'
import { readNpzArrays, writeNpz } from '../../src/base/npz.ts'
import { silent } from '../../src/base/progress.ts'
import { resolveConfiguration } from '../../src/flow/configuration.ts'
import { importedNetwork } from '../../src/flow/imported.ts'
import { parseInputRange } from '../../src/flow/model-accuracy.ts'
import { inferModel } from '../../src/flow/model-infer.ts'
import { exportNetwork } from '../../src/flow/net-export.ts'
import { importNetwork } from '../../src/flow/net-import.ts'
import { planDesign } from '../../src/flow/planning.ts'
import { prepare } from '../../src/flow/preparation.ts'
import { productEnergies } from '../../src/flow/product-energy.ts'
import type { ModelTensor } from '../../src/model/model.ts'
import { writeOnnx } from '../../src/model/onnx/write.ts'
import { readModel } from '../../src/model/read.ts'
import { readNetworkFile } from '../../src/net/schema.ts'
import { hashWeights, readWeights } from '../../src/net/weights.ts'
import { failure } from '../fixtures/failure.ts'
import { digitsModel, floatInput, int64Tensor, normalTensor, onnxModel } from '../fixtures/onnx-models.ts'
import { hasOsu018 } from '../fixtures/synthesis.ts'

const directory = mkdtempSync(join(tmpdir(), 'xgen-model-'))
const at = (name: string) => join(directory, name)

describe('xgen infer on a model file', () => {
  writeFileSync(at('digits.onnx'), writeOnnx(digitsModel()))
  const images = normalTensor([3, 1, 28, 28], 9)
  writeFileSync(
    at('x.npy'),
    encodeNpy({ type: 'f4', shape: images.shape, data: images.data as Float32Array }),
  )
  const request = { input: at('x.npy'), output: at('y.npy'), precision: undefined, codes: false }

  it('takes and gives tensors as the file has them', () => {
    const result = inferModel(at('digits.onnx'), request)
    expect(result).toMatchObject({ precision: 'float', images: 3, shape: [3, 10] })
    const { type, shape } = decodeNpy(readFileSync(at('y.npy')), 'y.npy')
    expect([type, ...shape]).toEqual(['f4', 3, 10])
  })

  it('takes several tensors by name, and gives several', () => {
    const model = onnxModel(
      [floatInput('a', 2, 2), floatInput('w', 2, 3)],
      [
        { operator: 'MatMul', inputs: ['a', 'w'], outputs: ['product'] },
        { operator: 'Shape', inputs: ['product'], outputs: ['size'] },
      ],
      ['product', 'size'],
    )
    writeFileSync(at('two.onnx'), writeOnnx(model))
    const float = (shape: number[], ...values: number[]) =>
      ({ type: 'f4', shape, data: Float32Array.from(values) }) as const
    writeFileSync(
      at('in.npz'),
      writeNpz(
        new Map([
          ['w', float([2, 3], 1, 2, 3, 4, 5, 6)],
          ['a', float([2, 2], 1, 0, 0, 2)],
        ]),
      ),
    )
    inferModel(at('two.onnx'), { ...request, input: at('in.npz'), output: at('out.npz') })
    const arrays = readNpzArrays(readFileSync(at('out.npz')), 'out.npz')
    expect([...(arrays.get('product')!.data as Float32Array)]).toEqual([1, 2, 3, 8, 10, 12])
    expect(arrays.get('size')).toMatchObject({ type: 'i8', data: int64Tensor(2, 3).data })
    expect(() => inferModel(at('two.onnx'), request)).toThrow(/2 outputs \(product, size\)/)
    expect(() => inferModel(at('two.onnx'), { ...request, output: at('o.npz') })).toThrow(/2 inputs \(a, w\)/)
    writeFileSync(at('bad.npz'), writeNpz(new Map([['b', float([1], 1)]])))
    expect(() =>
      inferModel(at('two.onnx'), { ...request, input: at('bad.npz'), output: at('o.npz') }),
    ).toThrow(/holds "b", which is no input of the model/)
  })

  it('refuses inputs and weights that are no finite numbers, with their place', () => {
    for (const value of [Number.NaN, Infinity]) {
      const data = Float32Array.from(images.data as Float32Array)
      data[785] = value
      writeFileSync(at('nan.npy'), encodeNpy({ type: 'f4', shape: images.shape, data }))
      expect(
        failure(() => inferModel(at('digits.onnx'), { ...request, input: at('nan.npy') })),
      ).toMatchObject({
        kind: 'data',
        where: at('nan.npy'),
        message: expect.stringContaining(`holds ${value} at element 785 of "`),
      })
      const weight = normalTensor([2, 3], 1)
      ;(weight.data as Float32Array)[4] = value
      const model = onnxModel(
        [floatInput('x', 1, 2)],
        [{ operator: 'MatMul', inputs: ['x', 'w'], outputs: ['y'] }],
        ['y'],
        { w: weight },
      )
      writeFileSync(at('weights.onnx'), writeOnnx(model))
      expect(failure(() => readModel(at('weights.onnx')))).toMatchObject({
        kind: 'data',
        where: at('weights.onnx'),
        message: expect.stringMatching(
          new RegExp(`^tensor "w", which node .*MatMul.* holds ${value} at element 4$`),
        ),
      })
    }
  })

  it('takes bounds without an end', () => {
    const bound = (value: number): ModelTensor => ({
      type: 'float32',
      shape: [],
      data: Float32Array.of(value),
    })
    const model = onnxModel(
      [floatInput('x', 1, 2)],
      [{ operator: 'Clip', inputs: ['x', 'low', 'high'], outputs: ['y'] }],
      ['y'],
      { low: bound(0), high: bound(Infinity) },
    )
    writeFileSync(at('clip.onnx'), writeOnnx(model))
    writeFileSync(at('two.npy'), encodeNpy({ type: 'f4', shape: [1, 2], data: Float32Array.of(-3, 4) }))
    inferModel(at('clip.onnx'), { ...request, input: at('two.npy') })
    expect([...(decodeNpy(readFileSync(at('y.npy')), 'y').data as Float32Array)]).toEqual([0, 4])
  })

  it('says that a float model has no integers', () => {
    expect(() => inferModel(at('digits.onnx'), { ...request, precision: 'int' })).toThrow(
      /computes in float: it has no integers/,
    )
    expect(() => inferModel(at('digits.onnx'), { ...request, codes: true })).toThrow(/--codes/)
  })
})

describe('xgen net import and export', () => {
  const { signal } = new AbortController()

  it('make files of a model that give the same network again', async () => {
    const request = {
      file: at('digits.onnx'),
      out: at('imported'),
      inputRange: undefined,
      data: undefined,
      images: 8,
    }
    const result = await importNetwork(request, silent, signal)
    expect(result).toMatchObject({ net: 'digits', layers: 7, input: [1, 28, 28], output: [10], record: null })
    const network = readNetworkFile(result.network)
    const lowered = importedNetwork(at('digits.onnx'))
    expect(network).toEqual(lowered.network)
    expect(hashWeights(readWeights(result.weights, network), network)).toBe(
      hashWeights(lowered.weights, lowered.network),
    )
  })

  it('leave a softmax at the end to the host, so that hardware can be made of the rest', async () => {
    const model = digitsModel()
    const softmax = { operator: 'Softmax', name: 'shares', domain: '', version: 17, attributes: new Map() }
    const nodes = [...model.nodes, { ...softmax, inputs: ['scores'], outputs: ['p'] }]
    const outputs = model.outputs.map((output) => ({ ...output, name: 'p' }))
    writeFileSync(at('shares.onnx'), writeOnnx({ ...model, nodes, outputs }))
    const request = { out: at('shares'), inputRange: undefined, data: undefined, images: 8 }
    const result = await importNetwork({ ...request, file: at('shares.onnx') }, silent, signal)
    expect(result).toMatchObject({ layers: 7, leftOut: 'shares' })
    expect(readNetworkFile(result.network).layers.map(({ kind }) => kind)).not.toContain('softmax')
    const whole = importedNetwork(at('shares.onnx'))
    expect(whole.network.layers.at(-1)).toMatchObject({ kind: 'softmax' })
    // the model file takes the weights too
    const hashes = [readNetworkFile(result.network), whole.network].map((network) =>
      hashWeights(readWeights(result.weights, network), network),
    )
    expect(hashes[0]).toBe(hashes[1])
    const planned = (net: string) => {
      const configuration = resolveConfiguration({ net, weights: 'seeded' })
      return planDesign(configuration, prepare(configuration))
    }
    expect(() => planned(at('shares.onnx'))).toThrow(/shares.* is a softmax/)
    expect(planned(result.network)).toBeDefined()
  })

  it('write over no other network, and no other weights, unless forced', async () => {
    const out = at('kept')
    const request = { out, inputRange: undefined, data: undefined, images: 8 }
    const result = await importNetwork({ ...request, file: at('digits.onnx') }, silent, signal)
    // the same again is no change
    await importNetwork({ ...request, file: at('digits.onnx') }, silent, signal)
    const weights = readFileSync(result.weights)
    const model = digitsModel()
    const [name, first] = [...model.constants][0]!
    const changed = { ...first, data: Float32Array.from(first.data as Float32Array, (value) => 2 * value) }
    const file = at('other/digits.onnx')
    mkdirSync(at('other'))
    writeFileSync(file, writeOnnx({ ...model, constants: new Map([...model.constants, [name, changed]]) }))
    await expect(importNetwork({ ...request, file }, silent, signal)).rejects.toMatchObject({
      kind: 'usage',
      where: '--out',
      message: `${result.weights} is there already, and holds other weights`,
    })
    expect(readFileSync(result.weights)).toEqual(weights)
    await importNetwork({ ...request, file, force: true }, silent, signal)
    expect(readFileSync(result.weights)).not.toEqual(weights)
    writeFileSync(result.network, 'mine')
    await expect(importNetwork({ ...request, file }, silent, signal)).rejects.toThrow('holds another network')
  })

  it('find out that nothing can be written before they calibrate, and end when they are interrupted', async () => {
    const pixels = Uint8Array.from({ length: 784 }, (_, i) => i % 251)
    for (let label = 0; label < 10; label++)
      for (const split of ['train', 'val']) {
        mkdirSync(at(`pictures/${split}/${label}`), { recursive: true })
        const picture = Buffer.concat([Buffer.from('P5 28 28 255\n'), pixels.map((value) => value ^ label)])
        writeFileSync(at(`pictures/${split}/${label}/0.pgm`), picture)
      }
    const file = at('digits.onnx')
    const request = { file, inputRange: undefined, data: `folder:${at('pictures')}`, images: 8 }
    const steps: string[] = []
    const progress = { ...silent, step: (label: string) => void steps.push(label.replace(/ .*/, '')) }
    await expect(importNetwork({ ...request, out: file }, progress, signal)).rejects.toThrow(
      'is no directory',
    )
    expect(steps).toEqual(['reading'])
    const out = at('interrupted')
    const abort = new AbortController()
    const ending = { ...silent, update: () => abort.abort(new Error('interrupted')) }
    await expect(importNetwork({ ...request, out }, ending, abort.signal)).rejects.toThrow('interrupted')
    expect(readdirSync(out)).toEqual([])
    expect(await importNetwork({ ...request, out }, silent, signal)).toMatchObject({
      record: join(out, 'digits.json'),
    })
  })

  it('that find next to nothing may be made for other pixels, which xgen eval tells', async () => {
    const main = join(packageRoot, 'src/cli/main.ts')
    const evaluate = ['eval', '--net', at('digits.onnx'), '--data', `folder:${at('pictures')}`]
    const run = (...args: string[]) => execa('node', ['--import', 'tsx', main, ...evaluate, ...args])
    expect((await run()).stderr).toContain('needs --input-range')
    expect((await run('--input-range', '0..255')).stderr).not.toContain('needs --input-range')
  }, 60_000)

  it('of a model file alone there are no ranges, which is told with what to do', () => {
    const configuration = resolveConfiguration({ net: at('digits.onnx') })
    expect(() => prepare(configuration)).toThrow(/holds no ranges/)
    const seeded = resolveConfiguration({ net: at('digits.onnx'), weights: 'seeded' })
    expect(prepare(seeded).network.layers.length).toBe(7)
  })

  it('notes multipliers and errors at the layers of an exported network', () => {
    const configuration = resolveConfiguration({
      net: 'lenet5',
      mult: ['conv2=roup:p=1,r=2', 'conv1[0-2]=drum:k=4'],
    })
    const { layers } = exportNetwork(configuration, at('lenet5.onnx'))
    expect(layers.map(({ name, notes }) => [name, notes['xgen.multiplier']])).toEqual([
      ['conv1', 'drum:k=4 (50.0 % of the kernels); exact (50.0 % of the kernels)'],
      ['conv2', 'roup:p=1,r=2'],
      ['fc1', 'exact'],
      ['fc2', 'exact'],
      ['fc3', 'exact'],
    ])
    const text = readFileSync(at('lenet5.onnx')).toString('latin1')
    expect(text).toContain('roup:p=1,r=2: mean 98.68, largest 508, wrong 93.16 %')
    expect(readModel(at('lenet5.onnx')).nodes.length).toBeGreaterThan(10)
    expect(() => exportNetwork(configuration, at('lenet5.json'))).toThrow(/exported as .onnx/)
  })

  it('notes the energy of products where those of the multipliers are given', () => {
    const mult = ['conv2=roup:p=1,r=2', 'conv1[0-2]=drum:k=4']
    const configuration = resolveConfiguration({ net: 'lenet5', mult })
    const ids = [...prepare(configuration).assignment.values()].flatMap(({ multipliers }) => multipliers)
    const energy: Record<string, number> = { exact: 2, 'drum:k=4': 0.5, 'roup:p=1,r=2': 0.25 }
    const ofProduct = new Map(ids.map(({ id, spec }) => [id, energy[spec]!]))
    const { layers } = exportNetwork(configuration, at('energy.onnx'), { library: 'mine', ofProduct })
    const notes = Object.fromEntries(layers.map(({ name, notes }) => [name, notes['xgen.energy']]))
    const alone = 'nJ an image, of the multipliers in mine alone:'
    // 6 filters of 5x5 at 28x28 positions, half of them by each; 16 of 6 channels at 10x10
    expect(notes).toMatchObject({
      conv1: `147.000 ${alone} 58800 of 0.500 pJ by drum:k=4; 58800 of 2.000 pJ by exact`,
      conv2: `60.000 ${alone} 240000 of 0.250 pJ by roup:p=1,r=2`,
      fc1: `96.000 ${alone} 48000 of 2.000 pJ by exact`,
    })
    expect(readFileSync(at('energy.onnx')).toString('latin1')).toContain(notes['conv2'])
  })

  it.skipIf(!hasOsu018)('measures energies in the cells of a library', async () => {
    const configuration = resolveConfiguration({ net: 'lenet5', mult: ['conv2=trunc:ka=4,kb=4'] })
    const request = { seed: 1, signal: new AbortController().signal, progress: silent }
    const { ofProduct } = await productEnergies(configuration, { library: 'osu018', ...request })
    const [exact, truncated] = [...ofProduct.values()] as [number, number]
    expect(ofProduct.size).toBe(2)
    expect(truncated).toBeLessThan(exact / 2)
    await expect(productEnergies(configuration, { library: 'generic', ...request })).rejects.toThrow(
      /the library generic knows no energies/,
    )
  })
})

describe('an exported recurrent layer', () => {
  it('notes the multipliers of both of its sets of filters', () => {
    writeFileSync(
      at('steps.yaml'),
      [
        'name: steps',
        'input: { shape: [1, 5, 6] }',
        'layers:',
        '  - { name: rows, kind: reshape, shape: [5, 6] }',
        '  - { name: gru1, kind: gru, units: 4, returns: last }',
        '  - { name: fc1, kind: dense, units: 3 }',
      ].join('\n'),
    )
    const mult = ['gru1_state=drum:k=4']
    const configuration = resolveConfiguration({ net: at('steps.yaml'), weights: 'seeded', mult })
    const { layers } = exportNetwork(configuration, at('steps.onnx'))
    expect(layers.map(({ name, notes }) => [name, notes['xgen.multiplier']])).toEqual([
      ['gru1', 'gru1_input: exact; gru1_state: drum:k=4'],
      ['fc1', 'exact'],
    ])
  })
})

describe('--input-range', () => {
  it('is two numbers', () => {
    expect(parseInputRange('0..255')).toEqual([0, 255])
    expect(parseInputRange('-1..1')).toEqual([-1, 1])
    expect(parseInputRange('-0.5..0.5')).toEqual([-0.5, 0.5])
    for (const bad of ['255', '1..0', 'a..b', ''])
      expect(() => parseInputRange(bad)).toThrow(/two numbers are needed/)
  })
})
