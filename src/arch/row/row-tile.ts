import { defineModule, type Module, type Node } from '../../hdl/module.ts'
import type { RowEngine } from '../../plan/row/plan.ts'
import { hasSides } from '../../plan/row/program.ts'
import { all } from '../gates.ts'
import type { TileMultiplier } from '../multiplier-core.ts'
import { rowPe } from './row-pe.ts'

/** Rows in which a chain of some layer ends. */
export function exitRows(plan: RowEngine): readonly number[] {
  const rows = plan.layers.flatMap((layer) =>
    Array.from({ length: layer.chains }, (_, chain) => (chain + 1) * layer.chain - 1),
  )
  return [...new Set(rows)].sort((a, b) => a - b)
}

/** A grid of PEs of one multiplier: activations come from the lines, weights along the rows, partial sums go down the chains. */
export function rowTile(name: string, multiplier: TileMultiplier, plan: RowEngine): Module {
  const { rows, columns } = plan.array
  const { nA, nB } = multiplier.domain
  const { widths, masked, kernelWidth } = plan
  const sided = plan.layers.some(hasSides)
  const pe = rowPe(multiplier, plan)
  const exits = exitRows(plan)
  return defineModule(name, `Tile: ${rows} x ${columns} PEs, partial sums down.`, (m) => {
    const { c } = m
    const ofColumns = Array.from({ length: columns }, (_, j) => ({
      used: m.input(`column_used_${j}`, 1),
      side: sided ? m.input(`column_side_${j}`, widths.side) : undefined,
    }))
    let above: readonly Node[] = ofColumns.map(() => c.constant(0, widths.accumulator))
    for (let i = 0; i < rows; i++) {
      const begins = i === 0 ? undefined : m.input(`chain_begins_${i}`, 1)
      const active = m.input(`active_${i}`, 1)
      const select = {
        select_set: m.input(`select_set_${i}`, 1),
        ...(kernelWidth > 1 ? { select_kernel_x: m.input(`select_kernel_x_${i}`, widths.kernelColumn) } : {}),
      }
      const load = m.input(`load_${i}`, 1)
      const side = sided ? m.input(`load_side_${i}`, widths.side) : undefined
      const word = {
        load_set: m.input(`load_set_${i}`, 1),
        ...(kernelWidth > 1 ? { load_kernel_x: m.input(`load_kernel_x_${i}`, widths.kernelColumn) } : {}),
        weight_in: m.input(`weight_${i}`, nB),
        ...(masked ? { owned_in: m.input(`owned_${i}`, 1) } : {}),
      }
      above = ofColumns.map((column, j) => {
        const mine = side === undefined ? [] : [c.equal(side, column.side!)]
        const { sum_out } = m.instance(pe, `u_pe_${i}_${j}`, {
          activation: m.input(`activation_${i}_${j}`, nA),
          active: c.and(active, column.used),
          ...select,
          load: all(c, load, column.used, ...mine),
          ...word,
          partial:
            begins === undefined ? above[j]! : c.mux(begins, c.constant(0, widths.accumulator), above[j]!),
        })
        if (exits.includes(i)) m.output(`sum_${i}_${j}`, sum_out!)
        return sum_out!
      })
    }
  })
}
