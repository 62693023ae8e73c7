import { usageError } from '../../base/errors.ts'
import { checkNetwork, type LayerReport, listNetworks, type NetReport, showNetwork } from '../../flow/net.ts'
import { imageName } from '../../net/wiring.ts'
import type { Command } from '../command.ts'
import { table } from '../table.ts'

export const net: Command = {
  name: 'net',
  summary: 'Networks: list, show, check',
  positional: '<action> [name]',
  examples: [
    ['xgen net show lenet5', 'Layers, shapes, parameters and multiplications'],
    ['xgen net show resnet8', 'The same of a network with branches'],
    ['xgen net check my-net.yaml', 'Whether a network file can be used'],
  ],
  configure: (y) =>
    y
      .positional('action', {
        choices: ['list', 'show', 'check'] as const,
        describe: 'What to do',
        type: 'string',
      })
      .positional('name', { type: 'string', describe: 'Built-in name, or a .json or .yaml file' }),
  run: async (options, session) => {
    const action = options['action'] as 'list' | 'show' | 'check'
    if (action === 'list') {
      const networks = listNetworks()
      const lines = networks.map(
        (n) =>
          `${n.name.padEnd(16)}${n.summary} (${n.data ?? 'untrained'}; ${n.parameters} parameters, ${n.macs} MACs)`,
      )
      session.print({ networks }, lines.join('\n'))
      return 0
    }
    const name = options['name'] as string | undefined
    if (name === undefined)
      throw usageError(`name the network to ${action}`, { hint: `For example: xgen net ${action} lenet5.` })
    if (action === 'show') {
      const report = showNetwork(name)
      session.print(report, describe(report))
      return 0
    }
    const check = checkNetwork(name)
    session.print(
      check,
      `${check.net}: ok, ${check.layers} layers, ${check.input.join('x')} to ${check.output.join('x')}`,
    )
    return 0
  },
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
