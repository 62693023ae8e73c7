import type { AccessLevels } from '../../flow/inference.ts'
import type { MixedSimulation } from '../../flow/mixed-sim.ts'
import { writeOperands } from '../../flow/operands.ts'
import { prepare } from '../../flow/preparation.ts'
import type { RowSimulation } from '../../flow/row-sim.ts'
import { type AnySimulation, plotSimulation, type Simulation, simulate } from '../../flow/sim.ts'
import type { Command } from '../command.ts'
import { arrayOptions, netOptions, weightedConfigurationOf } from '../options.ts'
import { table } from '../table.ts'

export const sim: Command = {
  name: 'sim',
  summary: 'Cycles, utilisation and accesses by layer, from the cycle model alone',
  examples: [
    ['$0 sim --net lenet5 --array 16x16', 'Cycles by layer on 256 PEs'],
    ['$0 sim --net lenet5 --json', 'The same numbers, and the accesses, for a script'],
    ['$0 sim --net lenet5 --plot lenet5.svg', 'A picture of them too, with its numbers in lenet5.csv'],
  ],
  configure: (y) =>
    arrayOptions(netOptions(y)).options({
      plot: {
        type: 'string',
        requiresArg: true,
        describe: 'Draw cycles, use of PEs and values moved: FILE.svg, and FILE.csv beside it',
        group: 'Output:',
      },
      operands: {
        type: 'string',
        requiresArg: true,
        describe: 'Write what multipliers see in one inference: FILE.npy, for xgen synth --stream',
        group: 'Output:',
      },
    }),
  run: async (options, session) => {
    const configuration = weightedConfigurationOf(options)
    const prepared = prepare(configuration)
    session.progress.step(`simulate ${prepared.network.name}`)
    const simulation = simulate(configuration, prepared, options.seed)
    session.progress.done(`${count(simulation.inference.total)} cycles`)
    const plot = options['plot'] as string | undefined
    if (plot !== undefined) await plotSimulation(simulation, plot)
    const operands = options['operands'] as string | undefined
    if (operands === undefined) {
      session.print(simulation, describe(simulation))
      return 0
    }
    session.progress.step('record operands')
    const written = writeOperands(configuration, prepared, operands, options.seed)
    session.progress.done(`${count(written.pairs)} pairs of ${written.pes.length} PEs`)
    session.print(
      { ...simulation, operands: written },
      `${describe(simulation)}\n\n${written.file}: ${count(written.pairs)} pairs of ${written.spec} in ${written.domain}, ${written.source}`,
    )
    return 0
  },
}

const count = (n: number) => n.toLocaleString('en-US')
const percent = (share: number) => `${(100 * share).toFixed(1)} %`

const heading = [
  'layer',
  'kind',
  'multiplier',
  'M x K x N',
  'folds',
  'cycles',
  'use of PEs',
  'SCALE-Sim',
  'ratio',
  'then',
]

function describe(simulation: AnySimulation): string {
  if (simulation.dataflow === 'mixed') return describeMixed(simulation)
  return simulation.dataflow === 'row-stationary' ? describeRows(simulation) : describeSystolic(simulation)
}

function describeMixed({ net, array, layers, inference, cycles, utilisation }: MixedSimulation): string {
  const rows = layers.map((layer) => [
    layer.name,
    layer.kind,
    layer.dataflow,
    layer.multiplier,
    count(layer.cycles),
    percent(layer.utilisation),
    count(layer.postCycles),
  ])
  const total = ['in all', '', '', '', count(cycles), percent(utilisation), count(inference.postProcessing)]
  return [
    `${net} on ${array.rows}x${array.columns} PEs, a systolic array and a row-stationary grid`,
    '',
    ...table(
      [['layer', 'kind', 'dataflow', 'multiplier', 'cycles', 'use of PEs', 'then'], ...rows, total],
      4,
    ),
    '',
    'A layer counts from its first activation to its last accumulator write; "then" are the cycles until the next layer begins (docs/mixed.md).',
    'Use of PEs: of the engine that the layer runs on.',
    '',
    ...levelsTable(layers),
    '',
    wholeInference(inference),
  ].join('\n')
}

