import type { ModelTensor, ModelValue, TypedData } from '../../model.ts'
import { elementsOf, emptyTensor, stridesOf } from '../../tensors.ts'
import { codeClamp, realRange } from './activation.ts'
import {
  checkResult,
  codeLimits,
  codeScale,
  inputAt,
  integersAt,
  isCode,
  numberSetting,
  type Operator,
  type Site,
  shapeOf,
} from './site.ts'

/** That codes keep their meaning: type, scale and zero point of an input are those of the result. */
export function checkSameCodes(site: Site, value: ModelValue): void {
  const { output } = site
  if (value.type !== output.type) throw site.refuse(`makes ${output.type} of ${value.type}`)
  if (!isCode(value.type)) return
  const [from, to] = [codeScale(site, value), codeScale(site, output)]
  if (from.scale !== to.scale || from.zeroPoint !== to.zeroPoint)
    throw site.refuse(`changes the scale of "${value.name}", which is not supported`)
}

/** RESHAPE, SQUEEZE and EXPAND_DIMS: the same elements under the shape that the file says. */
export const reshape: Operator = (site) => {
  const from = inputAt(site, 0)
  const shape = shapeOf(site.output)
  if (elementsOf(shapeOf(from)) !== elementsOf(shape))
    throw site.refuse(`makes a tensor of [${shape.join(', ')}] of one of [${shapeOf(from).join(', ')}]`)
  checkSameCodes(site, from)
  return ([input]) => ({ ...(input as ModelTensor), shape })
}

/** How many elements PAD or PADV2 put before and behind each axis. */
export function paddingsOf(site: Site): readonly (readonly [before: number, after: number])[] {
  const numbers = integersAt(site, 1, 'paddings')
  const rank = shapeOf(inputAt(site, 0)).length
  if (numbers.length !== 2 * rank || numbers.some((n) => n < 0 || n > 2 ** 20))
    throw site.refuse(`has the paddings [${numbers.join(', ')}] for ${rank} axes`)
  return Array.from({ length: rank }, (_, i) => [numbers[2 * i]!, numbers[2 * i + 1]!] as const)
}

/** What PAD or PADV2 writes: a real zero, or a value of its own. */
export function fillOf(site: Site): number {
  const from = inputAt(site, 0)
  if (site.node.operator !== 'PADV2') return isCode(from.type) ? codeScale(site, from).zeroPoint : 0
  const tensor = site.constant(2)
  if (tensor?.data.length !== 1)
    throw site.refuse('computes the value of its padding: supported are constant ones')
  return Number(tensor.data[0])
}

export const padding: Operator = (site) => {
  const from = inputAt(site, 0)
  const shape = shapeOf(from)
  const paddings = paddingsOf(site)
  checkResult(
    site,
    shape.map((n, i) => n + paddings[i]![0] + paddings[i]![1]),
  )
  checkSameCodes(site, from)
  const fill = fillOf(site)
  const own = stridesOf(shapeOf(site.output))
  const origin = paddings.reduce((at, [before], i) => at + before * own[i]!, 0)
  return ([input]) => {
    const result = emptyTensor(site.output.type, shapeOf(site.output))
    fillWith(result.data, fill)
    place(input as ModelTensor, result.data, own, origin)
    return result
  }
}

/** The order of axes of a TRANSPOSE: axis i of the result is axis order[i] of the input. */
export function orderOf(site: Site): readonly number[] {
  const rank = shapeOf(inputAt(site, 0)).length
  const order = integersAt(site, 1, 'order of axes').map((axis) => (axis < 0 ? axis + rank : axis))
  if (order.length !== rank || [...order].sort((a, b) => a - b).some((axis, i) => axis !== i))
    throw site.refuse(`has the order of axes [${order.join(', ')}] for ${rank} axes`)
  return order
}

export const transpose: Operator = (site) => {
  const from = inputAt(site, 0)
  const shape = shapeOf(from)
  const order = orderOf(site)
  checkResult(
    site,
    order.map((axis) => shape[axis]!),
  )
  checkSameCodes(site, from)
  const strides = stridesOf(shapeOf(site.output))
  const steps = shape.map((_, axis) => strides[order.indexOf(axis)]!)
  return ([input]) => {
    const result = emptyTensor(site.output.type, shapeOf(site.output))
    place(input as ModelTensor, result.data, steps, 0)
    return result
  }
}

/** CONCATENATION of tensors of one scale. */
export const concatenation: Operator = (site) => {
  const values = site.node.inputs.map((_, i) => inputAt(site, i))
  const shape = shapeOf(site.output)
  const given = numberSetting(site, 'axis')
  const axis = given < 0 ? given + shape.length : given
  const bad = values.find(
    (value) =>
      shapeOf(value).length !== shape.length || shapeOf(value).some((n, i) => i !== axis && n !== shape[i]),
  )
  if (values.length === 0 || bad !== undefined || !(axis >= 0 && axis < shape.length))
    throw site.refuse(`joins tensors that do not fit along axis ${given}`)
  checkResult(
    site,
    shape.map((n, i) => (i === axis ? values.reduce((sum, value) => sum + shapeOf(value)[axis]!, 0) : n)),
  )
  for (const value of values) checkSameCodes(site, value)
  const [low, high] = isCode(site.output.type)
    ? codeClamp(site)
    : site.output.type === 'float32'
      ? realRange(site)
      : [-Infinity, Infinity]
  const [least, most] = codeLimits(site.output.type)
  const bounded = low > least || high < most
  const strides = stridesOf(shape)
  return (inputs) => {
    const result = emptyTensor(site.output.type, shape)
    let at = 0
    for (const input of inputs as readonly ModelTensor[]) {
      place(input, result.data, strides, at * strides[axis]!)
      at += input.shape[axis]!
    }
    if (bounded) clamp(result.data, low, high)
    return result
  }
}

function fillWith(data: TypedData, value: number): void {
  if (data instanceof BigInt64Array || data instanceof BigUint64Array) data.fill(BigInt(value))
  else data.fill(value)
}

function clamp(data: TypedData, low: number, high: number): void {
  const numbers = data as Float32Array
  for (let i = 0; i < numbers.length; i++) numbers[i] = Math.max(low, Math.min(high, numbers[i]!))
}

/** Writes the elements of a tensor, axis by axis `steps` apart, from `origin` on. */
function place({ shape, data }: ModelTensor, to: TypedData, steps: readonly number[], origin: number): void {
  const index = shape.map(() => 0)
  let at = origin
  for (let from = 0; from < data.length; from++) {
    to[at] = data[from]!
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      at += steps[axis]!
      if (++index[axis]! < shape[axis]!) break
      at -= shape[axis]! * steps[axis]!
      index[axis] = 0
    }
  }
}
