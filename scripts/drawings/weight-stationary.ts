import { buildAssignment } from '../../src/approx/build.ts'
import { makePlan } from '../../src/plan/make.ts'
import type { Plan, PlanLayer } from '../../src/plan/plan.ts'
import { type Fold, foldsOf } from '../../src/plan/steps.ts'
import { type Arrow, type Box, between, type Drawing } from '../../src/report/drawing.ts'
import { smallGraph } from './graph.ts'

/** Run cycles after the fold's first position was issued at which the drawing looks: the wave of positions is in the middle of the array. */
const after = 6

/** A 2x2 convolution of 2 channels and 4 filters on 4 x 4 PEs: one cycle of its first fold. */
export function weightStationary(): Drawing {
  const graph = smallGraph({ channels: 2, size: 4, filters: 4, kernel: 2 })
  const array = {
    dataflow: 'weight-stationary',
    rows: 4,
    columns: 4,
    memoryBits: 2 ** 20,
    parallel: false,
  } as const
  const { plan } = makePlan(graph, buildAssignment(graph, []), array)
  const layer = plan.layers[0]!
  const fold = foldsOf(plan).next().value as Fold
  const { rows, columns } = plan.array
  const grid = (of: (i: number, j: number) => Box | Arrow) =>
    Array.from({ length: rows * columns }, (_, at) => of(Math.floor(at / columns), at % columns))
  const top = 1
  const left = 2
  const boxes: Box[] = [
    {
      row: 0,
      column: left,
      width: columns,
      lines: [`weight memory: a word of ${columns} weights a cycle, column j delayed by j cycles`],
      fill: 'memory',
    },
    ...Array.from({ length: rows }, (_, i): Box[] => [
      { row: top + i, column: 0, lines: [`bank ${i}`, channelsOf(plan, layer, i)], fill: 'memory' },
      { row: top + i, column: 1, lines: [`feeder ${i}`, tapOf(layer, fold.tap + i)], fill: 'unit' },
    ]).flat(),
    ...(grid((i, j) => ({
      row: top + i,
      column: left + j,
      lines: [`filter ${fold.filter + j}`, tapOf(layer, fold.tap + i), positionAt(plan, layer, i, j)],
      fill: 'pe',
    })) as Box[]),
    ...Array.from(
      { length: columns },
      (_, j): Box => ({
        row: top + rows,
        column: left + j,
        lines: [`column ${j}: sum,`, 'requantise'],
        fill: 'unit',
      }),
    ),
    {
      row: top + rows + 1,
      column: left,
      width: columns,
      lines: [
        `writer: ${layer.lanes === 1 ? 'one word' : `${layer.lanes} words`} a bank for each position, read by the next layer`,
      ],
      fill: 'unit',
    },
  ]
  const arrows: Arrow[] = [
    ...Array.from({ length: columns }, (_, j) => between('weights', [0, left + j], [top, left + j])).map(
      shifted,
    ),
    ...Array.from({ length: rows }, (_, i) => [
      between('activations', [top + i, 0], [top + i, 1]),
      between('activations', [top + i, 1], [top + i, left]),
    ]).flat(),
    ...(grid((i, j) => between('partial sums', [top + i, left + j], [top + i + 1, left + j])) as Arrow[]),
    ...(
      grid((i, j) => between('activations', [top + i, left + j - 1], [top + i, left + j])) as Arrow[]
    ).filter(({ to }) => to[1] > left),
    ...Array.from({ length: columns }, (_, j) =>
      between('codes', [top + rows, left + j], [top + rows + 1, left + j]),
    ),
  ]
  return {
    title: `Weight-stationary: ${after} cycles after position 0 of fold 0 was issued`,
    rows: top + rows + 2,
    columns: left + columns,
    boxes,
    arrows,
    flows: [
      { name: 'activations' },
      { name: 'partial sums' },
      { name: 'weights', dashed: true },
      { name: 'codes' },
    ],
    notes: [
      `A ${layer.kernel.join('x')} convolution of ${layer.channels} channels and ${layer.filters} filters on ${rows} x ${columns} PEs: ${layer.taps} taps in ${layer.rowFolds} folds of ${rows}, ${layer.positions} positions each.`,
      'Each PE holds one weight for a whole fold. A position goes right one PE a cycle; its sum comes down one PE a cycle.',
      'Tap (y, x) c: kernel row, kernel column, channel. The next fold loads while this one runs.',
    ],
  }
}

/** Weight arrows stand beside those of the sums. */
const shifted = ({ flow, from, to }: Arrow): Arrow => ({
  flow,
  from: [from[0], from[1] + 0.15],
  to: [to[0], to[1] + 0.15],
})

function channelsOf(plan: Plan, layer: PlanLayer, bank: number): string {
  const channels = Array.from({ length: layer.channels }, (_, n) => n).filter(
    (n) => n % plan.input.modulus === bank % plan.input.modulus,
  )
  return `channel ${channels.join(', ')}`
}

function tapOf({ kernel, channels }: PlanLayer, tap: number): string {
  const pixel = Math.floor(tap / channels)
  return `tap (${Math.floor(pixel / kernel[1])}, ${pixel % kernel[1]}) c${tap % channels}`
}

/** The position whose product PE (i, j) adds in the drawn cycle: issued in cycle s, it is in the PE's sum at s + i + j + 3. */
function positionAt({ latency }: Plan, { positions }: PlanLayer, i: number, j: number): string {
  const position = after - latency.feeder - i - j
  return position >= 0 && position < positions ? `position ${position}` : 'idle'
}
