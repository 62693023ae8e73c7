import type { ThreeWays } from '../../../testbench/count-totals.ts'
import { verdictOf } from '../../../testbench/verdict.ts'
import type { Check } from '../../../testbench/verification.ts'
import { type CountedNetwork, countNetwork, type DesignCounts } from '../../flow/counts.ts'
import { prepare } from '../../flow/preparation.ts'
import { sumOf } from '../../plan/counts/module-count.ts'
import type { Command } from '../command.ts'
import { arrayOptions, configurationOf, netOptions, yosysOf, yosysOption } from '../options.ts'
import { table } from '../table.ts'

export const counts: Command = {
  name: 'counts',
  summary: 'Multipliers, adders, registers and memory bits, counted three ways',
  examples: [
    ['$0 counts --net lenet5 --array 16x16', 'By class, module and layer'],
    ['$0 counts --net lenet5 --yosys none --json', 'The same numbers for a script, without Yosys'],
  ],
  configure: (y) => yosysOption(arrayOptions(netOptions(y))),
  run: async (options, session) => {
    const configuration = configurationOf(options)
    const counted = await countNetwork(configuration, prepare(configuration), {
      yosys: yosysOf(options),
      signal: session.signal,
      progress: session.progress,
    })
    session.print(counted.report, describe(counted))
    return counted.report.pass ? 0 : 1
  },
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
