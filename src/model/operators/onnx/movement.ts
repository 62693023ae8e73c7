import type { ElementType, ModelTensor } from '../../model.ts'
import { isByteFloat, isNarrow, narrowValue, roundedTo } from '../../narrow.ts'
import { elementTypeOf } from '../../onnx/tensor.ts'
import { asHalf, elementsOf, isFloat, isHalf, isWide, numbersOf } from '../../tensors.ts'
import type { Call, Operator } from '../operator.ts'
import { copyMapped, elements } from '../strided.ts'

function range(call: Call, length: number, from = 0, step = 1): Int32Array {
  call.reserve([length])
  return Int32Array.from({ length }, (_, i) => from + i * step)
}

/** The part of a tensor that index maps along its axes name; -1 leaves `fill`. */
function mapped(
  call: Call,
  x: ModelTensor,
  maps: readonly Int32Array[],
  fill?: number | bigint,
): ModelTensor {
  const result = call.make(
    x.type,
    maps.map((map) => map.length),
  )
  if (fill !== undefined) result.data.fill(fill as never)
  if (!call.dry) copyMapped(x, maps, result.data)
  return result
}

export const movement: Readonly<Record<string, Operator>> = {
  Concat: {
    inputs: [1, 10_000],
    attributes: { axis: 'int' },
    evaluate: (call) => {
      const parts = Array.from({ length: call.count }, (_, i) => call.input(i))
      const [first] = parts as [ModelTensor]
      const axis = call.axis(call.int('axis', 1), first.shape.length)
      for (const { shape, type } of parts) {
        if (
          type !== first.type ||
          shape.length !== first.shape.length ||
          shape.some((n, i) => i !== axis && n !== first.shape[i])
        )
          throw call.error(
            `joins ${first.type} [${first.shape.join(', ')}] and ${type} [${shape.join(', ')}] along axis ${axis}`,
          )
      }
      const total = parts.reduce((sum, { shape }) => sum + shape[axis]!, 0)
      const result = call.make(
        first.type,
        first.shape.map((n, i) => (i === axis ? total : n)),
      )
      const inner = elementsOf(first.shape.slice(axis + 1))
      const outer = elementsOf(first.shape.slice(0, axis))
      let at = 0
      for (const { shape, data } of call.dry ? [] : parts) {
        const run = shape[axis]! * inner
        for (let o = 0; o < outer; o++)
          (result.data as Float32Array).set(
            (data as Float32Array).subarray(o * run, (o + 1) * run),
            o * total * inner + at,
          )
        at += run
      }
      return [result]
    },
  },
  Split: {
    inputs: [1, 2],
    attributes: { axis: 'int', split: 'ints', num_outputs: 'int' },
    evaluate: (call) => {
      const x = call.input(0)
      const axis = call.axis(call.int('axis', 0), x.shape.length)
      const sizes = splitSizes(call, x.shape[axis]!)
      let from = 0
      return sizes.map((size) => {
        const maps = x.shape.map((n, i) => (i === axis ? range(call, size, from) : range(call, n)))
        from += size
        return mapped(call, x, maps)
      })
    },
  },
  Slice: {
    inputs: [1, 5],
    attributes: { starts: 'ints', ends: 'ints', axes: 'ints' },
    evaluate: (call) => {
      const x = call.input(0)
      const attributes = call.version < 10
      const starts = attributes ? call.ints('starts') : call.integers(1)
      const ends = attributes ? call.ints('ends') : call.integers(2)
      if (starts === undefined || ends === undefined || starts.length !== ends.length)
        throw call.error('needs as many starts as ends')
      const axes = (attributes ? call.ints('axes') : call.integers(3)) ?? starts.map((_, i) => i)
      const steps = (attributes ? undefined : call.integers(4)) ?? starts.map(() => 1)
      if (axes.length !== starts.length || steps.length !== starts.length)
        throw call.error(`has ${starts.length} starts for ${axes.length} axes and ${steps.length} steps`)
      const maps: Int32Array[] = x.shape.map((n) => range(call, n))
      for (const [i, given] of axes.entries()) {
        const axis = call.axis(given, x.shape.length)
        maps[axis] = sliced(call, x.shape[axis]!, starts[i]!, ends[i]!, steps[i]!)
      }
      return [mapped(call, x, maps)]
    },
  },
  Pad: {
    inputs: [1, 4],
    attributes: { mode: 'string', pads: 'ints', value: 'float' },
    evaluate: (call) => {
      const x = call.input(0)
      const [rank, mode] = [x.shape.length, call.text('mode', 'constant')]
      const attributes = call.version < 11
      const pads = (attributes ? call.ints('pads') : call.integers(1)) ?? []
      const axes = (attributes ? undefined : call.integers(3)) ?? x.shape.map((_, axis) => axis)
      if (pads.length !== 2 * axes.length)
        throw call.error(`has ${pads.length} paddings for ${axes.length} axes`)
      const sizes: [before: number, after: number][] = x.shape.map(() => [0, 0])
      for (const [i, axis] of axes.entries())
        sizes[call.axis(axis, rank)] = [pads[i]!, pads[axes.length + i]!]
      call.reserve(x.shape.map((n, axis) => Math.max(0, n + sizes[axis]![0] + sizes[axis]![1])))
      const source = sourceOf(call, mode)
      const maps = x.shape.map((n, axis) => {
        const [before, after] = sizes[axis]!
        return Int32Array.from({ length: Math.max(0, n + before + after) }, (_, i) => source(i - before, n))
      })
      return [mapped(call, x, maps, padding(call, x.type))]
    },
  },
  Gather: {
    inputs: [2, 2],
    attributes: { axis: 'int' },
    evaluate: (call) => {
      const [x, indices] = [call.input(0), call.typed(1, 'int64', 'int32')]
      const axis = call.axis(call.int('axis', 0), x.shape.length)
      const size = x.shape[axis]!
      const inner = elementsOf(x.shape.slice(axis + 1))
      const outer = elementsOf(x.shape.slice(0, axis))
      const result = call.make(x.type, [
        ...x.shape.slice(0, axis),
        ...indices.shape,
        ...x.shape.slice(axis + 1),
      ])
      const from = numbersOf(indices)
      let at = 0
      for (let o = 0; o < outer; o++) {
        for (let i = 0; i < from.length; i++, at += inner) {
          const index = from[i]! < 0 ? from[i]! + size : from[i]!
          if (!(index >= 0 && index < size)) throw call.error(`takes index ${from[i]} of an axis of ${size}`)
          const start = (o * size + index) * inner
          ;(result.data as Float32Array).set((x.data as Float32Array).subarray(start, start + inner), at)
        }
      }
      return [result]
    },
  },
  Cast: {
    inputs: [1, 1],
    attributes: { to: 'int', saturate: 'int', round_mode: 'string' },
    refuse: ({ attributes }) => {
      const to = attributes.get('to')
      const type = to?.kind === 'int' ? elementTypeOf(to.value) : undefined
      return type === undefined || type === 'string' ? 'casts to a type that is not computed with' : undefined
    },
    evaluate: (call) => [cast(call, call.input(0), elementTypeOf(call.int('to', 0))!)],
  },
  CastLike: {
    inputs: [2, 2],
    attributes: { saturate: 'int', round_mode: 'string' },
    evaluate: (call) => [cast(call, call.input(0), call.input(1).type)],
  },
}

