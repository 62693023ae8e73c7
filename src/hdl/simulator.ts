import { invariant, XgenError } from '../base/errors.ts'
import { didYouMean } from '../base/suggest.ts'
import { checkCircuit } from './checks.ts'
import { compileSource } from './compile.ts'
import { canonical, isWide, plain } from './javascript.ts'
import { type Extent, type Layout, layouts } from './layout.ts'
import type { Module, NetNode } from './netlist.ts'

/** A circuit that runs. State starts at 0 (not at the reset values), memories at their image or 0. */
export interface CircuitSimulator {
  /** Sets an input of the top module, taken modulo 2^width; its reset (1 at first) too where the circuit has one. */
  set(input: string, value: number | bigint): void
  /** An output for the inputs and the state as they are now: a number up to 32 bits wide, a BigInt above. */
  get(output: string): number | bigint
  /** One rising clock edge. */
  step(): void
  /** A fast reader of a register or a memory read port anywhere, by a path such as `u_array.u_pe_3_2.sum`. */
  reader(path: string): () => number | bigint
  /** What was read from and written to each memory so far, in the order of `memoriesOf(top)`; zeros unless it is counted. */
  accesses(): readonly { readonly reads: number; readonly writes: number }[]
}

/** What a simulation observes beside the values. */
export interface SimulatorOptions {
  readonly watches?: readonly Watch[]
  readonly countAccesses?: boolean
}

/** Sees what the logic of one instance that has registers takes, at each clock edge. */
export interface Watch {
  /** Instance names, such as `u_array.u_pe_3_2`; '' for the top. */
  readonly path: string
  /**
   * The values of its `shellInputs`, and of its reset (0: at work) last where the module has one: numbers up to 32 bits wide (from 2^31 on as negative ones), BigInts
   * above. The array is the observer's.
   */
  readonly onEdge: (values: readonly (number | bigint)[]) => void
}

interface Running {
  readonly step: () => void
  readonly reset: (value: number) => void
  readonly outputs: Readonly<Record<string, () => number | bigint>>
}

/** Compiles the hierarchy below `top`, after its checks, to JavaScript. */
export function compileCircuit(
  top: Module,
  { watches = [], countAccesses = false }: SimulatorOptions = {},
): CircuitSimulator {
  const modules = checkCircuit(top)
  const inputs = top.netlist.inputs
  const inputPlace = (index: number) => `${isWide(inputs[index]!.width) ? 'J' : 'I'}[${index}]`
  const layoutOf = layouts(modules)
  const watchers = watchersOf(top, watches, layoutOf)
  const compiled = compileSource(top, modules, layoutOf, inputPlace, {
    watched: new Set(Object.keys(watchers)),
    counting: countAccesses,
  })
  const layout = layoutOf(top)

  const now = new Int32Array(layout.narrow)
  const next = new Int32Array(layout.narrow)
  const wideNow = new Array<bigint>(layout.wide).fill(0n)
  const wideNext = new Array<bigint>(layout.wide).fill(0n)
  const memories: (Int32Array | bigint[])[] = []
  fillMemories(top, layoutOf, memories)
  const counts = new Float64Array(2 * memories.length)
  const narrowInputs = new Int32Array(inputs.length)
  const wideInputs = new Array<bigint>(inputs.length).fill(0n)

  const program = `'use strict'; let R = 1;
${compiled.source}
return {
  step() { ${compiled.step} },
  reset(value) { R = value },
  outputs: {${[...compiled.outputs].map(([name, text]) => `${JSON.stringify(name)}: () => ${text}`).join(',\n')}},
}`
  const scratch = [new Int32Array(compiled.scratch.narrow), new Array<bigint>(compiled.scratch.wide).fill(0n)]
  const running = new Function('S', 'N', 'B', 'D', 'M', 'I', 'J', 'T', 'U', 'C', 'W', program)(
    ...[now, next, wideNow, wideNext, memories, narrowInputs, wideInputs, ...scratch, counts, watchers],
  ) as Running

  const indexOf = new Map(inputs.map((node, index) => [node.name!, index]))
  const unknown = (what: string, name: string, names: readonly string[]): never => {
    throw new XgenError('internal', `${top.name} has no ${what} "${name}".${didYouMean(name, names)}`)
  }

  return {
    set(input, value) {
      if (input === top.resetName && top.reset) return running.reset(Number(value) & 1)
      const index = indexOf.get(input) ?? unknown('input', input, [...indexOf.keys()])
      const { width } = inputs[index]!
      if (isWide(width)) wideInputs[index] = canonical(value, width) as bigint
      else if (typeof value === 'number')
        narrowInputs[index] = width === 32 ? value : value & (2 ** width - 1)
      else narrowInputs[index] = canonical(value, width) as number
    },
    get(output) {
      const read = running.outputs[output] ?? unknown('output', output, Object.keys(running.outputs))
      return plain(read())
    },
    step() {
      running.step()
      now.set(next)
      for (let i = 0; i < wideNow.length; i++) wideNow[i] = wideNext[i]!
    },
    reader(path) {
      const { slot, wide } = findState(top, path, layoutOf)
      return wide ? () => wideNow[slot]! : () => now[slot]! >>> 0
    },
    accesses: () => memories.map((_, i) => ({ reads: counts[2 * i]!, writes: counts[2 * i + 1]! })),
  }
}

