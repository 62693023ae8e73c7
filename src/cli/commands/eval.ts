import { usageError } from '../../base/errors.ts'
import { type EvalResult, evaluate } from '../../flow/eval.ts'
import { type LayerError, usualLayerImages } from '../../flow/layer-errors.ts'
import type { evaluateRun, Rates, RunAccuracy } from '../../flow/run-accuracy.ts'
import type { Command, CommonOptions } from '../command.ts'
import { inputRangeOf } from '../input-range.ts'
import {
  evaluatedImages,
  imagesOption,
  netOptions,
  refuseFloatMultipliers,
  weightedConfigurationOf,
} from '../options.ts'
import { table } from '../table.ts'

const percent = (share: number) => `${(100 * share).toFixed(2)} %`

const describe = ({ top1, top5, interval: [low, high] }: Rates) =>
  `top-1 ${percent(top1)} (95 % interval ${percent(low)} to ${percent(high)}), top-5 ${percent(top5)}`

const classTable = (classes: EvalResult['classes']): string[] =>
  table(
    [
      ['class', 'images', 'top-1', 'top-5'],
      ...classes.map(({ name, images, top1, top5 }) => [
        name,
        String(images),
        ...(images === 0 ? ['', ''] : [percent(top1), percent(top5)]),
      ]),
    ],
    1,
  )

const figure = (value: number) => `${Number(value.toPrecision(3))}`

const layerTable = (layers: readonly LayerError[]): string[] =>
  table(
    [
      ['layer', 'mean error', 'standard deviation', 'largest'],
      ...layers.map(({ name, mean, std, max }) => [name, figure(mean), figure(std), String(max)]),
    ],
    1,
  )

/** A model that was made for other pixels than it gets finds next to nothing, and does not fail. */
function warnOfRange({ taken, interval: [low], classes }: EvalResult, options: CommonOptions): void {
  if (taken?.startsWith('pixels') !== true || options['input-range'] !== undefined) return
  if (low > 1 / classes.length) return
  process.stderr.write(
    'xgen: no better than chance: a model made for other pixels needs --input-range, such as 0..255\n',
  )
}

/** Loads what makes designs only where there is one. */
async function evaluateDesign(...of: Parameters<typeof evaluateRun>): ReturnType<typeof evaluateRun> {
  const { evaluateRun } = await import('../../flow/run-accuracy.ts')
  return evaluateRun(...of)
}

export const evaluation: Command = {
  name: 'eval',
  summary: 'Accuracy on a data set by the functional emulator',
  examples: [
    ['xgen eval --net lenet5 --data mnist', 'Accuracy of the exact int8 network'],
    [
      'xgen eval --net lenet5 --data mnist --mult conv2=roup:p=1,r=2',
      'With an approximate second convolution',
    ],
    ['xgen eval --net lenet-fashion --per-class', 'The accuracy of each class too'],
    [
      'xgen eval --net lenet5 --sweep weights=2..8 --sweep mult=drum:k=4 --out r',
      'A robustness study: every combination, with a heat map',
    ],
    ['xgen eval -c D/run.json --out D', 'Of the design in D, for xgen report'],
  ],
  configure: (y) =>
    imagesOption(netOptions(y), 'Use the first N test images (default: all)').options({
      data: {
        type: 'string',
        requiresArg: true,
        defaultDescription: "the network's own",
        describe: 'Data set ("xgen data list"), or folder:PATH, a directory of pictures for each class',
        group: 'Data:',
      },
      split: {
        choices: ['test', 'validation', 'train'] as const,
        default: 'test',
        describe: 'Which images: choose by those for validation, report those for test',
        group: 'Data:',
      },
      sweep: {
        type: 'string',
        array: true,
        nargs: 1,
        describe:
          'Measure every combination: weights=2..8, activations=4,6,8, mult=[WHERE=]SPEC (repeatable; several entries of one choice with ";" between)',
        group: 'Study:',
      },
      precision: {
        choices: ['int', 'float'] as const,
        defaultDescription: 'int; for model files what they compute in',
        describe: 'Integer emulation, or the float reference',
        group: 'Data:',
      },
      'input-range': {
        type: 'string',
        requiresArg: true,
        defaultDescription: '0..1',
        describe: 'What bytes 0 and 255 of an image are for a model file of real inputs: LOW..HIGH',
        group: 'Data:',
      },
      'per-class': {
        type: 'boolean',
        default: false,
        describe: 'Print the accuracy of each class (it always stands in the JSON)',
        group: 'Output:',
      },
      'per-layer': {
        type: 'boolean',
        default: false,
        describe: 'Errors of each layer against exact multipliers, on 64 images; in the JSON too',
        group: 'Output:',
      },
      out: {
        type: 'string',
        requiresArg: true,
        describe:
          "A run's directory of this network: keeps the accuracy, and the exact network's, there. Of a study: where it is kept",
        group: 'Output:',
      },
      force: {
        type: 'boolean',
        default: false,
        describe: 'Write a study into a directory that holds something else, or another study',
        group: 'Study:',
      },
    }),
  run: async (options, session) => {
    if (options['sweep'] === undefined && options['force'] === true)
      throw usageError('only a study begins anew: of a run, the accuracy of its own network is kept', {
        where: '--force',
        hint: 'Leave it away, or give --sweep.',
      })
    if (options['sweep'] !== undefined) return (await import('../study.ts')).study(options, session)
    refuseFloatMultipliers(options)
    const request = {
      ...evaluatedImages(options),
      precision: options['precision'] as 'int' | 'float' | undefined,
      inputRange: inputRangeOf(options),
      layerImages: options['per-layer'] === true ? usualLayerImages : undefined,
    }
    const configuration = weightedConfigurationOf(options)
    const { progress, signal } = session
    const out = options['out'] as string | undefined
    const result: EvalResult & Partial<RunAccuracy> =
      out === undefined
        ? await evaluate(configuration, request, progress, signal)
        : await evaluateDesign(out, configuration, request, progress, signal)
    const { exact } = result
    const lines = [
      `${result.net} on ${result.data}${result.split === 'test' ? '' : `, ${result.split} images`} (${[result.precision, ...(result.taken ? [result.taken] : [])].join(', ')}): ${describe(result)}`,
      ...Object.entries(result.multipliers).map(([selector, spec]) => `  ${selector}: ${spec}`),
      ...(exact ? [`with exact multipliers: ${describe(exact)}`] : []),
      ...(options['per-class'] === true ? classTable(result.classes) : []),
      ...(result.layers === undefined ? [] : layerTable(result.layers)),
      `${result.images} images in ${result.seconds.toFixed(1)} s, ${result.imagesPerSecond.toFixed(0)} images/s`,
    ]
    warnOfRange(result, options)
    session.print(result, lines.join('\n'))
    return 0
  },
}
