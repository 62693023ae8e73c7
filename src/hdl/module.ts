import { indexBits } from '../base/integers.ts'
import type { Comb } from '../comb/comb.ts'
import { bits } from '../comb/numbers.ts'
import { type Gates, makeGates } from './gates.ts'
import { checkName, defaultClock, defaultReset, NameSpace } from './names.ts'
import {
  describeWithWidth,
  type InstanceNet,
  type MemoryImage,
  type MemoryNet,
  type Module,
  type NetNode,
  type Node,
  type OutputNet,
  type Port,
  type RegisterNet,
} from './netlist.ts'

export type { Module, Node, Port } from './netlist.ts'

export interface Register {
  readonly q: Node
  /** The value that the next clock edge loads, where `enable` is 1 (without one: always). Called exactly once. */
  next(value: Node, enable?: Node): void
}

/** A forward reference: used before its driver exists, driven exactly once. */
export interface Wire {
  readonly value: Node
  drive(value: Node): void
}

export interface Memory {
  /**
   * Synchronous read: the word of `address` appears one cycle later and, with `enable`, holds while that is 0. A read
   * of the address that is written in the same cycle gives the old word. The address has indexBits(depth) bits;
   * what a read beyond `depth` gives is not defined.
   */
  read(name: string, address: Node, enable?: Node): Node
  /** The write port; a memory has at most one. */
  write(enable: Node, address: Node, data: Node): void
}

export interface MemoryOptions {
  readonly width: number
  readonly depth: number
  /** The first contents, printed as $readmemh; words beyond those given are 0. Without it the contents are not defined. */
  readonly init?: MemoryImage
}

export interface ModuleBuilder {
  readonly c: Comb<Node>
  input(name: string, width: number): Node
  output(name: string, value: Node): void
  /** A register; with `reset`, the module's reset (0) loads that value at the clock edge. */
  register(name: string, width: number, options?: RegisterOptions): Register
  wire(name: string, width: number): Wire
  memory(name: string, options: MemoryOptions): Memory
  /**
   * The outputs of an instance by port name. Every input must be given; clock and reset connect themselves. Where `restart` (1 bit) is 1,
   * the instance is reset as by the reset of this module.
   */
  instance(
    module: Module,
    name: string,
    inputs: Readonly<Record<string, Node>>,
    options?: { readonly restart?: Node },
  ): Record<string, Node>
}

export interface RegisterOptions {
  readonly reset?: number | bigint
  /**
   * 0 at power-up, by an `initial` statement, for what must be known without a reset. FPGAs do so; an ASIC does not. Without it (and
   * without a reset) the first value is not defined.
   */
  readonly powerUp?: 0
}

export interface ModuleOptions {
  /** Names of the clock and of the active-low reset: clk and rst_n where not given. */
  readonly clock?: string
  readonly reset?: string
}

