import type { DataflowReport, Saved } from '../flow/dataflows.ts'
import { table } from './table.ts'

const count = (n: number) => n.toLocaleString('en-US')
const percent = (share: number) => `${(100 * share).toFixed(1)} %`
const saved = ({ multipliers, adders, both }: Saved) => [multipliers, adders, both].map(percent)

/** The comparison of dataflows, for people. */
export function describeDataflows(report: DataflowReport): string {
  const { designs, curve, group, bits } = report
  const names = designs[0]!.layers.map(({ name }) => name)
  const amounts = (layer: number) =>
    designs.flatMap((design) => [design.layers[layer]!.multipliers, design.layers[layer]!.adders])
  const groups = typeof group === 'number' ? `groups of ${group} kernels` : `groups of a ${group}`
  return [
    `${report.net}: one position of the same filters and channels a cycle; ${curve} curves, ${groups}, ${bits} bits`,
    '',
    ...table(
      [
        [
          'layer',
          'filters',
          'channels',
          ...designs.flatMap(({ dataflow }) => [`${dataflow}: multipliers`, 'adders']),
        ],
        ...names.map((name, i) => [
          name,
          count(designs[0]!.layers[i]!.filters),
          count(designs[0]!.layers[i]!.channels),
          ...amounts(i).map(count),
        ]),
        ['in all', '', '', ...designs.flatMap(({ multipliers, adders }) => [multipliers, adders].map(count))],
      ],
      1,
    ),
    '',
    ...table(
      [
        ['reuse against row-stationary saves', 'multipliers', 'adders', 'both'],
        ...report.saved.layers.map((layer) => [layer.name, ...saved(layer)]),
        ['in all', ...saved(report.saved.total)],
        ...report.byFilters.map((by) => [`in all, up to ${by.filters} filters`, ...saved(by)]),
      ],
      1,
    ),
    '',
    `plan = netlist${report.yosys === null ? '' : ` = ${report.yosys}`} (tiles): ${count(report.compared)} numbers, ${report.mismatches === 0 ? 'none differs' : `${count(report.mismatches)} differ`}`,
  ].join('\n')
}
