import { describe, expect, test } from 'vitest'
import { buildAssignment } from '../../src/approx/build.ts'
import { createEmulator, emptyCodes } from '../../src/emu/emulator.ts'
import { createEvaluator } from '../../src/model/evaluator.ts'
import { lowerOnnxCodes } from '../../src/model/lower/codes/lower.ts'
import type { ModelTensor } from '../../src/model/model.ts'
import {
  conv,
  floatInput,
  floats,
  int64Tensor,
  type NodeSketch,
  normalTensor,
  onnxModel,
} from '../fixtures/onnx-models.ts'

const byte = (value: number): ModelTensor => ({ type: 'uint8', shape: [], data: Uint8Array.of(value) })
const weights = Int8Array.from({ length: 72 }, (_, i) => ((i * 37) % 255) - 127)
const constants: Readonly<Record<string, ModelTensor>> = {
  s: { type: 'float32', shape: [], data: Float32Array.of(0.02) },
  coarse: { type: 'float32', shape: [], data: Float32Array.of(0.05) },
  ofWeights: { type: 'float32', shape: [], data: Float32Array.of(0.01) },
  none: { type: 'int8', shape: [], data: Int8Array.of(0) },
  middle: byte(128),
  lower: byte(100),
  half: floats(0.5),
  pads: int64Tensor(0, 0, 1, 1, 0, 0, 1, 1),
  w: { type: 'int8', shape: [4, 2, 3, 3], data: weights },
}

const node = (operator: string, inputs: string[], output: string): NodeSketch => ({
  operator,
  inputs,
  outputs: [output],
})
const quantise = (from: string, to: string, zero = 'middle', scale = 's') =>
  node('QuantizeLinear', [from, scale, zero], to)
const real = (from: string, to: string, zero = 'middle') => node('DequantizeLinear', [from, 's', zero], to)
const realWeights = node('DequantizeLinear', ['w', 'ofWeights', 'none'], 'wr')

const modelOf = (nodes: readonly NodeSketch[], result: string, more: Record<string, ModelTensor> = {}) =>
  onnxModel([floatInput('x', 1, 2, 5, 6)], nodes, [result], { ...constants, ...more })

/** Compares the codes of the emulator with those of the file, in each tensor of the graph. */
function check(nodes: readonly NodeSketch[], result: string): void {
  const model = modelOf(nodes, result)
  const values = new Map<string, ModelTensor>()
  const given = new Map([['x', normalTensor([1, 2, 5, 6], 3)]])
  createEvaluator(model).run(given, (name, tensor) => values.set(name, tensor))
  const { graph, tensorOf } = lowerOnnxCodes(model)
  const file = (id: string) => [...(values.get(tensorOf.get(id)!)!.data as Uint8Array)]
  const codes = emptyCodes(graph.tensors['input']!)
  codes.set(file('input'))
  const trace = createEmulator(graph, buildAssignment(graph, [])).runImage(codes)
  expect(tensorOf.get(graph.output)).toBe(result)
  for (const id of tensorOf.keys()) expect([...trace.get(id)!], id).toEqual(file(id))
}

describe('codes around a map', () => {
  test('are those of the zero point that they were put there with, whatever they are read with', () => {
    const padded = [quantise('x', 'q'), node('Pad', ['q', 'pads', 'middle'], 'p')]
    const layer = [realWeights, conv(['r', 'wr'], 'c'), quantise('c', 'y', 'middle', 'coarse')]
    check([...padded, real('p', 'r', 'lower'), ...layer], 'y')
    const result = ['w', 'ofWeights', 'none', 'coarse', 'middle']
    check([...padded, node('QLinearConv', ['p', 's', 'lower', ...result], 'y')], 'y')
  })

  test('are quantised like others where they are no zeros: a sigmoid has 0.5 there', () => {
    const padded = [
      quantise('x', 'q'),
      real('q', 'r'),
      node('Sigmoid', ['r'], 'g'),
      node('Pad', ['g', 'pads', 'half'], 'p'),
      quantise('p', 'e', 'lower'),
    ]
    const layer = [realWeights, conv(['er', 'wr'], 'c'), quantise('c', 'y', 'middle', 'coarse')]
    check([...padded, real('e', 'er', 'lower'), ...layer], 'y')
  })
})

describe('what an integer graph cannot say is refused', () => {
  const before = [quantise('x', 'q'), real('q', 'r')]

  test('codes of a bias that are added along another axis than the filters', () => {
    const units: ModelTensor = {
      ...constants['s']!,
      data: Float32Array.of(Math.fround(0.02) * Math.fround(0.01)),
    }
    const nodes = [
      ...before,
      realWeights,
      conv(['r', 'wr'], 'c'),
      node('DequantizeLinear', ['b', 'units'], 'br'),
      node('Add', ['c', 'br'], 'a'),
      quantise('a', 'y', 'middle', 'coarse'),
    ]
    const b: ModelTensor = { type: 'int32', shape: [4], data: Int32Array.of(1000, -2000, 3000, -8000) }
    // the sums have four columns too
    expect(() => lowerOnnxCodes(modelOf(nodes, 'y', { b, units }))).toThrow(
      'differs from position to position',
    )
    const column = { ...b, shape: [4, 1, 1] }
    expect(lowerOnnxCodes(modelOf(nodes, 'y', { b: column, units })).graph.nodes).toHaveLength(1)
  })

  test('computed bounds of a clip', () => {
    const nodes = [...before, node('Relu', ['r'], 'm'), node('Clip', ['r', '', 'm'], 'a'), quantise('a', 'y')]
    const model = { ...modelOf(nodes, 'y'), inputs: [floatInput('x', 1, 1, 1, 1)] }
    expect(() => lowerOnnxCodes(model)).toThrow('in places of constants')
  })

  test('a result of codes and of the image in float', () => {
    expect(() => lowerOnnxCodes(modelOf([...before, node('Add', ['x', 'r'], 'y')], 'y'))).toThrow(
      'made of codes and of the image in float',
    )
  })
})
