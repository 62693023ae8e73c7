import { invariant } from '../../base/errors.ts'
import { type AnyPlan, enginesOf, isRowPlan } from '../../plan/any-plan.ts'
import { axiCounts } from '../../plan/counts/axi.ts'
import { sumOf } from '../../plan/counts/module-count.ts'
import { planCounts } from '../../plan/counts.ts'
import { coreName, curvePeName, type InterfaceName, topName } from '../../plan/names.ts'

/**
 * What a part of an accelerator is for. `PEs`: with the tiles that they stand in. `moments`: the sums that PEs of curves multiply. `data movement`: what reads, delays,
 * routes and writes activations, weights and parameters; the memories themselves are apart.
 */
export const blocks = [
  'PEs',
  'moments',
  'post-processing',
  'data movement',
  'control',
  'interface',
  'memories',
] as const
export type Block = (typeof blocks)[number]

/** An amount for each block. */
export type ByBlock = Readonly<Record<Block, number>>

export const addUp = (amounts: readonly { readonly block: Block; readonly amount: number }[]): ByBlock => {
  const sums = Object.fromEntries(blocks.map((block) => [block, 0])) as Record<Block, number>
  for (const { block, amount } of amounts) sums[block] += amount
  return sums
}

/** Modules of src/arch whose names depend on no plan; what names them otherwise is in `blocksOf`. */
export const blockOfModule: Readonly<Record<string, Block>> = {
  moment_row: 'moments',
  moment_unit: 'moments',

  accumulator_column: 'post-processing',
  chain_end: 'post-processing',
  column_aligner: 'post-processing',
  merge_column: 'post-processing',
  row_column: 'post-processing',

  array_reader: 'data movement',
  array_writer: 'data movement',
  feature_bank: 'data movement',
  input_line: 'data movement',
  input_stream: 'data movement',
  lane_skew: 'data movement',
  output_stream: 'data movement',
  output_writer: 'data movement',
  parameter_memory: 'data movement',
  rotated_banks: 'data movement',
  row_feeder: 'data movement',
  row_grid: 'data movement',
  row_parameters: 'data movement',
  row_relay: 'data movement',
  row_writer: 'data movement',
  weight_lanes: 'data movement',
  weight_memory: 'data movement',

  control_delay: 'control',
  drain: 'control',
  issue_delay: 'control',
  merge_control: 'control',
  moment_control: 'control',
  row_sequencer: 'control',
  sequencer: 'control',
}

/** The block of each module with registers. One that nobody has put into a block is a bug. */
export function blocksOf(plan: AnyPlan, interfaceName: InterfaceName): (module: string) => Block {
  const outer = interfaceName === 'axi' ? axiCounts(plan).map(({ module }) => module) : []
  const core = interfaceName === 'axi' ? coreName(plan.network) : topName(plan.network)
  const tiles = enginesOf(plan).flatMap((engine) => engine.tiles)
  const multiplying = planCounts(plan, interfaceName).filter(({ cores }) => sumOf(cores) > 0)
  // the multipliers of a PE for curves stand in a module without registers, which counts with the PE
  const pes = [
    ...multiplying.map(({ module }) => module),
    ...tiles.flatMap(({ name }) => [name, curvePeName(name)]),
  ]
  const known = new Map<string, Block>([
    ...Object.entries(blockOfModule),
    // between the parts of the core: what tiles side by side add up, otherwise the ways to and from the banks
    [core, !isRowPlan(plan) && plan.sideBySide ? 'post-processing' : 'data movement'],
    ...pes.map((name) => [name, 'PEs'] as const),
    ...outer.map((name) => [name, 'interface'] as const),
  ])
  return (module) => {
    const block = known.get(module)
    invariant(block !== undefined, `the module ${module} is in no block of src/flow/accelerator/blocks.ts`)
    return block
  }
}
