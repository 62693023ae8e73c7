import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { XgenError } from '../../src/base/errors.ts'
import { createOnnxEvaluator } from '../../src/model/evaluate.ts'
import { lowerOnnx } from '../../src/model/lower/lower.ts'
import type { Model, ModelTensor } from '../../src/model/model.ts'
import { readOnnx } from '../../src/model/onnx/read.ts'
import { writeOnnx } from '../../src/model/onnx/write.ts'
import { asHalf } from '../../src/model/tensors.ts'
import { digitsModel, floatInput, floats, normalTensor, onnxModel } from '../fixtures/onnx-models.ts'

const read = (bytes: Uint8Array, directory = '.') => readOnnx(bytes, 'model.onnx', directory)

/** Protobuf by hand: a field of bytes, and one of a small number. */
const field = (number: number, ...parts: (string | Uint8Array)[]) => {
  const contents = Buffer.concat(parts.map((part) => Buffer.from(part as Uint8Array)))
  return Buffer.concat([Buffer.from([...length(number * 8 + 2), ...length(contents.length)]), contents])
}
const length = (n: number): number[] => (n < 128 ? [n] : [(n & 127) | 128, ...length(n >> 7)])
const number = (of: number, value: number) => Buffer.from([...length(of * 8), ...length(value)])
const operatorSet = field(8, field(1, ''), number(2, 17))
const fileOf = (...graph: Uint8Array[]) => Buffer.concat([field(7, ...graph), operatorSet])
const tensorOf = (...fields: Uint8Array[]) => field(5, field(8, 'w'), ...fields)
const output = field(12, field(1, 'w'), field(2, field(1, number(1, 1))))

function message(run: () => unknown): string {
  try {
    run()
  } catch (error) {
    if (error instanceof XgenError && error.kind === 'data') return error.message
    throw error
  }
  throw new Error('was read')
}

describe('ONNX files', () => {
  it('are read as they were written', () => {
    const model = digitsModel()
    const { nodes, constants, inputs } = read(writeOnnx(model))
    expect(nodes).toEqual(model.nodes)
    expect(constants).toEqual(model.constants)
    expect(inputs).toEqual(model.inputs)
  })

  it('have their nodes put in order', () => {
    const model = digitsModel()
    const shuffled: Model = { ...model, nodes: [...model.nodes].reverse() }
    expect(read(writeOnnx(shuffled)).nodes.map(({ operator }) => operator)).toEqual(
      model.nodes.map(({ operator }) => operator),
    )
  })

  it('that are cyclic, incomplete or ambiguous are refused', () => {
    const two = (a: string, b: string, out: string) =>
      writeOnnx(
        onnxModel(
          [floatInput('x', 1)],
          [
            { operator: 'Add', inputs: ['x', a], outputs: ['p'] },
            { operator: 'Relu', inputs: [b], outputs: [out] },
          ],
          [out],
        ),
      )
    expect(message(() => read(two('q', 'p', 'q')))).toContain('has a cycle: Add_0, Relu_1')
    expect(message(() => read(two('nobody', 'p', 'q')))).toContain('"nobody", which nothing makes')
    expect(message(() => read(two('x', 'p', 'p')))).toContain('"p" comes from two places')
    expect(message(() => read(Buffer.from('GIF89a')))).toContain('is no valid ONNX file')
    expect(message(() => read(new Uint8Array(0)))).toContain('holds no graph')
    expect(message(() => read(fileOf(output, field(15))))).toContain('sparse')
    expect(message(() => read(field(7, output)))).toContain('does not say which version')
  })

  it('with tensors that claim too much are refused before memory is taken', () => {
    const dims = (...sizes: number[]) => sizes.map((n) => number(1, n))
    const broken: [Uint8Array[], string][] = [
      [[...dims(2 ** 30, 2 ** 20, 2 ** 20), number(2, 1)], 'at most'],
      [[...dims(1000), number(2, 1), field(9, new Uint8Array(400))], 'has 400 bytes'],
      [[...dims(2 ** 26), number(2, 1)], 'has'],
      [[...dims(2), number(2, 77), field(9, new Uint8Array(8))], 'type 77'],
      [[...dims(2), number(2, 10), field(9, new Uint8Array(3))], 'has 3 bytes'],
      [[...dims(2), number(2, 14), field(9, new Uint8Array(16))], 'complex64, which are not read'],
    ]
    for (const [fields, expected] of broken)
      expect(message(() => read(fileOf(output, tensorOf(...fields))))).toContain(expected)
    const negative = Buffer.from([8, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1])
    expect(message(() => read(fileOf(output, tensorOf(negative, number(2, 1)))))).toContain('[-1]')
  })

  it('that are cut off anywhere are refused, never misread', () => {
    const bytes = writeOnnx(digitsModel())
    for (let end = 0; end < bytes.length; end += 37) {
      const cut = bytes.subarray(0, end)
      try {
        read(cut)
      } catch (error) {
        if (!(error instanceof XgenError)) throw error
      }
    }
  })
})

