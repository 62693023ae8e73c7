import type { ModelNode } from '../../model.ts'
import { elements } from '../../operators/strided.ts'
import { type Lowering, Obstacle } from '../lowering.ts'

/** What whole numbers that depend on the image stand for: real = scale * (code - zero), or, of raw ones, themselves. */
export interface Codes {
  readonly scale: readonly number[]
  readonly zero: readonly number[]
  readonly axis: number
}

/** Those of an input, which the caller gives. */
export const raw: Codes = { scale: [1], zero: [0], axis: 0 }

/** Operators that take codes as they are, so that real values may stand for them. */
const moving =
  /^(Identity|Dropout|Reshape|Flatten|Squeeze|Unsqueeze|Transpose|Gather|Slice|MaxPool|Concat|Pad)$/

/** Where an operator has the scale of the codes that it reads, and of those that it makes, with the zero point behind it. */
const scales: Readonly<Record<string, { readonly reads?: number; readonly makes?: number }>> = {
  QuantizeLinear: { makes: 1 },
  DequantizeLinear: { reads: 1 },
  QLinearConv: { reads: 1, makes: 6 },
  QLinearMatMul: { reads: 1, makes: 6 },
}

/**
 * A network in float has real values in place of codes. So codes must be read as what they were made of, and nothing may compute with
 * them: else the network would compute something else.
 */
export function followCodes(lowering: Lowering, node: ModelNode): void {
  const { reads, makes } = Object.hasOwn(scales, node.operator) ? scales[node.operator]! : {}
  const given = node.inputs.filter((name) => lowering.isValue(name)).map((name) => lowering.codes.get(name))
  const [first] = given
  if (reads !== undefined) checkRead(node, first, codesOf(lowering, node, reads))
  else if (first !== undefined && given.every((other) => sameCodes(first, other))) checkMoved(node, first)
  else if (given.some((codes) => codes !== undefined))
    throw new Obstacle('reads codes of different scales', 'Dequantise them before it.')
  const made =
    makes === undefined ? (reads === undefined ? first : undefined) : codesOf(lowering, node, makes)
  if (made === undefined || node.operator === 'Cast') return
  for (const name of node.outputs) if (name !== '') lowering.codes.set(name, made)
}

function checkRead({ operator }: ModelNode, given: Codes | undefined, stated: Codes): void {
  if (given === raw && operator !== 'DequantizeLinear')
    throw new Obstacle('reads the image as codes', 'Begin the model with QuantizeLinear or DequantizeLinear.')
  if (given === undefined || given === raw || sameCodes(given, stated)) return
  throw new Obstacle(
    `reads codes with scale ${stated.scale.join(', ')} and zero point ${stated.zero.join(', ')}, which were made with ${given.scale.join(', ')} and ${given.zero.join(', ')}`,
    'Dequantise with the scale and zero point that the codes were made with.',
  )
}

function checkMoved({ operator }: ModelNode, codes: Codes): void {
  if (operator === 'Cast' && codes === raw) return
  if (!moving.test(operator)) throw new Obstacle('computes with codes', 'Dequantise them before it.')
  if (codes.scale.length > 1 && !/^(Identity|Dropout)$/.test(operator))
    throw new Obstacle('moves codes that have several scales', 'Dequantise them before it.')
  if (operator === 'Pad' && codes.zero.some((zero) => zero !== 0))
    throw new Obstacle('pads codes by 0, which does not stand for 0', 'Pad real values.')
}

const sameCodes = (a: Codes, b: Codes | undefined): boolean =>
  b !== undefined &&
  a.scale.join() === b.scale.join() &&
  a.zero.join() === b.zero.join() &&
  (a.axis === b.axis || a.scale.length === 1)

/** The scale that stands as input `index` of a node, with the zero point behind it. */
export function codesOf(lowering: Lowering, node: ModelNode, index: number): Codes {
  const scale = lowering.weight(node, index)
  if (scale.shape.length > 1)
    throw new Obstacle(
      'quantises in blocks',
      'One scale for a tensor, or for each index of an axis, has a layer.',
    )
  const zero =
    (node.inputs[index + 1] ?? '') === ''
      ? []
      : Array.from(elements(lowering.weight(node, index + 1).data), Number)
  const rank = lowering.modelShape(node.inputs[0]!).length
  const call = lowering.call(node)
  return {
    scale: Array.from(elements(scale.data)),
    zero: zero.length === 0 ? [0] : zero,
    axis: scale.data.length === 1 || rank === 0 ? 0 : call.axis(call.int('axis', 1), rank),
  }
}
