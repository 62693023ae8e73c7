import { XgenError } from '../base/errors.ts'
import { hashOf } from '../base/hash.ts'
import { describe, type Module, type NetNode } from './netlist.ts'

/** What the passes after the checks need to know of a module. */
export interface Analysis {
  /** The nodes that something depends on, each after those it depends on combinationally. */
  readonly order: readonly NetNode[]
  /** By output: the names of the inputs that it depends on combinationally. */
  readonly inputsOf: ReadonlyMap<string, readonly string[]>
}

const analyses = new WeakMap<Module, Analysis>()

/**
 * Checks the hierarchy below `top` and returns its modules, leaves first. What concerns one place alone (a second
 * driver, a missing one, widths, names) was refused when it was built; here come the combinational loops, also
 * through instances, and modules of one name that differ.
 */
export function checkCircuit(top: Module): readonly Module[] {
  const modules = hierarchy(top)
  const byName = new Map<string, Module>()
  const distinct: Module[] = []
  const files = new Map<string, string>()
  for (const module of modules) {
    analyse(module)
    const other = byName.get(module.name)
    if (other === undefined) {
      byName.set(module.name, module)
      distinct.push(module)
    } else if (fingerprint(other) !== fingerprint(module)) {
      throw new XgenError(
        'internal',
        `below ${top.name} there are two different modules named "${module.name}"`,
      )
    }
    for (const { name, init } of module.netlist.memories) {
      if (init === undefined) continue
      const place = `${module.name}.${name}`
      const holder = files.get(init.file)
      if (holder !== undefined && holder !== place) {
        throw new XgenError(
          'internal',
          `the memories ${holder} and ${place} both want the image file ${init.file}`,
        )
      }
      files.set(init.file, place)
    }
  }
  return distinct
}

/** All module objects below `top`, each once, a module after those it instantiates. */
function hierarchy(top: Module): Module[] {
  const done = new Set<Module>()
  const visit = (module: Module) => {
    if (done.has(module)) return
    for (const child of new Set(module.netlist.instances.map((instance) => instance.module))) visit(child)
    done.add(module)
  }
  visit(top)
  return [...done]
}

/** The module's analysis; throws where its values depend on themselves. */
export function analyse(module: Module): Analysis {
  let analysis = analyses.get(module)
  if (analysis === undefined) analyses.set(module, (analysis = analyseNew(module)))
  return analysis
}

function analyseNew(module: Module): Analysis {
  const { nodes, inputs, outputs } = module.netlist
  const live = new Uint8Array(nodes.length)
  const pending = [...roots(module)]
  for (let node = pending.pop(); node !== undefined; node = pending.pop()) {
    if (live[node.id] === 1) continue
    live[node.id] = 1
    pending.push(...dependencies(node))
  }
  const order = dependencyOrder(module, live)

  // The inputs below each node as a bit mask; most nodes of a large module share a few masks.
  const masks = new Array<bigint>(nodes.length).fill(0n)
  for (const [index, input] of inputs.entries()) masks[input.id] = 1n << BigInt(index)
  for (const node of order) {
    if (node.kind === 'input') continue
    let mask = 0n
    for (const dependency of dependencies(node)) mask |= masks[dependency.id]!
    masks[node.id] = mask
  }
  const inputsOf = new Map<string, readonly string[]>()
  for (const { name, value } of outputs) {
    const mask = masks[value.id]!
    inputsOf.set(
      name,
      mask === 0n
        ? []
        : inputs.filter((_, index) => (mask >> BigInt(index)) & 1n).map((input) => input.name!),
    )
  }
  return { order, inputsOf }
}

/** The nodes that leave the module's combinational logic: for outputs, state and instances. */
export function* roots(module: Module): Generator<NetNode> {
  const { outputs, registers, memories, instances } = module.netlist
  for (const output of outputs) yield output.value
  for (const { next, enable } of registers) {
    yield next!
    if (enable !== undefined) yield enable
  }
  for (const { reads, write } of memories) {
    for (const read of reads) {
      yield read.address
      if (read.enable !== undefined) yield read.enable
    }
    if (write !== undefined) yield* [write.enable, write.address, write.data]
  }
  for (const { inputs, restart } of instances) {
    yield* Object.values(inputs)
    if (restart !== undefined) yield restart
  }
}

/** The nodes that a node's value depends on within the same cycle. */
export function dependencies(node: NetNode): readonly NetNode[] {
  if (node.kind === 'wire') return [node.driver!]
  if (node.kind !== 'instance') return node.operands
  const { module, inputs } = node.instance!
  return analyse(module)
    .inputsOf.get(node.port)!
    .map((input) => inputs[input]!)
}

/** Depth first, without recursion: a carry chain is as deep as it is long. */
function dependencyOrder(module: Module, live: Uint8Array): NetNode[] {
  const { nodes } = module.netlist
  const [unseen, open, done] = [0, 1, 2]
  const state = new Uint8Array(nodes.length)
  const order: NetNode[] = []
  for (const start of nodes) {
    if (live[start.id] === 0 || state[start.id] !== unseen) continue
    const path: { node: NetNode; below: readonly NetNode[]; next: number }[] = []
    const enter = (node: NetNode) => {
      state[node.id] = open
      path.push({ node, below: dependencies(node), next: 0 })
    }
    enter(start)
    while (path.length > 0) {
      const top = path.at(-1)!
      const below = top.below[top.next++]
      if (below === undefined) {
        state[top.node.id] = done
        order.push(top.node)
        path.pop()
      } else if (state[below.id] === open) {
        const loop = path.slice(path.findIndex(({ node }) => node === below)).map(({ node }) => node)
        throw new XgenError('internal', `module ${module.name}: combinational loop: ${loopText(loop)}`)
      } else if (state[below.id] === unseen) enter(below)
    }
  }
  return order
}

/** A loop in the direction that the values flow, by the nodes that have names. */
function loopText(loop: readonly NetNode[]): string {
  const flow = [...loop].reverse()
  const named = flow.filter((node) => node.name !== undefined)
  const shown = (named.length === 0 ? flow : named).map((node) =>
    node.kind === 'instance'
      ? `${describe(node)} (output "${node.port}" of ${node.instance!.module.name} "${node.instance!.name}")`
      : describe(node),
  )
  return [...shown, shown[0]].join(' -> ')
}

/** A text that two modules share only if they are the same circuit. */
function fingerprint(module: Module): string {
  const { nodes, outputs, registers, memories, instances } = module.netlist
  const id = (node: NetNode | undefined) => node?.id ?? null
  return hashOf([
    module.comment,
    module.clockName,
    module.resetName,
    module.ports,
    nodes.map((n) => [
      n.kind,
      n.width,
      n.operands.map(id),
      String(n.value),
      n.low,
      n.name ?? null,
      id(n.driver),
      n.instance?.name ?? null,
      n.port,
    ]),
    outputs.map((o) => [o.name, id(o.value)]),
    registers.map((r) => [r.name, String(r.reset), r.powerUp, id(r.next), id(r.enable)]),
    memories.map((m) => [
      m.name,
      m.width,
      m.depth,
      m.init?.file ?? null,
      m.init?.words.map(String) ?? null,
      m.reads.map((r) => [r.name, id(r.address), id(r.enable)]),
      m.write === undefined ? null : [id(m.write.enable), id(m.write.address), id(m.write.data)],
    ]),
    instances.map((i) => [i.name, i.module.name, id(i.restart)]),
  ])
}
