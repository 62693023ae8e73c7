import { invariant } from '../../src/base/errors.ts'
import { appendNode, type Draft, type DraftNode, draftOf, finishDraft } from '../../src/hdl/draft.ts'
import type { Module, NetNode } from '../../src/hdl/netlist.ts'

/** A new value in a draft. It may feed older nodes: it stands behind a wire, which is exempt from their order. */
export function addNode(
  draft: Draft,
  kind: NetNode['kind'],
  width: number,
  operands: readonly DraftNode[],
  more: { readonly value?: number | bigint; readonly low?: number } = {},
): DraftNode {
  const node = appendNode(draft, {
    kind,
    width,
    operands: [...operands],
    value: more.value ?? 0,
    low: more.low ?? 0,
  })
  return kind === 'constant' ? node : addWire(draft, node)
}

/** A value by another name. */
export function addWire(draft: Draft, driver: DraftNode): DraftNode {
  const name = `fault_${draft.wires.length}`
  const wire = appendNode(draft, {
    kind: 'wire',
    width: driver.width,
    name,
    driver: driver as unknown as NetNode,
  })
  draft.wires.push(wire)
  return wire
}

export function addConstant(draft: Draft, value: number | bigint, width: number): DraftNode {
  const wrapped = BigInt.asUintN(width, BigInt(value))
  return addNode(draft, 'constant', width, [], { value: width > 32 ? wrapped : Number(wrapped) })
}

/** A register that follows a value by one cycle. */
export function addRegister(draft: Draft, next: DraftNode): DraftNode {
  const name = `fault_register_${draft.registers.length}`
  const q = appendNode(draft, { kind: 'register', width: next.width, name })
  draft.registers.push({
    name,
    width: next.width,
    reset: undefined,
    powerUp: false,
    q,
    next,
    enable: undefined,
  })
  return q
}

/** Instance names from below the top module to a module. */
export type InstancePath = readonly string[]

export function moduleAt(top: Module, path: InstancePath): Module {
  return path.reduce((module, step) => {
    const found = module.netlist.instances.find(({ name }) => name === step)
    invariant(found !== undefined, `${module.name} has an instance ${step}`)
    return found.module
  }, top)
}

/**
 * The hierarchy with one instance changed. That instance and those around it become modules of their own (`_changed`), so that other
 * instances of the same modules stay as they are.
 */
export function changeAt(top: Module, path: InstancePath, edit: (draft: Draft) => void): Module {
  const change = (module: Module, depth: number): Module => {
    const draft = draftOf(module, depth === 0 ? module.name : `${module.name}_changed`)
    if (depth === path.length) edit(draft)
    else {
      const instance = draft.instances.find(({ name }) => name === path[depth])
      invariant(instance !== undefined, `${module.name} has an instance ${path[depth]}`)
      instance.module = change(instance.module, depth + 1)
    }
    return finishDraft(draft, module)
  }
  return change(top, 0)
}
