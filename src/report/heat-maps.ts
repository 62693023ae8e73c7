import type { TopLevelSpec } from 'vega-lite'
import { csvOf, type Plot, renderSvg } from './plot.ts'

/** Values over two operands, in cells that cover ranges of them. */
export interface HeatMap {
  readonly title: string
  /** The first value of each row (A) and column (B). */
  readonly rows: readonly number[]
  readonly columns: readonly number[]
  /** Row after row. */
  readonly values: ArrayLike<number>
}

/** Heat maps side by side, each with a scale of its own. */
export async function heatMaps(title: string, what: string, maps: readonly HeatMap[]): Promise<Plot> {
  const cells = maps.map((map) => ({ map, cells: cellsOf(map) }))
  const rows = cells.flatMap(({ map, cells: list }) =>
    list.map(({ a, b, value }) => ({ design: map.title, a, b, [what]: value })),
  )
  return {
    svg: await renderSvg(specification(title, cells)),
    csv: csvOf(['design', 'a', 'b', what], rows as Record<string, string | number>[]),
  }
}

interface Cell {
  readonly a: number
  readonly b: number
  readonly value: number
}

const cellsOf = ({ rows, columns, values }: HeatMap): readonly Cell[] =>
  rows.flatMap((a, row) =>
    columns.map((b, column) => ({ a, b, value: values[row * columns.length + column]! })),
  )

function specification(
  title: string,
  maps: readonly { readonly map: HeatMap; readonly cells: readonly Cell[] }[],
): TopLevelSpec {
  const some = (values: readonly number[]) => [
    values[0],
    values[Math.floor(values.length / 2)],
    values.at(-1),
  ]
  return {
    title,
    columns: 4,
    concat: maps.map(({ map, cells }) => ({
      title: { text: map.title, fontSize: 10 },
      width: 160,
      height: 160,
      data: { values: [...cells] },
      // thousands of cells: their descriptions would be most of the file
      mark: { type: 'rect', aria: false },
      encoding: {
        x: { field: 'b', type: 'ordinal', title: 'B', axis: { values: some(map.columns), labelAngle: 0 } },
        y: {
          field: 'a',
          type: 'ordinal',
          title: 'A',
          sort: 'descending',
          axis: { values: some(map.rows) },
        },
        color: {
          field: 'value',
          type: 'quantitative',
          scale: { scheme: 'viridis', zero: true },
          legend: {
            title: null,
            orient: 'bottom',
            gradientLength: 150,
            gradientThickness: 8,
            format: '.3~g',
          },
        },
      },
    })),
    resolve: { scale: { color: 'independent' } },
  } as TopLevelSpec
}
