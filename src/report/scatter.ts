import type { TopLevelSpec } from 'vega-lite'
import { csvOf, type Plot, palette, renderSvg } from './plot.ts'

/** A design in a plot of two quantities, both at least 0. */
export interface ScatterPoint {
  readonly design: string
  /** What it is coloured by. */
  readonly group: string
  readonly x: number
  readonly y: number
  /** Whether no other point is as good in both and better in one: these are joined by the line. */
  readonly pareto: boolean
  /** Where a click leads. */
  readonly href: string
}

export interface ScatterAxes {
  readonly x: string
  readonly y: string
}

/** A mark for each group, told apart by colour and shape. */
interface Mark {
  readonly group: string
  readonly colour: string
  readonly shape: string
}

/** Groups that others are compared with stand out: black, and of their own shapes. */
const special: readonly Omit<Mark, 'group'>[] = [
  { colour: '#000000', shape: 'cross' },
  { colour: '#000000', shape: 'diamond' },
]
const shapes = ['circle', 'square', 'triangle-up', 'triangle-down'] as const

function marksOf(points: readonly ScatterPoint[], compared: readonly string[]): readonly Mark[] {
  const groups = [...new Set(points.map(({ group }) => group))]
  const others = groups.filter((group) => !compared.includes(group)).sort()
  return [
    ...compared
      .map((group, i) => ({ group, ...special[i % special.length]! }))
      .filter(({ group }) => groups.includes(group)),
    ...others.map((group, i) => ({
      group,
      colour: palette[i % palette.length]!,
      shape: shapes[Math.floor(i / palette.length) % shapes.length]!,
    })),
  ]
}

/**
 * Designs by two quantities, with the Pareto line. An axis whose values differ by more than a factor of 20 is logarithmic; a 0, which has no place there, stands at its
 * lower edge, as the axis says. `compared` are the groups that the others have to beat.
 */
export async function scatterPlot(
  title: string,
  axes: ScatterAxes,
  points: readonly ScatterPoint[],
  compared: readonly string[],
): Promise<Plot> {
  const columns = ['design', 'group', axes.x, axes.y, 'pareto'] as const
  const rows = points.map((point) => ({
    design: point.design,
    group: point.group,
    [axes.x]: point.x,
    [axes.y]: point.y,
    pareto: point.pareto ? 'yes' : 'no',
  }))
  return {
    svg: await renderSvg(specification(title, axes, points, marksOf(points, compared))),
    csv: csvOf(columns, rows as Record<string, string | number>[]),
  }
}

interface Axis {
  readonly log: boolean
  /** Where a 0 is drawn. */
  readonly floor: number
}

function axisOf(values: readonly number[]): Axis {
  const positive = values.filter((value) => value > 0)
  const [least, most] = [Math.min(...positive), Math.max(...positive)]
  const log = positive.length > 0 && most > 20 * least
  return { log, floor: log ? least / 3 : 0 }
}

function specification(
  title: string,
  axes: ScatterAxes,
  points: readonly ScatterPoint[],
  marks: readonly Mark[],
): TopLevelSpec {
  const [x, y] = [axisOf(points.map((point) => point.x)), axisOf(points.map((point) => point.y))]
  const shown = points.map((point) => ({ ...point, x: point.x || x.floor, y: point.y || y.floor }))
  const channel = (name: 'x' | 'y', { log, floor }: Axis) => {
    const zeros = log && points.some((point) => point[name] === 0)
    const values = shown.map((point) => point[name])
    return {
      field: name,
      type: 'quantitative',
      title: zeros ? `${axes[name]} (0 at the edge)` : axes[name],
      scale: log
        ? {
            type: 'log',
            domain: [zeros ? floor : Math.min(...values), Math.max(...values)],
            nice: false,
            padding: 8,
          }
        : { zero: false, padding: 8 },
      axis: { format: ',.6~g', tickCount: 6 },
    } as const
  }
  const place = { x: channel('x', x), y: channel('y', y) }
  const domain = marks.map(({ group }) => group)
  return {
    title,
    width: 680,
    height: 420,
    layer: [
      {
        data: { values: shown.filter(({ pareto }) => pareto) },
        mark: { type: 'line', interpolate: 'step-after', color: '#888888', strokeWidth: 1, aria: false },
        encoding: { ...place, order: { field: 'x', type: 'quantitative' } },
      },
      {
        data: { values: shown },
        mark: { type: 'point', filled: true, size: 55, opacity: 0.85, cursor: 'pointer' },
        encoding: {
          ...place,
          color: {
            field: 'group',
            type: 'nominal',
            scale: { domain, range: marks.map(({ colour }) => colour) },
            legend: { title: null, symbolLimit: 0 },
          },
          shape: {
            field: 'group',
            type: 'nominal',
            scale: { domain, range: marks.map(({ shape }) => shape) },
          },
          href: { field: 'href', type: 'nominal' },
          description: { field: 'design', type: 'nominal' },
        },
      },
    ],
  } as TopLevelSpec
}
