import { codeOfReal, roundHalfToEven, scaledSum, sumFactor } from '../../../quant/onnx-rules.ts'
import type { ElementType, ModelTensor } from '../../model.ts'
import { type ByteFloatType, isByteFloat, narrowTypes, roundedTo } from '../../narrow.ts'
import { elementTypeOf } from '../../onnx/tensor.ts'
import { elementsOf, stridesOf } from '../../tensors.ts'
import type { Call, Operator } from '../operator.ts'
import { elements } from '../strided.ts'
import { convolutionAttributes, convolveIntegers } from './convolution.ts'
import { products, stacksOf } from './matmul.ts'

const codeTypes = ['int8', 'uint8', 'int16', 'uint16', ...narrowTypes] as const

const bounds: Partial<Record<ElementType, readonly [number, number]>> = {
  int4: [-8, 7],
  uint4: [0, 15],
  int8: [-128, 127],
  uint8: [0, 255],
  int16: [-32768, 32767],
  uint16: [0, 65535],
}

const saturate = (value: number, [low, high]: readonly [number, number]) =>
  Math.max(low, Math.min(high, value))

/**
 * For each element of a shape, the index of its scale: one for all, one for each index along an axis, or one for each block of
 * `block_size` indices along it.
 */
function scaleIndex(call: Call, shape: readonly number[], scale: ModelTensor): (at: number) => number {
  if (scale.data.length === 1 && scale.shape.length <= 1) return () => 0
  const axis = call.axis(call.int('axis', 1), shape.length)
  const block = call.int('block_size', 0)
  const step = stridesOf(shape)[axis]!
  const fail = () =>
    call.error(
      `has scales of shape [${scale.shape.join(', ')}] for a tensor of [${shape.join(', ')}] along axis ${axis}`,
    )
  if (block === 0) {
    if (scale.shape.length !== 1 || scale.shape[0] !== shape[axis]) throw fail()
    return (at) => Math.floor(at / step) % shape[axis]!
  }
  const blocks = scale.shape[axis] ?? 0
  const fits =
    scale.shape.length === shape.length && shape.every((n, i) => i === axis || n === scale.shape[i])
  if (!fits || block < 1 || blocks !== Math.ceil(shape[axis]! / block)) throw fail()
  return (at) => {
    const outer = Math.floor(at / (step * shape[axis]!))
    return (outer * blocks + Math.floor((Math.floor(at / step) % shape[axis]!) / block)) * step + (at % step)
  }
}

/** Zero points, one for each scale. */
function zerosOf(
  call: Call,
  index: number,
  scale: ModelTensor,
  type?: ElementType,
): ArrayLike<number> | undefined {
  const zero = call.optional(index)
  if (zero === undefined) return undefined
  if (type !== undefined && zero.type !== type)
    throw call.error(`has zero points of ${zero.type} for codes of ${type}`)
  if (zero.data.length !== scale.data.length)
    throw call.error(`has ${zero.data.length} zero points for ${scale.data.length} scales`)
  return elements(zero.data)
}

function quantise(call: Call): readonly ModelTensor[] {
  const x = call.typed(0, 'float32', 'int32')
  const scale = call.typed(1, 'float32')
  const stated = call.int('output_dtype', 0)
  const type = call.optional(2)?.type ?? (stated === 0 ? 'uint8' : elementTypeOf(stated))
  if (type !== undefined && isByteFloat(type)) return [quantisedFloats(call, x, scale, type)]
  const range = type === undefined ? undefined : bounds[type]
  if (range === undefined)
    throw call.error(
      `makes codes of ${type ?? 'a type that is not read'}`,
      `Possible: ${codeTypes.join(', ')}.`,
    )
  const zeros = zerosOf(call, 2, scale)
  const result = call.make(type!, x.shape)
  const [from, to, scales] = [elements(x.data), elements(result.data), elements(scale.data)]
  const of = scaleIndex(call, x.shape, scale)
  const [low, high] = range
  const quantisers = Array.from(scales, (scale, s) => ({ scale, zeroPoint: zeros?.[s] ?? 0, low, high }))
  for (let i = 0; i < to.length; i++) to[i] = codeOfReal(from[i]!, quantisers[of(i)]!)
  return [result]
}

