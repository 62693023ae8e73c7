import { XgenError } from '../../src/base/errors.ts'
import type { Comb } from '../../src/comb/comb.ts'
import { type Gates, makeGates } from '../../src/hdl/gates.ts'
import type { InstanceNet, Module, NetNode, RegisterNet } from '../../src/hdl/netlist.ts'

/** A value as a term over symbols: constants are folded and equal terms are one object, so that equal values are often the same. */
export type Term = NetNode

/** Symbols and terms that several circuits share. */
export interface Terms {
  readonly c: Comb<Term>
  /** The symbol of this name: the same in every circuit. */
  symbol(name: string, width: number): Term
  /** A symbol that equals no other. */
  fresh(width: number): Term
  /**
   * The output of a combinational module: computed where all of its inputs are known, and otherwise a function of them of which nothing
   * is known but the name, and whether its inputs may be exchanged.
   */
  call(module: Module, port: string, inputs: readonly Term[], width: number): Term
}

export function makeTerms(commutes: (module: Module) => boolean): Terms {
  const gates: Gates = makeGates('terms')
  const known = new Map<string, Term>()
  let count = 0
  const named = (key: string, width: number) => {
    let term = known.get(key)
    if (term === undefined) known.set(key, (term = gates.source('input', `s${count++}`, width)))
    return term
  }
  return {
    c: gates.c as Comb<Term>,
    symbol: (name, width) => named(`symbol ${name}`, width),
    fresh: (width) => gates.source('input', `s${count++}`, width),
    call(module, port, inputs, width) {
      const keyOf = (ids: readonly number[]) => `call ${module.name} ${port} ${ids.join(' ')}`
      const ids = inputs.map(({ id }) => id)
      const key = keyOf(ids)
      let term = known.get(key)
      if (term !== undefined) return term
      const exchanged = known.get(keyOf([...ids].reverse()))
      if (inputs.every(isConstant)) term = combinational(gates.c as Comb<Term>, module, port, inputs)
      else if (exchanged !== undefined && commutes(module)) term = exchanged
      else term = named(key, width)
      known.set(key, term)
      return term
    },
  }
}

const isConstant = (term: Term) => term.kind === 'constant'

/** An output of a combinational module for given inputs. */
function combinational(c: Comb<Term>, module: Module, port: string, given: readonly Term[]): Term {
  const known = new Map(module.netlist.inputs.map((input, index) => [input.id, given[index]!]))
  const of = (node: NetNode): Term => {
    let term = known.get(node.id)
    if (term !== undefined) return term
    if (node.kind === 'constant') term = c.constant(node.value, node.width)
    else if (node.kind === 'wire') term = of(node.driver!)
    else if (node.kind === 'instance') {
      const { module: below, inputs } = node.instance!
      term = combinational(
        c,
        below,
        node.port,
        below.netlist.inputs.map((input) => of(inputs[input.name!]!)),
      )
    } else term = operation(c, node, node.operands.map(of))
    known.set(node.id, term)
    return term
  }
  return of(module.netlist.outputs.find(({ name }) => name === port)!.value)
}

interface Place {
  readonly module: Module
  readonly path: string
  readonly around: Place | undefined
  readonly instance: InstanceNet | undefined
  readonly children: ReadonlyMap<InstanceNet, Place>
  /** Registers and read ports by node number, and the words of memories that were written or read. */
  readonly state: Map<number, Term>
  readonly memories: readonly Map<number, Term>[]
  readonly values: (Term | undefined)[]
  readonly valued: Int32Array
}

/** A circuit that computes with terms. It powers up with a symbol in every register without a power-up value and in every memory word without an image. */
export interface SymbolicCircuit {
  output(name: string): Term
  /** One clock edge, after all outputs of the cycle were asked for; then the inputs of the next cycle hold. */
  step(reset: boolean): void
  set(inputs: Readonly<Record<string, Term>>): void
}

