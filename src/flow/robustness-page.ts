import { join } from 'node:path'
import { writeFileAtomically } from '../base/files.ts'
import { pageFiles } from '../emit/page-files.ts'
import { type Matrix, type MatrixAxes, matrixPlot } from '../report/matrix.ts'
import type { Block, Page, TableBlock } from '../report/page.ts'
import { csvOf } from '../report/plot.ts'
import type { MeasuredPoint, RefusedPoint, RobustnessStudy, StudiedPoint } from './robustness.ts'

/** Writes the study: robustness.html, .md and .json, plots/, results.csv (a line a point) and layers.csv (a line a point and layer). */
export async function writeStudy(study: RobustnessStudy, directory: string): Promise<void> {
  const files = new Map([
    ...pageFiles(await studyPage(study), study, 'robustness'),
    ['results.csv', resultsCsv(study)],
    ['layers.csv', layersCsv(study)],
  ])
  for (const [name, text] of files) writeFileAtomically(join(directory, name), text)
}

const measuredOf = ({ points }: RobustnessStudy): readonly MeasuredPoint[] =>
  points.filter((point): point is MeasuredPoint => !('refused' in point))

const percent = (share: number) => (100 * share).toFixed(2)
const figure = (value: number) => `${Number(value.toPrecision(3))}`

export async function studyPage(study: RobustnessStudy): Promise<Page> {
  const { net, data, split, images } = study
  return {
    title: `Robustness of ${net} on ${data}`,
    lead: `Top-1 accuracy on ${images} ${split} images by the bits of weights and activations and by the multipliers: ${study.points.length} combinations, emulated bit by bit without retraining.`,
    sections: [
      { id: 'accuracy', title: 'Accuracy', blocks: [await heatMap(study), resultTable(study)] },
      { id: 'layers', title: 'Errors of the layers', blocks: layerBlocks(study) },
      ...refusedSections(study),
    ],
  }
}

/** A matrix of bits for each choice of multipliers; where only one of both bits varies, or none, one matrix of multipliers by bits. */
export function matricesOf(study: RobustnessStudy): {
  readonly axes: MatrixAxes
  readonly matrices: Matrix[]
} {
  const { weights, activations, multipliers, points } = study
  const known = new Map(points.map((point) => [keyOf(point), point]))
  const accuracyAt = (w: number, a: number, m: string) => {
    const point = known.get(keyOf({ weights: w, activations: a, multipliers: m }))
    return point === undefined || 'refused' in point ? undefined : point.top1
  }
  if (weights.length > 1 && activations.length > 1)
    return {
      axes: { row: 'weight bits', column: 'activation bits', value: 'top-1, %' },
      matrices: multipliers.map((m) => ({
        title: m,
        rows: [...weights].reverse().map(String),
        columns: activations.map(String),
        values: [...weights].reverse().flatMap((w) => activations.map((a) => accuracyAt(w, a, m))),
      })),
    }
  const pairs = weights.flatMap((w) => activations.map((a) => [w, a] as const))
  return {
    axes: { row: 'multipliers', column: 'bits: weights/activations', value: 'top-1, %' },
    matrices: [
      {
        title: study.net,
        rows: multipliers,
        columns: pairs.map(([w, a]) => `${w}/${a}`),
        values: multipliers.flatMap((m) => pairs.map(([w, a]) => accuracyAt(w, a, m))),
      },
    ],
  }
}

const keyOf = ({
  weights,
  activations,
  multipliers,
}: Pick<StudiedPoint, 'weights' | 'activations' | 'multipliers'>) =>
  `${weights} ${activations} ${multipliers}`

async function heatMap(study: RobustnessStudy): Promise<Block> {
  const { axes, matrices } = matricesOf(study)
  return {
    kind: 'plot',
    id: 'accuracy-matrix',
    caption: `Top-1 accuracy in percent by ${axes.row} and ${axes.column}`,
    plot: await matrixPlot(`${study.net} on ${study.data}`, axes, matrices),
    source: `Emulation of ${study.images} ${study.split} images; empty cells cannot be built.`,
  }
}

function resultTable(study: RobustnessStudy): TableBlock {
  return {
    kind: 'table',
    caption: 'Every combination',
    columns: [
      { title: 'multipliers' },
      ...['weights', 'activations', 'top-1 %', '95 % interval', 'top-5 %'].map((title) => ({
        title,
        align: 'right' as const,
      })),
    ],
    rows: measuredOf(study).map(({ multipliers, weights, activations, top1, top5, interval }) => ({
      cells: [
        multipliers,
        `${weights}`,
        `${activations}`,
        percent(top1),
        interval.map(percent).join(' to '),
        percent(top5),
      ],
    })),
  }
}

/** Errors at the widest operands, where those of quantisation are least; layers.csv has all. */
function layerBlocks(study: RobustnessStudy): readonly Block[] {
  const [w, a] = [Math.max(...study.weights), Math.max(...study.activations)]
  const widest = measuredOf(study).filter(({ weights, activations }) => weights === w && activations === a)
  return [
    {
      kind: 'text',
      text: `Codes of each layer's results minus those with exact multipliers of the same bits, on ${study.layerImages} images; what the layers before did is in them. Here at ${w} bits of weights and ${a} of activations; layers.csv has all.`,
    },
    ...widest
      .filter(({ layers }) => layers.some(({ max }) => max > 0))
      .map(
        ({ multipliers, layers }): Block => ({
          kind: 'table',
          caption: multipliers,
          columns: [
            { title: 'layer' },
            ...['mean', 'standard deviation', 'largest'].map((title) => ({ title, align: 'right' as const })),
          ],
          rows: layers.map(({ name, mean, std, max }) => ({
            cells: [name, figure(mean), figure(std), `${max}`],
          })),
        }),
      ),
  ]
}

function refusedSections({ points }: RobustnessStudy) {
  const refused = points.filter((point): point is RefusedPoint => 'refused' in point)
  if (refused.length === 0) return []
  const table: TableBlock = {
    kind: 'table',
    columns: [
      { title: 'multipliers' },
      { title: 'weights', align: 'right' },
      { title: 'activations', align: 'right' },
      { title: 'why', wide: true },
    ],
    rows: refused.map(({ multipliers, weights, activations, refused: why }) => ({
      cells: [multipliers, `${weights}`, `${activations}`, why],
    })),
  }
  return [{ id: 'refused', title: 'What cannot be built', blocks: [table] }]
}

function resultsCsv({ points }: RobustnessStudy): string {
  const columns = [
    'weights',
    'activations',
    'multipliers',
    'images',
    'top1',
    'low',
    'high',
    'top5',
    'refused',
  ] as const
  return csvOf(
    columns,
    points.map((point) => {
      const { weights, activations, multipliers } = point
      if ('refused' in point)
        return {
          weights,
          activations,
          multipliers,
          images: '',
          top1: '',
          low: '',
          high: '',
          top5: '',
          refused: point.refused,
        }
      const { images, top1, top5, interval } = point
      return {
        weights,
        activations,
        multipliers,
        images,
        top1,
        low: interval[0],
        high: interval[1],
        top5,
        refused: '',
      }
    }),
  )
}

const layersCsv = (study: RobustnessStudy): string =>
  csvOf(
    ['weights', 'activations', 'multipliers', 'layer', 'mean', 'std', 'max'],
    measuredOf(study).flatMap(({ weights, activations, multipliers, layers }) =>
      layers.map(({ name, mean, std, max }) => ({
        weights,
        activations,
        multipliers,
        layer: name,
        mean,
        std,
        max,
      })),
    ),
  )
