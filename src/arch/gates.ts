import type { Comb } from '../comb/comb.ts'
import { resize } from '../comb/derived.ts'
import type { ModuleBuilder, Node } from '../hdl/module.ts'

/** Small idioms of control logic, on netlist nodes. */

export const equalTo = (c: Comb<Node>, x: Node, value: number): Node =>
  c.equal(x, c.constant(value, c.width(x)))

export const plus = (c: Comb<Node>, x: Node, value: number): Node =>
  value < 0 ? c.sub(x, c.constant(-value, c.width(x))) : c.add(x, c.constant(value, c.width(x)))

/** The conjunction of 1-bit conditions. */
export const all = (c: Comb<Node>, ...conditions: Node[]): Node => conditions.reduce((a, b) => c.and(a, b))

export const any = (c: Comb<Node>, ...conditions: Node[]): Node => conditions.reduce((a, b) => c.or(a, b))

/** `values[index]`; indices beyond the last give the last. */
export function choose(c: Comb<Node>, index: Node, values: readonly Node[]): Node {
  return values.reduceRight((rest, value, i) =>
    i === values.length - 1 ? value : c.mux(equalTo(c, index, i), value, rest),
  )
}

/** The register that follows `x` by one cycle. */
export function follow(m: ModuleBuilder, name: string, x: Node, enable?: Node): Node {
  const register = m.register(name, m.c.width(x))
  register.next(x, enable)
  return register.q
}

/** As `follow`, reset to 0: for bits that make something happen. */
export function followReset(m: ModuleBuilder, name: string, x: Node): Node {
  const register = m.register(name, m.c.width(x), { reset: 0 })
  register.next(x)
  return register.q
}

/** `x` cut or zero-extended to `width` bits. */
export const resizeUnsigned = (c: Comb<Node>, x: Node, width: number): Node => resize(c, x, false, width)

/** Declares one input port a field; fields that only some plans have may be absent. */
export function inputs<W extends object>(
  m: ModuleBuilder,
  prefix: string,
  widths: W,
): { [K in keyof W]: Node } {
  const entries = Object.entries(widths) as [string, number][]
  return Object.fromEntries(entries.map(([name, width]) => [name, m.input(prefix + name, width)])) as {
    [K in keyof W]: Node
  }
}

/** Connections for the ports that `inputs` declares. */
export function connect(prefix: string, bundle: Readonly<Record<string, Node>>): Record<string, Node> {
  return Object.fromEntries(Object.entries(bundle).map(([name, node]) => [prefix + name, node]))
}

/** Nodes by the names of their ports. */
export type Ports = Readonly<Record<string, Node>>

/** The ports of a bundle, by their names without the prefix, `to` before them. */
export function pick(ports: Ports, prefix: string, names: readonly string[], to = ''): Record<string, Node> {
  return Object.fromEntries(names.map((name) => [to + name, ports[prefix + name]!]))
}
