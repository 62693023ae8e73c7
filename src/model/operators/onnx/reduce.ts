import { isFloat, stridesOf } from '../../tensors.ts'
import type { Operator } from '../operator.ts'
import { elements } from '../strided.ts'

export const reduce: Readonly<Record<string, Operator>> = {
  ReduceMean: {
    inputs: [1, 2],
    attributes: { axes: 'ints', keepdims: 'int', noop_with_empty_axes: 'int' },
    evaluate: (call) => {
      const x = call.typed(0, 'float32', 'float64', 'int32')
      const given = (call.version < 18 ? call.ints('axes') : call.integers(1)) ?? []
      if (given.length === 0 && call.int('noop_with_empty_axes', 0) !== 0) return [x]
      const rank = x.shape.length
      const axes = new Set(given.length === 0 ? x.shape.keys() : given.map((axis) => call.axis(axis, rank)))
      const kept = x.shape.map((n, axis) => (axes.has(axis) ? 1 : n))
      const result = call.make(x.type, kept)
      const sums = new Float64Array(result.data.length)
      const [from, own, ofSum] = [elements(x.data), stridesOf(x.shape), stridesOf(kept)]
      for (let i = 0; i < from.length && !call.dry; i++) {
        let to = 0
        for (let axis = 0; axis < rank; axis++)
          if (!axes.has(axis)) to += (Math.floor(i / own[axis]!) % x.shape[axis]!) * ofSum[axis]!
        sums[to]! += from[i]!
      }
      const count = from.length / Math.max(1, sums.length)
      const to = elements(result.data)
      for (let i = 0; i < to.length; i++)
        to[i] = isFloat(x.type) ? sums[i]! / count : Math.trunc(sums[i]! / count)
      if (call.int('keepdims', 1) !== 0) return [result]
      return [{ ...result, shape: x.shape.filter((_, axis) => !axes.has(axis)) }]
    },
  },
}
