import { infer } from '../../flow/infer.ts'
import type { Command } from '../command.ts'
import { netOptions, refuseFloatMultipliers, weightedConfigurationOf } from '../options.ts'

export const inference: Command = {
  name: 'infer',
  summary: 'Run a network on images in a .npy file',
  examples: [
    [
      'xgen infer --net lenet5 --input x.npy --output y.npy',
      'Images [n, 1, 28, 28] in [0, 1] to logits [n, 10]',
    ],
    [
      'xgen infer --net lenet5 --input x.npy --output all.npz --precision float',
      'Every tensor of the float reference',
    ],
  ],
  configure: (y) =>
    netOptions(y).options({
      input: {
        type: 'string',
        requiresArg: true,
        demandOption: true,
        describe: 'Images: .npy, [c, h, w] or [n, c, h, w]; for a model file its own tensors (.npy, .npz)',
        group: 'Data:',
      },
      output: {
        type: 'string',
        requiresArg: true,
        demandOption: true,
        describe: 'Result: .npy, or .npz with every tensor',
        group: 'Data:',
      },
      precision: {
        choices: ['int', 'float'] as const,
        defaultDescription: 'int; for model files what they compute in',
        describe: 'Integer emulation, or the float reference',
        group: 'Data:',
      },
      codes: {
        type: 'boolean',
        default: false,
        describe: 'Integer codes in and out instead of real values',
        group: 'Data:',
      },
    }),
  run: async (options, session) => {
    refuseFloatMultipliers(options)
    const result = infer(weightedConfigurationOf(options), {
      input: options['input'] as string,
      output: options['output'] as string,
      precision: options['precision'] as 'int' | 'float' | undefined,
      codes: options['codes'] as boolean,
    })
    session.print(
      result,
      `${result.net} (${result.precision}): ${result.images} image${result.images === 1 ? '' : 's'}, wrote ${result.output}`,
    )
    return 0
  },
}
