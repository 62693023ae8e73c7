import { elementsOf } from '../../tensors.ts'
import type { Call, Operator } from '../operator.ts'
import { elements } from '../strided.ts'

const softmaxOf = (logarithm: boolean): Operator => ({
  inputs: [1, 1],
  attributes: { axis: 'int' },
  evaluate: (call) => {
    const x = call.typed(0, 'float32', 'float64')
    const result = call.make(x.type, x.shape)
    const [count, inner] = lanes(call, x.shape)
    if (call.dry) return [result]
    const [from, to] = [elements(x.data), elements(result.data)]
    for (let start = 0; start < to.length; start += count * inner) {
      for (let lane = start; lane < start + inner; lane++)
        softmaxLane(from, to, lane, count, inner, logarithm)
    }
    return [result]
  },
})

/** Values of one lane and the distance between them. Before version 13 all axes from `axis` on make one lane. */
function lanes(call: Call, shape: readonly number[]): readonly [count: number, inner: number] {
  const axis = call.axis(
    call.int('axis', call.version < 13 ? 1 : -1),
    shape.length,
    call.version < 13 ? shape.length : undefined,
  )
  if (call.version < 13) return [elementsOf(shape.slice(axis)), 1]
  return [shape[axis] ?? 1, elementsOf(shape.slice(axis + 1))]
}

function softmaxLane(
  from: ArrayLike<number>,
  to: { [index: number]: number },
  start: number,
  count: number,
  step: number,
  logarithm: boolean,
): void {
  let largest = Number.NEGATIVE_INFINITY
  for (let i = 0; i < count; i++) largest = Math.max(largest, from[start + i * step]!)
  let sum = 0
  for (let i = 0; i < count; i++) sum += Math.exp(from[start + i * step]! - largest)
  const shift = Math.log(sum)
  for (let i = 0; i < count; i++) {
    const x = from[start + i * step]! - largest
    to[start + i * step] = logarithm ? x - shift : Math.exp(x) / sum
  }
}

export const softmax: Readonly<Record<string, Operator>> = {
  Softmax: softmaxOf(false),
  LogSoftmax: softmaxOf(true),
}