describe('external data', () => {
  const directory = mkdtempSync(join(tmpdir(), 'xgen-external-'))
  const model = join(directory, 'model')
  mkdirSync(join(model, 'data'), { recursive: true })
  writeFileSync(join(directory, 'secret'), new Uint8Array(8))
  writeFileSync(join(model, 'data', 'w.bin'), new Uint8Array(Float32Array.of(0, 1.5, -2).buffer))
  symlinkSync(directory, join(model, 'up'))
  execFileSync('mkfifo', [join(model, 'pipe')])
  const external = (location: string, offset = '4') => {
    const entry = (key: string, value: string) => field(13, field(1, key), field(2, value))
    return fileOf(
      output,
      tensorOf(
        number(1, 2),
        number(2, 1),
        entry('location', location),
        entry('offset', offset),
        number(14, 1),
      ),
    )
  }

  it('are read from the model’s directory and below', () => {
    const { constants } = read(external('data/w.bin'), model)
    expect([...(constants.get('w')!.data as Float32Array)]).toEqual([1.5, -2])
  })

  it.each([
    '../secret',
    join(directory, 'secret'),
    'data/../../secret',
    'up/secret',
    '',
    'data\\w.bin',
    '.',
    'data',
    'pipe',
    'absent',
  ])('never from "%s"', (location) => {
    expect(message(() => read(external(location, '0'), model))).toContain('tensor "w" lies in')
  })

  it('never beyond the end of a file', () => {
    expect(message(() => read(external('data/w.bin', '8'), model))).toContain(
      'has 12 bytes, where 16 are needed',
    )
  })
})

describe('evaluation', () => {
  it('lists every node that cannot be evaluated', () => {
    const model = onnxModel(
      [floatInput('x', 1, 4)],
      [
        { operator: 'Resize', inputs: ['x'], outputs: ['a'] },
        { operator: 'Relu', inputs: ['a'], outputs: ['b'], attributes: { slope: 1 } },
        { operator: 'Frobnicate', inputs: ['b'], outputs: ['c'] },
      ],
      ['c'],
    )
    expect(() => createOnnxEvaluator(model)).toThrow(
      /3 nodes.*\n.*Resize_0.*\n.*Relu_1.*"slope".*\n.*Frobnicate_2/,
    )
  })

  it('refuses tensors of other types and shapes than the file says', () => {
    const { run } = createOnnxEvaluator(digitsModel())
    const bytes: ModelTensor = { type: 'uint8', shape: [1, 1, 28, 28], data: new Uint8Array(784) }
    expect(() => run(new Map([['image', bytes]]))).toThrow(/is float32 \[n, 1, 28, 28\]; given is uint8/)
    expect(() => run(new Map([['image', normalTensor([1, 28, 28], 1)]]))).toThrow(
      /given is float32 \[1, 28, 28\]/,
    )
    expect(() => run(new Map())).toThrow(/"image" of the model is not given/)
  })

  it('bounds the memory and work that a file asks for', () => {
    const huge = onnxModel(
      [floatInput('x', 1, 1, 1, 1)],
      [
        {
          operator: 'Conv',
          inputs: ['x', 'w'],
          outputs: ['y'],
          attributes: { pads: [2 ** 30, 2 ** 30, 0, 0] },
        },
      ],
      ['y'],
      { w: normalTensor([1, 1, 1, 1], 1) },
    )
    expect(() => createOnnxEvaluator(huge).run(new Map([['x', normalTensor([1, 1, 1, 1], 1)]]))).toThrow(
      /are possible/,
    )
  })
})

describe.each(['float16', 'bfloat16'] as const)('a model of %s', (type) => {
  const half = (shape: readonly number[], seed: number) => asHalf(normalTensor(shape, seed), type)
  const model: Model = {
    ...onnxModel(
      [{ name: 'x', type, shape: [1, 2, 5, 5] }],
      [
        { operator: 'Conv', inputs: ['x', 'w', 'b'], outputs: ['c'] },
        { operator: 'Sigmoid', inputs: ['c'], outputs: ['s'] },
        { operator: 'Cast', inputs: ['s'], outputs: ['f'], attributes: { to: 1 } },
        { operator: 'Mul', inputs: ['f', 'third'], outputs: ['m'] },
        { operator: 'Cast', inputs: ['m'], outputs: ['y'], attributes: { to: type === 'float16' ? 10 : 16 } },
      ],
      ['y'],
      { w: half([3, 2, 3, 3], 1), b: half([3], 2), third: floats(1 / 3) },
    ),
  }

  it('is read as it was written, and rounds what its operators return', () => {
    const read = readOnnx(writeOnnx(model), 'half.onnx', '.')
    expect(read.constants.get('w')).toEqual(model.constants.get('w'))
    const made = new Map<string, ModelTensor>()
    const x = normalTensor([1, 2, 5, 5], 3)
    const [y] = [
      ...createOnnxEvaluator(read)
        .run(new Map([['x', x]]), (name, tensor) => made.set(name, tensor))
        .values(),
    ]
    const rounded = (data: ModelTensor['data']) =>
      asHalf({ type: 'float32', shape: [data.length], data }, type).data
    expect(['c', 's', 'f', 'm', 'y'].map((name) => made.get(name)!.type)).toEqual([
      type,
      type,
      'float32',
      'float32',
      type,
    ])
    const [s, m] = [made.get('s')!.data as Float32Array, made.get('m')!.data as Float32Array]
    expect(s).toEqual(rounded(s))
    expect(m).not.toEqual(rounded(m))
    expect(y!.data).toEqual(rounded(m))
    const logits = made.get('c')!.data as Float32Array
    expect(s).toEqual(rounded(Float32Array.from(logits, (v) => 1 / (1 + Math.exp(-v)))))
  })

  it('becomes a network of its weights', () => {
    const { network, weights } = lowerOnnx(model, { name: 'half' })
    expect(network.layers.map(({ kind }) => kind)).toEqual(['conv2d', 'activation', 'conv2d'])
    expect(weights.get(network.layers[0]!.name)!.weight).toEqual(model.constants.get('w')!.data)
  })
})
