import { usageError } from '../../base/errors.ts'
import {
  checkNetwork,
  type LayerReport,
  listNetworks,
  type NetCheck,
  type NetReport,
  showNetwork,
} from '../../flow/net.ts'
import { exportNetwork } from '../../flow/net-export.ts'
import { type ImportResult, importNetwork } from '../../flow/net-import.ts'
import { productEnergies } from '../../flow/product-energy.ts'
import { imageName } from '../../net/wiring.ts'
import type { Command, CommonOptions } from '../command.ts'
import { inputRangeOf } from '../input-range.ts'
import { netOptions, weightedConfigurationOf, wholeNumber } from '../options.ts'
import { table } from '../table.ts'

export const net: Command = {
  name: 'net',
  summary: 'Networks: list, show, check, import, export',
  positional: '<action> [name]',
  examples: [
    ['xgen net show lenet5', 'Layers, shapes, parameters and multiplications'],
    ['xgen net show resnet8', 'The same of a network with branches'],
    ['xgen net check my-net.yaml', 'Whether a network file can be used'],
    ['xgen net check model.onnx', 'Every operator of a model file that no layer does, with a hint'],
    [
      'xgen net import model.onnx --data mnist --out DIR',
      'Network file, weights and ranges of a model, for every other command',
    ],
    [
      'xgen net export lenet5 --mult conv2=roup:p=1,r=2 --out lenet5.onnx',
      'An ONNX file whose layers tell their multipliers, for viewers',
    ],
  ],
  configure: (y) =>
    netOptions(y)
      .positional('action', {
        choices: ['list', 'show', 'check', 'import', 'export'] as const,
        describe: 'What to do',
        type: 'string',
      })
      .positional('name', {
        type: 'string',
        describe: 'Built-in name, or a .json, .yaml, .onnx or .tflite file',
      })
      .options({
        out: {
          type: 'string',
          requiresArg: true,
          default: '.',
          describe: 'Directory that import writes to, or .onnx file that export writes',
          group: 'Import:',
        },
        force: {
          type: 'boolean',
          default: false,
          describe: 'Let import replace the files of another network, or of other weights',
          group: 'Import:',
        },
        lib: {
          type: 'string',
          requiresArg: true,
          describe: 'Cell library that export measures the energy of products in: osu018, sg13g2, .lib, ...',
          group: 'Export:',
        },
        data: {
          type: 'string',
          requiresArg: true,
          describe: 'Data set that import finds the ranges of activations on, for integers and hardware',
          group: 'Import:',
        },
        calibration: {
          type: 'number',
          requiresArg: true,
          default: 512,
          describe: 'Training images that ranges are found on',
          group: 'Import:',
        },
        'input-range': {
          type: 'string',
          requiresArg: true,
          defaultDescription: '0..1',
          describe: 'What bytes 0 and 255 of an image are for the model: LOW..HIGH',
          group: 'Import:',
        },
      }),
  run: async (options, session) => {
    const action = options['action'] as 'list' | 'show' | 'check' | 'import' | 'export'
    checkHeeded(action, options)
    if (action === 'list') {
      const networks = listNetworks()
      const lines = networks.map(
        (n) =>
          `${n.name.padEnd(16)}${n.summary} (${n.data ?? 'untrained'}; ${n.parameters} parameters, ${n.macs} MACs)`,
      )
      session.print({ networks }, lines.join('\n'))
      return 0
    }
    const name = (options['name'] ?? options['net']) as string | undefined
    if (name === undefined)
      throw usageError(`name the network to ${action}`, {
        hint: `For example: xgen net ${action} ${action === 'import' ? 'model.onnx' : 'lenet5'}.`,
      })
    if (action === 'export') {
      const configuration = weightedConfigurationOf({ ...options, net: name })
      const library = options['lib'] as string | undefined
      const { progress, signal } = session
      const energies =
        library === undefined
          ? undefined
          : await productEnergies(configuration, { library, seed: options.seed, progress, signal })
      const result = exportNetwork(configuration, options['out'] as string, energies)
      const lines = result.layers.map(({ name, notes }) => {
        const energy = notes['xgen.energy']
        return `  ${name}: ${notes['xgen.multiplier']}${energy === undefined ? '' : `; ${energy}`}`
      })
      session.print(result, [`wrote ${result.file}`, ...lines].join('\n'))
      return 0
    }
    if (action === 'show') {
      const report = showNetwork(name)
      session.print(report, describe(report))
      return 0
    }
    if (action === 'import') {
      const request = {
        file: name,
        out: options['out'] as string,
        data: options['data'] as string | undefined,
        images: wholeNumber(options['calibration'], '--calibration', 1, 100_000),
        inputRange: inputRangeOf(options),
        force: options['force'] === true,
      }
      const result = await importNetwork(request, session.progress, session.signal)
      session.print(result, describeImport(result))
      return 0
    }
    const check = checkNetwork(name)
    session.print(check, describeCheck(check))
    return 0
  },
}

