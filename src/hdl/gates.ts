import { XgenError } from '../base/errors.ts'
import type { Comb } from '../comb/comb.ts'
import { type Bits, bits, numbers } from '../comb/numbers.ts'
import { checkName } from './names.ts'
import { describe, describeWithWidth, type NetNode, type Node, type NodeKind } from './netlist.ts'
import { simplifyBinary, simplifyMux } from './simplify.ts'

/** The nodes of one module: equal expressions are one node, constants are folded. */
export interface Gates {
  readonly c: Comb<Node>
  readonly nodes: readonly NetNode[]
  /** A node with a name of its own: an input, a register's output, ... */
  source(kind: NodeKind, name: string, width: number, more?: Partial<NetNode>): NetNode
  /** The node behind a value of the user's, checked to be of this module. */
  own(node: Node): NetNode
  fail(message: string): never
}

export function makeGates(module: string): Gates {
  const nodes: NetNode[] = []
  const known = new Map<string, NetNode>()

  const fail = (message: string): never => {
    throw new XgenError('internal', `module ${module}: ${message}`)
  }

  const create = (kind: NodeKind, width: number, more: Partial<NetNode>): NetNode => {
    const node: NetNode = {
      id: nodes.length,
      kind,
      width,
      module,
      operands: more.operands ?? [],
      value: more.value ?? 0,
      low: more.low ?? 0,
      name: more.name,
      driver: undefined,
      instance: more.instance,
      port: more.port ?? '',
      offsets: undefined,
    }
    nodes.push(node)
    return node
  }

  const unique = (kind: NodeKind, width: number, operands: readonly NetNode[], low = 0): NetNode => {
    let key = `${kind} ${width} ${low}`
    for (const operand of operands) key += ` ${operand.id}`
    let node = known.get(key)
    if (node === undefined) known.set(key, (node = create(kind, width, { operands, low })))
    return node
  }

  const constant = ({ value, width }: Bits): NetNode => {
    const key = `constant ${width} ${value}`
    let node = known.get(key)
    if (node === undefined) known.set(key, (node = create('constant', width, { value })))
    return node
  }

  const own = (node: Node): NetNode => {
    const net = node as NetNode
    if (net?.module === undefined || nodes[net.id] !== net) {
      return fail(
        net?.module === undefined
          ? 'a value that is no node was used'
          : `${describe(net)} is a node of module ${net.module}`,
      )
    }
    return net
  }

  const isConstant = (node: NetNode) => node.kind === 'constant'
  const folded = (operation: (...values: Bits[]) => Bits, ...operands: NetNode[]): NetNode =>
    constant(operation(...operands.map(({ width, value }) => ({ width, value }))))

  const ordered = new Set<NodeKind>(['and', 'or', 'xor', 'add', 'mul', 'mulSigned', 'equal'])
  const multiplies = new Set<NodeKind>(['mul', 'mulSigned'])

  type Binary = 'and' | 'or' | 'xor' | 'add' | 'sub' | 'mul' | 'mulSigned' | 'equal' | 'less' | 'lessSigned'
  const binary =
    (kind: Binary, resultWidth?: number) =>
    (left: Node, right: Node): NetNode => {
      let [a, b] = [own(left), own(right)]
      if (!multiplies.has(kind) && a.width !== b.width) {
        fail(`"${kind}" needs operands of one width, but ${describeWithWidth(a)} and ${describeWithWidth(b)}`)
      }
      if (isConstant(a) && isConstant(b)) return folded(numbers[kind], a, b)
      // Operands that commute stand in one order, the constant last, so that a+b and b+a are one node.
      if (ordered.has(kind) && (isConstant(a) || (a.id > b.id && !isConstant(b)))) [a, b] = [b, a]
      const width = multiplies.has(kind) ? a.width + b.width : (resultWidth ?? a.width)
      return simplifyBinary(kind, a, b, simplifier) ?? unique(kind, width, [a, b])
    }

  const not = (operand: Node): NetNode => {
    const a = own(operand)
    if (isConstant(a)) return folded(numbers.not, a)
    return a.kind === 'not' && a.name === undefined ? a.operands[0]! : unique('not', a.width, [a])
  }

  const simplifier = {
    not,
    constant: (value: number | bigint, width: number) => constant(bits(value, width)),
  }

  const shift =
    (kind: 'shiftLeft' | 'shiftRight' | 'shiftRightArithmetic') =>
    (operand: Node, by: Node): NetNode => {
      const [a, amount] = [own(operand), own(by)]
      if (!isConstant(amount)) return isConstant(a) && a.value === 0 ? a : unique(kind, a.width, [a, amount])
      const steps = amount.value > a.width ? a.width : Number(amount.value)
      if (steps === 0) return a
      if (kind === 'shiftRightArithmetic')
        return signExtend(slice(a, a.width - 1, Math.min(steps, a.width - 1)), a.width)
      if (steps === a.width) return simplifier.constant(0, a.width)
      if (kind === 'shiftRight') return zeroExtend(slice(a, a.width - 1, steps), a.width)
      return cat(slice(a, a.width - 1 - steps, 0), simplifier.constant(0, steps))
    }

  const slice = (operand: Node, high: number, low: number): NetNode => {
    const a = own(operand)
    if (!Number.isInteger(low) || !Number.isInteger(high) || low < 0 || high < low || high >= a.width) {
      fail(
        `bits ${high}..${low} are taken of ${describe(a)}, which ${a.width === 1 ? 'has 1 bit' : `has ${a.width} bits`}`,
      )
    }
    const width = high - low + 1
    if (width === a.width) return a
    if (isConstant(a)) return folded((x) => numbers.slice(x, high, low), a)
    // A labelled value keeps its own name in the text: it is not looked through.
    if (a.name !== undefined) return unique('slice', width, [a], low)
    const [source] = a.operands
    if (a.kind === 'slice') return slice(source!, a.low + high, a.low + low)
    if (a.kind === 'zeroExtend') {
      if (high < source!.width) return slice(source!, high, low)
      if (low >= source!.width) return simplifier.constant(0, width)
      return zeroExtend(slice(source!, source!.width - 1, low), width)
    }
    if (a.kind === 'signExtend') {
      if (high < source!.width) return slice(source!, high, low)
      return signExtend(slice(source!, source!.width - 1, Math.min(low, source!.width - 1)), width)
    }
    if (a.kind === 'cat') {
      const parts = partsOf(a, high, low)
      return cat(...parts.map(([part, partHigh, partLow]) => slice(part, partHigh, partLow)))
    }
    return unique('slice', width, [a], low)
  }

  const cat = (...parts: Node[]): NetNode => {
    if (parts.length === 0) fail('"cat" needs at least one part')
    const merged: NetNode[] = []
    for (const part of parts) {
      const low = own(part)
      const high = merged.at(-1)
      const joined = high === undefined ? undefined : join(high, low)
      if (joined === undefined) merged.push(low)
      else merged[merged.length - 1] = joined
    }
    const first = merged[0]!
    if (merged.length === 1) return first
    return unique(
      'cat',
      merged.reduce((sum, part) => sum + part.width, 0),
      merged,
    )
  }

  /** Two neighbours in a concatenation as one value, where that is simpler. */
  const join = (high: NetNode, low: NetNode): NetNode | undefined => {
    if (isConstant(high) && isConstant(low)) return folded(numbers.cat, high, low)
    const sliced =
      high.kind === 'slice' && low.kind === 'slice' && high.name === undefined && low.name === undefined
    if (!sliced || high.operands[0] !== low.operands[0] || high.low !== low.low + low.width) return undefined
    return slice(low.operands[0]!, high.low + high.width - 1, low.low)
  }

  const zeroExtend = (operand: Node, width: number): NetNode => {
    const a = widened('zeroExtend', operand, width)
    if (a.width === width) return a
    if (isConstant(a)) return folded((x) => numbers.zeroExtend(x, width), a)
    return unique('zeroExtend', width, [a.kind === 'zeroExtend' && a.name === undefined ? a.operands[0]! : a])
  }

  const signExtend = (operand: Node, width: number): NetNode => {
    const a = widened('signExtend', operand, width)
    if (a.width === width) return a
    if (isConstant(a)) return folded((x) => numbers.signExtend(x, width), a)
    if (a.kind === 'zeroExtend' && a.name === undefined) return zeroExtend(a.operands[0]!, width)
    return unique('signExtend', width, [a.kind === 'signExtend' && a.name === undefined ? a.operands[0]! : a])
  }

  const widened = (kind: string, operand: Node, width: number): NetNode => {
    const a = own(operand)
    if (!Number.isInteger(width) || width < a.width)
      fail(`"${kind}" to ${width} bits cannot hold ${describe(a)}, which has ${a.width} bits`)
    return a
  }

  const c: Comb<Node> = {
    width: (x) => x.width,
    constant: (value, width) => constant(bits(value, width)),
    not,
    and: binary('and'),
    or: binary('or'),
    xor: binary('xor'),
    add: binary('add'),
    sub: binary('sub'),
    mul: binary('mul'),
    mulSigned: binary('mulSigned'),
    equal: binary('equal', 1),
    less: binary('less', 1),
    lessSigned: binary('lessSigned', 1),
    mux(select, whenOne, whenZero) {
      const [s, a, b] = [own(select), own(whenOne), own(whenZero)]
      if (s.width !== 1) fail(`the select of a mux needs 1 bit, but ${describeWithWidth(s)}`)
      if (a.width !== b.width)
        fail(`"mux" needs choices of one width, but ${describeWithWidth(a)} and ${describeWithWidth(b)}`)
      return simplifyMux(s, a, b, simplifier) ?? unique('mux', a.width, [s, a, b])
    },
    slice,
    cat,
    zeroExtend,
    signExtend,
    shiftLeft: shift('shiftLeft'),
    shiftRight: shift('shiftRight'),
    shiftRightArithmetic: shift('shiftRightArithmetic'),
    label(value, name) {
      const a = own(value)
      checkName(name, 'label', module)
      if (a.name === undefined && !isConstant(a)) a.name = name
      return a
    },
  }

  return {
    c,
    nodes,
    source: (kind, name, width, more = {}) => {
      if (!Number.isSafeInteger(width) || width < 1)
        fail(`the ${kind} "${name}" needs a width of at least 1 bit, not ${width}`)
      return create(kind, width, { ...more, name })
    },
    own,
    fail,
  }
}

/** The operands of a concatenation that hold its bits high..low, highest first, with the bits taken of each. */
function partsOf(
  node: NetNode,
  high: number,
  low: number,
): (readonly [part: NetNode, high: number, low: number])[] {
  node.offsets ??= offsetsOf(node.operands)
  const offsets = node.offsets
  // The operand of bit `high`, by bisection: offsets fall with the index.
  let first = 0
  for (let step = 1 << Math.ceil(Math.log2(offsets.length)); step > 0; step >>= 1) {
    if (first + step < offsets.length && offsets[first + step - 1]! > high) first += step
  }
  const parts: (readonly [NetNode, number, number])[] = []
  for (let i = first; i < offsets.length; i++) {
    const [part, offset] = [node.operands[i]!, offsets[i]!]
    parts.push([part, Math.min(high - offset, part.width - 1), Math.max(low - offset, 0)])
    if (offset <= low) break
  }
  return parts
}

function offsetsOf(parts: readonly NetNode[]): number[] {
  const offsets = new Array<number>(parts.length)
  let offset = 0
  for (let i = parts.length - 1; i >= 0; i--) {
    offsets[i] = offset
    offset += parts[i]!.width
  }
  return offsets
}