const rowHeading = [
  'layer',
  'kind',
  'multiplier',
  'channels x filters',
  'rows x pieces',
  'passes',
  'cycles',
  'use of PEs',
  'closed form',
  'ratio',
  'then',
]

function describeRows(simulation: RowSimulation): string {
  const { net, array, layers, inference, cycles, closedFormCycles, utilisation } = simulation
  const rows = layers.map(({ mapping, ...layer }) => [
    layer.name,
    layer.kind,
    layer.multiplier,
    `${mapping.channels} x ${mapping.filters}`,
    `${mapping.columns} x ${mapping.pieces}`,
    count(layer.passes),
    count(layer.cycles),
    percent(layer.utilisation),
    count(layer.closedFormCycles),
    (layer.cycles / layer.closedFormCycles).toFixed(2),
    count(layer.postCycles),
  ])
  const total = [
    'in all',
    '',
    '',
    '',
    '',
    count(layers.reduce((sum, layer) => sum + layer.passes, 0)),
    count(cycles),
    percent(utilisation),
    count(closedFormCycles),
    (cycles / closedFormCycles).toFixed(2),
    count(inference.postProcessing),
  ]
  return [
    `${net} on ${array.rows}x${array.columns} PEs, row-stationary`,
    '',
    ...table([rowHeading, ...rows, total], 3),
    '',
    'A layer counts from its first activation entering the grid to its last accumulator write; "then" are the cycles until the next layer begins',
    '(drain, store, load the first weights). Closed form: the products of the mapping alone (docs/row-stationary.md).',
    '',
    ...levelsTable(layers),
    '',
    wholeInference(inference),
  ].join('\n')
}

/** Values moved, layer by layer. */
const levelsTable = (layers: readonly { readonly name: string; readonly levels: AccessLevels }[]): string[] =>
  table(
    [
      [
        'layer',
        'values from registers',
        'from the PE beside',
        'from and to memories',
        'products a memory value',
      ],
      ...layers.map(({ name, levels: { register, neighbour, buffer } }) => [
        name,
        count(register),
        count(neighbour),
        count(buffer),
        (register / buffer).toFixed(2),
      ]),
    ],
    1,
  )

/** The parts of one inference. */
function wholeInference(inference: Simulation['inference']): string {
  const { input, load, layers, postProcessing, output, handshake } = inference
  return (
    `One inference without stalls: ${count(inference.total)} cycles = input ${count(input)} + first weights ${count(load)} + layers ${count(layers)}` +
    ` + post-processing ${count(postProcessing)} + output ${count(output)} + start and done ${handshake}`
  )
}

function describeSystolic(simulation: Simulation): string {
  const { net, array, layers, inference } = simulation
  const rows = layers.map(({ gemm: { M, K, N }, ...layer }) => {
    const products = [layer.multiplier, `${M} x ${K} x ${N}`]
    const compared = [count(layer.scaleSimCycles), (layer.cycles / layer.scaleSimCycles).toFixed(2)]
    return [
      layer.name,
      layer.kind,
      ...(K === 0 ? ['-', '-'] : products),
      count(layer.folds),
      count(layer.cycles),
      percent(layer.utilisation),
      ...(K === 0 ? ['-', '-'] : compared),
      count(layer.postCycles),
    ]
  })
  const total = [
    'in all',
    '',
    '',
    '',
    count(layers.reduce((sum, layer) => sum + layer.folds, 0)),
    count(simulation.cycles),
    percent(simulation.utilisation),
    count(simulation.scaleSimCycles),
    (simulation.cycles / simulation.scaleSimCycles).toFixed(2),
    count(inference.postProcessing),
  ]
  return [
    `${net} on ${array.rows}x${array.columns} PEs, weight-stationary`,
    '',
    ...table([heading, ...rows, total], 3),
    '',
    'A layer counts from its first activation entering the array to its last accumulator write; "then" are the cycles until the next',
    'layer begins (requantise, pool, store). SCALE-Sim: its weight-stationary form for the same matrix product.',
    ...(layers.some(({ gemm }) => gemm.K === 0)
      ? [
          'Layers without products read a map and write another one; the first weights of the next layer load meanwhile.',
        ]
      : []),
    '',
    ...levelsTable(layers),
    '',
    wholeInference(inference),
  ].join('\n')
}
