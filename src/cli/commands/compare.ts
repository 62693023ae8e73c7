import { writeFileAtomically } from '../../base/files.ts'
import { type Comparison, compareRuns, comparisonXml, describeMetric } from '../../flow/compare.ts'
import { parseTolerance } from '../../flow/tolerance.ts'
import type { Command } from '../command.ts'

export const compare: Command = {
  name: 'compare',
  positional: '<base> <new>',
  summary: 'Metric differences of two runs against tolerances: the CI gate',
  examples: [
    ['$0 compare golden/metrics.json rtl-out/lenet5', 'Fails where any metric got worse'],
    [
      "$0 compare golden rtl-out/lenet5 --tol 'design__*=1%' --tol cycles__total=0",
      'Counts may grow by a hundredth',
    ],
  ],
  configure: (y) =>
    y
      .positional('base', {
        type: 'string',
        demandOption: true,
        describe: "A run's directory, or a metrics.json",
      })
      .positional('new', { type: 'string', demandOption: true, describe: 'The run that is judged' })
      .options({
        tol: {
          type: 'string',
          array: true,
          nargs: 1,
          describe:
            'How far metrics may get worse: METRIC=N, N%, +-N (both directions) or any; * and ? are wild (repeatable)',
          group: 'Comparison:',
        },
        junit: {
          type: 'string',
          requiresArg: true,
          describe: 'Also write the verdicts as JUnit XML',
          group: 'Comparison:',
        },
      }),
  run: async (options, session) => {
    const rules = ((options['tol'] as string[] | undefined) ?? []).map(parseTolerance)
    const comparison = compareRuns(String(options['base']), String(options['new']), rules)
    const junit = options['junit'] as string | undefined
    if (junit !== undefined) writeFileAtomically(junit, comparisonXml(comparison))
    session.print(comparison, describe(comparison))
    return comparison.pass ? 0 : 1
  },
}

/** What differs, failures first; then the verdict. */
function describe({ base, new: next, pass, compared, failed, metrics }: Comparison): string {
  const different = metrics.filter(({ verdict }) => verdict !== 'same')
  const ordered = [
    ...different.filter((metric) => !metric.pass),
    ...different.filter((metric) => metric.pass),
  ]
  return [
    `${base} -> ${next}`,
    ...ordered.map((metric) => `  ${metric.pass ? 'ok  ' : 'FAIL'}  ${describeMetric(metric)}`),
    `${pass ? 'PASS' : 'FAIL'}: ${compared} metrics compared, ${different.length} differ, ${failed} out of tolerance.`,
  ].join('\n')
}
