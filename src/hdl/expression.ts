import { analyse, roots } from './checks.ts'
import { NameSpace } from './names.ts'
import type { Module, NetNode, NodeKind } from './netlist.ts'

/** How a module's values are written: which have a net of their own, and the text of each. */
export interface Expressions {
  /** The nodes that become nets by a `wire name = expression;`, in the order of their declarations. */
  readonly nets: readonly NetNode[]
  /** What a net is called. */
  nameOf(node: NetNode): string
  /** A use of the value: its name, or an expression in place. */
  text(node: NetNode): string
  /** The expression behind a value, even if it has a name: for the right side of its own declaration. */
  definition(node: NetNode): string
  /** Bits of a named value that no text so far has uses, as ranges [high, low]. */
  unusedBits(node: NetNode): (readonly [high: number, low: number])[]
}

/** An expression in place may have so many operators and characters. */
const longest = 72
const mostOperators = 4

export function expressions(module: Module): Expressions {
  const { order } = analyse(module)
  const names = new NameSpace(module.name, [module.clockName, module.resetName])
  const name = new Map<NetNode, string>()
  claimDeclared(module, names, name)

  const uses = countUses(module, order)
  const nets: NetNode[] = []
  const used = new Map<NetNode, [high: number, low: number][]>()
  const draft = new Map<NetNode, { length: number; operators: number }>()

  const note = (node: NetNode, high: number, low: number) => {
    const ranges = used.get(node)
    if (ranges === undefined) used.set(node, [[high, low]])
    else if (!(ranges[0]![0] === node.width - 1 && ranges[0]![1] === 0)) {
      if (high === node.width - 1 && low === 0) ranges.unshift([high, low])
      else ranges.push([high, low])
    }
  }

  const text = (node: NetNode): string => {
    const own = name.get(node)
    if (own === undefined) return definition(node)
    note(node, node.width - 1, 0)
    return own
  }

  /** An operand inside a larger expression. */
  const operand = (node: NetNode): string => {
    const inner = text(node)
    return name.has(node) || !infix.has(node.kind) ? inner : `(${inner})`
  }

  const bit = (node: NetNode, index: number) => {
    note(node, index, index)
    return node.width === 1 ? name.get(node)! : `${name.get(node)}[${index}]`
  }

  const signExtended = (node: NetNode, width: number): string => {
    const extra = width - node.width
    if (node.width === 1) return `{${width}{${text(node)}}}`
    const sign = bit(node, node.width - 1)
    return extra === 1 ? `{${sign}, ${text(node)}}` : `{{${extra}{${sign}}}, ${text(node)}}`
  }
  const zeroExtended = (node: NetNode, width: number) => `{${literal(0, width - node.width)}, ${text(node)}}`

  const definition = (node: NetNode): string => {
    const [a, b, c] = node.operands as [NetNode, NetNode, NetNode]
    switch (node.kind) {
      case 'constant':
        return literal(node.value, node.width)
      case 'not':
        return `~${operand(a)}`
      case 'and':
      case 'or':
      case 'xor':
      case 'add':
      case 'sub':
      case 'equal':
      case 'less':
        return `${chained(a, node.kind)} ${infix.get(node.kind)} ${operand(b)}`
      case 'lessSigned':
        return `$signed(${text(a)}) < $signed(${text(b)})`
      // Operands of the product's width: no tool widens or cuts anything, and all see the narrow multiplier behind it.
      case 'mul':
        return `${factor(a, node.width, false)} * ${factor(b, node.width, false)}`
      case 'mulSigned':
        return `$signed(${factor(a, node.width, true)}) * $signed(${factor(b, node.width, true)})`
      case 'mux':
        return `${operand(a)} ? ${operand(b)} : ${operand(c)}`
      case 'slice': {
        const high = node.low + node.width - 1
        note(a, high, node.low)
        return high === node.low ? `${name.get(a)}[${high}]` : `${name.get(a)}[${high}:${node.low}]`
      }
      case 'cat':
        return `{${node.operands.map(text).join(', ')}}`
      case 'zeroExtend':
        return zeroExtended(a, node.width)
      case 'signExtend':
        return signExtended(a, node.width)
      case 'shiftLeft':
        return `${operand(a)} << ${operand(b)}`
      case 'shiftRight':
        return `${operand(a)} >> ${operand(b)}`
      case 'shiftRightArithmetic':
        return `$signed(${text(a)}) >>> ${operand(b)}`
      case 'wire':
        return text(node.driver!)
      default:
        return name.get(node)!
    }
  }

  const factor = (node: NetNode, width: number, signed: boolean) => {
    // A value that is widened with zeros anyway.
    if (node.kind === 'zeroExtend' && !name.has(node)) return zeroExtended(node.operands[0]!, width)
    if (node.kind !== 'constant') return signed ? signExtended(node, width) : zeroExtended(node, width)
    return literal(
      signed ? BigInt.asUintN(width, BigInt.asIntN(node.width, BigInt(node.value))) : node.value,
      width,
    )
  }

  /** a & b & c without brackets: operations that associate. */
  const chained = (node: NetNode, kind: NodeKind) =>
    node.kind === kind && associative.has(kind) ? text(node) : operand(node)

  for (const node of order) {
    if (name.has(node) || node.kind === 'constant') continue
    const sink = uses.get(node)!
    const size = draftSize(node, draft, name)
    if (
      node.name !== undefined ||
      sink.needsName ||
      mustStandAlone.has(node.kind) ||
      !fitsInPlace(node, sink, size)
    ) {
      name.set(node, names.fresh(node.name ?? derivedName(node, sink, name)))
      nets.push(node)
      draft.set(node, { length: name.get(node)!.length, operators: 0 })
    } else draft.set(node, size)
  }

  const wires = order.filter((node) => node.kind === 'wire')
  const position = new Map(order.map((node, index) => [node, index]))
  const declared = [...nets, ...wires].sort((x, y) => position.get(x)! - position.get(y)!)
  // Once through all texts, so that `unusedBits` can be asked from here on.
  for (const node of declared) definition(node)
  for (const node of roots(module)) text(node)

  return {
    nets: declared,
    nameOf: (node) => name.get(node)!,
    text,
    definition,
    unusedBits: (node) => gaps(used.get(node) ?? [], node.width),
  }
}

