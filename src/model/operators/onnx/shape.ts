import type { ModelTensor } from '../../model.ts'
import { elementsOf, integersTensor, stridesOf } from '../../tensors.ts'
import type { Call, Operator } from '../operator.ts'
import { copyStrided } from '../strided.ts'

/** The same elements in another shape. */
function reshaped(call: Call, tensor: ModelTensor, shape: readonly number[]): readonly ModelTensor[] {
  if (elementsOf(shape) !== tensor.data.length)
    throw call.error(`makes [${shape.join(', ')}] of a tensor of shape [${tensor.shape.join(', ')}]`)
  call.reserve(shape)
  return [{ ...tensor, shape }]
}

/** Axes by attribute before version 13, by input since. */
const axesOf = (call: Call): readonly number[] | undefined =>
  call.version < 13 ? call.ints('axes') : call.integers(1)

export const shape: Readonly<Record<string, Operator>> = {
  Identity: { inputs: [1, 1], attributes: {}, evaluate: (call) => [call.input(0)] },
  Reshape: {
    inputs: [2, 2],
    attributes: { allowzero: 'int' },
    evaluate: (call) => {
      const x = call.input(0)
      const wanted = call.integers(1)!
      const copies = call.int('allowzero', 0) === 0
      const shape = wanted.map((n, axis) => {
        if (n !== 0 || !copies) return n
        if (axis >= x.shape.length)
          throw call.error(`copies axis ${axis} of a tensor of rank ${x.shape.length}`)
        return x.shape[axis]!
      })
      const open = shape.indexOf(-1)
      if (shape.some((n, axis) => n < 0 && axis !== open))
        throw call.error(`has the shape [${wanted.join(', ')}]`)
      if (open >= 0) {
        const rest = elementsOf(shape.filter((_, axis) => axis !== open))
        shape[open] = rest === 0 ? 0 : x.data.length / rest
        if (!Number.isInteger(shape[open]))
          throw call.error(`makes [${wanted.join(', ')}] of a tensor of shape [${x.shape.join(', ')}]`)
      }
      return reshaped(call, x, shape)
    },
  },
  Flatten: {
    inputs: [1, 1],
    attributes: { axis: 'int' },
    evaluate: (call) => {
      const x = call.input(0)
      const axis = call.axis(call.int('axis', 1), x.shape.length, x.shape.length)
      return reshaped(call, x, [elementsOf(x.shape.slice(0, axis)), elementsOf(x.shape.slice(axis))])
    },
  },
  Squeeze: {
    inputs: [1, 2],
    attributes: { axes: 'ints' },
    evaluate: (call) => {
      const x = call.input(0)
      const axes = axesOf(call)?.map((axis) => call.axis(axis, x.shape.length))
      const wrong = axes?.find((axis) => x.shape[axis] !== 1)
      if (wrong !== undefined)
        throw call.error(`drops axis ${wrong} of shape [${x.shape.join(', ')}], which is not 1`)
      return reshaped(
        call,
        x,
        x.shape.filter((n, axis) => (axes === undefined ? n !== 1 : !axes.includes(axis))),
      )
    },
  },
  Unsqueeze: {
    inputs: [1, 2],
    attributes: { axes: 'ints' },
    evaluate: (call) => {
      const x = call.input(0)
      const given = axesOf(call) ?? []
      const rank = x.shape.length + given.length
      const axes = new Set(given.map((axis) => call.axis(axis, rank)))
      if (axes.size !== given.length) throw call.error(`inserts an axis twice: ${given.join(', ')}`)
      const rest = [...x.shape]
      return reshaped(
        call,
        x,
        Array.from({ length: rank }, (_, axis) => (axes.has(axis) ? 1 : rest.shift()!)),
      )
    },
  },
  Transpose: {
    inputs: [1, 1],
    attributes: { perm: 'ints' },
    evaluate: (call) => {
      const x = call.input(0)
      const order = call.ints('perm') ?? x.shape.map((_, axis) => x.shape.length - 1 - axis)
      if (order.length !== x.shape.length || x.shape.some((_, axis) => !order.includes(axis)))
        throw call.error(`has the order of axes [${order.join(', ')}] for a tensor of rank ${x.shape.length}`)
      const steps = stridesOf(x.shape)
      const result = call.make(
        x.type,
        order.map((axis) => x.shape[axis]!),
      )
      if (call.dry) return [result]
      copyStrided(
        x.data,
        0,
        result.shape,
        order.map((axis) => steps[axis]!),
        result.data,
      )
      return [result]
    },
  },
  Shape: {
    inputs: [1, 1],
    attributes: { start: 'int', end: 'int' },
    evaluate: (call) => {
      const { shape } = call.input(0)
      return [integersTensor(shape.slice(call.int('start', 0), call.int('end', shape.length)))]
    },
  },
}
