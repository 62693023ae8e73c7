import { parseDomain } from '../arith/domain.ts'
import { indexBits, unsignedBits } from '../base/integers.ts'
import { type AnyPlan, isRowPlan } from './any-plan.ts'
import { operandBits } from './moments.ts'
import { type Plan, parameterBits, type Tile } from './plan.ts'
import type { RowEngine } from './row/plan.ts'
import { rowProbes, stationProbes } from './row/probes.ts'
import { tileSize } from './size.ts'
import { curveDomain, ordersOf } from './tile.ts'
import { loaderStates, packetLayout } from './words.ts'

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
  | { readonly kind: 'parameter'; readonly column: number }
  | { readonly kind: 'pooled'; readonly column: number }
  | { readonly kind: 'map reader' }
  | { readonly kind: 'operand'; readonly column: number }
  | { readonly kind: 'merged'; readonly column: number }
  | { readonly kind: 'writer' }
  | { readonly kind: 'grid' }
  | { readonly kind: 'output' }
  | { readonly kind: 'wrapper' }

const range = (n: number) => Array.from({ length: n }, (_, i) => i)

/** All probes, upstream first: the first difference in this order is the nearest to its cause. */
export const probesOf = (plan: AnyPlan): readonly Probe[] =>
  isRowPlan(plan) ? rowProbes(plan) : systolicProbes(plan)