const infix = new Map<NodeKind, string>([
  ['and', '&'],
  ['or', '|'],
  ['xor', '^'],
  ['add', '+'],
  ['sub', '-'],
  ['equal', '=='],
  ['less', '<'],
  ['lessSigned', '<'],
  ['mul', '*'],
  ['mulSigned', '*'],
  ['mux', '?'],
  ['shiftLeft', '<<'],
  ['shiftRight', '>>'],
  ['shiftRightArithmetic', '>>>'],
])
const associative = new Set<NodeKind>(['and', 'or', 'xor', 'add'])
/** >>> forgets the sign inside an unsigned expression; products are worth a name of their own. */
const mustStandAlone = new Set<NodeKind>(['shiftRightArithmetic', 'mul', 'mulSigned'])

interface Sink {
  count: number
  /** Something takes bits of it. */
  needsName: boolean
  /** What the only user is, for a readable name; '' where there is none. */
  hint: string
  /** The only user is a statement of its own: the expression may be as long as it likes. */
  statement: boolean
}

function claimDeclared(module: Module, names: NameSpace, name: Map<NetNode, string>): void {
  const { inputs, outputs, registers, wires, memories, instances } = module.netlist
  const claim = (node: NetNode, what: string) => {
    names.claim(node.name!, what)
    name.set(node, node.name!)
  }
  for (const input of inputs) claim(input, 'input')
  for (const output of outputs) names.claim(output.name, 'output')
  for (const register of registers) claim(register.q, 'register')
  for (const wire of wires) claim(wire, 'wire')
  for (const memory of memories) {
    names.claim(memory.name, 'memory')
    for (const read of memory.reads) claim(read.data, 'memory read port')
  }
  for (const instance of instances) {
    names.claim(instance.name, 'instance')
    for (const output of Object.values(instance.outputs)) claim(output, 'instance output')
  }
}

