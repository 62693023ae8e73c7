import { describe, expect, it } from 'vitest'
import type { Network } from '../../src/net/network.ts'
import { lower, type Work } from '../../src/plan/lower.ts'
import { chooseSets, readSetOf } from '../../src/plan/sets.ts'
import { channelWindow, groupedSize } from '../../src/plan/windows.ts'
import type { QConv, QGraph } from '../../src/quant/qgraph.ts'
import { failure } from '../fixtures/failure.ts'
import { conv, quantised } from '../fixtures/graph-designs.ts'

const edges = [0, 0, 0, 0] as const

function graphOf(...layers: Network['layers']): QGraph {
  const network: Network = { name: 'lowered', input: { shape: [4, 6, 6] }, layers }
  return quantised(network, 3, { weightBits: 8, activationBits: 8, unsigned: false })
}

/** What runs, as text: `name: what it reads (+ what is added) > where it writes`. */
const told = (work: Work) => {
  const place = ({ map, offset }: { map: string; offset: number }) =>
    offset === 0 ? map : `${map}[${offset}]`
  if (work.kind === 'map')
    return `${work.name}: ${work.reads === undefined ? '0' : place(work.reads)} > ${place(work.writes)}`
  const added = work.addend === undefined ? '' : ` + ${place(work.addend.view)}`
  const pooled = work.pool === undefined ? '' : `, ${work.pool.name}`
  return `${work.conv.name}${pooled}: ${place(work.reads)}${added} > ${place(work.writes)}`
}

const workOf = (...layers: Network['layers']) => lower(graphOf(...layers)).works.map(told)

describe('from a graph to what runs', () => {
  it('an addition runs with the later one of two convolutions, and a pooling behind it too', () => {
    const works = workOf(
      conv('a', ['input'], 4),
      conv('around', ['a'], 4),
      conv('b', ['a'], 4),
      { kind: 'add', name: 'sum', inputs: ['b', 'around'] },
      { kind: 'pool', name: 'all', mode: 'average', window: [6, 6], stride: [6, 6], padding: edges },
      conv('c', ['all'], 2),
    )
    expect(works).toEqual(['a: input > a', 'around: a > around', 'b, all: a + around > all', 'c: all > c'])
  })

  it('waits with a convolution until the other operand is there', () => {
    const works = workOf(
      conv('a', ['input'], 4),
      conv('b', ['a'], 4),
      {
        kind: 'pool',
        name: 'p',
        inputs: ['a'],
        mode: 'max',
        window: [3, 3],
        stride: [1, 1],
        padding: [1, 1, 1, 1],
      },
      { kind: 'add', name: 'sum', inputs: ['p', 'b'] },
    )
    expect(works).toEqual(['a: input > a', 'p: a > p', 'b: a + p > sum'])
  })

  it('an addition that no convolution ends in is one of a map that the array passes through', () => {
    const graph = graphOf(
      conv('a', ['input'], 4),
      { kind: 'subsample', name: 'b', stride: [1, 1] },
      { kind: 'add', name: 'sum', inputs: ['a', 'b'] },
      { kind: 'pool', name: 'half', mode: 'max', window: [2, 2], stride: [2, 2], padding: edges },
    )
    const { works } = lower(graph)
    expect(works.map(told)).toEqual(['a: input > a', 'b: a > b', 'sum, half: a + b > half'])
    expect(works[2]).toMatchObject({ conv: { passed: true, groups: 4, weightBits: 8, low: -128, high: 127 } })
  })

  it('parts of joined and padded maps are written where they belong, and copied only where they have a place', () => {
    const works = workOf(
      conv('a', ['input'], 4),
      { kind: 'pad', name: 'wide', channels: [2, 1] },
      conv('b', ['input'], 3),
      { kind: 'concat', name: 'both', inputs: ['b', 'wide', 'input', 'b'] },
      conv('c', ['both'], 2),
    )
    expect(works).toEqual([
      'a: input > both[5]',
      'wide.before: 0 > both[3]',
      'wide.after: 0 > both[9]',
      'b: input > both',
      'both.input: input > both[10]',
      'both.b: both > both[14]',
      'c: both > c',
    ])
  })

  it('a pooling runs alone where somebody else reads what it reads, or its windows do not lie side by side', () => {
    const pool = { kind: 'pool', mode: 'max', window: [2, 2], padding: edges } as const
    const read = { ...pool, name: 'p', stride: [2, 2] } as const
    expect(
      workOf(
        conv('a', ['input'], 4),
        { ...read, inputs: ['a'] },
        conv('b', ['a'], 4),
        {
          ...read,
          name: 'q',
          inputs: ['b'],
        },
        { kind: 'concat', name: 'both', inputs: ['p', 'q'] },
      ),
    ).toEqual(['a: input > a', 'p: a > both', 'b, q: a > both[4]'])
    expect(
      workOf(
        conv('a', ['input'], 4),
        { ...pool, name: 'p', stride: [2, 2] },
        conv('b', ['p'], 4),
        { ...pool, name: 'q', stride: [1, 1] },
        conv('c', ['q'], 4),
        { kind: 'subsample', name: 'every', stride: [2, 2] },
      ),
    ).toEqual(['a, p: input > p', 'b: p > b', 'q: b > q', 'c: q > c', 'every: c > every'])
  })
})

