import { addScaled, scaled, scaledAddition, scaleFactor } from '../../../quant/imported-rules.ts'
import type { ModelTensor } from '../../model.ts'
import { elementsOf, emptyTensor, stridesOf } from '../../tensors.ts'
import { codeClamp, realRange } from './activation.ts'
import { arithmeticOf, checkResult, codeScale, inputAt, type Operator, type Site, shapeOf } from './site.ts'

type Pairwise = (a: number, b: number) => number

/** ADD, SUB and MUL of two tensors; an axis of size 1 stands for any size. */
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
    const a = (first as ModelTensor).data as Int8Array | Float32Array
    const b = (second as ModelTensor).data as Int8Array | Float32Array
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
    default:
      return (a, b) => clamp(a * b)
  }
}

function onCodes(site: Site): Pairwise {
  const [first, second] = [codeScale(site, inputAt(site, 0)), codeScale(site, inputAt(site, 1))]
  const output = codeScale(site, site.output)
  const [low, high] = codeClamp(site)
  if (site.node.operator !== 'MUL') {
    const rule = scaledAddition(first, second, output)
    if (rule.outputFactor.exponent > 0)
      throw site.refuse('has a result much finer than what it adds, which is not supported')
    const sign = site.node.operator === 'SUB' ? -1 : 1
    return (a, b) => addScaled(a, b, rule, low, high, sign)
  }
  const factor = scaleFactor((first.scale * second.scale) / output.scale)
  if (factor.exponent > 14)
    throw site.refuse('has a result much finer than its operands, which is not supported')
  return (a, b) => {
    const product = (a - first.zeroPoint) * (b - second.zeroPoint)
    return Math.max(
      low,
      Math.min(high, scaled(product, factor.multiplier, factor.exponent) + output.zeroPoint),
    )
  }
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
