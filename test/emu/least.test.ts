import { expect, test } from 'vitest'
import { leastCodes } from '../../src/emu/least.ts'
import type { QGraph, QNode, QTensor } from '../../src/quant/qgraph.ts'

test('codes behind a ReLU are never negative, wherever they are moved to', () => {
  const tensor: QTensor = { shape: [1, 1, 1], bits: 8, signed: true, scale: 1, zeroPoint: 0 }
  const add = (inputs: [string, string], output: string, low: number): QNode => ({
    ...{ kind: 'add', name: output, inputs, output, multipliers: [32768, 32768], shift: 16, low, high: 127 },
  })
  const nodes = [
    add(['input', 'input'], 'relu', 0),
    add(['relu', 'relu'], 'plain', -128),
    { kind: 'reshape', name: 'flat', input: 'relu', output: 'flat' } as QNode,
    { kind: 'concat', name: 'both', inputs: ['flat', 'plain'], output: 'both' } as QNode,
    { kind: 'concat', name: 'same', inputs: ['flat', 'relu'], output: 'same' } as QNode,
    { kind: 'pad', name: 'wide', input: 'same', output: 'wide', before: 1, after: 0 } as QNode,
    { kind: 'table', name: 'function', input: 'relu', output: 'function' } as QNode,
  ]
  const tensors = Object.fromEntries(
    ['input', ...nodes.map(({ output }) => output)].map((id) => [id, tensor]),
  )
  const graph: QGraph = { name: 'graph', input: 'input', output: 'wide', tensors, nodes }
  expect(Object.fromEntries(leastCodes(graph))).toEqual({
    ...{ relu: 0, plain: -128, flat: 0, both: -128, same: 0, wide: 0, function: -128 },
  })
})
