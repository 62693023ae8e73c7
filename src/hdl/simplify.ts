import type { NetNode } from './netlist.ts'

/** What the simplifications may make new. */
export interface Simplifier {
  not(a: NetNode): NetNode
  constant(value: number | bigint, width: number): NetNode
}

/** An older or simpler node equal to `kind`(a, b), if there is an obvious one. A constant operand is `b` where order is free. */
export function simplifyBinary(kind: string, a: NetNode, b: NetNode, make: Simplifier): NetNode | undefined {
  const zero = isValue(b, 0)
  const ones = b.kind === 'constant' && isOnes(b)
  const equal = a === b
  switch (kind) {
    case 'and':
      return zero ? b : ones || equal ? a : undefined
    case 'or':
      return zero || equal ? a : ones ? b : undefined
    case 'xor':
      return zero ? a : ones ? make.not(a) : equal ? make.constant(0, a.width) : undefined
    case 'add':
      return zero ? a : undefined
    case 'sub':
      return zero ? a : equal ? make.constant(0, a.width) : undefined
    case 'mul':
    case 'mulSigned':
      return zero ? make.constant(0, a.width + b.width) : undefined
    case 'equal':
      if (equal) return make.constant(1, 1)
      return a.width > 1 ? undefined : zero ? make.not(a) : ones ? a : undefined
    case 'less':
      return equal || zero || (a.kind === 'constant' && isOnes(a)) ? make.constant(0, 1) : undefined
    case 'lessSigned':
      return equal || isValue(b, 2 ** (b.width - 1)) || isValue(a, 2 ** (a.width - 1) - 1)
        ? make.constant(0, 1)
        : undefined
    default:
      return undefined
  }
}

export function simplifyMux(
  select: NetNode,
  one: NetNode,
  zero: NetNode,
  make: Simplifier,
): NetNode | undefined {
  if (select.kind === 'constant') return select.value === 1 ? one : zero
  if (one === zero) return one
  if (one.width > 1) return undefined
  if (isValue(one, 1) && isValue(zero, 0)) return select
  if (isValue(one, 0) && isValue(zero, 1)) return make.not(select)
  return undefined
}

// Values of more than 53 bits are compared with nothing: a number would not be exact.
const isValue = (node: NetNode, value: number) =>
  node.kind === 'constant' && node.width <= 53 && Number(node.value) === value

function isOnes(node: NetNode): boolean {
  return node.width <= 32
    ? node.value === 2 ** node.width - 1
    : node.value === (1n << BigInt(node.width)) - 1n
}
