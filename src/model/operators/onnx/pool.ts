import type { ModelTensor } from '../../model.ts'
import { elementsOf } from '../../tensors.ts'
import type { Call, Operator } from '../operator.ts'
import { elements } from '../strided.ts'
import { padded, type Taps, tapsOf, windowAttributes, windowsOf } from './windows.ts'

const attributes: Operator['attributes'] = { ...windowAttributes, ceil_mode: 'int' }

/** A pooling's windows over [batch, channels, ...]. */
function pooling(
  call: Call,
  x: ModelTensor,
): Taps & { readonly shape: readonly number[]; readonly map: readonly number[] } {
  const kernel = call.ints('kernel_shape')
  if (kernel === undefined) throw call.error('has no kernel_shape')
  const windows = windowsOf(call, x.shape, kernel, call.int('ceil_mode', 0) !== 0)
  const shape = [...x.shape.slice(0, 2), ...windows.output]
  call.reserve(shape)
  call.spend(elementsOf(shape) * elementsOf(kernel))
  return { ...tapsOf(call, windows), shape, map: windows.input }
}

function maxPool(call: Call): readonly ModelTensor[] {
  const x = call.typed(0, 'float32', 'float64', 'int8', 'uint8')
  const { taps, count, positions, shape, map } = pooling(call, x)
  const size = elementsOf(map)
  const result = call.make(x.type, shape)
  const [from, to] = [elements(x.data), elements(result.data)]
  const wanted = (call.node.outputs[1] ?? '') !== ''
  const places = wanted ? call.make('int64', shape) : undefined
  if (call.dry) return places === undefined ? [result] : [result, places]
  const place = placing(map, call.int('storage_order', 0) !== 0)
  for (let i = 0; i < to.length; i++) {
    const start = Math.floor(i / positions) * size
    let best = -1
    for (let t = 0, at = i % positions; t < count; t++, at += positions) {
      const tap = taps[at]!
      if (tap >= 0 && (best < 0 || from[start + tap]! > from[start + best]!)) best = tap
    }
    if (best < 0) throw call.error('has a window that lies in the padding alone')
    to[i] = from[start + best]!
    if (places !== undefined) (places.data as BigInt64Array)[i] = BigInt(start + place(best))
  }
  return places === undefined ? [result] : [result, places]
}

/** The index of a place in its map, counted with the last axis fastest, or with the first. */
function placing(map: readonly number[], columns: boolean): (at: number) => number {
  if (!columns) return (at) => at
  return (at) => {
    let [rest, index] = [at, 0]
    const coordinates = [...map].reverse().map((n) => {
      const coordinate = rest % n
      rest = Math.floor(rest / n)
      return coordinate
    })
    for (const [i, coordinate] of coordinates.entries()) index = index * [...map].reverse()[i]! + coordinate
    return index
  }
}

function averagePool(call: Call): readonly ModelTensor[] {
  const x = call.typed(0, 'float32', 'float64')
  const { taps, count, positions, shape, map } = pooling(call, x)
  const size = elementsOf(map)
  const result = call.make(x.type, shape)
  const [from, to] = [elements(x.data), elements(result.data)]
  if (call.dry) return [result]
  // with the padding counted, but never what lies beyond it
  const least = call.int('count_include_pad', 0) !== 0 ? padded : 0
  for (let i = 0; i < to.length; i++) {
    const start = Math.floor(i / positions) * size
    let [sum, values] = [0, 0]
    for (let t = 0, at = i % positions; t < count; t++, at += positions) {
      const tap = taps[at]!
      if (tap >= least) values++
      if (tap >= 0) sum += from[start + tap]!
    }
    to[i] = sum / values
  }
  return [result]
}

const global = (of: (sum: number, largest: number, count: number) => number): Operator => ({
  inputs: [1, 1],
  attributes: {},
  evaluate: (call) => {
    const x = call.typed(0, 'float32', 'float64')
    if (x.shape.length < 3)
      throw call.error(`reads a tensor of shape [${x.shape.join(', ')}], which is no map`)
    const count = elementsOf(x.shape.slice(2))
    const result = call.make(
      x.type,
      x.shape.map((n, axis) => (axis < 2 ? n : 1)),
    )
    if (call.dry) return [result]
    const [from, to] = [elements(x.data), elements(result.data)]
    for (let i = 0; i < to.length; i++) {
      let [sum, largest] = [0, Number.NEGATIVE_INFINITY]
      for (let at = i * count; at < (i + 1) * count; at++) {
        sum += from[at]!
        if (from[at]! > largest) largest = from[at]!
      }
      to[i] = of(sum, largest, count)
    }
    return [result]
  },
})

export const pool: Readonly<Record<string, Operator>> = {
  MaxPool: { inputs: [1, 1], attributes: { ...attributes, storage_order: 'int' }, evaluate: maxPool },
  AveragePool: {
    inputs: [1, 1],
    attributes: { ...attributes, count_include_pad: 'int' },
    evaluate: averagePool,
  },
  GlobalAveragePool: global((sum, _, count) => sum / count),
  GlobalMaxPool: global((_, largest) => largest),
}
