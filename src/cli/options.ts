import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Argv } from 'yargs'
import type { YosysChoice } from '../../testbench/counts.ts'
import type { Multiplier } from '../arith/multiplier.ts'
import { usageError } from '../base/errors.ts'
import {
  type Configuration,
  type ConfigurationOptions,
  defaultConfigurationFile,
  misspeltVariables,
  resolveConfiguration,
} from '../flow/configuration.ts'
import { hasSeededWeights, weightsBeside } from '../flow/named-files.ts'
import { type Prepared, prepare } from '../flow/preparation.ts'
import { largeTables } from '../flow/user-multipliers.ts'
import type { SplitName } from '../net/data/catalogue.ts'
import type { CommonOptions } from './command.ts'

/** Which network, with which weights and multipliers. */
export function netOptions(y: Argv): Argv {
  return y.options({
    net: {
      type: 'string',
      requiresArg: true,
      describe: 'Built-in network, or a .json, .yaml, .onnx or .tflite file',
      group: 'Network:',
    },
    config: {
      alias: 'c',
      type: 'string',
      requiresArg: true,
      defaultDescription: 'xgen.yaml where there is one',
      describe: 'Configuration file',
      group: 'Network:',
    },
    set: {
      type: 'string',
      array: true,
      nargs: 1,
      describe: 'Set one value of the configuration: a.b=c (repeatable)',
      group: 'Network:',
    },
    mult: {
      type: 'string',
      array: true,
      nargs: 1,
      describe: 'Multiplier: [WHERE=]SPEC, such as conv2=roup:p=1,r=2 (repeatable)',
      group: 'Network:',
    },
    weights: {
      type: 'string',
      requiresArg: true,
      defaultDescription: 'the built-in ones, or those beside a .yaml network',
      describe: 'Weight file (.safetensors or .npz), or seeded: random ones, untrained',
      group: 'Network:',
    },
  })
}

/** The array and its surroundings. */
export function arrayOptions(y: Argv): Argv {
  return y.options({
    array: {
      type: 'string',
      requiresArg: true,
      defaultDescription: '8x8',
      describe: 'Rows and columns of PEs',
      group: 'Hardware:',
    },
    rows: { type: 'number', requiresArg: true, describe: 'Rows of PEs', group: 'Hardware:' },
    cols: { type: 'number', requiresArg: true, describe: 'Columns of PEs', group: 'Hardware:' },
    dataflow: {
      type: 'string',
      array: true,
      nargs: 1,
      defaultDescription: 'weight-stationary',
      describe: 'Dataflow: [LAYER=]weight-stationary, row-stationary or auto (fewer cycles) (repeatable)',
      group: 'Hardware:',
    },
    interface: {
      type: 'string',
      requiresArg: true,
      defaultDescription: 'axi',
      describe: "The accelerator's interface: axi or native",
      group: 'Hardware:',
    },
  })
}

/** Where results go. */
export function outputOptions(y: Argv): Argv {
  return y.options({
    out: {
      type: 'string',
      requiresArg: true,
      defaultDescription: 'rtl-out/<net>',
      describe: 'Output directory',
      group: 'Output:',
    },
    force: {
      type: 'boolean',
      default: false,
      describe: 'Overwrite the directory of another configuration',
      group: 'Output:',
    },
  })
}

/** How many images; `describe` says what for. */
export function imagesOption(y: Argv, describe: string, standard?: number): Argv {
  return y.option('images', {
    type: 'number',
    requiresArg: true,
    describe,
    ...(standard === undefined ? {} : { default: standard }),
    group: 'Data:',
  })
}

/** Which images `xgen eval` takes. */
export const evaluatedImages = (options: CommonOptions) => ({
  data: options['data'] as string | undefined,
  split: options['split'] as SplitName,
  images:
    options['images'] === undefined ? undefined : wholeNumber(options['images'], '--images', 1, 10_000_000),
})

/** The Yosys that counts cells. */
export function yosysOption(y: Argv): Argv {
  return y.option('yosys', {
    type: 'string',
    requiresArg: true,
    defaultDescription: 'the one among the npm packages',
    describe: 'A Yosys program to count with, or none',
    group: 'Tools:',
  })
}

/** A program is looked for where a shell would: with a `/` from the current directory, otherwise in PATH. */
export function yosysOf({ yosys: value }: CommonOptions): YosysChoice {
  if (value === undefined) return { kind: 'package' }
  if (typeof value !== 'string' || value === '')
    throw usageError('no program is named: the path of a Yosys, or none', { where: '--yosys' })
  if (value === 'none') return { kind: 'none' }
  return { kind: 'program', path: value.includes('/') ? resolve(value) : value }
}

/** All options of a command that makes or checks hardware. */
export function commonNetOptions(y: Argv): Argv {
  return outputOptions(arrayOptions(netOptions(y)))
}

/** The configuration that parsed options describe; says on stderr what nobody may have meant. */
export function configurationOf(options: CommonOptions): Configuration {
  for (const warning of misspeltVariables(process.env)) process.stderr.write(`xgen: ${warning}\n`)
  const configuration = resolvedOf(options)
  if (hasSeededWeights(configuration))
    process.stderr.write('xgen: seeded weights, untrained: what the network finds means nothing\n')
  return configuration
}

/** The same for commands that take weights as they are: says which, where they stand beside the network and nobody named them. */
export function weightedConfigurationOf(options: CommonOptions): Configuration {
  const configuration = configurationOf(options)
  const beside = weightsBeside(configuration)
  if (beside !== undefined) process.stderr.write(`xgen: weights of ${beside}, beside the network\n`)
  return configuration
}

/** The same without a word. -c defaults to xgen.yaml of the current directory. */
export function resolvedOf(options: CommonOptions): Configuration {
  const given = options as CommonOptions & ConfigurationOptions
  const config = given.config ?? (existsSync(defaultConfigurationFile) ? defaultConfigurationFile : undefined)
  return resolveConfiguration({ ...given, ...(config === undefined ? {} : { config }) })
}

/** Refuses multipliers beside `--precision float`: they would be given in vain, and the accuracy be taken for theirs. */
export function refuseFloatMultipliers(options: CommonOptions): void {
  if (options['precision'] === 'float' && options['mult'] !== undefined)
    throw usageError('multipliers are of the integer emulation', {
      where: '--mult',
      hint: 'Leave --precision float away.',
    })
}

/** The network of a configuration, for hardware: says on stderr what will be slow. */
export function prepareHardware(configuration: Configuration): Prepared {
  const prepared = prepare(configuration)
  warnOfTables([...prepared.assignment.values()].flatMap(({ multipliers }) => multipliers))
  return prepared
}

export function warnOfTables(multipliers: Iterable<Multiplier>): void {
  for (const warning of largeTables(multipliers)) process.stderr.write(`xgen: ${warning}\n`)
}

/** What files are named after that belong to a network: its own name, or that of its file. */
export const fileStem = (net: string): string => net.replace(/^.*[\\/]|\.(json|ya?ml|onnx|tflite)$/gi, '')

/** A count from the command line. */
export function wholeNumber(value: unknown, option: string, low: number, high: number): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < low || value > high) {
    throw usageError(
      `${Number.isNaN(value) ? 'no number' : String(value)} is given: a whole number from ${low} to ${high} is possible`,
      {
        where: option,
      },
    )
  }
  return value
}