function fillMemories(
  module: Module,
  layout: (module: Module) => Layout,
  memories: (Int32Array | bigint[])[],
): void {
  for (const { width, depth, init } of module.netlist.memories) {
    const words = init?.words ?? []
    if (isWide(width)) memories.push(Array.from({ length: depth }, (_, i) => BigInt(words[i] ?? 0)))
    else memories.push(Int32Array.from({ length: depth }, (_, i) => Number(words[i] ?? 0)))
  }
  for (const instance of module.netlist.instances) {
    if (layout(instance.module).memories > 0) fillMemories(instance.module, layout, memories)
  }
}

/** Where the path of an instance leads, and where the state of that instance begins. */
function findInstance(
  top: Module,
  path: string,
  steps: readonly string[],
  layout: (module: Module) => Layout,
): { readonly module: Module; readonly base: Extent } {
  let module = top
  let base: Extent = { narrow: 0, wide: 0, memories: 0 }
  for (const step of steps) {
    const { instances } = module.netlist
    const instance = instances.find(({ name }) => name === step)
    if (instance === undefined) {
      throw new XgenError(
        'internal',
        `"${path}": ${module.name} has no instance "${step}".${didYouMean(
          step,
          instances.map(({ name }) => name),
        )}`,
      )
    }
    const inner = layout(module).baseOf.get(instance)!
    base = { narrow: base.narrow + inner.narrow, wide: base.wide + inner.wide, memories: 0 }
    module = layout(instance.module).module
  }
  return { module, base }
}

type Watchers = Readonly<Record<string, Map<number, Watch['onEdge']>>>

/** Who watches, by module and base of the instance's state, as the compiled step functions ask. */
function watchersOf(top: Module, watches: readonly Watch[], layout: (module: Module) => Layout): Watchers {
  const watchers: Record<string, Map<number, Watch['onEdge']>> = Object.create(null)
  for (const { path, onEdge } of watches) {
    const { module, base } = findInstance(top, path, path === '' ? [] : path.split('.'), layout)
    const { narrow, wide } = layout(module)
    invariant(narrow + wide > 0, `"${path}" has no register of its own or below: nothing happens at an edge`)
    watchers[module.name] ??= new Map()
    watchers[module.name]!.set(narrow > 0 ? base.narrow : base.wide, onEdge)
  }
  return watchers
}

/** The slot of the register or read port that a path of instance names leads to. */
function findState(
  top: Module,
  path: string,
  layout: (module: Module) => Layout,
): { slot: number; wide: boolean } {
  const steps = path.split('.')
  const last = steps.pop()!
  const { module, base } = findInstance(top, path, steps, layout)
  const { registers, memories } = module.netlist
  const nodes: NetNode[] = [
    ...registers.map(({ q }) => q),
    ...memories.flatMap(({ reads }) => reads.map(({ data }) => data)),
  ]
  const node = nodes.find(({ name }) => name === last)
  if (node === undefined) {
    throw new XgenError(
      'internal',
      `"${path}": ${module.name} has no register "${last}".${didYouMean(
        last,
        nodes.map(({ name }) => name!),
      )}`,
    )
  }
  const wide = isWide(node.width)
  return { wide, slot: layout(module).slotOf.get(node)! + (wide ? base.wide : base.narrow) }
}
