import { defineModule, type Module, type Node } from '../hdl/module.ts'
import { modeBitsOf, type TileMultiplier } from './multiplier-core.ts'
import { type PeOptions, processingElement } from './processing-element.ts'

export interface TileShape extends PeOptions {
  readonly rows: number
  readonly columns: number
}

/**
 * rows x columns PEs: activations and their control go right, partial sums go down, and each column has one weight
 * bus that all of its PEs see (the load bit that travels with the row says which PE takes it).
 */
export function systolicTile(
  name: string,
  multiplier: TileMultiplier,
  { rows, columns, ...options }: TileShape,
): Module {
  const { nA, nB } = multiplier.domain
  const { accumulatorBits, masked, modesFrom } = options
  const modeBits = modeBitsOf(multiplier)
  const pe = processingElement(multiplier, options)
  const named = modeBits > 0 ? 'run-time modes' : 'multiplier'
  return defineModule(
    name,
    `Systolic tile of ${rows} x ${columns} PEs with ${named} ${multiplier.spec}.`,
    (m) => {
      const weights = Array.from({ length: columns }, (_, j) => m.input(`weight_${j}`, nB))
      const modeOf =
        modeBits > 0 && modesFrom === 'weight' ? weights.map((_, j) => m.input(`mode_${j}`, modeBits)) : []
      const owned = masked ? weights.map((_, j) => m.input(`owned_${j}`, 1)) : []
      let partials: Node[] = weights.map(() => m.c.constant(0, accumulatorBits))
      for (let i = 0; i < rows; i++) {
        let activation = m.input(`activation_${i}`, nA)
        let active = m.input(`active_${i}`, 1)
        let load = m.input(`load_${i}`, 1)
        let swap = m.input(`swap_${i}`, 1)
        let mode = modeBits > 0 && modesFrom === 'pass' ? m.input(`mode_${i}`, modeBits) : undefined
        partials = partials.map((partial, j) => {
          const out = m.instance(pe, `u_pe_${i}_${j}`, {
            activation,
            active,
            load,
            swap,
            weight_in: weights[j]!,
            partial,
            ...(masked ? { owned_in: owned[j]! } : {}),
            ...(modeBits > 0 ? { mode_in: mode ?? modeOf[j]! } : {}),
          })
          mode = out['mode_out']
          ;[activation, active, load, swap] = [
            out['activation_out']!,
            out['active_out']!,
            out['load_out']!,
            out['swap_out']!,
          ]
          return out['sum_out']!
        })
      }
      for (const [j, sum] of partials.entries()) m.output(`sum_${j}`, sum)
    },
  )
}
