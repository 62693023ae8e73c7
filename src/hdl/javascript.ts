import type { NetNode } from './netlist.ts'

// How one node computes in JavaScript. A value of up to 32 bits is a number: unsigned below 32 bits, and as |0 leaves
// it with 32, so that V8 keeps all of them as small integers. A wider value is an unsigned BigInt.

export const isWide = (width: number): boolean => width > 32

const big = (value: number | bigint) => `${value}n`
const asUint = (width: number, text: string) => `BigInt.asUintN(${width}, ${text})`
const asInt = (width: number, text: string) => `BigInt.asIntN(${width}, ${text})`

/** The canonical text of a constant. */
export function constantText(value: number | bigint, width: number): string {
  return isWide(width) ? big(value) : width === 32 ? `${Number(value) | 0}` : `${value}`
}

/** The canonical form of a number or BigInt that comes from outside. */
export function canonical(value: number | bigint, width: number): number | bigint {
  const unsigned = BigInt.asUintN(width, BigInt(value))
  return isWide(width) ? unsigned : width === 32 ? Number(unsigned) | 0 : Number(unsigned)
}

/** The unsigned value of a canonical one. */
export function plain(value: number | bigint): number | bigint {
  return typeof value === 'number' ? value >>> 0 : value
}

/** Brings a 32-bit number expression to the canonical form of `width` bits. */
function cut(text: string, width: number): string {
  return width === 32 ? `(${text} | 0)` : `(${text} & ${2 ** width - 1})`
}

/** Operands that the text of their user contains more than once. */
export function repeatedOperands(node: NetNode): readonly NetNode[] {
  const shift =
    node.kind === 'shiftLeft' || node.kind === 'shiftRight' || node.kind === 'shiftRightArithmetic'
  return shift ? [node.operands[1]!] : []
}

/** The expression of an operation, given the expressions of its operands. */
export function operationText(node: NetNode, texts: readonly string[]): string {
  const { kind, width, operands } = node
  const [a, b, c] = texts as [string, string, string]
  const wide = isWide(width)
  const operandWidth = operands[0]!.width
  switch (kind) {
    case 'not':
      if (wide) return asUint(width, `~${a}`)
      return width === 1 ? `(${a} ^ 1)` : cut(`~${a}`, width)
    case 'and':
      return `(${a} & ${b})`
    case 'or':
      return `(${a} | ${b})`
    case 'xor':
      return `(${a} ^ ${b})`
    case 'add':
      return wide ? asUint(width, `${a} + ${b}`) : cut(`${a} + ${b}`, width)
    case 'sub':
      return wide ? asUint(width, `${a} - ${b}`) : cut(`${a} - ${b}`, width)
    case 'mul':
      return product(node, texts, false)
    case 'mulSigned':
      return product(node, texts, true)
    case 'equal':
      return `(${a} === ${b} ? 1 : 0)`
    case 'less':
      return operandWidth === 32 ? `(${a} >>> 0 < ${b} >>> 0 ? 1 : 0)` : `(${a} < ${b} ? 1 : 0)`
    case 'lessSigned':
      return `(${signed(a, operandWidth)} < ${signed(b, operandWidth)} ? 1 : 0)`
    case 'mux':
      return `(${a} ? ${b} : ${c})`
    case 'slice':
      return sliceText(a, operandWidth, node.low, width)
    case 'cat':
      return wide ? wideCat(operands, texts) : narrowCat(operands, texts)
    case 'zeroExtend':
      return wide ? toBig(a, operandWidth) : a
    case 'signExtend':
      if (wide)
        return asUint(
          width,
          isWide(operandWidth) ? asInt(operandWidth, a) : `BigInt(${signed(a, operandWidth)})`,
        )
      return operandWidth === 1 ? cut(`-${a}`, width) : cut(signed(a, operandWidth), width)
    case 'shiftLeft':
    case 'shiftRight':
    case 'shiftRightArithmetic':
      return shiftText(node, a, b)
    default:
      throw new Error(`${kind} is no operation`)
  }
}

/** The two's complement value: a BigInt of a wide value, a number of a narrow one. */
function signed(text: string, width: number): string {
  if (isWide(width)) return asInt(width, text)
  return width === 32 ? text : `(${text} << ${32 - width} >> ${32 - width})`
}

function toBig(text: string, width: number): string {
  if (isWide(width)) return text
  return width === 32 ? `BigInt(${text} >>> 0)` : `BigInt(${text})`
}

