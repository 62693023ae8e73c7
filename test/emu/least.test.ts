import { expect, test } from 'vitest'
import { leastCodes } from '../../src/emu/least.ts'
import type { QGraph, QNode, QPool, QTensor } from '../../src/quant/qgraph.ts'

const tensor: QTensor = { shape: [1, 1, 1], bits: 8, signed: true, scale: 1, zeroPoint: 0 }
const add = (inputs: [string, string], output: string, low: number): QNode => ({
  ...{ kind: 'add', name: output, inputs, output, multipliers: [32768, 32768], shift: 16, low, high: 127 },
})

function leastOf(nodes: readonly QNode[]) {
  const names = ['input', ...nodes.map(({ output }) => output)]
  const tensors = Object.fromEntries(names.map((id) => [id, tensor]))
  const graph: QGraph = { name: 'graph', input: 'input', output: names.at(-1)!, tensors, nodes: [...nodes] }
  return Object.fromEntries(leastCodes(graph))
}

test('codes behind a ReLU are never negative, wherever they are moved to', () => {
  const nodes = [
    add(['input', 'input'], 'relu', 0),
    add(['relu', 'relu'], 'plain', -128),
    { kind: 'reshape', name: 'flat', input: 'relu', output: 'flat' } as QNode,
    { kind: 'concat', name: 'both', inputs: ['flat', 'plain'], output: 'both' } as QNode,
    { kind: 'concat', name: 'same', inputs: ['flat', 'relu'], output: 'same' } as QNode,
    { kind: 'pad', name: 'wide', input: 'same', output: 'wide', before: 1, after: 0 } as QNode,
    { kind: 'table', name: 'function', input: 'relu', output: 'function' } as QNode,
  ]
  expect(leastOf(nodes)).toEqual({
    ...{ relu: 0, plain: -128, flat: 0, both: -128, same: 0, wide: 0, function: -128 },
  })
})

test('padding of imported models and their means have codes of their own below those that they are made of', () => {
  const window = { window: [1, 1], stride: [1, 1], padding: [0, 0, 0, 0] } as const
  const pool = (mode: 'max' | 'average', output: string, rule: QPool['rule']): QNode => ({
    ...{ kind: 'pool', name: output, mode, input: 'relu', output, ...window },
    ...(rule && { rule }),
  })
  const quantiser = { scale: 1, zeroPoint: -20, low: -128, high: 127 }
  const ends = { low: -20, high: 127 }
  const real = { real: new Float32Array(256), quantiser, offset: 0, countPadding: false }
  const scaled = { factor: { multiplier: 2 ** 30, exponent: 0 }, inputZeroPoint: 0, outputZeroPoint: -20 }
  const nodes = [
    add(['input', 'input'], 'relu', 5),
    { kind: 'pad', name: 'low', input: 'relu', output: 'low', before: 1, after: 0, fill: -7 } as QNode,
    { kind: 'pad', name: 'high', input: 'relu', output: 'high', before: 1, after: 0, fill: 3 } as QNode,
    pool('average', 'rounded', { kind: 'tflite', offset: -128 }),
    pool('average', 'scaled', { kind: 'tflite-mean', ...scaled, ...ends }),
    pool('average', 'real', { kind: 'onnx', ...real, ...ends }),
    pool('max', 'largest', { kind: 'tflite', offset: -128 }),
  ]
  expect(leastOf(nodes)).toEqual({
    ...{ relu: 5, low: -7, high: 3, rounded: 0, scaled: -20, real: -20, largest: 0 },
  })
})
