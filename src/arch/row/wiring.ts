import type { Comb } from '../../comb/comb.ts'
import type { Node } from '../../hdl/module.ts'
import type { RowEngine, RowLayer } from '../../plan/row/plan.ts'
import { geometries } from '../../plan/row/program.ts'
import { choose } from '../gates.ts'

/** Wires that the layer's geometry chooses; with one geometry, or where all choose the same, it is a wire. */
export interface Wiring {
  /** The node of each geometry's `key`, those of equal keys made once. A geometry without one takes that of another. */
  pick<K>(geometry: Node, keyOf: (layer: RowLayer) => K | undefined, node: (key: K) => Node): Node | undefined
  /** A number of each geometry. */
  number(geometry: Node, width: number, value: (layer: RowLayer) => number): Node
}

export function wiring(c: Comb<Node>, plan: RowEngine): Wiring {
  const layers = geometries(plan)
  return {
    pick(geometry, keyOf, node) {
      const made = new Map<string, Node>()
      const nodes = layers.map((layer) => {
        const key = keyOf(layer)
        if (key === undefined) return undefined
        const text = JSON.stringify(key)
        const known = made.get(text) ?? node(key)
        made.set(text, known)
        return known
      })
      const some = nodes.find((found) => found !== undefined)
      if (some === undefined) return undefined
      return chooseDistinct(
        c,
        geometry,
        nodes.map((found) => found ?? some),
      )
    },
    number(geometry, width, value) {
      const made = new Map<number, Node>()
      const nodes = layers.map((layer) => {
        const of = value(layer)
        const known = made.get(of) ?? c.constant(of, width)
        made.set(of, known)
        return known
      })
      return chooseDistinct(c, geometry, nodes)
    },
  }
}

const chooseDistinct = (c: Comb<Node>, index: Node, values: readonly Node[]): Node =>
  values.every((value) => value === values[0]) ? values[0]! : choose(c, index, values)
