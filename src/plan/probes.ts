import { parseDomain } from '../arith/domain.ts'
import type { Plan } from './plan.ts'

/**
 * A register by which the cycle model and the hardware are compared in every cycle. The value compared is what the register
 * holds between two clock edges.
 */
export interface Probe {
  /** Unique, and the key of the cycle model's values. */
  readonly name: string
  readonly width: number
  /** Path in the hierarchy of the generated hardware, below the top module. */
  readonly path: string
  readonly meaning: string
  readonly at: ProbePlace
}

/** Which station of the pipeline a probe watches. */
export type ProbePlace =
  | { readonly kind: 'sequencer' }
  | { readonly kind: 'feeder'; readonly row: number }
  | { readonly kind: 'weight'; readonly tile: number; readonly row: number; readonly column: number }
  | { readonly kind: 'sum'; readonly tile: number; readonly row: number; readonly column: number }
  | { readonly kind: 'total'; readonly column: number }
  | { readonly kind: 'pooled'; readonly column: number }
  | { readonly kind: 'writer' }
  | { readonly kind: 'output' }

const range = (n: number) => Array.from({ length: n }, (_, i) => i)

/** All probes, upstream first: the first difference in this order is the nearest to its cause. */
export function probesOf(plan: Plan): readonly Probe[] {
  const { rows, columns } = plan.array
  const { widths } = plan
  const grid = range(rows).flatMap((row) => range(columns).map((column) => ({ row, column })))
  const weightBits = (tile: number) => parseDomain(plan.tiles[tile]!.domain).nB
  return [
    {
      name: 'phase',
      width: 2,
      path: 'u_sequencer.phase',
      meaning: '0 idle, 1 input, 2 run, 3 output',
      at: { kind: 'sequencer' },
    },
    ...range(rows).map(
      (row): Probe => ({
        name: `activation[${row}]`,
        width: widths.code,
        path: `u_feeder_${row}.activation`,
        meaning: `activation entering row ${row}`,
        at: { kind: 'feeder', row },
      }),
    ),
    ...plan.tiles.flatMap((tile, t) => [
      ...grid.map(
        ({ row, column }): Probe => ({
          name: `${tile.name}.weight[${row}][${column}]`,
          width: weightBits(t),
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
    ...range(columns).map(
      (column): Probe => ({
        name: `total[${column}]`,
        width: widths.accumulator,
        path: `u_column_${column}.total`,
        meaning: `finished sum of column ${column}, before bias`,
        at: { kind: 'total', column },
      }),
    ),
    ...range(columns).map(
      (column): Probe => ({
        name: `pooled[${column}]`,
        width: widths.code,
        path: `u_column_${column}.pooled`,
        meaning: `code of column ${column} after requantisation and pooling`,
        at: { kind: 'pooled', column },
      }),
    ),
    {
      name: 'write_valid',
      width: 1,
      path: 'u_writer.busy',
      meaning: 'the writer stores a lane in this cycle',
      at: { kind: 'writer' },
    },
    {
      name: 'write_address',
      width: widths.bankAddress,
      path: 'u_writer.address',
      meaning: 'bank word that the writer stores to',
      at: { kind: 'writer' },
    },
    ...range(columns).map(
      (column): Probe => ({
        name: `hold[${column}]`,
        width: widths.code,
        path: `u_writer.hold_${column}`,
        meaning: `lane ${column} of the vector being stored`,
        at: { kind: 'writer' },
      }),
    ),
    {
      name: 'out_valid',
      width: 1,
      path: 'u_output.valid',
      meaning: 'an output element is offered',
      at: { kind: 'output' },
    },
  ]
}
