import type { TopLevelSpec } from 'vega-lite'

/** A picture, and the numbers that it shows. */
export interface Plot {
  readonly svg: string
  readonly csv: string
}

/** Colours that people with any colour vision tell apart (Okabe and Ito), in the order of use. */
export const palette = ['#0072b2', '#e69f00', '#009e73', '#cc79a7', '#56b4e9', '#d55e00'] as const

/** Renders a Vega-Lite specification. The libraries are loaded on first use: most commands draw nothing. */
export async function renderSvg(specification: TopLevelSpec): Promise<string> {
  const [vega, { compile }] = await Promise.all([import('vega'), import('vega-lite')])
  const { spec } = compile(specification, { config: { font: 'sans-serif', background: 'white' } })
  // numbers of gradients and clips count on from picture to picture: without this, bytes would depend on what was drawn before
  vega.resetSVGDefIds()
  return `${await new vega.View(vega.parse(spec), { renderer: 'none' }).toSVG()}\n`
}

/** Comma-separated values with a heading (RFC 4180), in the order of `columns`. */
export function csvOf<K extends string>(
  columns: readonly K[],
  rows: readonly Readonly<Record<K, string | number>>[],
): string {
  const field = (value: string | number) => {
    const text = String(value)
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
  }
  const lines = [columns, ...rows.map((row) => columns.map((column) => row[column]))]
  return lines.map((line) => `${line.map(field).join(',')}\n`).join('')
}