/** Options that one action alone heeds. */
const heededBy = { force: 'import', data: 'import', 'input-range': 'import', lib: 'export', mult: 'export' }

/** Refuses what would be given in vain: whoever names multipliers for an import believes that they are in it. */
function checkHeeded(action: string, options: CommonOptions): void {
  for (const [option, by] of Object.entries(heededBy)) {
    if (action === by || options[option] === undefined || options[option] === false) continue
    throw usageError(`"net ${action}" does not heed it`, {
      where: `--${option}`,
      hint: `It is for "xgen net ${by}".`,
    })
  }
}

function describeCheck({ net, layers, input, output, hardware, integers }: NetCheck): string {
  const lines = hardware.map(({ layer, why, hint }) => `  ${layer} ${why}. ${hint}`)
  return [
    `${net}: ok, ${layers} layers, ${input.join('x')} to ${output.join('x')}`,
    ...(lines.length === 0 ? [] : [`The hardware lacks ${lines.length} of them:`, ...lines]),
    ...(integers === null ? ['The emulator takes its own integers, with any multipliers.'] : []),
    ...(typeof integers === 'string' ? [`The emulator cannot take its own integers: ${integers}`] : []),
  ].join('\n')
}

function describeImport(result: ImportResult): string {
  const { net, layers, input, output, network, weights, record, leftOut } = result
  const files = [network, weights, ...(record === null ? [] : [record])]
  return [
    `${net}: ${layers} layers, ${input.join('x')} to ${output.join('x')}; wrote ${files.join(', ')}`,
    ...(leftOut === null
      ? []
      : [
          `The softmax at the end (${leftOut}) is left to the host: the classes have the same order without it.`,
        ]),
    record === null
      ? 'Without --data there are no ranges: only --precision float works.'
      : `Use it with --net ${network}: its weights are found beside it`,
  ].join('\n')
}

function describe({ net, layers, parameters, macs }: NetReport): string {
  // Only a network with branches says what its layers read.
  const branches = layers.some((layer, i) => readsElsewhere(layer, layers[i - 1]))
  const read = (text: string) => (branches ? [text] : [])
  const rows = [
    ['layer', 'kind', '', ...read('reads'), 'output', 'parameters', 'MACs'],
    ...layers.map((l, i) => [
      l.name,
      l.kind,
      l.detail,
      ...read(readsElsewhere(l, layers[i - 1]) ? l.inputs.join(', ') : ''),
      l.output.join('x'),
      String(l.parameters),
      String(l.macs),
    ]),
    ['total', '', '', ...read(''), '', String(parameters), String(macs)],
  ]
  return [net, ...table(rows, branches ? 5 : 4)].join('\n')
}

/** Whether a layer reads something else than the layer before it. */
function readsElsewhere({ inputs }: LayerReport, before: LayerReport | undefined): boolean {
  return inputs.length > 1 || inputs[0] !== (before?.name ?? imageName)
}