function splitSizes(call: Call, size: number): readonly number[] {
  const given = call.version < 13 ? call.ints('split') : call.integers(1)
  if (given !== undefined) {
    if (given.some((n) => n < 0) || given.reduce((sum, n) => sum + n, 0) !== size)
      throw call.error(`splits ${size} into ${given.join(' + ')}`)
    return given
  }
  const count = call.int('num_outputs', call.node.outputs.length)
  if (!(count >= 1 && count <= 10_000)) throw call.error(`splits into ${count} parts`)
  const each = Math.ceil(size / count)
  return Array.from({ length: count }, (_, i) => Math.max(0, Math.min(each, size - i * each)))
}

/** The indices that a slice takes of an axis: bounds beyond the ends are those of the axis. */
function sliced(call: Call, size: number, start: number, end: number, step: number): Int32Array {
  if (!Number.isSafeInteger(step) || step === 0) throw call.error(`has a step of ${step}`)
  const [least, most] = step > 0 ? [0, size] : [-1, size - 1]
  const bound = (at: number) => Math.max(least, Math.min(most, at < 0 ? at + size : at))
  const [from, until] = [bound(start), bound(end)]
  return range(call, Math.max(0, Math.ceil((until - from) / step)), from, step)
}

/** For a place along an axis of n elements, the element that a padding puts there; -1 for the constant. */
function sourceOf(call: Call, mode: string): (at: number, n: number) => number {
  switch (mode) {
    case 'constant':
      return (at, n) => (at < 0 || at >= n ? -1 : at)
    case 'edge':
      return (at, n) => Math.max(0, Math.min(n - 1, at))
    case 'wrap':
      return (at, n) => ((at % n) + n) % n
    case 'reflect':
      return (at, n) => {
        if (n === 1) return 0
        const period = 2 * (n - 1)
        const folded = ((at % period) + period) % period
        return Math.min(folded, period - folded)
      }
    default:
      throw call.error(`pads by "${mode}"`, 'Possible: constant, edge, reflect, wrap.')
  }
}

function padding(call: Call, type: ElementType): number | bigint {
  const tensor = call.version < 11 ? undefined : call.optional(2)
  const value =
    tensor === undefined || tensor.data.length === 0
      ? call.version < 11
        ? call.float('value', 0)
        : 0
      : tensor.data[0]!
  return isWide(type) ? BigInt(Math.trunc(Number(value))) : Number(value)
}

/** Towards zero from real to whole numbers; what does not fit a type of few bits keeps its low bits. */
function cast(call: Call, x: ModelTensor, type: ElementType): ModelTensor {
  if (x.type === 'string' || type === 'string') throw call.error('casts strings')
  const result = call.make(type, x.shape)
  const to = elements(result.data)
  if (isNarrow(type)) {
    const from = numbersOf(x)
    const saturates = call.int('saturate', 1) !== 0
    for (let i = 0; i < to.length; i++)
      to[i] = isByteFloat(type) ? roundedTo(type, from[i]!, saturates) : narrowValue(type, from[i]!)
    return result
  }
  if (isWide(type)) {
    const wide = result.data as BigInt64Array
    for (let i = 0; i < to.length; i++) {
      const value = x.data[i]!
      wide[i] = typeof value === 'bigint' ? value : BigInt(Number.isFinite(value) ? Math.trunc(value) : 0)
    }
    return result
  }
  if (isWide(x.type) && !isFloat(type) && type !== 'bool') {
    for (let i = 0; i < to.length; i++) to[i] = Number(BigInt.asIntN(32, x.data[i] as bigint))
    return result
  }
  const from = numbersOf(x)
  for (let i = 0; i < to.length; i++) to[i] = type === 'bool' ? Number(from[i] !== 0) : from[i]!
  return isHalf(type) ? asHalf(result, type) : result
}