/** Quotients as floats of 8 bits, of which only 0 is a zero point. */
function quantisedFloats(call: Call, x: ModelTensor, scale: ModelTensor, type: ByteFloatType): ModelTensor {
  const zeros = zerosOf(call, 2, scale) ?? []
  if (Array.from(zeros).some((zero) => zero !== 0))
    throw call.error(`has a zero point beside 0 for codes of ${type}`)
  const result = call.make(type, x.shape)
  const [from, to, scales] = [elements(x.data), elements(result.data), elements(scale.data)]
  const [of, saturates] = [scaleIndex(call, x.shape, scale), call.int('saturate', 1) !== 0]
  for (let i = 0; i < to.length; i++)
    to[i] = roundedTo(type, Math.fround(from[i]! / scales[of(i)]!), saturates)
  return result
}

function dequantise(call: Call): readonly ModelTensor[] {
  const x = call.typed(0, ...codeTypes, 'int32')
  const scale = call.typed(1, 'float32')
  const zeros = zerosOf(call, 2, scale, x.type)
  const result = call.make('float32', x.shape)
  const [from, to, scales] = [elements(x.data), elements(result.data), elements(scale.data)]
  const of = scaleIndex(call, x.shape, scale)
  for (let i = 0; i < to.length; i++) {
    const s = of(i)
    to[i] = Math.fround(from[i]! - (zeros?.[s] ?? 0)) * scales[s]!
  }
  return [result]
}

function dynamicQuantise(call: Call): readonly ModelTensor[] {
  const x = call.typed(0, 'float32')
  const from = elements(x.data)
  let [low, high] = [0, 0]
  for (let i = 0; i < from.length; i++) [low, high] = [Math.min(low, from[i]!), Math.max(high, from[i]!)]
  const scale = Math.fround((high === low ? 1 : Math.fround(high - low)) / 255)
  const zero = roundHalfToEven(saturate(Math.fround(-low / scale), [0, 255]))
  const result = call.make('uint8', x.shape)
  const to = elements(result.data)
  for (let i = 0; i < to.length; i++)
    to[i] = saturate(roundHalfToEven(Math.fround(from[i]! / scale)) + zero, [0, 255])
  return [
    result,
    { type: 'float32', shape: [], data: Float32Array.of(scale) },
    { type: 'uint8', shape: [], data: Uint8Array.of(zero) },
  ]
}

/** One zero point for a tensor of codes; 0 where the node names none. */
function zeroOf(call: Call, index: number, type: ElementType): number {
  const zero = call.optional(index)
  if (zero === undefined) return 0
  if (zero.type !== type || zero.data.length !== 1)
    throw call.error(
      `has ${zero.data.length} zero points of ${zero.type} as input ${index + 1}: one of ${type} is needed`,
    )
  return Number(zero.data[0])
}

/** One zero point or scale, or one a filter. */
function perFilter(call: Call, index: number, filters: number): ArrayLike<number> {
  const tensor = call.optional(index)
  if (tensor === undefined) return [0]
  if (tensor.data.length !== 1 && tensor.data.length !== filters)
    throw call.error(`has ${tensor.data.length} values as input ${index + 1} for ${filters} filters`)
  return elements(tensor.data)
}

function convInteger(call: Call): readonly ModelTensor[] {
  const [x, w] = [call.typed(0, 'int8', 'uint8'), call.typed(1, 'int8', 'uint8')]
  return [convolveIntegers(call, x, zeroOf(call, 2, x.type), w, perFilter(call, 3, w.shape[0]!))]
}

function qLinearConv(call: Call): readonly ModelTensor[] {
  const [x, w] = [call.typed(0, 'int8', 'uint8'), call.typed(3, 'int8', 'uint8')]
  const filters = w.shape[0]!
  const bias = call.optional(8) === undefined ? undefined : call.typed(8, 'int32')
  const sums = convolveIntegers(call, x, zeroOf(call, 2, x.type), w, perFilter(call, 5, filters), bias)
  const scales = perFilter(call, 4, filters)
  const [ofX, ofY] = [scalar(call, 1), scalar(call, 6)]
  const factors = Array.from(scales, (scale) => sumFactor(ofX, scale, ofY))
  const positions = elementsOf(sums.shape.slice(2))
  return [
    requantised(
      call,
      sums,
      7,
      (i) => factors[factors.length === 1 ? 0 : Math.floor(i / positions) % filters]!,
    ),
  ]
}

function scalar(call: Call, index: number): number {
  const tensor = call.typed(index, 'float32')
  if (tensor.data.length !== 1)
    throw call.error(`has ${tensor.data.length} scales as input ${index + 1}: one is needed`)
  return Number(tensor.data[0])
}

