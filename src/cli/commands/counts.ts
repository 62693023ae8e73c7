import type { ThreeWays } from '../../../testbench/count-totals.ts'
import { verdictOf } from '../../../testbench/verdict.ts'
import type { Check } from '../../../testbench/verification.ts'
import { usageError } from '../../base/errors.ts'
import { didYouMean } from '../../base/suggest.ts'
import type { Configuration } from '../../flow/configuration.ts'
import { type CountedNetwork, countNetwork, type DesignCounts } from '../../flow/counts.ts'
import { compareDataflows, type Dataflow, dataflows, writeDataflowCsv } from '../../flow/dataflows.ts'
import { networkOf, prepare } from '../../flow/preparation.ts'
import { sumOf } from '../../plan/counts/module-count.ts'
import type { Command, CommonOptions, Session } from '../command.ts'
import { describeDataflows } from '../dataflows.ts'
import {
  arrayOptions,
  netOptions,
  weightedConfigurationOf,
  wholeNumber,
  yosysOf,
  yosysOption,
} from '../options.ts'
import { table } from '../table.ts'

export const counts: Command = {
  name: 'counts',
  summary: 'Multipliers, adders, registers and memory bits, counted three ways',
  examples: [
    ['$0 counts --net lenet5 --array 16x16', 'By class, module and layer'],
    ['$0 counts --net lenet5 --yosys none --json', 'The same numbers for a script, without Yosys'],
    ['$0 counts --net lenet5 --compare row-stationary,reuse', 'What coefficient reuse saves'],
  ],
  configure: (y) =>
    yosysOption(arrayOptions(netOptions(y))).options({
      compare: {
        type: 'string',
        requiresArg: true,
        describe: `Compare tiles of these dataflows at equal throughput: of ${dataflows.join(', ')}`,
        group: 'Comparison:',
      },
      'parallel-filters': {
        type: 'number',
        default: 16,
        describe: 'Filters that work side by side, as far as a layer has so many',
        group: 'Comparison:',
      },
      'parallel-channels': {
        type: 'number',
        default: 16,
        describe: 'Channels that work side by side',
        group: 'Comparison:',
      },
      'share-products': {
        type: 'boolean',
        default: false,
        describe: 'Filters with equal coefficients share their products, in layers that a tile holds whole',
        group: 'Comparison:',
      },
      csv: {
        type: 'string',
        requiresArg: true,
        describe: 'Write the comparison as comma-separated values',
        group: 'Comparison:',
      },
    }),
  run: async (options, session) => {
    const configuration = weightedConfigurationOf(options)
    if (options['compare'] !== undefined) return compare(configuration, options, session)
    if (options['csv'] !== undefined)
      throw usageError('only a comparison is written as CSV', { where: '--csv', hint: 'Add --compare.' })
    const counted = await countNetwork(configuration, prepare(configuration), {
      yosys: yosysOf(options),
      signal: session.signal,
      progress: session.progress,
    })
    session.print(counted.report, describe(counted))
    return counted.report.pass ? 0 : 1
  },
}

async function compare(
  configuration: Configuration,
  options: CommonOptions,
  session: Session,
): Promise<number> {
  const report = await compareDataflows(configuration, networkOf(configuration), {
    designs: designsOf(String(options['compare'])),
    filters: wholeNumber(options['parallelFilters'], '--parallel-filters', 1, 256),
    channels: wholeNumber(options['parallelChannels'], '--parallel-channels', 1, 256),
    ...(options['shareProducts'] === true ? { shared: prepare(configuration).graph } : {}),
    yosys: yosysOf(options),
    signal: session.signal,
    progress: session.progress,
  })
  if (typeof options['csv'] === 'string') writeDataflowCsv(options['csv'], report)
  session.print(report, describeDataflows(report))
  return report.pass ? 0 : 1
}

function designsOf(text: string): readonly Dataflow[] {
  return [...new Set(text.split(',').map((name) => name.trim()))].map((name) => {
    const found = dataflows.find((dataflow) => dataflow === name)
    if (found === undefined)
      throw usageError(`"${name}" is no dataflow.${didYouMean(name, dataflows)}`, {
        where: '--compare',
        hint: `Possible: ${dataflows.join(', ')}, with commas between them.`,
      })
    return found
  })
}

const count = (n: number) => n.toLocaleString('en-US')

/** What people read. */
export function describe({ report, checks }: CountedNetwork): string {
  return [
    `${report.net} on ${report.array} PEs, ${report.designs[0]!.dataflow}`,
    '',
    ...report.designs.flatMap((design) => designLines(design, report.yosys)),
    ...checks.map(verdictLine),
  ].join('\n')
}

function verdictLine(check: Check): string {
  const verdict = verdictOf(check)
  switch (verdict.kind) {
    case 'passed':
      return `${check.name}: ${count(check.compared)} numbers of ${check.detail}, none differs`
    case 'failed':
      return `FAIL ${check.name}: ${verdict.text}`
    case 'not run':
      return `${check.name}: not run, because ${verdict.because}`
  }
}

function designLines({ totals, modules, layers }: DesignCounts, yosys: string | null): string[] {
  const { multipliers, adders, registers, memoryBits } = totals
  const ways = (name: string, { plan, netlist, yosys: third }: ThreeWays) => [
    name,
    count(plan),
    count(netlist),
    third === null ? '-' : count(third),
  ]
  const numbers = modules.map((module) => [
    module.module,
    count(module.instances),
    ...[module.cores, module.multiplications, module.adders, module.registers, module.memoryBits].map(
      (amounts) => count(module.instances * sumOf(amounts)),
    ),
    module.adderClass,
  ])
  return [
    ...table(
      [
        ['in all', 'plan', 'netlist', yosys ?? 'Yosys'],
        ways('multipliers', multipliers),
        ways('  in PEs', multipliers.inPes),
        ways('  in requantisers', multipliers.inRequantisers),
        ways('adders', adders),
        ways('  datapath', adders.datapath),
        ways('  control', adders.control),
        ways('register bits', registers),
        ways('memory bits', memoryBits),
      ],
      1,
    ),
    '',
    ...table(
      [
        [
          'module',
          'instances',
          'multipliers',
          'requantisers',
          'adders',
          'register bits',
          'memory bits',
          'adders are',
        ],
        ...numbers,
      ],
      1,
    ),
    '',
    ...table(
      [
        ['at work in', 'multipliers', 'requantisers', 'datapath adders'],
        ...layers.map((layer) => [
          layer.name,
          count(layer.inPes),
          count(layer.inRequantisers),
          count(layer.adders),
        ]),
      ],
      1,
    ),
    '',
  ]
}
