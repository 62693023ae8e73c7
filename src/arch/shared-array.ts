import { gate } from '../comb/derived.ts'
import { defineModule, type Module, type Node } from '../hdl/module.ts'
import { classCount } from '../plan/reuse-tile.ts'
import type { TileOrder } from '../plan/tile.ts'
import { curveProduct } from './curve-tile.ts'
import { follow } from './gates.ts'

/**
 * Rows of a reuse tile in which filters with equal coefficients share the products: a row computes those of each class once, and adds them to
 * the sums of all its filters, which come down the rows in step. `classes[row][filter]`; bus `weight_c` has the coefficients of class c.
 */
export function sharedArray(
  name: string,
  orders: readonly TileOrder[],
  classes: readonly (readonly number[])[],
  accumulatorBits: number,
): Module {
  const products = curveProduct(name, orders, accumulatorBits)
  const width = (port: string) => products.ports.find((one) => one.name === port)!.width
  const buses = Math.max(...classes.map(classCount))
  const filters = classes[0]!.length
  return defineModule(
    name,
    `Sums of ${filters} filters over ${classes.length} groups of taps; equal coefficients are multiplied once.`,
    (m) => {
      const { c } = m
      const weights = Array.from({ length: buses }, (_, k) => m.input(`weight_${k}`, width('coefficients')))
      let sums: Node[] | undefined
      for (const [row, ofFilter] of classes.entries()) {
        const moments = m.input(`activation_${row}`, width('moments'))
        const active = m.input(`active_${row}`, 1)
        const load = m.input(`load_${row}`, 1)
        const swap = m.input(`swap_${row}`, 1)
        const found = Array.from({ length: classCount(ofFilter) }, (_, k) => {
          const next = follow(m, `weight_next_${row}_${k}`, weights[k]!, load)
          const coefficients = follow(m, `weight_${row}_${k}`, next, swap)
          const out = m.instance(products, `u_products_${row}_${k}`, { moments, coefficients })
          return follow(m, `product_${row}_${k}`, gate(c, out['products']!, active))
        })
        const above = sums
        sums = ofFilter.map((k, j) => {
          const product = found[k]!
          return follow(m, `sum_${row}_${j}`, above === undefined ? product : c.add(above[j]!, product))
        })
      }
      for (const [j, sum] of sums!.entries()) m.output(`sum_${j}`, sum)
    },
  )
}
