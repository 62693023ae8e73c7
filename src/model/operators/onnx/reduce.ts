import type { ElementType } from '../../model.ts'
import { isFloat, stridesOf } from '../../tensors.ts'
import type { Call, Operator } from '../operator.ts'
import { elements } from '../strided.ts'

interface Reduction {
  readonly types: readonly ElementType[]
  /** The version since which axes are an input; an attribute before. */
  readonly axesGiven: number
  readonly start: number
  readonly join: (kept: number, value: number) => number
  /** What is made of all joined values, given how many there are. */
  readonly result: (joined: number, count: number, type: ElementType) => number
}

const mean: Reduction = {
  types: ['float32', 'float64', 'int32'],
  axesGiven: 18,
  start: 0,
  join: (kept, value) => kept + value,
  result: (sum, count, type) => (isFloat(type) ? sum / count : Math.trunc(sum / count)),
}

const sum: Reduction = { ...mean, axesGiven: 13, result: (joined) => joined }

const extreme = (start: number, join: Reduction['join']): Reduction => ({
  types: ['float32', 'float64', 'int32', 'int8', 'uint8', 'bool'],
  axesGiven: 18,
  start,
  join,
  // of no truth values at all, too
  result: (joined, _, type) => (type === 'bool' ? Number(joined > 0) : joined),
})

/** The axes that vanish, or become 1: those that are named, all where none are. */
function axesOf(call: Call, { axesGiven }: Reduction, rank: number): ReadonlySet<number> | undefined {
  const given = (call.version < axesGiven ? call.ints('axes') : call.integers(1)) ?? []
  if (given.length > 0) return new Set(given.map((axis) => call.axis(axis, rank)))
  return call.int('noop_with_empty_axes', 0) !== 0
    ? undefined
    : new Set(Array.from({ length: rank }, (_, axis) => axis))
}

const reducing = (reduction: Reduction): Operator => ({
  inputs: [1, 2],
  attributes: { axes: 'ints', keepdims: 'int', noop_with_empty_axes: 'int' },
  evaluate: (call) => {
    const x = call.typed(0, ...reduction.types)
    const axes = axesOf(call, reduction, x.shape.length)
    if (axes === undefined) return [x]
    const kept = x.shape.map((n, axis) => (axes.has(axis) ? 1 : n))
    const result = call.make(x.type, kept)
    const joined = new Float64Array(result.data.length).fill(reduction.start)
    const [from, own, ofKept] = [elements(x.data), stridesOf(x.shape), stridesOf(kept)]
    for (let i = 0; i < from.length && !call.dry; i++) {
      let to = 0
      for (let axis = 0; axis < kept.length; axis++)
        if (!axes.has(axis)) to += (Math.floor(i / own[axis]!) % x.shape[axis]!) * ofKept[axis]!
      joined[to] = reduction.join(joined[to]!, from[i]!)
    }
    const count = from.length / Math.max(1, joined.length)
    const to = elements(result.data)
    for (let i = 0; i < to.length; i++) to[i] = reduction.result(joined[i]!, count, x.type)
    if (call.int('keepdims', 1) !== 0) return [result]
    return [{ ...result, shape: x.shape.filter((_, axis) => !axes.has(axis)) }]
  },
})

export const reduce: Readonly<Record<string, Operator>> = {
  ReduceMean: reducing(mean),
  ReduceSum: reducing(sum),
  ReduceMax: reducing(extreme(Number.NEGATIVE_INFINITY, Math.max)),
  ReduceMin: reducing(extreme(Number.POSITIVE_INFINITY, Math.min)),
}
