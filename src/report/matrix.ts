import type { TopLevelSpec } from 'vega-lite'
import { csvOf, type Plot, renderSvg } from './plot.ts'

/** Shares by two settings, each cell with its number; a cell without a value is left empty. */
export interface Matrix {
  readonly title: string
  readonly rows: readonly string[]
  readonly columns: readonly string[]
  /** Row after row, each from 0 to 1. */
  readonly values: readonly (number | undefined)[]
}

export interface MatrixAxes {
  readonly row: string
  readonly column: string
  /** What the values are, in percent. */
  readonly value: string
}

/** Matrices side by side, all with one scale of colours: from the least value to the largest. */
export async function matrixPlot(
  title: string,
  axes: MatrixAxes,
  matrices: readonly Matrix[],
): Promise<Plot> {
  const panels = matrices.map((matrix) => ({ matrix, cells: cellsOf(matrix) }))
  const rows = panels.flatMap(({ matrix, cells }) =>
    cells.map(({ row, column, value }) => ({
      matrix: matrix.title,
      [axes.row]: row,
      [axes.column]: column,
      [axes.value]: value ?? '',
    })),
  )
  return {
    svg: await renderSvg(specification(title, axes, panels)),
    csv: csvOf(['matrix', axes.row, axes.column, axes.value], rows as Record<string, string | number>[]),
  }
}

interface Cell {
  readonly row: string
  readonly column: string
  /** In percent. */
  readonly value: number | undefined
}

const cellsOf = ({ rows, columns, values }: Matrix): readonly Cell[] =>
  rows.flatMap((row, i) =>
    columns.map((column, j) => {
      const value = values[i * columns.length + j]
      return { row, column, value: value === undefined ? undefined : Number((100 * value).toFixed(4)) }
    }),
  )

const cellSize = 38

function specification(
  title: string,
  axes: MatrixAxes,
  panels: readonly { readonly matrix: Matrix; readonly cells: readonly Cell[] }[],
): TopLevelSpec {
  const values = panels.flatMap(({ cells }) => cells.flatMap(({ value }) => value ?? []))
  const domain = [Math.min(...values, 100), Math.max(...values, 0)] as const
  const middle = (domain[0] + domain[1]) / 2
  return {
    title,
    columns: 3,
    concat: panels.map(({ matrix, cells }) => ({
      title: { text: matrix.title, fontSize: 11 },
      width: cellSize * matrix.columns.length,
      height: (cellSize - 10) * matrix.rows.length,
      data: { values: cells.filter(({ value }) => value !== undefined) },
      encoding: {
        x: {
          field: 'column',
          type: 'nominal',
          title: axes.column,
          sort: null,
          scale: { domain: [...matrix.columns] },
          axis: { labelAngle: 0 },
        },
        y: {
          field: 'row',
          type: 'nominal',
          title: axes.row,
          sort: null,
          scale: { domain: [...matrix.rows] },
        },
      },
      layer: [
        {
          mark: { type: 'rect', aria: false },
          encoding: {
            color: {
              field: 'value',
              type: 'quantitative',
              scale: { scheme: 'viridis', domain: [...domain] },
              legend: { title: axes.value, orient: 'bottom', gradientLength: 150, gradientThickness: 8 },
            },
          },
        },
        {
          mark: { type: 'text', fontSize: 10, aria: false },
          encoding: {
            text: { field: 'value', type: 'quantitative', format: '.1f' },
            color: { condition: { test: `datum.value < ${middle}`, value: 'white' }, value: 'black' },
          },
        },
      ],
    })),
  } as TopLevelSpec
}