export function symbolicCircuit(top: Module, terms: Terms): SymbolicCircuit {
  const { c } = terms
  let cycle = 1
  let host: Readonly<Record<string, Term>> = {}

  const first = ({ q, powerUp }: RegisterNet, path: string) =>
    powerUp ? c.constant(0, q.width) : terms.symbol(`${path}${q.name}`, q.width)

  const place = (module: Module, path: string, around?: Place, instance?: InstanceNet): Place => {
    const { nodes, registers, memories, instances } = module.netlist
    const children = new Map<InstanceNet, Place>()
    const own: Place = {
      module,
      path,
      around,
      instance,
      children,
      state: new Map(registers.map((register) => [register.q.id, first(register, path)])),
      memories: memories.map(() => new Map()),
      values: new Array(nodes.length),
      valued: new Int32Array(nodes.length),
    }
    for (const { reads } of memories)
      for (const { data } of reads) own.state.set(data.id, terms.symbol(`${path}${data.name}`, data.width))
    for (const child of instances)
      if (child.module.clocked) children.set(child, place(child.module, `${path}${child.name}.`, own, child))
    return own
  }

  const value = (at: Place, node: NetNode): Term => {
    if (at.valued[node.id] === cycle) return at.values[node.id]!
    const term = compute(at, node)
    at.values[node.id] = term
    at.valued[node.id] = cycle
    return term
  }

  const compute = (at: Place, node: NetNode): Term => {
    switch (node.kind) {
      case 'constant':
        return c.constant(node.value, node.width)
      case 'register':
      case 'read':
        return at.state.get(node.id)!
      case 'wire':
        return value(at, node.driver!)
      case 'input':
        return at.around === undefined
          ? host[node.name!]!
          : value(at.around, at.instance!.inputs[node.name!]!)
      case 'instance': {
        const { module, inputs } = node.instance!
        const child = at.children.get(node.instance!)
        const output = module.netlist.outputs.find(({ name }) => name === node.port)!.value
        if (child !== undefined) return value(child, output)
        const given = module.netlist.inputs.map((input) => value(at, inputs[input.name!]!))
        return terms.call(module, node.port, given, node.width)
      }
      default:
        return operation(
          c,
          node,
          node.operands.map((operand) => value(at, operand)),
        )
    }
  }

  const root = place(top, '')

  const advance = (at: Place, reset: Term, commits: (() => void)[]) => {
    const { registers, memories } = at.module.netlist
    for (const register of registers) {
      const next = nextOf(at, register, reset)
      commits.push(() => at.state.set(register.q.id, next))
    }
    for (const [index, { name, width, depth, init, reads, write }] of memories.entries()) {
      const words = at.memories[index]!
      const word = (address: number): Term => {
        const term = words.get(address)
        if (term !== undefined) return term
        if (init === undefined) return terms.symbol(`${at.path}${name}[${address}]`, width)
        return c.constant(init.words[address] ?? 0, width)
      }
      for (const { address, enable, data } of reads) {
        const when = enable === undefined ? undefined : value(at, enable)
        if (when !== undefined && isConstant(when) && when.value === 0) continue
        const from = value(at, address)
        const inside = isConstant(from) && Number(from.value) < depth
        const read = inside ? word(Number(from.value)) : terms.fresh(width)
        const next = when === undefined ? read : c.mux(when, read, at.state.get(data.id)!)
        commits.push(() => at.state.set(data.id, next))
      }
      if (write === undefined) continue
      const when = value(at, write.enable)
      if (isConstant(when) && when.value === 0) continue
      const to = value(at, write.address)
      const data = value(at, write.data)
      if (isConstant(to)) {
        const next = c.mux(when, data, word(Number(to.value)))
        if (Number(to.value) < depth) commits.push(() => words.set(Number(to.value), next))
      } else
        commits.push(() => {
          for (let address = 0; address < depth; address++) words.set(address, terms.fresh(width))
        })
    }
    for (const [instance, child] of at.children) {
      const restart = instance.restart === undefined ? reset : c.or(reset, value(at, instance.restart))
      advance(child, restart, commits)
    }
  }

  const nextOf = (at: Place, { q, next, enable, reset }: RegisterNet, resetting: Term): Term => {
    const coming = value(at, next!)
    const loaded = enable === undefined ? coming : c.mux(value(at, enable), coming, at.state.get(q.id)!)
    return reset === undefined ? loaded : c.mux(resetting, c.constant(reset, q.width), loaded)
  }

  return {
    output: (name) => value(root, root.module.netlist.outputs.find((output) => output.name === name)!.value),
    set(inputs) {
      host = inputs
    },
    step(reset) {
      const commits: (() => void)[] = []
      advance(root, c.constant(reset ? 1 : 0, 1), commits)
      for (const commit of commits) commit()
      cycle++
    },
  }
}

function operation(c: Comb<Term>, node: NetNode, [a, b, d, ...more]: readonly Term[]): Term {
  switch (node.kind) {
    case 'not':
      return c.not(a!)
    case 'and':
    case 'or':
    case 'xor':
    case 'add':
    case 'sub':
    case 'mul':
    case 'mulSigned':
    case 'equal':
    case 'less':
    case 'lessSigned':
    case 'shiftLeft':
    case 'shiftRight':
    case 'shiftRightArithmetic':
      return c[node.kind](a!, b!)
    case 'mux':
      return c.mux(a!, b!, d!)
    case 'slice':
      return c.slice(a!, node.low + node.width - 1, node.low)
    case 'cat':
      return c.cat(...[a, b, d, ...more].filter((part) => part !== undefined))
    case 'zeroExtend':
    case 'signExtend':
      return c[node.kind](a!, node.width)
    default:
      throw new XgenError('internal', `${node.kind} is no operation`)
  }
}
