import type { Multiplier } from '../arith/multiplier.ts'
import { gate } from '../comb/derived.ts'
import { defineModule, type Module } from '../hdl/module.ts'
import { follow, followReset } from './gates.ts'
import { multiplierCore } from './multiplier-core.ts'

export interface PeOptions {
  readonly accumulatorBits: number
  /** Weights come with a bit that says whether this tile computes their product. */
  readonly masked: boolean
}

/**
 * A weight-stationary processing element. Two weight registers: the next fold's weight arrives while this fold's is at
 * work, and `swap` travels with the first activation of a fold. A PE without work adds exactly 0, also where the
 * multiplier is wrong at zero.
 */
export function processingElement(multiplier: Multiplier, { accumulatorBits, masked }: PeOptions): Module {
  const { nA, nB } = multiplier.domain
  const core = multiplierCore(multiplier)
  return defineModule(
    `pe_${multiplier.id}`,
    `Processing element: sum_out <= partial + ${multiplier.spec}(activation, weight).`,
    (m) => {
      const { c } = m
      const activation = m.input('activation', nA)
      const active = m.input('active', 1)
      const load = m.input('load', 1)
      const swap = m.input('swap', 1)
      const weightIn = m.input('weight_in', nB)
      const partial = m.input('partial', accumulatorBits)

      const next = follow(m, 'weight_next', weightIn, load)
      const weight = follow(m, 'weight', next, swap)
      const owned = masked
        ? follow(m, 'owned', follow(m, 'owned_next', m.input('owned_in', 1), load), swap)
        : undefined
      const working = owned === undefined ? active : c.label(c.and(active, owned), 'working')
      const { p } = m.instance(core, 'u_multiplier', { a: activation, b: weight })
      const product = multiplier.productSigned
        ? c.signExtend(p!, accumulatorBits)
        : c.zeroExtend(p!, accumulatorBits)
      const sum = follow(m, 'sum', c.add(partial, c.label(gate(c, product, working), 'product')))

      m.output('activation_out', follow(m, 'activation_passed', activation))
      m.output('active_out', followReset(m, 'active_passed', active))
      m.output('load_out', followReset(m, 'load_passed', load))
      m.output('swap_out', followReset(m, 'swap_passed', swap))
      m.output('sum_out', sum)
    },
  )
}