function countUses(module: Module, order: readonly NetNode[]): Map<NetNode, Sink> {
  const sinks = new Map<NetNode, Sink>()
  const use = (node: NetNode, hint: string, statement: boolean, needsName = false) => {
    const sink = sinks.get(node)
    if (sink === undefined) sinks.set(node, { count: 1, needsName, hint, statement })
    else {
      sink.count++
      sink.needsName ||= needsName
      sink.statement = false
      if (sink.hint !== hint) sink.hint = ''
    }
  }
  for (const node of order) {
    if (node.kind === 'wire') use(node.driver!, '', true)
    const extends_ = node.kind === 'signExtend' || node.kind === 'mulSigned'
    for (const operand of node.operands) {
      const zeroExtended = operand.kind === 'zeroExtend' && operand.name === undefined
      const bits = node.kind === 'slice' || (extends_ && operand.width > 1 && !zeroExtended)
      use(operand, '', false, bits && operand.kind !== 'constant')
    }
  }
  const { outputs, registers, memories, instances } = module.netlist
  for (const { name, value } of outputs) use(value, name, true)
  for (const { name, next, enable } of registers) {
    use(next!, `${name}_next`, true)
    if (enable !== undefined) use(enable, `${name}_enable`, false)
  }
  for (const { name, reads, write } of memories) {
    for (const read of reads) {
      use(read.address, `${read.name}_address`, false)
      if (read.enable !== undefined) use(read.enable, `${read.name}_enable`, false)
    }
    if (write === undefined) continue
    use(write.enable, `${name}_write`, false)
    use(write.address, `${name}_write_address`, false)
    use(write.data, `${name}_write_data`, false)
  }
  for (const { name, inputs, restart } of instances) {
    for (const [port, value] of Object.entries(inputs)) use(value, `${name}_${port}`, false)
    // it stands inverted, inside of an expression
    if (restart !== undefined) use(restart, `${name}_restart`, false, restart.kind !== 'constant')
  }
  return sinks
}

function draftSize(
  node: NetNode,
  draft: ReadonlyMap<NetNode, { length: number; operators: number }>,
  name: ReadonlyMap<NetNode, string>,
) {
  let length = node.kind === 'slice' ? 6 : node.kind === 'cat' ? 2 : 4
  let operators = node.kind === 'slice' || node.kind === 'cat' ? 0 : 1
  for (const operand of node.operands) {
    const inner = draft.get(operand)
    length += 2 + (name.get(operand)?.length ?? inner?.length ?? 4 + operand.width / 4)
    operators += name.has(operand) ? 0 : (inner?.operators ?? 0)
  }
  return { length, operators }
}

function fitsInPlace(node: NetNode, sink: Sink, size: { length: number; operators: number }): boolean {
  if (node.kind === 'slice') return true
  if (sink.count > 1) return node.kind === 'not' && size.operators === 1 && size.length < 24
  return sink.statement || (size.length <= longest && size.operators <= mostOperators)
}

/** A name for a value that has none, from what it feeds or what it is. */
function derivedName(node: NetNode, sink: Sink, name: ReadonlyMap<NetNode, string>): string {
  if (sink.count === 1 && sink.hint !== '') return sink.hint
  const [a, b] = node.operands.map((operand) => name.get(operand))
  // Names made of derived names would grow without end.
  const given = node.operands.every((operand) => operand.name !== undefined)
  const short = (text: string, otherwise: string) => (given && text.length <= 28 ? text : otherwise)
  switch (node.kind) {
    case 'not':
      return short(`not_${a}`, 'inverse')
    case 'and':
    case 'or':
    case 'xor':
      return short(`${a}_${node.kind}_${b}`, `${node.kind}_of`)
    case 'add':
      return 'sum'
    case 'sub':
      return 'difference'
    case 'mul':
    case 'mulSigned':
      return 'product'
    case 'equal':
      return 'is_equal'
    case 'less':
    case 'lessSigned':
      return 'is_less'
    case 'mux':
      return 'chosen'
    case 'cat':
      return 'joined'
    case 'slice':
      return a === undefined ? 'part' : short(`${a}_${node.low + node.width - 1}_${node.low}`, 'part')
    case 'zeroExtend':
    case 'signExtend':
      return short(`${a}_extended`, 'extended')
    default:
      return short(`${a}_shifted`, 'shifted')
  }
}

/** A sized constant. Small values are decimal, the rest hexadecimal. */
export function literal(value: number | bigint, width: number): string {
  if (width === 1) return `1'b${value}`
  return value < 10 ? `${width}'d${value}` : `${width}'h${value.toString(16)}`
}

/** The ranges of 0..width-1 that none of `ranges` covers, highest first. */
function gaps(
  ranges: readonly (readonly [high: number, low: number])[],
  width: number,
): (readonly [number, number])[] {
  const found: (readonly [number, number])[] = []
  let top = width - 1
  for (const [high, low] of [...ranges].sort((x, y) => y[0] - x[0])) {
    if (high < top) found.push([top, high + 1])
    top = Math.min(top, low - 1)
  }
  if (top >= 0) found.push([top, 0])
  return found
}
