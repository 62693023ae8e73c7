import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { buildAssignment } from '../../src/approx/build.ts'
import { packageRoot } from '../../src/base/files.ts'
import { rankOf } from '../../src/base/statistics.ts'
import { createEmulator } from '../../src/emu/emulator.ts'
import type { QConv, QGraph, QTensor } from '../../src/quant/qgraph.ts'
import { quantise } from '../../src/quant/quantise.ts'
import { fixedPoint, quantiseValue, requantise } from '../../src/quant/rules.ts'

/** Examples are data: each rule takes what its line in the document gives. */
// biome-ignore lint/suspicious/noExplicitAny: read from text
type Arguments = any

const map = (shape: readonly [number, number, number], scale = 1): QTensor => ({
  shape,
  bits: 8,
  signed: true,
  scale,
  zeroPoint: 0,
})

/** A dense layer of one unit, with the requantisation that shows its sum modulo nothing: 16 bits at a time. */
function accumulate({ bias, x, w, multiplier }: Arguments): number {
  const conv = (shift: number, offset: number): QConv => ({
    kind: 'conv',
    name: 'fc',
    dense: true,
    input: 'input',
    output: 'fc',
    kernel: [1, 1],
    stride: [1, 1],
    padding: [0, 0, 0, 0],
    groups: 1,
    weightBits: 8,
    weights: Int8Array.from(w),
    bias: Int32Array.of(bias - offset),
    multiplier: Uint16Array.of(32768),
    shift: Uint8Array.of(shift),
    low: -128,
    high: 127,
  }) // prettier-ignore
  const run = (shift: number, offset: number) => {
    const graph: QGraph = {
      name: 'one',
      input: 'input',
      output: 'fc',
      tensors: { input: map([x.length, 1, 1]), fc: map([1, 1, 1]) },
      nodes: [conv(shift, offset)],
    }
    const assignment = buildAssignment(graph, [{ selector: 'default', spec: multiplier }])
    return createEmulator(graph, assignment).runImage(Int8Array.from(x)).get('fc')![0]!
  }
  const high = run(15 + 7, 0) * 128
  return high + run(15, high)
}

function pool(mode: 'max' | 'average', codes: number[]): number {
  const graph: QGraph = {
    name: 'pool',
    input: 'input',
    output: 'pool',
    tensors: { input: map([1, 1, codes.length]), pool: map([1, 1, 1]) },
    nodes: [
      {
        kind: 'pool',
        name: 'pool',
        mode,
        input: 'input',
        output: 'pool',
        window: [1, codes.length],
        stride: [1, 1],
        padding: [0, 0, 0, 0],
      },
    ],
  } // prettier-ignore
  return createEmulator(graph, new Map()).runImage(Int8Array.from(codes)).get('pool')![0]!
}

/** Weight codes and bias as `quantise` makes them, for one dense layer. */
function dense(weight: number[], bias: number, weightBits: number, clip: number): QConv {
  const network = {
    name: 'one',
    input: { shape: [weight.length, 1, 1] as const },
    layers: [{ kind: 'dense' as const, name: 'fc', units: 1 }],
  }
  const weights = new Map([['fc', { weight: Float32Array.from(weight), bias: Float32Array.of(bias) }]])
  const graph = quantise(network, weights, new Map([['fc', { largest: clip, clips: Array(8).fill(clip) }]]), {
    weightBits,
    activationBits: 8,
    unsigned: false,
  })
  return graph.nodes[0] as QConv
}

const rules: Record<string, (a: Arguments) => unknown> = {
  input: ({ byte, top }) => quantiseValue(byte / 255, 1 / top, 0, top),
  quantise: ({ real, scale, low, high }) => quantiseValue(real, scale, low, high),
  weight: ({ w, largest, bits }) => dense([w, largest], 0, bits, 1).weights[0],
  bias: ({ real, inputScale, weightScale }) => Math.floor(real / (inputScale * weightScale) + 0.5),
  accumulate,
  fixedPoint: ({ real }) => Object.values(fixedPoint(real)!),
  requantise: ({ acc, m, s, low, high }) => requantise(acc, m, s, low, high),
  maxPool: ({ codes }) => pool('max', codes),
  averagePool: ({ codes }) => pool('average', codes),
  flattenIndex: ({ shape, at }) => (at[0] * shape[1] + at[1]) * shape[2] + at[2],
  dequantise: ({ code, scale }) => code * scale,
  class: ({ codes }) => codes.findIndex((_: number, i: number) => rankOf(codes, i) === 0),
}

const text = readFileSync(join(packageRoot, 'docs', 'numerics.md'), 'utf8')
const examples = [...text.matchAll(/^(\w+)\((.+)\) = (.+)$/gm)].map(
  ([line, name, given, result]) => [line, name!, given!, result!] as const,
)

describe('docs/numerics.md', () => {
  test.each(examples)('%s', (_line, name, given, result) => {
    expect(rules[name]!(parse(`{ ${given} }`))).toEqual(parse(result))
  })

  test('has examples of every rule', () => {
    expect(new Set(examples.map(([, name]) => name))).toEqual(new Set(Object.keys(rules)))
  })

  test('the bias of a quantised layer follows the rule', () => {
    const conv = dense([1.27, 0.5], 0.3, 8, 1)
    expect(conv.bias[0]).toBe(
      rules['bias']!({ real: Math.fround(0.3), inputScale: 1 / 127, weightScale: Math.fround(1.27) / 127 }),
    )
  })
})
