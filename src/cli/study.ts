import { join } from 'node:path'
import { usageError, XgenError } from '../base/errors.ts'
import { usualLayerImages } from '../flow/layer-errors.ts'
import { studyRobustness } from '../flow/robustness.ts'
import { writeStudy } from '../flow/robustness-page.ts'
import type { CommonOptions, Session } from './command.ts'
import { inputRangeOf } from './input-range.ts'
import { evaluatedImages, fileStem, resolvedOf, weightedConfigurationOf } from './options.ts'
import { parseSweep } from './sweep.ts'
import { table } from './table.ts'

const percent = (share: number) => `${(100 * share).toFixed(2)} %`

/** `xgen eval --sweep`: every combination, kept in a directory. */
export async function study(options: CommonOptions, session: Session): Promise<number> {
  if (options['precision'] === 'float')
    throw usageError('a study is of the integer network', {
      where: '--precision',
      hint: 'Leave --precision float away.',
    })
  for (const option of ['per-class', 'per-layer'])
    if (options[option] === true)
      throw usageError('a study prints the accuracy of every combination alone', {
        where: `--${option}`,
        hint: 'Errors of layers stand in layers.csv of its directory; classes are told by "xgen eval --per-class" of one combination.',
      })
  const { net } = weightedConfigurationOf(options)
  const variant = (set: readonly string[], mult: readonly string[] | undefined) =>
    resolvedOf({
      ...options,
      set: [...((options['set'] as string[] | undefined) ?? []), ...set],
      ...(mult === undefined
        ? {}
        : { mult: [...((options['mult'] as string[] | undefined) ?? []), ...mult] }),
    })
  const directory = (options['out'] as string | undefined) ?? join('rtl-out', `${fileStem(net)}-study`)
  const sweep = parseSweep(options['sweep'] as string[])
  const found = await studyRobustness(
    variant,
    {
      ...evaluatedImages(options),
      ...sweep,
      inputRange: inputRangeOf(options),
      layerImages: usualLayerImages,
      directory,
      force: options['force'] === true,
    },
    session.progress,
    session.signal,
  ).catch((error: unknown) => {
    if (!(error instanceof XgenError) || error.kind !== 'interrupted') throw error
    throw new XgenError('interrupted', error.message, {
      hint: `The same command goes on: what was measured is kept in ${directory}.`,
    })
  })
  await writeStudy(found, directory)
  const rows = found.points.map((point) => [
    point.multipliers,
    `${point.weights}`,
    `${point.activations}`,
    'refused' in point ? 'not possible' : percent(point.top1),
  ])
  const lines = [
    `${found.net} on ${found.data}, ${found.images} ${found.split} images`,
    ...table([['multipliers', 'weights', 'activations', 'top-1'], ...rows], 1),
    `wrote ${join(directory, 'robustness.html')}`,
  ]
  session.print(found, lines.join('\n'))
  return 0
}
