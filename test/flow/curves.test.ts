import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { resolveConfiguration } from '../../src/flow/configuration.ts'
import { prepare } from '../../src/flow/preparation.ts'
import type { QConv } from '../../src/quant/qgraph.ts'
import { failure } from '../fixtures/failure.ts'

const directory = mkdtempSync(join(tmpdir(), 'curves-'))

/** Degree, group length and bits of the layers of LeNet-5 that have curves. */
function curves(...set: readonly string[]) {
  const { graph } = prepare(resolveConfiguration({ net: 'lenet5', set, environment: {} }))
  return Object.fromEntries(
    graph.nodes.flatMap((node) =>
      node.kind === 'conv' && node.curve !== undefined
        ? [[node.name, [node.curve.degree, node.curve.length, node.curve.bits]]]
        : [],
    ),
  )
}

describe('weights.curve', () => {
  test.each([
    [['weights.curve=none'], {}],
    [['weights.curve=linear'], { conv1: [1, 25, 10], conv2: [1, 25, 10] }],
    [['weights.curve=quadratic', 'weights.group=row'], { conv1: [2, 5, 10], conv2: [2, 5, 10] }],
    [['weights.curve=linear', 'weights.group=2', 'weights.bits=8'], { conv1: [1, 50, 8], conv2: [1, 50, 8] }],
    [
      ['weights.curve=linear', 'weights.layers.conv1.curve=none', 'weights.layers.fc2.group=5'],
      { conv2: [1, 25, 10], fc2: [1, 5, 10] },
    ],
    [['weights.layers.conv2.curve=quadratic'], { conv2: [2, 25, 10] }],
  ])('%j', (set, expected) => {
    expect(curves(...set)).toEqual(expected)
  })

  test.each([
    [['weights.layers.conv3.curve=linear'], /no layer "conv3" with weights.*"conv[12]"/],
    [
      ['weights.curve=linear', 'weights.layers.fc1.bits=8'],
      /"fc1": a group of 1 taps is no longer than the 2/,
    ],
    [['weights.layers.conv1.curve=cubic'], /"cubic" is not possible here/],
    [['weights.curve=linear', 'weights.group=11'], /a group of 275 taps is too long; at most 256/],
    [['weights.curve=linear', 'weights.bits=16'], /"conv2" \(s13s16, s16s16\) can accumulate from/],
    [['weights.curve=linear', 'weights.bits=3'], /write a number of at least 4/],
  ])('%j is refused', (set, message) => {
    expect(failure(() => curves(...set)).message).toMatch(message)
  })

  test('kernels of a group have one multiplier', () => {
    const set = ['weights.curve=linear', 'weights.group=2']
    const mult = ['conv2[0][1]=trunc:ka=1,kb=1']
    const error = failure(() => prepare(resolveConfiguration({ net: 'lenet5', set, mult, environment: {} })))
    expect(error.message).toMatch(/kernel 1 of filter 0 has another multiplier than the others of its group/)
  })
})

describe('weights.coefficients', () => {
  const conv1 = (group: number, coefficients: number[]) => ({
    curve: 'linear',
    group,
    bits: 8,
    scales: Array(6).fill(0.01),
    coefficients: Array.from({ length: 6 }, () => Array(25 / group).fill(coefficients)),
  })
  const file = (name: string, layers: object) => {
    const path = join(directory, name)
    writeFileSync(path, JSON.stringify({ format: 'xgen-coefficients-1', layers }))
    return path
  }
  const good = file('good.json', { conv1: conv1(5, [3, -4]) })

  test('take the place of weights, in the layers that the file has', () => {
    const set = [`weights.coefficients=${good}`]
    const prepared = prepare(resolveConfiguration({ net: 'lenet5', set, environment: {} }))
    const node = prepared.graph.nodes.find(({ name }) => name === 'conv1') as QConv
    expect([...node.curve!.coefficients.slice(0, 4)]).toEqual([3, -4, 3, -4])
    expect(prepared.coefficientsHash).toMatch(/^[0-9a-f]{64}$/)
    expect(curves(...set, 'weights.layers.conv2.curve=linear')).toEqual({
      conv1: [1, 5, 8],
      conv2: [1, 25, 10],
    })
  })

  test('must be for what the configuration asks for', () => {
    const error = failure(() =>
      curves('weights.curve=linear', 'weights.bits=8', `weights.coefficients=${good}`),
    )
    expect(error.message).toMatch(
      /"conv1": the file of coefficients has groups of taps of length 5, .* asks for 25/,
    )
  })

  test('a scale that is too small for the bias is refused', () => {
    const tiny = { ...conv1(5, [3, -4]), scales: Array(6).fill(1e-30) }
    const error = failure(() => curves(`weights.coefficients=${file('tiny.json', { conv1: tiny })}`))
    expect(error.message).toMatch(/"conv1", filter 0: the scale 1e-30 is too small/)
  })

  test('a file that is not there is named', () => {
    expect(failure(() => curves('weights.coefficients=/nowhere.json')).message).toMatch(
      /nowhere|cannot be read/,
    )
  })
})
