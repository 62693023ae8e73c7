import { join } from 'node:path'
import { generate, type RtlSummary, writeDesign } from '../../flow/rtl.ts'
import type { Command } from '../command.ts'
import { commonNetOptions, prepareHardware, weightedConfigurationOf } from '../options.ts'
import { shellWord } from '../usage.ts'

export const rtl: Command = {
  name: 'rtl',
  summary: 'Verilog, memory images, ports.md and a testbench',
  examples: [
    ['$0 rtl --net lenet5', 'An exact 8x8 accelerator in rtl-out/lenet5'],
    ['$0 rtl --net lenet5 --array 16x16 --mult conv2=roup:p=1,r=2', 'An approximate multiplier in one layer'],
  ],
  configure: commonNetOptions,
  run: async (options, session) => {
    const configuration = weightedConfigurationOf(options)
    session.progress.step('quantise')
    const prepared = prepareHardware(configuration)
    session.progress.done(`${prepared.network.name}, ${prepared.network.layers.length} layers`)
    session.signal.throwIfAborted()
    session.progress.step('generate')
    const design = generate(configuration, prepared)
    session.progress.done(`${design.files.size} files`)
    session.signal.throwIfAborted()
    const directory = (options['out'] as string | undefined) ?? join('rtl-out', prepared.network.name)
    const summary = writeDesign(directory, design, configuration, prepared, options['force'] === true)
    session.print(summary, describe(summary, options))
    return 0
  },
}

function describe(
  { net, directory, array, dataflow, tiles, cycles, memoryBits, modesUnused, alternatives }: RtlSummary,
  options: Readonly<Record<string, unknown>>,
): string {
  const count = (n: number) => n.toLocaleString('en-US')
  const { banks, weights, accumulators, parameters, program, total } = memoryBits
  const again = [
    'net',
    'config',
    'array',
    'rows',
    'cols',
    'dataflow',
    'interface',
    'weights',
    'mult',
    'set',
  ].flatMap((name) => [options[name] ?? []].flat().map((value) => ` --${name} ${shellWord(String(value))}`))
  return [
    `${net} on ${array} PEs, ${dataflow}: ${directory}`,
    ...tiles.map((tile) => {
      const size = `${tile.rows}x${tile.columns}`
      return `  ${tile.name}  ${size === array ? '' : `${size}  `}${tile.multiplier}: ${tile.layers.join(', ')}`
    }),
    `  cycles  ${count(cycles.inference)} for one inference (${count(cycles.layers)} in the layers)`,
    `  memory  ${count(total)} bits (feature maps ${count(banks)}, weights ${count(weights)}, accumulators ${count(accumulators)}, parameters ${count(parameters)}, program ${count(program)})`,
    ...(modesUnused
      ? [
          '  array.modes changes nothing: it takes two or more roup or exact multipliers of one domain (widths and signs of operands)',
        ]
      : []),
    ...compareAlternatives(alternatives),
    `Ports and data formats: ${join(directory, 'ports.md')}`,
    `Next: npx xgen verify${again.join('')}`,
  ].join('\n')
}

/** A table of the ways to place the multipliers; the design at hand is marked. */
function compareAlternatives(alternatives: RtlSummary['alternatives']): string[] {
  if (alternatives.length === 0) return []
  const rows = [
    ['', 'tiles', 'multipliers', 'cycles', 'memory bits', 'registers'],
    ...alternatives.map(({ name, chosen, ...numbers }) => [
      `${chosen ? '* ' : '  '}${name}`,
      ...[numbers.tiles, numbers.multipliers, numbers.cycles, numbers.memoryBits, numbers.registers].map(
        (n) => n.toLocaleString('en-US'),
      ),
    ]),
  ]
  const widths = rows[0]!.map((_, i) => Math.max(...rows.map((row) => row[i]!.length)))
  const line = (row: readonly string[]) =>
    `  ${row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join('  ')}`
  return [
    'Ways to place these multipliers (array.parallel, array.modes), * as in this design:',
    ...rows.map(line),
  ]
}
