import { parseDomain } from '../../arith/domain.ts'
import type { Probe } from '../probes.ts'
import type { RowEngine } from './plan.ts'
import { heldLanes, windowBits } from './ports.ts'

const range = (n: number) => Array.from({ length: n }, (_, i) => i)

/** All probes of a row-stationary design, upstream first: the first difference in this order is the nearest to its cause. */
export function rowProbes(plan: RowEngine): readonly Probe[] {
  return [
    {
      name: 'phase',
      width: 2,
      path: 'u_sequencer.phase',
      meaning: '0 idle, 1 input, 2 run, 3 output',
      at: { kind: 'sequencer' },
    },
    ...stationProbes(plan),
    {
      name: 'out_valid',
      width: 1,
      path: 'u_output.valid',
      meaning: 'an output element is offered',
      at: { kind: 'output' },
    },
  ]
}

/** Those of the grid alone. */
export function stationProbes(plan: RowEngine): readonly Probe[] {
  const { rows, columns } = plan.array
  const { widths } = plan
  const grid = range(rows).flatMap((row) => range(columns).map((column) => ({ row, column })))
  const ofColumns = (
    name: string,
    width: number,
    meaning: (column: number) => string,
    kind: 'total' | 'parameter' | 'pooled',
  ) =>
    range(columns).map(
      (column): Probe => ({
        name: `${name}[${column}]`,
        width,
        path: `u_column_${column}.${name}`,
        meaning: meaning(column),
        at: { kind, column },
      }),
    )
  return [
    ...range(plan.banks).map(
      (line): Probe => ({
        name: `activation[${line}]`,
        width: widths.code,
        path: `u_line_${line}.activation`,
        meaning: `activation entering line ${line}`,
        at: { kind: 'feeder', row: line },
      }),
    ),
    ...plan.tiles.flatMap((tile, t) => [
      ...grid.map(
        ({ row, column }): Probe => ({
          name: `${tile.name}.weight[${row}][${column}]`,
          width: parseDomain(tile.domain).nB,
          path: `u_${tile.name}.u_pe_${row}_${column}.weight`,
          meaning: `weight at work in PE (${row}, ${column}) of ${tile.name}`,
          at: { kind: 'weight', tile: t, row, column },
        }),
      ),
      ...grid.map(
        ({ row, column }): Probe => ({
          name: `${tile.name}.sum[${row}][${column}]`,
          width: widths.accumulator,
          path: `u_${tile.name}.u_pe_${row}_${column}.sum`,
          meaning: `partial sum leaving PE (${row}, ${column}) of ${tile.name}`,
          at: { kind: 'sum', tile: t, row, column },
        }),
      ),
    ]),
    ...ofColumns('total', widths.accumulator, (j) => `finished sum that column ${j} works on`, 'total'),
    ...ofColumns('bias', 32, (j) => `bias of the filter that column ${j} finishes`, 'parameter'),
    ...ofColumns('multiplier', 16, (j) => `multiplier of the filter that column ${j} finishes`, 'parameter'),
    ...ofColumns('shift', 6, (j) => `shift of the filter that column ${j} finishes`, 'parameter'),
    ...ofColumns('down', windowBits(plan), (j) => `column ${j} after requantisation and pooling`, 'pooled'),
    {
      name: 'write_valid',
      width: 1,
      path: 'u_writer.busy',
      meaning: 'the writer stores the rows of a channel in this cycle',
      at: { kind: 'writer' },
    },
    ...range(heldLanes(plan)).map(
      (lane): Probe => ({
        name: `hold[${lane}]`,
        width: widths.code,
        path: `u_writer.hold_${lane}`,
        meaning: `lane ${lane} of the vector being stored`,
        at: { kind: 'writer' },
      }),
    ),
  ]
}