function product(node: NetNode, [a, b]: readonly string[], isSigned: boolean): string {
  const { width } = node
  const [left, right] = node.operands as [NetNode, NetNode]
  if (!isWide(width)) {
    return isSigned
      ? cut(`Math.imul(${signed(a!, left.width)}, ${signed(b!, right.width)})`, width)
      : `Math.imul(${a}, ${b})`
  }
  // Up to 53 bits a product of doubles is exact, and much quicker than one of BigInts.
  if (width <= 53 && !isWide(left.width) && !isWide(right.width)) {
    const factor = (text: string, w: number) =>
      isSigned ? signed(text, w) : w === 32 ? `(${text} >>> 0)` : text
    const exact = `BigInt(${factor(a!, left.width)} * ${factor(b!, right.width)})`
    return isSigned ? asUint(width, exact) : exact
  }
  const factor = (text: string, w: number) => (isSigned ? asInt(w, toBig(text, w)) : toBig(text, w))
  return asUint(width, `${factor(a!, left.width)} * ${factor(b!, right.width)}`)
}

function sliceText(a: string, from: number, low: number, width: number): string {
  if (isWide(from)) {
    const shifted = low === 0 ? a : `${a} >> ${big(low)}`
    if (isWide(width)) return asUint(width, shifted)
    const value = `Number(${asUint(width, shifted)})`
    return width === 32 ? `(${value} | 0)` : value
  }
  if (low === 0) return cut(a, width)
  return low + width === from ? `(${a} >>> ${low})` : cut(`${a} >>> ${low}`, width)
}

function narrowCat(operands: readonly NetNode[], texts: readonly string[]): string {
  let place = operands.reduce((sum, operand) => sum + operand.width, 0)
  const parts = operands.map((operand, i) => {
    place -= operand.width
    return place === 0 ? texts[i]! : `${texts[i]} << ${place}`
  })
  return `(${parts.join(' | ')})`
}

/** Narrow neighbours are joined as numbers first: each BigInt costs an allocation. */
function wideCat(operands: readonly NetNode[], texts: readonly string[]): string {
  const groups: { width: number; operands: NetNode[]; texts: string[] }[] = []
  operands.forEach((operand, i) => {
    const last = groups.at(-1)
    if (last !== undefined && last.width + operand.width <= 32) {
      last.width += operand.width
      last.operands.push(operand)
      last.texts.push(texts[i]!)
    } else groups.push({ width: operand.width, operands: [operand], texts: [texts[i]!] })
  })
  let place = groups.reduce((sum, group) => sum + group.width, 0)
  const parts = groups.map((group) => {
    place -= group.width
    const value = toBig(
      group.operands.length === 1 ? group.texts[0]! : narrowCat(group.operands, group.texts),
      group.width,
    )
    return place === 0 ? value : `${value} << ${big(place)}`
  })
  return `(${parts.join(' | ')})`
}

function shiftText(node: NetNode, a: string, by: string): string {
  const { kind, width } = node
  const amountWidth = node.operands[1]!.width
  const amount = amountWidth === 32 ? `(${by} >>> 0)` : by
  if (isWide(width)) {
    const limit = isWide(amountWidth) ? big(width) : `${width}`
    const places = isWide(amountWidth) ? amount : `BigInt(${amount})`
    if (kind === 'shiftLeft') return `(${amount} < ${limit} ? ${asUint(width, `${a} << ${places}`)} : 0n)`
    if (kind === 'shiftRight') return `(${amount} < ${limit} ? ${a} >> ${places} : 0n)`
    return asUint(width, `${asInt(width, a)} >> (${amount} < ${limit} ? ${places} : ${big(width)})`)
  }
  const mayExceed = amountWidth > 5
  const places = isWide(amountWidth) ? `Number(${amount})` : amount
  const limit = isWide(amountWidth) ? '32n' : '32'
  if (kind === 'shiftRightArithmetic') {
    return cut(
      `${signed(a, width)} >> ${mayExceed ? `(${amount} < ${limit} ? ${places} : 31)` : places}`,
      width,
    )
  }
  const shifted =
    kind === 'shiftLeft'
      ? cut(`${a} << ${places}`, width)
      : width === 32
        ? `(${a} >>> ${places} | 0)`
        : `(${a} >>> ${places})`
  return mayExceed ? `(${amount} < ${limit} ? ${shifted} : 0)` : shifted
}
