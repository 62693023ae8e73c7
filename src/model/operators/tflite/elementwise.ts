import {
  addScaled,
  type ScaleFactor,
  scaled,
  scaledAddition,
  scaleFactor,
} from '../../../quant/imported-rules.ts'
import type { ModelTensor } from '../../model.ts'
import { elementsOf, emptyTensor, stridesOf } from '../../tensors.ts'
import { codeClamp, realRange } from './activation.ts'
import { checkSameCodes } from './move.ts'
import {
  arithmeticOf,
  checkResult,
  codeLimits,
  codeScale,
  inputAt,
  type Operator,
  type Site,
  shapeOf,
} from './site.ts'

type Pairwise = (a: number, b: number) => number

/** ADD, SUB, MUL, DIV, MAXIMUM, MINIMUM and PRELU of two tensors; an axis of size 1 stands for any size. */
export const pairwise: Operator = (site) => {
  const shapes = [shapeOf(inputAt(site, 0)), shapeOf(inputAt(site, 1))] as const
  const shape = broadcast(site, shapes)
  checkResult(site, shape)
  const arithmetic = arithmeticOf(site, [0, 1])
  const compute = arithmetic === 'float' ? onReals(site) : onCodes(site)
  const places = shapes.map((from) =>
    elementsOf(from) === elementsOf(shape) ? undefined : placesIn(from, shape),
  )
  return ([first, second]) => {
    const result = emptyTensor(site.output.type, shape)
    const a = (first as ModelTensor).data as Int8Array | Uint8Array | Float32Array
    const b = (second as ModelTensor).data as Int8Array | Uint8Array | Float32Array
    const [atA, atB] = places
    for (let i = 0; i < result.data.length; i++)
      result.data[i] = compute(a[atA === undefined ? i : atA[i]!]!, b[atB === undefined ? i : atB[i]!]!)
    return result
  }
}

function onReals(site: Site): Pairwise {
  const [low, high] = realRange(site)
  const clamp = (x: number) => Math.max(low, Math.min(high, x))
  switch (site.node.operator) {
    case 'ADD':
      return (a, b) => clamp(a + b)
    case 'SUB':
      return (a, b) => clamp(a - b)
    case 'DIV':
      return (a, b) => clamp(a / b)
    case 'MAXIMUM':
      return Math.max
    case 'MINIMUM':
      return Math.min
    case 'PRELU':
      return (a, slope) => (a < 0 ? a * slope : a)
    default:
      return (a, b) => clamp(a * b)
  }
}

function onCodes(site: Site): Pairwise {
  switch (site.node.operator) {
    case 'ADD':
      return sum(site, 1)
    case 'SUB':
      return sum(site, -1)
    case 'MUL':
      return product(site)
    case 'PRELU':
      return sloped(site)
    case 'DIV':
      throw site.refuse('is supported on float32 only')
    default:
      for (const index of [0, 1]) checkSameCodes(site, inputAt(site, index))
      return site.node.operator === 'MAXIMUM' ? Math.max : Math.min
  }
}

const scalesOf = (site: Site) =>
  [
    codeScale(site, inputAt(site, 0)),
    codeScale(site, inputAt(site, 1)),
    codeScale(site, site.output),
  ] as const

function sum(site: Site, sign: 1 | -1): Pairwise {
  const rule = scaledAddition(...scalesOf(site))
  if (rule.outputFactor.exponent > 0)
    throw site.refuse('has a result much finer than what it adds, which is not supported')
  const [low, high] = codeClamp(site)
  return (a, b) => addScaled(a, b, rule, low, high, sign)
}

function product(site: Site): Pairwise {
  const [first, second, output] = scalesOf(site)
  const { multiplier, exponent } = productFactor(site, first.scale * second.scale, output.scale)
  const [low, high] = codeClamp(site)
  return (a, b) => {
    const real = (a - first.zeroPoint) * (b - second.zeroPoint)
    return Math.max(low, Math.min(high, scaled(real, multiplier, exponent) + output.zeroPoint))
  }
}

/** Values below zero are multiplied by the slope of their channel. */
function sloped(site: Site): Pairwise {
  const [input, slope, output] = scalesOf(site)
  const above = productFactor(site, input.scale, output.scale)
  const below = productFactor(site, input.scale * slope.scale, output.scale)
  const [low, high] = codeLimits(site.output.type)
  return (a, b) => {
    const value = a - input.zeroPoint
    const code =
      value < 0
        ? scaled(value * (b - slope.zeroPoint), below.multiplier, below.exponent)
        : scaled(value, above.multiplier, above.exponent)
    return Math.max(low, Math.min(high, code + output.zeroPoint))
  }
}

/** From a product of scales to the result's, in float32 as the kernels compute it. */
function productFactor(site: Site, product: number, scale: number): ScaleFactor {
  const factor = scaleFactor(Math.fround(Math.fround(product) / scale))
  if (factor.exponent > 14)
    throw site.refuse('has a result much finer than its operands, which is not supported')
  return factor
}

function broadcast(site: Site, [first, second]: readonly [readonly number[], readonly number[]]): number[] {
  const rank = Math.max(first.length, second.length)
  return Array.from({ length: rank }, (_, i) => {
    const a = first[i - rank + first.length] ?? 1
    const b = second[i - rank + second.length] ?? 1
    if (a !== b && a !== 1 && b !== 1)
      throw site.refuse(`joins tensors of [${first.join(', ')}] and [${second.join(', ')}]`)
    return Math.max(a, b)
  })
}

/** For each element of the result, the element of a smaller tensor that stands there. */
function placesIn(from: readonly number[], shape: readonly number[]): Int32Array {
  const own = stridesOf(from)
  const steps = shape.map((_, i) => {
    const axis = i - shape.length + from.length
    return axis < 0 || from[axis] === 1 ? 0 : own[axis]!
  })
  const strides = stridesOf(shape)
  return Int32Array.from({ length: elementsOf(shape) }, (_, index) =>
    shape.reduce((at, size, i) => at + (Math.floor(index / strides[i]!) % size) * steps[i]!, 0),
  )
}