function systolicProbes(plan: Plan): readonly Probe[] {
  const { rows, columns } = plan.array
  const { widths } = plan
  const gridOf = (tile: Tile) => {
    const size = tileSize(plan, tile)
    return range(size.rows).flatMap((row) => range(size.columns).map((column) => ({ row, column })))
  }
  const weightBits = (tile: number) => {
    const orders = ordersOf(plan.tiles[tile]!)
    return orders === undefined ? parseDomain(plan.tiles[tile]!.domain).nB : curveDomain(orders).nB
  }
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
        path: plan.grid === undefined ? `u_feeder_${row}.activation` : `u_skew.activation_${row}`,
        meaning: `activation entering row ${row}`,
        at: { kind: 'feeder', row },
      }),
    ),
    ...(plan.moments === undefined ? [] : operandBits(plan.moments)).flatMap((bits, order) =>
      range(rows).map(
        (row): Probe => ({
          name: `moment_${order}[${row}]`,
          width: bits,
          path: `u_feeder_${row}.moment_${order}`,
          meaning: `moment of order ${order} entering row ${row}`,
          at: { kind: 'feeder', row },
        }),
      ),
    ),
    ...plan.tiles.flatMap((tile, t) => [
      ...gridOf(tile).map(
        ({ row, column }): Probe => ({
          name: `${tile.name}.weight[${row}][${column}]`,
          width: weightBits(t),
          path: `u_${tile.name}.u_pe_${row}_${column}.weight`,
          meaning: `weight at work in PE (${row}, ${column}) of ${tile.name}`,
          at: { kind: 'weight', tile: t, row, column },
        }),
      ),
      ...gridOf(tile).map(
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
        name: `bias[${column}]`,
        width: 32,
        path: `u_column_${column}.bias`,
        meaning: `bias of the filter that column ${column} finishes`,
        at: { kind: 'parameter', column },
      }),
    ),
    ...range(columns).map(
      (column): Probe => ({
        name: `scale[${column}]`,
        width: parameterBits - 32,
        path: `u_column_${column}.scale`,
        meaning: `{shift[5:0], multiplier[15:0]} of the filter that column ${column} finishes`,
        at: { kind: 'parameter', column },
      }),
    ),
    ...mergeProbes(plan),
    ...range(columns).map(
      (column): Probe => ({
        name: `pooled[${column}]`,
        width: widths.code,
        path: plan.merge === undefined ? `u_column_${column}.pooled` : `u_merge_${column}.pooled`,
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
      meaning:
        plan.grid === undefined ? 'bank word that the writer stores to' : 'position that the writer stores',
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
    ...(plan.grid === undefined ? [] : gridProbes(plan.grid)),
    {
      name: 'out_valid',
      width: 1,
      path: 'u_output.valid',
      meaning: 'an output element is offered',
      at: { kind: 'output' },
    },
  ]
}

/** What the names of a grid's probes begin with, where it stands beside an array. */
export const gridPrefix = 'grid.'

export function gridProbes(grid: RowEngine): readonly Probe[] {
  return stationProbes(grid).map((probe) => ({
    ...probe,
    name: `${gridPrefix}${probe.name}`,
    path: `u_grid.${probe.path}`,
    meaning: `grid: ${probe.meaning}`,
    at: { kind: 'grid' },
  }))
}

/** Where the array's codes meet those of a map. */
function mergeProbes({ merge, array, widths }: Plan): readonly Probe[] {
  if (merge === undefined) return []
  const column = (name: 'operand' | 'merged', width: number, meaning: (column: number) => string) =>
    range(array.columns).map(
      (column): Probe => ({
        name: `${name}[${column}]`,
        width,
        path: `u_merge_${column}.${name}`,
        meaning: meaning(column),
        at: { kind: name, column },
      }),
    )
  const operands: readonly Probe[] =
    merge.sets === 1
      ? []
      : [
          {
            name: 'operand_address',
            width: widths.bankAddress,
            path: 'u_merge_control.address',
            meaning: 'bank word that the map reader reads',
            at: { kind: 'map reader' },
          },
          ...column('operand', widths.code, (j) => `code of a map for column ${j}`),
        ]
  return [
    ...operands,
    ...column('merged', widths.code + 1, (j) => `code of column ${j}, with what was added to it`),
  ]
}

/** The probes of a design with the AXI interface: registers of the wrapper, then those of the core inside of it. */
export function axiProbesOf(plan: AnyPlan): readonly Probe[] {
  const own = (name: string, path: string, width: number, meaning: string): Probe => ({
    name,
    width,
    path,
    meaning,
    at: { kind: 'wrapper' },
  })
  const { elements } = plan.input
  const { index, state } = loaderWidths(plan)
  return [
    own('input_count', 'u_axi_input.count', indexBits(elements), 'elements of the image that have come'),
    own('image_ready', 'u_axi_input.whole', 1, 'a whole image waits for its inference'),
    ...(plan.reload
      ? [
          own('loader_state', 'u_weight_loader.state', state, loaderStory(plan)),
          own('loader_index', 'u_weight_loader.index', index, 'word of the packet part'),
          own('weights_broken', 'u_weight_loader.broken', 1, 'a packet was begun and has not ended well'),
        ]
      : []),
    own('start_asked', 'u_control.start_asked', 1, 'a start was written and has not begun'),
    own('auto_restart', 'u_control.auto_restart', 1, 'inferences begin by themselves'),
    own('restart', 'u_control.restart', 1, 'soft reset in this cycle'),
    own('running', 'u_control.running', 32, 'cycles since the last inference began'),
    ...probesOf(plan).map((probe) => ({ ...probe, path: `u_core.${probe.path}` })),
  ]
}

/** Registers of the weight loader: `index` counts the beats of the header, then the words of a memory. */
export function loaderWidths(plan: AnyPlan) {
  const { parts } = packetLayout(plan)
  return {
    index: unsignedBits(Math.max(7, ...parts.map(({ words }) => words - 1))),
    state: unsignedBits(Math.max(...parts.map(({ state }) => state), loaderStates.drain)),
  }
}

/** What the loader's states are, for people. */
export const loaderStory = (plan: AnyPlan): string =>
  packetLayout(plan).parts.length > 2
    ? '0 header, 1 weights, 2 parameters, 3 drain, 4 weights of the grid, 5 its parameters'
    : '0 header, 1 weights, 2 parameters, 3 drain'
