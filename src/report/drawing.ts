import { palette } from './plot.ts'

/** What moves along an arrow; each kind has a colour of its own, explained below the drawing. */
export interface Flow {
  readonly name: string
  readonly dashed?: boolean
}

/** A box of a drawing: a memory, a unit, a PE. Places are in cells of the drawing's grid, and may be fractions. */
export interface Box {
  readonly row: number
  readonly column: number
  /** Cells that it is wide and high; 1 unless given. */
  readonly width?: number
  readonly height?: number
  readonly lines: readonly string[]
  readonly fill: 'memory' | 'unit' | 'pe' | 'idle'
}

/** An arrow from one place to another, in cells. */
export interface Arrow {
  readonly flow: string
  readonly from: readonly [row: number, column: number]
  readonly to: readonly [row: number, column: number]
}

export interface Drawing {
  readonly title: string
  readonly rows: number
  readonly columns: number
  readonly boxes: readonly Box[]
  readonly arrows: readonly Arrow[]
  readonly flows: readonly Flow[]
  /** Lines of text below. */
  readonly notes: readonly string[]
}

const cell = { width: 118, height: 74 } as const
/** Share of a cell that a box fills. */
const filled = { width: 0.78, height: 0.66 } as const
const margin = 16
const head = 34
const line = 15
const fills = { memory: '#e8eef5', unit: '#f4eee0', pe: '#ffffff', idle: '#f2f2f2' } as const

/** Renders a drawing as SVG: boxes on a grid, arrows between them, a legend and notes. */
export function drawingSvg(drawing: Drawing): string {
  const width = 2 * margin + drawing.columns * cell.width
  const legend = head + drawing.rows * cell.height + line
  const height = legend + (drawing.notes.length + 1) * (line + 2) + margin
  const body = [
    `<text x="${margin}" y="22" font-size="15" font-weight="bold">${escaped(drawing.title)}</text>`,
    ...drawing.boxes.map(boxSvg),
    ...drawing.arrows.map((arrow) => arrowSvg(arrow, drawing.flows)),
    ...legendSvg(drawing.flows, legend),
    ...drawing.notes.map((note, i) => text(note, margin, legend + (i + 1) * (line + 2) + 4, 'start', 12)),
  ]
  const markers = drawing.flows.map((_, i) => marker(i))
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="sans-serif">
<title>${escaped(drawing.title)}</title>
<defs>${markers.join('')}</defs>
<rect width="${width}" height="${height}" fill="white"/>
${body.join('\n')}
</svg>
`
}

/** The arrow's end between two neighbouring boxes: from the edge of one to that of the other. */
export function between(
  flow: string,
  [fromRow, fromColumn]: readonly [number, number],
  [toRow, toColumn]: readonly [number, number],
): Arrow {
  const towards = (from: number, to: number, share: number) => Math.sign(to - from) * (share / 2)
  const [down, right] = [towards(fromRow, toRow, filled.height), towards(fromColumn, toColumn, filled.width)]
  return { flow, from: [fromRow + down, fromColumn + right], to: [toRow - down, toColumn - right] }
}

const x = (column: number) => margin + (column + 0.5) * cell.width
const y = (row: number) => head + (row + 0.5) * cell.height
const short = (value: number) => String(Math.round(value * 10) / 10)
const escaped = (value: string) =>
  value.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
const colourOf = (index: number) => palette[index % palette.length]!

function text(value: string, atX: number, atY: number, anchor: 'start' | 'middle', size: number): string {
  return `<text x="${short(atX)}" y="${short(atY)}" font-size="${size}" text-anchor="${anchor}">${escaped(value)}</text>`
}

function boxSvg({ row, column, width = 1, height = 1, lines, fill }: Box): string {
  const w = (width - 1 + filled.width) * cell.width
  const h = (height - 1 + filled.height) * cell.height
  const [centreX, centreY] = [x(column + (width - 1) / 2), y(row + (height - 1) / 2)]
  const first = centreY - ((lines.length - 1) * line) / 2 + 4
  const rect = `<rect x="${short(centreX - w / 2)}" y="${short(centreY - h / 2)}" width="${short(w)}" height="${short(h)}" rx="4" fill="${fills[fill]}" stroke="#444"/>`
  return [rect, ...lines.map((value, i) => text(value, centreX, first + i * line, 'middle', 12))].join('')
}

function arrowSvg({ flow, from, to }: Arrow, flows: readonly Flow[]): string {
  const index = flows.findIndex(({ name }) => name === flow)
  const dash = flows[index]?.dashed === true ? ' stroke-dasharray="5 3"' : ''
  return `<line x1="${short(x(from[1]))}" y1="${short(y(from[0]))}" x2="${short(x(to[1]))}" y2="${short(y(to[0]))}" stroke="${colourOf(index)}" stroke-width="2"${dash} marker-end="url(#end${index})"/>`
}

const marker = (index: number) =>
  `<marker id="end${index}" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="5" markerHeight="5" orient="auto"><path d="M0 0L8 4L0 8z" fill="${colourOf(index)}"/></marker>`

function legendSvg(flows: readonly Flow[], atY: number): string[] {
  let left = margin
  return flows.map(({ name, dashed }, index) => {
    const dash = dashed === true ? ' stroke-dasharray="5 3"' : ''
    const svg = `<line x1="${left}" y1="${atY - 4}" x2="${left + 26}" y2="${atY - 4}" stroke="${colourOf(index)}" stroke-width="2"${dash}/>${text(name, left + 32, atY, 'start', 12)}`
    left += 50 + 7 * name.length
    return svg
  })
}
