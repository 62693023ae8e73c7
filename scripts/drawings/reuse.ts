import { buildAssignment } from '../../src/approx/build.ts'
import { invariant } from '../../src/base/errors.ts'
import { makePlan } from '../../src/plan/make.ts'
import { momentsOf } from '../../src/quant/curve.ts'
import type { QGraph } from '../../src/quant/qgraph.ts'
import { type Arrow, type Box, between, type Drawing } from '../../src/report/drawing.ts'
import { smallGraph } from './graph.ts'

const shape = { channels: 3, size: 5, filters: 3, kernel: 3 } as const

/** A 3x3 convolution of 3 channels and 3 filters whose kernels are linear curves, on 3 x 3 PEs. */
export function reuse(): Drawing {
  const graph = curved(smallGraph(shape))
  const array = {
    dataflow: 'weight-stationary',
    rows: 3,
    columns: 3,
    memoryBits: 2 ** 20,
    parallel: false,
  } as const
  const { plan } = makePlan(graph, buildAssignment(graph, []), array)
  const [fill, layer] = plan.layers
  invariant(
    fill !== undefined && layer !== undefined && plan.moments !== undefined,
    'the layer has no curves',
  )
  const { rows, columns } = plan.array
  const left = 3
  const grid = Array.from(
    { length: rows * columns },
    (_, at) => [Math.floor(at / columns), at % columns] as const,
  )
  const boxes: Box[] = [
    {
      row: 0,
      column: left,
      width: columns,
      lines: ['weight memory: coefficients C0, C1, once a fold'],
      fill: 'memory',
    },
    ...Array.from({ length: rows }, (_, i): Box[] => [
      { row: 1 + i, column: 0, lines: [`bank ${i}`, `channel ${i}`], fill: 'memory' },
      { row: 1 + i, column: 1, lines: [`moment unit ${i}`, 'line buffers,', 'running sums'], fill: 'unit' },
      { row: 1 + i, column: 2, lines: [`moment bank ${i}`, 'S0, S1'], fill: 'memory' },
    ]).flat(),
    ...grid.map(
      ([i, j]): Box => ({
        row: 1 + i,
        column: left + j,
        lines: [`filter ${j}, c${i}`, 'C0 * S0', '+ C1 * S1'],
        fill: 'pe',
      }),
    ),
    ...Array.from(
      { length: columns },
      (_, j): Box => ({
        row: 1 + rows,
        column: left + j,
        lines: [`column ${j}: sum,`, 'requantise'],
        fill: 'unit',
      }),
    ),
  ]
  const arrows: Arrow[] = [
    ...Array.from({ length: columns }, (_, j) => between('coefficients', [0, left + j], [1, left + j])).map(
      ({ flow, from, to }): Arrow => ({ flow, from: [from[0], from[1] + 0.15], to: [to[0], to[1] + 0.15] }),
    ),
    ...Array.from({ length: rows }, (_, i) => between('pixels', [1 + i, 0], [1 + i, 1])),
    ...Array.from({ length: rows }, (_, i) => between('moments', [1 + i, 1], [1 + i, 2])),
    ...grid.flatMap(([i, j]) => [
      between('moments', [1 + i, left + j - 1], [1 + i, left + j]),
      between('partial sums', [1 + i, left + j], [2 + i, left + j]),
    ]),
  ]
  const taps = shape.kernel ** 2
  return {
    title: 'Coefficient reuse: moments are computed once and pass all filters',
    rows: rows + 2,
    columns: left + columns,
    boxes,
    arrows,
    flows: [
      { name: 'pixels' },
      { name: 'partial sums' },
      { name: 'moments' },
      { name: 'coefficients', dashed: true },
    ],
    notes: [
      `A ${shape.kernel}x${shape.kernel} convolution of ${shape.channels} channels and ${shape.filters} filters whose kernels are linear curves, on ${rows} x ${columns} PEs.`,
      `A kernel of ${taps} taps takes 2 products instead of ${taps}: S0 is the sum of its pixels, S1 the sum of each pixel times its number.`,
      `First the moment banks are filled (${fill.positions} pixels a channel), then the array runs over the map of moments (${layer.positions} windows).`,
    ],
  }
}

/** The same network with a linear curve for each kernel; what the coefficients are does not show. */
function curved(graph: QGraph): QGraph {
  const [node] = graph.nodes
  invariant(node?.kind === 'conv', 'the network is one convolution')
  const length = node.kernel[0] * node.kernel[1]
  const curve = {
    degree: 1,
    length,
    bits: 8,
    coefficients: new Int16Array(2 * (node.weights.length / length)).fill(1),
    moments: momentsOf(1, length, 8, true),
  } as const
  return { ...graph, nodes: [{ ...node, weights: new Int8Array(0), weightBits: 8, curve }] }
}
