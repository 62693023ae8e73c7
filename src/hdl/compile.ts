import { analyse, dependencies } from './checks.ts'
import { constantText, isWide, operationText } from './javascript.ts'
import type { Layout } from './layout.ts'
import type { InstanceNet, Module, NetNode } from './netlist.ts'
import { type Action, functionText } from './routine.ts'
import { shellInputs } from './shell.ts'

/**
 * JavaScript of a hierarchy, each module once. A module with state has a function that computes the next state of
 * one instance: step_<module>(s, b, m, r, inputs): s, b, m are the bases of its numbers, BigInts and memories, r its reset. An output
 * that is more than a register has a function of the inputs it depends on. S and B hold the state before the
 * edge, N and D that after it, M the memories, R is the reset of the top module, T and U hold what the parts of a divided function share.
 * C counts reads and writes of each memory, where they are counted. W calls who watches an instance of the modules in `watched`, with its base and what its logic takes at the edge.
 */
export interface CompiledSource {
  readonly source: string
  /** The expression of an output of the top module, over its inputs as `input(index)` names them. */
  readonly outputs: ReadonlyMap<string, string>
  readonly step: string
  /** Sizes of T and U. */
  readonly scratch: { readonly narrow: number; readonly wide: number }
}

/** What a compiled circuit tells beside its values. */
export interface Observation {
  /** Modules of which instances are watched. */
  readonly watched: ReadonlySet<string>
  /** Whether the words read from and written to each memory are counted, in C. */
  readonly counting: boolean
}

/** What an output of a module is to the module around it. */
type Access =
  | { readonly kind: 'constant'; readonly text: string }
  | { readonly kind: 'input'; readonly name: string }
  | { readonly kind: 'state'; readonly slot: number; readonly wide: boolean }
  | { readonly kind: 'function'; readonly name: string; readonly inputs: readonly string[] }

