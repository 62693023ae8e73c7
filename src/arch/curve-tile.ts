import type { Multiplier } from '../arith/multiplier.ts'
import type { Comb } from '../comb/comb.ts'
import { extend, gate, scaleUp } from '../comb/derived.ts'
import { defineModule, type Module, type Node } from '../hdl/module.ts'
import { curvePeName } from '../plan/names.ts'
import type { Plan } from '../plan/plan.ts'
import type { TileOrder } from '../plan/tile.ts'
import { follow, followReset } from './gates.ts'
import { multiplierCore } from './multiplier-core.ts'

/** Parts of a word, the first in the low bits. */
function partsOf(c: Comb<Node>, word: Node, widths: readonly number[]): Node[] {
  let low = 0
  return widths.map((width) => {
    const part = c.slice(word, low + width - 1, low)
    low += width
    return part
  })
}

const widthOf = (multipliers: readonly Multiplier[], operand: 'nA' | 'nB') =>
  multipliers.reduce((sum, { domain }) => sum + domain[operand], 0)

/** A moment of each order times its coefficient, each product at its place, and their sum: a multiplier an order, an adder less. */
export function curveProduct(name: string, orders: readonly TileOrder[], accumulatorBits: number): Module {
  const multipliers = orders.map(({ multiplier }) => multiplier)
  return defineModule(
    `${name}_products`,
    'The products of the moments of a group with its coefficients, summed.',
    (m) => {
      const { c } = m
      const moments = partsOf(
        c,
        m.input('moments', widthOf(multipliers, 'nA')),
        multipliers.map(({ domain }) => domain.nA),
      )
      const coefficients = partsOf(
        c,
        m.input('coefficients', widthOf(multipliers, 'nB')),
        multipliers.map(({ domain }) => domain.nB),
      )
      const terms = orders.map(({ multiplier, shift }, order) => {
        const { p } = m.instance(multiplierCore(multiplier), `u_multiplier_${order}`, {
          a: moments[order]!,
          b: coefficients[order]!,
        })
        return extend(c, scaleUp(c, p!, shift), multiplier.productSigned, accumulatorBits)
      })
      m.output(
        'products',
        terms.reduce((a, b) => c.add(a, b)),
      )
    },
  ) // prettier-ignore
}

/** As the PE of the weight-stationary array, for a group of taps: it keeps the coefficients of a curve, and moments pass it. */
function curveElement(name: string, orders: readonly TileOrder[], { widths, masked }: Plan): Module {
  const multipliers = orders.map(({ multiplier }) => multiplier)
  const accumulatorBits = widths.accumulator
  const products = curveProduct(name, orders, accumulatorBits)
  return defineModule(
    curvePeName(name),
    'Processing element of a group of taps: sum_out <= partial + products of moments and coefficients.',
    (m) => {
      const { c } = m
      const moments = m.input('activation', widthOf(multipliers, 'nA'))
      const active = m.input('active', 1)
      const load = m.input('load', 1)
      const swap = m.input('swap', 1)
      const next = follow(m, 'weight_next', m.input('weight_in', widthOf(multipliers, 'nB')), load)
      const weight = follow(m, 'weight', next, swap)
      const partial = m.input('partial', accumulatorBits)
      const owned = masked
        ? follow(m, 'owned', follow(m, 'owned_next', m.input('owned_in', 1), load), swap)
        : undefined
      const working = owned === undefined ? active : c.label(c.and(active, owned), 'working')
      const out = m.instance(products, 'u_products', { moments, coefficients: weight })
      const term = c.label(gate(c, out['products']!, working), 'product')
      m.output('sum_out', follow(m, 'sum', c.add(partial, term)))
      m.output('activation_out', follow(m, 'activation_passed', moments))
      m.output('active_out', followReset(m, 'active_passed', active))
      m.output('load_out', followReset(m, 'load_passed', load))
      m.output('swap_out', followReset(m, 'swap_passed', swap))
    },
  )
}

/** A tile whose rows are channels (or kernel rows of them) and whose columns are filters; ports as those of a systolic tile. */
export function curveTile(name: string, orders: readonly TileOrder[], plan: Plan): Module {
  const { rows, columns } = plan.array
  const multipliers = orders.map(({ multiplier }) => multiplier)
  const element = curveElement(name, orders, plan)
  return defineModule(
    name,
    `Coefficient-reuse tile of ${rows} x ${columns} PEs: moments of ${orders.length} orders, multiplier ${multipliers[0]!.spec}.`,
    (m) => {
      const { c } = m
      const coefficients = widthOf(multipliers, 'nB')
      const weights = Array.from({ length: columns }, (_, j) => m.input(`weight_${j}`, coefficients))
      const owned = plan.masked ? weights.map((_, j) => m.input(`owned_${j}`, 1)) : []
      let partials: Node[] = weights.map(() => c.constant(0, plan.widths.accumulator))
      for (let i = 0; i < rows; i++) {
        let row: Record<string, Node> = {
          activation: m.input(`activation_${i}`, widthOf(multipliers, 'nA')),
          active: m.input(`active_${i}`, 1),
          load: m.input(`load_${i}`, 1),
          swap: m.input(`swap_${i}`, 1),
        }
        partials = partials.map((partial, j) => {
          const out = m.instance(element, `u_pe_${i}_${j}`, {
            ...row,
            weight_in: weights[j]!,
            partial,
            ...(plan.masked ? { owned_in: owned[j]! } : {}),
          })
          row = Object.fromEntries(Object.keys(row).map((port) => [port, out[`${port}_out`]!]))
          return out['sum_out']!
        })
      }
      for (const [j, sum] of partials.entries()) m.output(`sum_${j}`, sum)
    },
  )
}