describe('sets of banks', () => {
  it('maps that are read at the same time stand in different ones, and one that cannot in both', () => {
    const lowered = lower(
      graphOf(
        conv('a', ['input'], 4),
        conv('b', ['a'], 4),
        conv('c', ['b'], 4),
        { kind: 'add', name: 'sum', inputs: ['c', 'a'] },
        conv('d', ['sum'], 4),
        { kind: 'add', name: 'twice', inputs: ['sum', 'd'] },
      ),
    )
    const sets = chooseSets(lowered)
    expect(sets.get('a')! & sets.get('b')!).toBe(0)
    expect(sets.get('sum')).toBe(3)
    for (const work of lowered.works) {
      if (work.kind !== 'array' || work.addend === undefined) continue
      const read = readSetOf(work, sets)
      expect((sets.get(work.reads.map)! >> read) & 1).toBe(1)
      expect((sets.get(work.addend.view.map)! >> (1 - read)) & 1).toBe(1)
    }
  })
})

describe('the channels that a column fold sees', () => {
  const grouped = (filters: number, groups: number) => ({ groups, bias: new Int32Array(filters) })
  it.each([
    ['all without groups', grouped(8, 1), 8, 4, undefined],
    ['depthwise: as many as columns', grouped(8, 8), 8, 4, { channels: 4, step: 4, folds: 1 }],
    ['several groups in a column fold', grouped(8, 4), 12, 4, { channels: 6, step: 6, folds: 1 }],
    ['several column folds in a group', grouped(16, 2), 6, 4, { channels: 3, step: 3, folds: 2 }],
    ['all where groups are uneven', grouped(9, 3), 6, 4, { channels: 6, step: 0, folds: 1 }],
    [
      'all where the last column fold would have fewer groups',
      grouped(6, 6),
      6,
      4,
      { channels: 6, step: 0, folds: 1 },
    ],
    ['all in one column fold', grouped(3, 3), 6, 8, { channels: 6, step: 6, folds: 1 }],
  ])('%s', (_, layer, channels, columns, expected) => {
    expect(channelWindow(layer, channels, columns)).toEqual(expected)
  })
})

describe('the columns that a grouped convolution uses', () => {
  const layer = (filters: number, channels: number, groups: number) => {
    const graph = quantised(
      { name: 'groups', input: { shape: [channels, 3, 3] }, layers: [conv('a', ['input'], filters, groups)] },
      1,
      { weightBits: 8, activationBits: 8, unsigned: false },
    )
    return graph.nodes[0] as QConv
  }
  it.each([
    ['all without groups', layer(8, 8, 1), 5, 5],
    ['as many as hold whole groups', layer(64, 64, 64), 20, 16],
    ['all where the filters are one column fold', layer(5, 5, 5), 20, 20],
    ['as many as divide a group', layer(48, 6, 2), 16, 12],
  ])('%s', (_, grouped, columns, used) => {
    expect(groupedSize(grouped, { rows: 24, columns })).toEqual({ rows: 24, columns: used })
  })
})

describe('refused by name', () => {
  it('what stands behind a flatten and is no dense layer', () => {
    const graph = graphOf(
      conv('a', ['input'], 4),
      { kind: 'flatten', name: 'flat' },
      { kind: 'dense', name: 'fc', units: 2 },
    )
    const nodes = graph.nodes.map((node) =>
      node.kind === 'conv' && node.dense ? { ...node, dense: false } : node,
    )
    expect(failure(() => lower({ ...graph, nodes }))).toMatchObject({
      kind: 'usage',
      where: 'fc',
      message: '"fc" stands behind a flatten: the weight-stationary array cannot run it',
    })
  })

  it('zero points other than 0', () => {
    const graph = graphOf(conv('a', ['input'], 4))
    const input = { ...graph.tensors['input']!, zeroPoint: 3 }
    expect(failure(() => lower({ ...graph, tensors: { ...graph.tensors, input } }))).toMatchObject({
      where: 'a',
      message: '"a" has a zero point other than 0: the weight-stationary array cannot run it',
    })
  })

  it('a network without products', () => {
    const graph = graphOf({ kind: 'subsample', name: 'every', stride: [2, 2] })
    expect(failure(() => lower(graph)).message).toBe(
      'the network "lowered" has no convolution or dense layer',
    )
  })
})