/** Builds a module and freezes it. `comment` says in the Verilog what it is for. */
export function defineModule(
  name: string,
  comment: string,
  build: (m: ModuleBuilder) => void,
  { clock: clockName = defaultClock, reset: resetName = defaultReset }: ModuleOptions = {},
): Module {
  checkName(name, 'module', name)
  const gates = makeGates(name)
  const names = new NameSpace(name, [clockName, resetName])
  const inputs: NetNode[] = []
  const outputs: OutputNet[] = []
  const registers: RegisterNet[] = []
  const wires: NetNode[] = []
  const memories: MemoryNet[] = []
  const instances: InstanceNet[] = []

  build({
    c: gates.c,
    input(port, width) {
      names.claim(port, 'input')
      const node = gates.source('input', port, width)
      inputs.push(node)
      return node
    },
    output(port, value) {
      names.claim(port, 'output')
      outputs.push({ name: port, value: gates.own(value) })
    },
    register(register, width, { reset, powerUp } = {}) {
      names.claim(register, 'register')
      const q = gates.source('register', register, width)
      const net: RegisterNet = {
        name: register,
        width,
        reset: reset === undefined ? undefined : BigInt(bits(reset, width).value),
        powerUp: powerUp === 0,
        q,
        next: undefined,
        enable: undefined,
      }
      registers.push(net)
      return { q, next: (value, enable) => connectRegister(net, value, enable, gates) }
    },
    wire(wire, width) {
      names.claim(wire, 'wire')
      const node = gates.source('wire', wire, width)
      wires.push(node)
      return {
        value: node,
        drive(value) {
          const driver = gates.own(value)
          if (node.driver !== undefined)
            gates.fail(
              `the wire "${wire}" is driven twice, by ${describeWithWidth(node.driver)} and ${describeWithWidth(driver)}`,
            )
          if (driver.width !== width)
            gates.fail(`the wire "${wire}" has ${width} bits, but its driver ${describeWithWidth(driver)}`)
          node.driver = driver
        },
      }
    },
    memory(memory, options) {
      names.claim(memory, 'memory')
      const net = memoryNet(memory, options, gates)
      memories.push(net)
      return memoryPorts(net, names, gates)
    },
    instance(module, instance, connections, { restart } = {}) {
      names.claim(instance, 'instance')
      const net = instantiate(module, instance, connections, restart, names, gates)
      instances.push(net)
      return { ...net.outputs }
    },
  })

  for (const { name: register, next } of registers)
    if (next === undefined) gates.fail(`the register "${register}" is never given a next value`)
  for (const { name: memory, reads, write, init } of memories) {
    if (reads.length === 0) gates.fail(`the memory "${memory}" is never read`)
    if (write === undefined && init === undefined)
      gates.fail(`the memory "${memory}" is never written and has no image`)
  }
  for (const wire of wires)
    if (wire.driver === undefined) gates.fail(`the wire "${wire.name}" is never driven`)

  const clocked =
    registers.length + memories.length > 0 || instances.some((instance) => instance.module.clocked)
  const reset =
    registers.some((register) => register.reset !== undefined) ||
    instances.some((instance) => instance.module.reset)
  const ports: Port[] = [
    ...(clocked ? [{ name: clockName, direction: 'input' as const, width: 1 }] : []),
    ...(reset ? [{ name: resetName, direction: 'input' as const, width: 1 }] : []),
    ...inputs.map((node) => ({ name: node.name!, direction: 'input' as const, width: node.width })),
    ...outputs.map(({ name: port, value }) => ({
      name: port,
      direction: 'output' as const,
      width: value.width,
    })),
  ]
  return Object.freeze({
    name,
    comment,
    clockName,
    resetName,
    ports,
    clocked,
    reset,
    netlist: { nodes: gates.nodes, inputs, outputs, registers, wires, memories, instances },
  })
}

function connectRegister(register: RegisterNet, value: Node, enable: Node | undefined, gates: Gates): void {
  const next = gates.own(value)
  const { name, width } = register
  if (register.next !== undefined) {
    gates.fail(
      `the register "${name}" is given a next value twice: ${describeWithWidth(register.next)} and ${describeWithWidth(next)}`,
    )
  }
  if (next.width !== width)
    gates.fail(`the register "${name}" has ${width} bits, but its next value ${describeWithWidth(next)}`)
  register.next = next
  register.enable =
    enable === undefined ? undefined : condition(enable, `enable of the register "${name}"`, gates)
}

function oneBit(node: Node, what: string, gates: Gates): NetNode {
  const own = gates.own(node)
  if (own.width !== 1) gates.fail(`the ${what} needs 1 bit, but ${describeWithWidth(own)}`)
  return own
}

/** A 1-bit condition; undefined where it is the constant 1. */
function condition(node: Node, what: string, gates: Gates): NetNode | undefined {
  const own = oneBit(node, what, gates)
  return own.kind === 'constant' && own.value === 1 ? undefined : own
}

