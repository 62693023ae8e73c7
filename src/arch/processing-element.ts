import { extend, gate, scaleUp } from '../comb/derived.ts'
import { defineModule, type Module } from '../hdl/module.ts'
import { peName } from '../plan/names.ts'
import type { Modes } from '../plan/plan.ts'
import { follow, followReset } from './gates.ts'
import { modeBitsOf, multiplierCore, type TileMultiplier } from './multiplier-core.ts'

export interface PeOptions {
  readonly accumulatorBits: number
  /** Weights come with a bit that says whether this tile computes their product. */
  readonly masked: boolean
  /** Where a core with modes gets its mode: with the activation, or with the weight. */
  readonly modesFrom: Modes['from'] | undefined
}

/** What a PE multiplies with, and how many places up its products count. */
export interface PeKind {
  readonly multiplier: TileMultiplier
  readonly shift: number
}

/**
 * A weight-stationary processing element. Two weight registers: the next fold's weight arrives while this fold's is at
 * work, and `swap` travels with the first activation of a fold. A PE without work adds exactly 0, also where the
 * multiplier is wrong at zero.
 */
export function processingElement(
  { multiplier, shift }: PeKind,
  { accumulatorBits, masked, modesFrom }: PeOptions,
): Module {
  const { nA, nB } = multiplier.domain
  const modeBits = modeBitsOf(multiplier)
  const called = modeBits > 0 ? 'M(mode, activation, weight)' : `${multiplier.spec}(activation, weight)`
  const product = shift === 0 ? called : `(${called} << ${shift})`
  const core = multiplierCore(multiplier)
  return defineModule(
    peName(multiplier.id, shift),
    `Processing element: sum_out <= partial + ${product}.`,
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
      const modeIn = modeBits > 0 ? m.input('mode_in', modeBits) : undefined
      const mode =
        modeIn !== undefined && modesFrom === 'weight'
          ? follow(m, 'mode', follow(m, 'mode_next', modeIn, load), swap)
          : modeIn
      const { p } = m.instance(core, 'u_multiplier', {
        a: activation,
        b: weight,
        ...(mode === undefined ? {} : { mode }),
      })
      const product = extend(c, scaleUp(c, p!, shift), multiplier.productSigned, accumulatorBits)
      const sum = follow(m, 'sum', c.add(partial, c.label(gate(c, product, working), 'product')))

      m.output('activation_out', follow(m, 'activation_passed', activation))
      if (modeIn !== undefined && modesFrom === 'pass') m.output('mode_out', follow(m, 'mode_passed', modeIn))
      m.output('active_out', followReset(m, 'active_passed', active))
      m.output('load_out', followReset(m, 'load_passed', load))
      m.output('swap_out', followReset(m, 'swap_passed', swap))
      m.output('sum_out', sum)
    },
  )
}