export function compileSource(
  top: Module,
  modules: readonly Module[],
  layout: (module: Module) => Layout,
  input: (index: number) => string,
  { watched, counting }: Observation,
): CompiledSource {
  const accesses = new Map<string, Map<string, Access>>()
  const texts: string[] = []
  const scratch = { narrow: 0, wide: 0 }

  // Equal modules may be built twice: the first object stands for all of its name.
  const byName = new Map(modules.map((module) => [module.name, module]))
  const access = (given: Module, port: string): Access => {
    const module = byName.get(given.name)!
    let ports = accesses.get(module.name)
    if (ports === undefined) accesses.set(module.name, (ports = new Map()))
    let found = ports.get(port)
    if (found === undefined) ports.set(port, (found = accessOf(module, port)))
    return found
  }

  const accessOf = (module: Module, port: string): Access => {
    let node = module.netlist.outputs.find((output) => output.name === port)!.value
    while (node.kind === 'wire') node = node.driver!
    const { slotOf, baseOf } = layout(module)
    if (node.kind === 'constant') return { kind: 'constant', text: constantText(node.value, node.width) }
    if (node.kind === 'input') return { kind: 'input', name: node.name! }
    if (node.kind === 'register' || node.kind === 'read')
      return { kind: 'state', slot: slotOf.get(node)!, wide: isWide(node.width) }
    if (node.kind === 'instance') {
      const below = access(node.instance!.module, node.port)
      const base = baseOf.get(node.instance!)!
      if (below.kind === 'constant') return below
      if (below.kind === 'state')
        return { ...below, slot: below.slot + (below.wide ? base.wide : base.narrow) }
    }
    const inputs = analyse(module).inputsOf.get(port)!
    const name = `out_${module.name}_${port}`
    define(module, name, inputs, false, [{ needs: [node], text: (value) => `return ${value(node)}` }])
    return { kind: 'function', name, inputs }
  }

  /** The module's state bases that a function takes, as parameters, or moved to a child's as arguments. */
  const bases = (
    module: Module,
    withMemories: boolean,
    from?: { readonly narrow: number; readonly wide: number; readonly memories: number },
  ) => {
    const own = layout(module)
    const list: string[] = []
    if (own.narrow > 0) list.push(from === undefined ? 's' : plus('s', from.narrow))
    if (own.wide > 0) list.push(from === undefined ? 'b' : plus('b', from.wide))
    if (own.memories > 0 && withMemories) list.push(from === undefined ? 'm' : plus('m', from.memories))
    return list
  }

  const define = (
    module: Module,
    name: string,
    inputs: readonly string[],
    step: boolean,
    actions: readonly Action[],
  ) => {
    const index = new Map(module.netlist.inputs.map((node, i) => [node.name!, i]))
    const state = [...bases(module, step), ...(step && module.reset ? ['r'] : [])]
    const parameters = [...state, ...inputs.map((port) => `i${index.get(port)}`)].join(', ')
    const { slotOf, baseOf } = layout(module)

    /** A value that needs no computation: the node it is the same as, and its text. */
    const resolve = (node: NetNode): NetNode => {
      for (;;) {
        if (node.kind === 'wire') node = node.driver!
        else if (node.kind === 'instance') {
          const below = access(node.instance!.module, node.port)
          if (below.kind !== 'input') return node
          node = node.instance!.inputs[below.name]!
        } else return node
      }
    }
    const direct = (node: NetNode): string | undefined => {
      switch (node.kind) {
        case 'constant':
          return constantText(node.value, node.width)
        case 'input':
          return `i${index.get(node.name!)}`
        case 'register':
        case 'read':
          return isWide(node.width)
            ? `B[${plus('b', slotOf.get(node)!)}]`
            : `S[${plus('s', slotOf.get(node)!)}]`
        case 'instance': {
          const below = access(node.instance!.module, node.port)
          const base = baseOf.get(node.instance!)!
          if (below.kind === 'constant') return below.text
          if (below.kind !== 'state') return undefined
          return below.wide
            ? `B[${plus('b', base.wide + below.slot)}]`
            : `S[${plus('s', base.narrow + below.slot)}]`
        }
        default:
          return undefined
      }
    }
    const below = (node: NetNode): readonly NetNode[] =>
      (direct(node) !== undefined ? [] : dependencies(node)).map(resolve)
    const compute = (node: NetNode, value: (node: NetNode) => string): string => {
      if (node.kind !== 'instance')
        return operationText(
          node,
          node.operands.map((operand) => value(resolve(operand))),
        )
      const called = access(node.instance!.module, node.port)
      if (called.kind !== 'function') throw new Error('a value that needs no call was called')
      const given = called.inputs.map((port) => value(resolve(node.instance!.inputs[port]!)))
      return `${called.name}(${[...bases(node.instance!.module, false, baseOf.get(node.instance!)!), ...given].join(', ')})`
    }
    const resolved = actions.map(({ needs, text }) => ({
      needs: needs.map(resolve),
      text: (value: (node: NetNode) => string) => text((node) => value(resolve(node))),
    }))
    texts.push(functionText(name, parameters, resolved, { direct, below, compute }, scratch))
  }

  const callStep = (
    { module, inputs, restart }: InstanceNet,
    base: { narrow: number; wide: number; memories: number },
  ): Action => {
    const given = module.netlist.inputs.map((node) => inputs[node.name!]!)
    return {
      needs: restart === undefined ? given : [...given, restart],
      text: (of) => {
        const reset = restart === undefined ? 'r' : `r & (${of(restart)} ^ 1)`
        const state = [...bases(module, true, base), ...(module.reset ? [reset] : [])]
        return `step_${module.name}(${[...state, ...given.map(of)].join(', ')})`
      },
    }
  }

  for (const module of modules) {
    if (!module.clocked) continue
    define(
      module,
      `step_${module.name}`,
      module.netlist.inputs.map((node) => node.name!),
      true,
      stepActions(module),
    )
  }

  function watchAction(module: Module): Action {
    const seen = shellInputs(module)
    const base = layout(module).narrow > 0 ? 's' : 'b'
    return {
      needs: seen,
      text: (of) =>
        `W[${JSON.stringify(module.name)}].get(${base})?.([${[...seen.map(of), ...(module.reset ? ['r'] : [])].join(', ')}])`,
    }
  }

  function stepActions(module: Module): Action[] {
    const { slotOf, memoryOf, baseOf } = layout(module)
    const next = (node: NetNode) =>
      isWide(node.width) ? `D[${plus('b', slotOf.get(node)!)}]` : `N[${plus('s', slotOf.get(node)!)}]`
    const { registers, memories, instances } = module.netlist
    const actions: Action[] = watched.has(module.name) ? [watchAction(module)] : []
    for (const { q, next: value, enable, reset } of registers) {
      actions.push({
        needs: enable === undefined ? [value!] : [value!, enable],
        text: (of) => {
          const load = `${enable === undefined ? '' : `if (${of(enable)}) `}${next(q)} = ${of(value!)}`
          return reset === undefined
            ? load
            : `if (r === 0) ${next(q)} = ${constantText(reset, q.width)}; else ${load}`
        },
      })
    }
    for (const memory of memories) {
      const place = plus('m', memoryOf.get(memory)!)
      const store = `M[${place}]`
      /** A statement that is done `when`, and counted. */
      const counted = (when: string, statement: string, kind: 0 | 1) => {
        const all = counting ? `{ ${statement}; C[2 * (${place}) + ${kind}]++ }` : statement
        return when === '' ? all : `if (${when}) ${all}`
      }
      // A 32-bit address is signed here.
      const at = (address: NetNode, of: (node: NetNode) => string) =>
        `${store}[${of(address)}${address.width === 32 ? ' >>> 0' : ''}]`
      for (const { address, enable, data } of memory.reads) {
        actions.push({
          needs: enable === undefined ? [address] : [address, enable],
          text: (of) =>
            counted(
              enable === undefined ? '' : of(enable),
              `${next(data)} = ${at(address, of)} ${isWide(data.width) ? '?? 0n' : '| 0'}`,
              0,
            ),
        })
      }
      const { write } = memory
      // After the reads, which see the old word.
      if (write !== undefined) {
        const { enable, address, data } = write
        actions.push({
          needs: [enable, address, data],
          text: (of) =>
            counted(
              `${of(enable)} && ${of(address)} < ${memory.depth}`,
              `${at(address, of)} = ${of(data)}`,
              1,
            ),
        })
      }
    }
    for (const instance of instances)
      if (instance.module.clocked) actions.push(callStep(instance, baseOf.get(instance)!))
    return actions
  }

  const inputIndex = new Map(top.netlist.inputs.map((node, i) => [node.name!, i]))
  const zeros = (withMemories: boolean) => bases(top, withMemories).map(() => '0')
  const outputs = new Map<string, string>()
  for (const { name } of top.netlist.outputs) {
    const found = access(top, name)
    const text =
      found.kind === 'constant'
        ? found.text
        : found.kind === 'input'
          ? input(inputIndex.get(found.name)!)
          : found.kind === 'state'
            ? `${found.wide ? 'B' : 'S'}[${found.slot}]`
            : `${found.name}(${[...zeros(false), ...found.inputs.map((port) => input(inputIndex.get(port)!))].join(', ')})`
    outputs.set(name, text)
  }
  const step = top.clocked
    ? `step_${top.name}(${[...zeros(true), ...(top.reset ? ['R'] : []), ...top.netlist.inputs.map((_, i) => input(i))].join(', ')})`
    : ''
  return { source: texts.join('\n'), outputs, step, scratch }
}

const plus = (base: string, offset: number) => (offset === 0 ? base : `${base} + ${offset}`)
