import { usageError } from '../../base/errors.ts'
import { networkPath, weightsPath } from '../../flow/named-files.ts'
import { trainNetwork } from '../../flow/train.ts'
import type { Command } from '../command.ts'
import { configurationOf, fileStem, netOptions, wholeNumber } from '../options.ts'

const percent = (share: number) => `${(100 * share).toFixed(2)} %`

export const train: Command = {
  name: 'train',
  summary: 'Train a network in float, calibrate it and measure it',
  examples: [
    [
      'xgen train --net lenet5 --data mnist --epochs 10',
      'Train LeNet-5 on MNIST; writes lenet5.safetensors and lenet5.json',
    ],
    [
      'xgen train --net lenet5 --data mnist --weights w.safetensors --epochs 0',
      'Only find the ranges of given weights',
    ],
  ],
  configure: (y) =>
    netOptions(y).options({
      data: {
        type: 'string',
        requiresArg: true,
        demandOption: true,
        describe: 'Data set ("xgen data list")',
        group: 'Training:',
      },
      epochs: {
        type: 'number',
        requiresArg: true,
        default: 10,
        describe: 'Passes over the training images; 0 only calibrates',
        group: 'Training:',
      },
      batch: {
        type: 'number',
        requiresArg: true,
        default: 64,
        describe: 'Images in each step',
        group: 'Training:',
      },
      rate: {
        type: 'number',
        requiresArg: true,
        default: 0.002,
        describe: 'Highest learning rate',
        group: 'Training:',
      },
      optimiser: {
        choices: ['adam', 'sgd'] as const,
        default: 'adam',
        describe: 'adam, or sgd with momentum 0.9',
        group: 'Training:',
      },
      shift: {
        type: 'number',
        requiresArg: true,
        default: 2,
        describe: 'Shift images at random by up to N pixels',
        group: 'Training:',
      },
      out: {
        type: 'string',
        requiresArg: true,
        defaultDescription: '<net>.safetensors',
        describe: 'Weight file to write; its ranges go to a .json file beside it',
        group: 'Training:',
      },
      resume: {
        type: 'boolean',
        default: false,
        describe: 'Go on from the checkpoint of an interrupted training',
        group: 'Training:',
      },
    }),
  run: async (options, session) => {
    const configuration = configurationOf(options)
    const rate = options['rate'] as number
    if (!(rate > 0 && rate <= 10))
      throw usageError(`${rate} is given: a number above 0 and up to 10 is possible`, { where: '--rate' })
    const result = await trainNetwork(
      {
        net: networkPath(configuration),
        data: options['data'] as string,
        weights: weightsPath(configuration),
        out: (options['out'] as string | undefined) ?? `${fileStem(configuration.net)}.safetensors`,
        calibration: configuration.quant.calibration,
        resume: options['resume'] as boolean,
        epochs: wholeNumber(options['epochs'], '--epochs', 0, 10000),
        batch: wholeNumber(options['batch'], '--batch', 1, 4096),
        shift: wholeNumber(options['shift'], '--shift', 0, 64),
        optimiser: options['optimiser'] as 'adam' | 'sgd',
        rate,
        seed: options.seed,
      },
      session.progress,
      session.signal,
    )
    const lines = [
      `${result.net} on ${result.data}: float ${percent(result.float)}, int8 ${percent(result.int8)} of ${result.images} test images`,
      ...(result.epochs === 0
        ? []
        : [`best epoch ${result.bestEpoch} of ${result.epochs} (validation ${percent(result.validation)})`]),
      `wrote ${result.weights} and ${result.record}`,
      `next: xgen eval --net ${networkPath(configuration)} --data ${result.data} --weights ${result.weights}`,
    ]
    session.print(result, lines.join('\n'))
    return 0
  },
}
