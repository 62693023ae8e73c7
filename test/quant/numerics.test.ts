import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { buildAssignment } from '../../src/approx/build.ts'
import { packageRoot } from '../../src/base/files.ts'
import { rankOf } from '../../src/base/statistics.ts'
import { multiplication, softmax } from '../../src/emu/elementwise.ts'
import { createEmulator } from '../../src/emu/emulator.ts'
import {
  concatenation,
  type Rearrangement,
  subsampling,
  transposition,
  zeroPadding,
} from '../../src/emu/rearrange.ts'
import { realFunction } from '../../src/float/activation.ts'
import { allocate, memory, release } from '../../src/kernels/memory.ts'
import { type Moments, momentOperand, momentsOf } from '../../src/quant/curve.ts'
import { functionTable, softmaxTable } from '../../src/quant/elementwise.ts'
import { fitCurve } from '../../src/quant/fit.ts'
import {
  addScaled,
  averageAwayFromZero,
  codesOfSums,
  doublingHighProduct,
  roundingShift,
  scaled,
  scaledAddition,
  scaleFactor,
} from '../../src/quant/imported-rules.ts'
import { codeOfReal, sumFactor } from '../../src/quant/onnx-rules.ts'
import type { QConv, QGraph, QTensor } from '../../src/quant/qgraph.ts'
import { quantise } from '../../src/quant/quantise.ts'
import {
  addCodes,
  addFactors,
  averageCode,
  fixedPoint,
  quantiseValue,
  requantise,
} from '../../src/quant/rules.ts'
import { blended, gated, nextCell, opened, sigmoidOf, stateCode, tanhOf } from '../fixtures/cell-rules.ts'

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

/** The sum of a dense layer of one unit with a curve for weights: bias and terms, by the assignment that a graph would get. */
function curve({ bias, x, coefficients, length }: Arguments): number {
  const moments = momentsOf(1, length, 8, true)
  const node = (offset: number): QConv => ({
    kind: 'conv',
    name: 'fc',
    dense: true,
    input: 'input',
    output: 'fc',
    kernel: [1, 1],
    stride: [1, 1],
    padding: [0, 0, 0, 0],
    groups: 1,
    weightBits: 10,
    weights: new Int8Array(0),
    curve: { degree: 1, length, bits: 10, coefficients: Int16Array.from(coefficients), moments },
    bias: Int32Array.of(bias - offset),
    multiplier: Uint16Array.of(32768),
    shift: Uint8Array.of(15),
    low: -128,
    high: 127,
  }) // prettier-ignore
  const run = (offset: number) => {
    const graph: QGraph = {
      name: 'one',
      input: 'input',
      output: 'fc',
      tensors: { input: map([x.length, 1, 1]), fc: map([1, 1, 1]) },
      nodes: [node(offset)],
    }
    return createEmulator(graph, buildAssignment(graph, [])).runImage(Int8Array.from(x)).get('fc')![0]!
  }
  let offset = 0
  for (let step = run(0); step !== 0; step = run(offset)) offset += step
  return offset
}

function pool(mode: 'max' | 'average', { codes, padding = 0, past = 0, countPadding }: Arguments): number {
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
        window: [1, codes.length + padding + past],
        stride: [1, 1],
        padding: [0, 0, 0, padding],
        countPadding,
      },
    ],
  } // prettier-ignore
  return createEmulator(graph, new Map()).runImage(Int8Array.from(codes)).get('pool')![0]!
}

/** What a layer that computes nothing, or products of tensors, make of rows of codes in kernel memory: one channel each. */
function emulated(step: Rearrangement, inputs: readonly number[][], outputs: number): number[] {
  const placed = (codes: readonly number[]) => {
    const place = new Int8Array(memory.buffer, allocate(codes.length), codes.length)
    place.set(codes)
    return place
  }
  const all = [placed(new Array<number>(outputs).fill(0)), ...inputs.map(placed)]
  step(all.slice(1), 1, all[0]!)
  const result = [...all[0]!]
  for (const { byteOffset, length } of all) release(byteOffset, length)
  return result
}

/** One addition, of codes of any width. */
function add({ x, m, s, low, high }: Arguments): number {
  return addCodes(x[0], x[1], m[0], m[1], s, low, high)
}

const moved = { name: 'moved', input: 'input', output: 'moved' } as const

function pad({ codes, before, after }: Arguments): number[] {
  const outputs = before + codes.length + after
  const step = zeroPadding(
    { kind: 'pad', ...moved, before, after },
    map([codes.length, 1, 1]),
    map([outputs, 1, 1]),
  )
  return emulated(step, [codes], outputs)
}

function subsample({ codes, stride }: Arguments): number[] {
  const outputs = Math.ceil(codes.length / stride)
  const step = subsampling(
    { kind: 'subsample', ...moved, stride: [1, stride] },
    map([1, 1, codes.length]),
    map([1, 1, outputs]),
  )
  return emulated(step, [codes], outputs)
}

