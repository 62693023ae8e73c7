import type { TopLevelSpec } from 'vega-lite'
import { csvOf, type Plot, palette, renderSvg } from './plot.ts'

/** What a simulation says of one layer. */
export interface LayerRow {
  readonly layer: string
  readonly dataflow: string
  readonly cycles: number
  /** 0..1. */
  readonly utilisation: number
  readonly register: number
  readonly neighbour: number
  readonly buffer: number
}

const levels = ['register', 'neighbour', 'buffer'] as const

/** Cycles, use of the PEs, and values moved by level, layer by layer. */
export async function layersPlot(title: string, rows: readonly LayerRow[]): Promise<Plot> {
  const columns = ['layer', 'dataflow', 'cycles', 'utilisation', ...levels] as const
  return { svg: await renderSvg(specification(title, rows)), csv: csvOf(columns, rows) }
}

function specification(title: string, rows: readonly LayerRow[]): TopLevelSpec {
  const x = { field: 'layer', type: 'nominal', sort: null, title: null, axis: { labelAngle: -40 } } as const
  const panel = { width: { step: 26 }, height: 130 } as const
  const bars = (field: string, label: string, format?: string) =>
    ({
      ...panel,
      mark: { type: 'bar', color: palette[0] },
      encoding: {
        x,
        y: {
          field,
          type: 'quantitative',
          title: label,
          ...(format === undefined ? {} : { axis: { format }, scale: { domain: [0, 1] } }),
        },
      },
    }) as const
  return {
    title,
    data: { values: [...rows] },
    resolve: { scale: { color: 'independent' } },
    vconcat: [
      bars('cycles', 'cycles'),
      bars('utilisation', 'use of the PEs', '.0%'),
      {
        ...panel,
        transform: [{ fold: [...levels], as: ['level', 'values'] }],
        mark: 'bar',
        encoding: {
          x,
          y: { field: 'values', type: 'quantitative', title: 'values moved', axis: { format: '~s' } },
          color: {
            field: 'level',
            type: 'nominal',
            sort: [...levels],
            scale: { domain: [...levels], range: palette.slice(0, levels.length) },
            legend: { title: null, orient: 'bottom' },
          },
        },
      },
    ],
  }
}
