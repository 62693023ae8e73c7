import { buildAssignment } from '../../src/approx/build.ts'
import { makeRowPlan } from '../../src/plan/row/make.ts'
import { columnPlace, type RowLayer, tapOf } from '../../src/plan/row/plan.ts'
import { type Arrow, type Box, between, type Drawing } from '../../src/report/drawing.ts'
import { smallGraph } from './graph.ts'

/** Products that the grid's first row is at: the wave of the skew is in the middle of the grid. */
const step = 4

/** A 3x3 convolution of one channel on 3 x 4 PEs: one cycle of its first pass. */
export function rowStationary(): Drawing {
  const graph = smallGraph({ channels: 1, size: 6, filters: 2, kernel: 3 })
  const array = {
    dataflow: 'row-stationary',
    rows: 3,
    columns: 4,
    memoryBits: 2 ** 20,
    parallel: false,
  } as const
  const { plan } = makeRowPlan(graph, buildAssignment(graph, []), array)
  const layer = plan.layers[0]!
  const { rows, columns } = array
  const [top, left] = [1, 1]
  const places = Array.from(
    { length: rows * columns },
    (_, at) => [Math.floor(at / columns), at % columns] as const,
  )
  const line = (row: number, column: number) => tapOf(layer, row, column, 0)!.line
  const entry = (index: number): readonly [row: number, column: number] => {
    const [row, column] = places.find(([i, j]) => line(i, j) === index && (i === 0 || j === columns - 1))!
    return row === 0 ? [0, left + column] : [top + row, left + columns]
  }
  const boxes: Box[] = [
    ...Array.from(
      { length: rows },
      (_, i): Box => ({
        row: top + i,
        column: 0,
        lines: ['weight memory:', `filter row ${i}`],
        fill: 'memory',
      }),
    ),
    ...Array.from({ length: plan.banks }, (_, i): Box => {
      const [row, column] = entry(i)
      return { row, column, lines: [`bank ${i}`, `input row ${i}`], fill: 'memory' }
    }),
    ...places.map(
      ([i, j]): Box => ({
        row: top + i,
        column: left + j,
        lines: [`filter row ${i}`, `input row ${line(i, j)}`, workAt(layer, i)],
        fill: 'pe',
      }),
    ),
    ...Array.from(
      { length: columns },
      (_, j): Box => ({
        row: top + rows,
        column: left + j,
        lines: [`output row ${columnPlace(layer, j)!.row}:`, 'sum, requantise'],
        fill: 'unit',
      }),
    ),
  ]
  const arrows: Arrow[] = [
    ...Array.from({ length: rows }, (_, i) => between('weights', [top + i, 0], [top + i, left])),
    ...places.flatMap(([i, j]) => [
      between('partial sums', [top + i, left + j], [top + i + 1, left + j]),
      ...(i + 1 < rows && j > 0 ? [diagonal([top + i, left + j], [top + i + 1, left + j - 1])] : []),
    ]),
    ...Array.from({ length: plan.banks }, (_, i) => {
      const [row, column] = entry(i)
      return row === 0
        ? beside(between('input rows', [row, column], [top, column]))
        : between('input rows', [row, column], [row, column - 1])
    }),
  ]
  return {
    title: `Row-stationary: the first row of PEs is at product ${step} of a pass`,
    rows: top + rows + 1,
    columns: left + columns + 1,
    boxes,
    arrows,
    flows: [{ name: 'input rows' }, { name: 'partial sums' }, { name: 'weights', dashed: true }],
    notes: [
      `A ${layer.kernel.join('x')} convolution of ${graph.tensors['input']!.shape.join('x')} on ${rows} x ${columns} PEs: a PE holds a filter row for a pass, and convolves an input row with it.`,
      `Each output column x takes ${layer.kernel[1]} products, kx = 0 .. ${layer.kernel[1] - 1}; a row of PEs is one cycle behind the row above.`,
      'Input rows go down and to the left, one PE a cycle; sums go down, to the end of the chain, which adds up over kx and channels.',
    ],
  }
}

/** What PE row `row` multiplies in the drawn cycle. */
function workAt({ kernel }: RowLayer, row: number): string {
  const product = step - row
  return product < 0 ? 'idle' : `x ${Math.floor(product / kernel[1])}, kx ${product % kernel[1]}`
}

/** From corner to corner. */
const diagonal = (from: readonly [number, number], to: readonly [number, number]): Arrow => ({
  flow: 'input rows',
  from: [from[0] + 0.33, from[1] - 0.39],
  to: [to[0] - 0.33, to[1] + 0.39],
})

/** Next to the arrow of the sums. */
const beside = ({ flow, from, to }: Arrow): Arrow => ({
  flow,
  from: [from[0], from[1] + 0.15],
  to: [to[0], to[1] + 0.15],
})
