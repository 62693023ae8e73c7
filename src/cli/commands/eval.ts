import { evaluate } from '../../flow/eval.ts'
import type { Command } from '../command.ts'
import { configurationOf, imagesOption, netOptions, wholeNumber } from '../options.ts'

const percent = (share: number) => `${(100 * share).toFixed(2)} %`

export const evaluation: Command = {
  name: 'eval',
  summary: 'Accuracy on a data set by the functional emulator',
  examples: [
    ['xgen eval --net lenet5 --data mnist', 'Accuracy of the exact int8 network'],
    [
      'xgen eval --net lenet5 --data mnist --mult conv2=roup:p=1,r=2',
      'With an approximate second convolution',
    ],
  ],
  configure: (y) =>
    imagesOption(netOptions(y), 'Use the first N test images (default: all)').options({
      data: {
        type: 'string',
        requiresArg: true,
        defaultDescription: "the network's own",
        describe: 'Data set ("xgen data list")',
        group: 'Data:',
      },
      precision: {
        choices: ['int', 'float'] as const,
        default: 'int',
        describe: 'Integer emulation, or the float reference',
        group: 'Data:',
      },
    }),
  run: async (options, session) => {
    const images =
      options['images'] === undefined ? undefined : wholeNumber(options['images'], '--images', 1, 1_000_000)
    const precision = options['precision'] as 'int' | 'float'
    const request = { data: options['data'] as string | undefined, images, precision }
    const result = await evaluate(configurationOf(options), request, session.progress, session.signal)
    const [low, high] = result.interval
    const lines = [
      `${result.net} on ${result.data} (${precision}): top-1 ${percent(result.top1)} (95 % interval ${percent(low)} to ${percent(high)}), top-5 ${percent(result.top5)}`,
      ...Object.entries(result.multipliers).map(([selector, spec]) => `  ${selector}: ${spec}`),
      `${result.images} images in ${result.seconds.toFixed(1)} s, ${result.imagesPerSecond.toFixed(0)} images/s`,
    ]
    session.print(result, lines.join('\n'))
    return 0
  },
}