/** saturate(round(sum * factor) + zero point), in the type of the zero point. */
function requantised(
  call: Call,
  sums: ModelTensor,
  index: number,
  factor: (at: number) => number,
): ModelTensor {
  const zero = call.typed(index, 'int8', 'uint8')
  const offset = zeroOf(call, index, zero.type)
  const result = call.make(zero.type, sums.shape)
  const [from, to] = [elements(sums.data), elements(result.data)]
  for (let i = 0; i < to.length; i++)
    to[i] = saturate(scaledSum(from[i]!, factor(i)) + offset, bounds[zero.type]!)
  return result
}

/** Codes less their zero points, of which there is one for all, or one for each index along an axis (rows of a, columns of b). */
function centred(call: Call, x: ModelTensor, index: number, along: 'rows' | 'columns'): Float64Array {
  const zero = call.optional(index)
  const from = elements(x.data)
  if (zero === undefined) return Float64Array.from(from)
  if (zero.type !== x.type) throw call.error(`has zero points of ${zero.type} for codes of ${x.type}`)
  const zeros = elements(zero.data)
  if (zeros.length === 1) return Float64Array.from(from, (code) => code - zeros[0]!)
  const rank = x.shape.length
  const [columns, rows] = [x.shape[rank - 1]!, x.shape[rank - 2] ?? 1]
  const own = along === 'rows' ? rows : columns
  const stacks = x.data.length / (rows * columns)
  if (zeros.length !== own && zeros.length !== own * stacks)
    throw call.error(
      `has zero points of shape [${zero.shape.join(', ')}] for codes of [${x.shape.join(', ')}]`,
    )
  return Float64Array.from(from, (code, i) => {
    const place = along === 'rows' ? Math.floor(i / columns) % rows : i % columns
    const stack = zeros.length === own ? 0 : Math.floor(i / (rows * columns))
    return code - zeros[stack * own + place]!
  })
}

function sumsOf(call: Call, a: ModelTensor, zeroOfA: number, b: ModelTensor, zeroOfB: number): ModelTensor {
  const { m, n, k, shape, pairs } = stacksOf(call, a.shape, b.shape)
  const result = call.make('int32', shape)
  if (call.dry) return result
  const [x, y] = [centred(call, a, zeroOfA, 'rows'), centred(call, b, zeroOfB, 'columns')]
  for (const [i, [ofA, ofB]] of pairs.entries())
    products([m, n, k], x, ofA * m * k, y, ofB * k * n, elements(result.data), i * m * n, (p, q) => p * q)
  return result
}

function qLinearMatMul(call: Call): readonly ModelTensor[] {
  const [a, b] = [call.typed(0, 'int8', 'uint8'), call.typed(3, 'int8', 'uint8')]
  const sums = sumsOf(call, a, 2, b, 5)
  const [ofA, ofB] = [call.typed(1, 'float32'), call.typed(4, 'float32')].map((t) => elements(t.data)) as [
    ArrayLike<number>,
    ArrayLike<number>,
  ]
  const columns = b.shape.length === 1 ? 1 : b.shape.at(-1)!
  const rows = a.shape.length === 1 ? 1 : a.shape.at(-2)!
  if ((ofA.length !== 1 && ofA.length !== rows) || (ofB.length !== 1 && ofB.length !== columns))
    throw call.error(`has ${ofA.length} and ${ofB.length} scales for ${rows} rows and ${columns} columns`)
  const ofY = scalar(call, 6)
  return [
    requantised(call, sums, 7, (i) =>
      sumFactor(
        ofA[ofA.length === 1 ? 0 : Math.floor(i / columns) % rows]!,
        ofB[ofB.length === 1 ? 0 : i % columns]!,
        ofY,
      ),
    ),
  ]
}

export const quantisation: Readonly<Record<string, Operator>> = {
  QuantizeLinear: {
    inputs: [2, 3],
    attributes: { axis: 'int', saturate: 'int', block_size: 'int', output_dtype: 'int', precision: 'int' },
    evaluate: quantise,
  },
  DequantizeLinear: {
    inputs: [2, 3],
    attributes: { axis: 'int', block_size: 'int', output_dtype: 'int' },
    evaluate: dequantise,
  },
  DynamicQuantizeLinear: { inputs: [1, 1], attributes: {}, evaluate: dynamicQuantise },
  ConvInteger: { inputs: [2, 4], attributes: convolutionAttributes, evaluate: convInteger },
  QLinearConv: { inputs: [8, 9], attributes: convolutionAttributes, evaluate: qLinearConv },
  MatMulInteger: {
    inputs: [2, 4],
    attributes: {},
    evaluate: (call) => [sumsOf(call, call.typed(0, 'int8', 'uint8'), 2, call.typed(1, 'int8', 'uint8'), 3)],
  },
  QLinearMatMul: { inputs: [8, 8], attributes: {}, evaluate: qLinearMatMul },
}
