import { defineModule, type Module, type Node } from '../hdl/module.ts'
import { peName } from '../plan/names.ts'
import { modeBitsOf } from './multiplier-core.ts'
import { type PeKind, type PeOptions, processingElement } from './processing-element.ts'

export interface TileShape extends PeOptions {
  readonly rows: number
  readonly columns: number
}

/**
 * rows x columns PEs: activations and their control go right, partial sums go down, and each column has one weight
 * bus that all of its PEs see (the load bit that travels with the row says which PE takes it). Rows take turns with the kinds of PEs,
 * where there are several: the orders of a curve.
 */
export function systolicTile(
  name: string,
  kinds: readonly PeKind[],
  { rows, columns, ...options }: TileShape,
): Module {
  const { multiplier } = kinds[0]!
  const { nB } = multiplier.domain
  const { accumulatorBits, masked, modesFrom } = options
  const modeBits = modeBitsOf(multiplier)
  const made = new Map(kinds.map((kind) => [peOf(kind), processingElement(kind, options)]))
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
        const kind = kinds[i % kinds.length]!
        let activation = m.input(`activation_${i}`, kind.multiplier.domain.nA)
        let active = m.input(`active_${i}`, 1)
        let load = m.input(`load_${i}`, 1)
        let swap = m.input(`swap_${i}`, 1)
        let mode = modeBits > 0 && modesFrom === 'pass' ? m.input(`mode_${i}`, modeBits) : undefined
        partials = partials.map((partial, j) => {
          const out = m.instance(made.get(peOf(kind))!, `u_pe_${i}_${j}`, {
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

/** Kinds whose PEs are alike share a module. */
const peOf = ({ multiplier, shift }: PeKind): string => peName(multiplier.id, shift)