function memoryNet(name: string, { width, depth, init }: MemoryOptions, gates: Gates): MemoryNet {
  if (!Number.isSafeInteger(width) || width < 1)
    gates.fail(`the memory "${name}" needs a width of at least 1 bit, not ${width}`)
  if (!Number.isSafeInteger(depth) || depth < 1)
    gates.fail(`the memory "${name}" needs at least 1 word, not ${depth}`)
  if (init !== undefined) {
    if (!/^[A-Za-z0-9_.-]+$/.test(init.file))
      gates.fail(`the memory "${name}" cannot be loaded from a file named "${init.file}"`)
    if (init.words.length > depth)
      gates.fail(`the memory "${name}" has ${depth} words, but its image ${init.words.length}`)
    const limit = 1n << BigInt(width)
    const bad = init.words.findIndex((word) => BigInt(word) < 0n || BigInt(word) >= limit)
    if (bad >= 0)
      gates.fail(
        `word ${bad} of the image of the memory "${name}" is ${init.words[bad]}, which ${width} bits cannot hold`,
      )
  }
  return { name, width, depth, init, reads: [], write: undefined }
}

function memoryPorts(net: MemoryNet, names: NameSpace, gates: Gates): Memory {
  const { name, width, depth } = net
  const checkedAddress = (address: Node): NetNode => {
    const own = gates.own(address)
    if (own.width !== indexBits(depth)) {
      gates.fail(
        `the memory "${name}" of ${depth} words needs an address of ${indexBits(depth)} bits, but ${describeWithWidth(own)}`,
      )
    }
    return own
  }
  return {
    read(port, address, enable) {
      names.claim(port, 'memory read port')
      const data = gates.source('read', port, width)
      const when =
        enable === undefined
          ? undefined
          : condition(enable, `enable of the memory read port "${port}"`, gates)
      net.reads.push({ name: port, address: checkedAddress(address), enable: when, data })
      return data
    },
    write(enable, address, data) {
      if (net.write !== undefined) gates.fail(`the memory "${name}" is given a second write port`)
      const word = gates.own(data)
      if (word.width !== width)
        gates.fail(
          `the memory "${name}" has words of ${width} bits, but the data written ${describeWithWidth(word)}`,
        )
      const when = gates.own(enable)
      condition(enable, `write enable of the memory "${name}"`, gates)
      net.write = { enable: when, address: checkedAddress(address), data: word }
    },
  }
}

function instantiate(
  module: Module,
  name: string,
  given: Readonly<Record<string, Node>>,
  restart: Node | undefined,
  names: NameSpace,
  gates: Gates,
): InstanceNet {
  const inputs: Record<string, NetNode> = {}
  const outputs: Record<string, NetNode> = {}
  if (restart !== undefined && !module.reset)
    gates.fail(`the instance "${name}" is to be restarted, but nothing in ${module.name} is reset`)
  const restarted = restart && oneBit(restart, `restart of the instance "${name}"`, gates)
  const net: InstanceNet = { name, module, inputs, outputs, restart: restarted }
  for (const input of module.netlist.inputs) {
    const port = input.name!
    const value = given[port]
    if (value === undefined)
      gates.fail(`the instance "${name}" of ${module.name} is not given its input "${port}"`)
    const own = gates.own(value)
    if (own.width !== input.width)
      gates.fail(
        `the input "${port}" of the instance "${name}" of ${module.name} has ${input.width} bits, but ${describeWithWidth(own)}`,
      )
    inputs[port] = own
  }
  for (const port of Object.keys(given)) {
    if (inputs[port] === undefined)
      gates.fail(`the instance "${name}" is given "${port}", which is no input of ${module.name}`)
  }
  for (const { name: port, value } of module.netlist.outputs) {
    outputs[port] = gates.source('instance', names.fresh(`${name}_${port}`), value.width, {
      instance: net,
      port,
    })
  }
  return net
}
