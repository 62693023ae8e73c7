import { gate } from '../../comb/derived.ts'
import { defineModule, type Module } from '../../hdl/module.ts'
import type { RowEngine } from '../../plan/row/plan.ts'
import { all, choose, equalTo, follow } from '../gates.ts'
import { multiplierCore, type TileMultiplier } from '../multiplier-core.ts'

/** The module's name of a tile's PEs. */
export const rowPeName = (multiplier: Pick<TileMultiplier, 'id'>) => `row_pe_${multiplier.id}`

/**
 * A row-stationary processing element: two sets of registers hold a filter row each, the one at work and the one that loads. The weight of a product is
 * chosen a cycle before. A PE without work adds exactly 0, also where the multiplier is wrong at zero.
 */
export function rowPe(multiplier: TileMultiplier, plan: RowEngine): Module {
  const { nA, nB } = multiplier.domain
  const { kernelWidth, masked, widths } = plan
  const core = multiplierCore(multiplier)
  const comment = `Processing element: sum_out <= partial + ${multiplier.spec}(activation, weight), a filter row of up to ${kernelWidth} weights.`
  return defineModule(rowPeName(multiplier), comment, (m) => {
    const { c } = m
    const activation = m.input('activation', nA)
    const active = m.input('active', 1)
    const set = m.input('select_set', 1)
    const kernelX = kernelWidth > 1 ? m.input('select_kernel_x', widths.kernelColumn) : undefined
    const load = m.input('load', 1)
    const loadSet = m.input('load_set', 1)
    const loadX = kernelWidth > 1 ? m.input('load_kernel_x', widths.kernelColumn) : undefined
    const weightIn = m.input('weight_in', nB)
    const ownedIn = masked ? m.input('owned_in', 1) : undefined
    const partial = m.input('partial', widths.accumulator)

    const word = ownedIn === undefined ? weightIn : c.cat(ownedIn, weightIn)
    const sets = [0, 1].map((side) => {
      const mine = c.label(c.and(load, equalTo(c, loadSet, side)), `load_set_${side}`)
      // A PE without work chooses among weights that it may never have loaded: known, so that a four-state simulator can compare it.
      const row = Array.from({ length: kernelWidth }, (_, k) => {
        const register = m.register(`row_${side}_${k}`, c.width(word), { powerUp: 0 })
        const enters =
          loadX === undefined ? mine : all(c, mine, c.label(equalTo(c, loadX, k), `load_is_kernel_x_${k}`))
        register.next(word, enters)
        return register.q
      })
      return kernelX === undefined ? row[0]! : c.label(choose(c, kernelX, row), `chosen_of_row_${side}`)
    })
    const chosen = c.mux(set, sets[1]!, sets[0]!)
    const weight = follow(m, 'weight', c.slice(chosen, nB - 1, 0))
    const owned = masked ? follow(m, 'owned', c.slice(chosen, nB, nB)) : undefined
    const working = owned === undefined ? active : c.label(c.and(active, owned), 'working')
    const { p } = m.instance(core, 'u_multiplier', { a: activation, b: weight })
    const product = multiplier.productSigned
      ? c.signExtend(p!, widths.accumulator)
      : c.zeroExtend(p!, widths.accumulator)
    m.output('sum_out', follow(m, 'sum', c.add(partial, c.label(gate(c, product, working), 'product'))))
  })
}