type Scaled = Parameters<typeof scaledAddition>[0]

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
  moments: ({ degree, length, bits, signed }) =>
    momentsOf(degree, length, bits, signed).orders.map(({ cut, shift, bits: width }) => ({
      cut,
      shift,
      bits: width,
    })),
  moment: ({ order, codes, cut }) => {
    const orders = Array.from({ length: order + 1 }, () => ({ cut }) as Moments['orders'][number])
    return momentOperand({ spread: 0, fraction: 0, orders }, order, codes)
  },
  curve,
  fit: ({ weights, degree, spread }) =>
    fitCurve(weights, degree, spread).map((c) => Math.round(c * 1e9) / 1e9 + 0),
  fixedPoint: ({ real }) => Object.values(fixedPoint(real)!),
  requantise: ({ acc, m, s, low, high }) => requantise(acc, m, s, low, high),
  addFactors: ({ scales, outputScale }) =>
    Object.values(addFactors(scales[0] / outputScale, scales[1] / outputScale)!),
  add,
  maxPool: (given) => pool('max', given),
  averagePool: (given) => pool('average', given),
  globalAverage: ({ sum, area }) => averageCode(sum, area),
  multiply: ({ x, m, s, low, high }) => {
    const node = { kind: 'mul', name: 'mul', inputs: ['a', 'b'], output: 'mul' } as const
    const step = multiplication({ ...node, multiplier: m, shift: s, low, high }, [
      map([1, 1, 1]),
      map([1, 1, 1]),
    ])
    return emulated(
      step,
      x.map((code: number) => [code]),
      1,
    )[0]
  },
  table: ({ function: f, x, inputScale, outputScale }) =>
    functionTable(realFunction(f), map([1, 1, 1], inputScale), map([1, 1, 1], outputScale))[x + 128],
  softmaxTerms: ({ scale, differences }) => [...softmaxTable(scale, differences)],
  softmax: ({ codes, scale, one }) => {
    const line = { count: codes.length, step: 1, table: softmaxTable(scale, 256), one, high: one - 1 }
    const node = { kind: 'softmax', name: 's', input: 'input', output: 's', ...line } as const
    const step = softmax(node, map([codes.length, 1, 1], scale))
    return emulated(step, [codes], codes.length)
  },
  sigmoid: ({ gate }) => sigmoidOf(gate),
  tanh: ({ gate }) => tanhOf(gate),
  gated: ({ a, b }) => gated(a, b),
  blended: ({ z, n, state }) => blended(z, n, state),
  nextCell: ({ f, cell, i, g }) => nextCell(f, cell, i, g),
  opened: ({ o, cell }) => opened(o, cell),
  stateCode: ({ state, bits, point }) => stateCode(state, bits, point),
  transpose: ({ codes, from, order }) =>
    emulated(transposition({ kind: 'transpose', ...moved, from, order }), [codes], codes.length),
  concat: ({ inputs }) => emulated(concatenation(), inputs, inputs.flat().length),
  pad,
  subsample,
  flattenIndex: ({ shape, at }) => (at[0] * shape[1] + at[1]) * shape[2] + at[2],
  dequantise: ({ code, scale }) => code * scale,
  scaleFactor: ({ real }) => Object.values(scaleFactor(real)),
  highProduct: ({ a, b }) => doublingHighProduct(a, b),
  roundingShift: ({ x, places }) => roundingShift(x, places),
  scaled: ({ x, m, e }) => scaled(x, m, e),
  addScaled: ({ x, scales, zeros, scale, zero }) => {
    const [a, b] = [0, 1].map((i) => ({ scale: scales[i], zeroPoint: zeros[i] })) as [Scaled, Scaled]
    return addScaled(x[0], x[1], scaledAddition(a, b, { scale, zeroPoint: zero }), -128, 127)
  },
  averageAway: ({ codes }) =>
    averageAwayFromZero(
      codes.reduce((sum: number, code: number) => sum + code, 0),
      codes.length,
    ),
  sumFactor: ({ input, weights, output }) => sumFactor(input, weights, output),
  codeOfSum: ({ sum, factor, zero, low, high }) => {
    const code = new Int8Array(1)
    codesOfSums(
      { kind: 'onnx', factor: Float32Array.of(factor), zeroPoint: zero },
      0,
      Int32Array.of(sum),
      [low, high],
      code,
      0,
    )
    return code[0]
  },
  codeOfReal: ({ real, scale, zero, low, high }) =>
    codeOfReal(real, { scale: Math.fround(scale), zeroPoint: zero, low, high }),
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

  test('functions of gates are as near as the page says', () => {
    const worst = (table: (gate: number) => number, real: (x: number) => number) => {
      let error = 0
      for (let gate = -32768; gate < 32768; gate++)
        error = Math.max(error, Math.abs(table(gate) - 32768 * real(gate / 4096)))
      return error
    }
    expect(worst(sigmoidOf, (x) => 1 / (1 + Math.exp(-x)))).toBeLessThan(1.3)
    expect(worst(tanhOf, Math.tanh)).toBeLessThan(3.8)
  })

  test('the bias of a quantised layer follows the rule', () => {
    const conv = dense([1.27, 0.5], 0.3, 8, 1)
    expect(conv.bias[0]).toBe(
      rules['bias']!({ real: Math.fround(0.3), inputScale: 1 / 127, weightScale: Math.fround(1.27) / 127 }),
    )
  })
})
