/** A value in a module: a bit vector of a known width. The rest is for this room only. */
export interface Node {
  readonly width: number
}

export type Operation =
  | 'not'
  | 'and'
  | 'or'
  | 'xor'
  | 'add'
  | 'sub'
  | 'mul'
  | 'mulSigned'
  | 'equal'
  | 'less'
  | 'lessSigned'
  | 'mux'
  | 'slice'
  | 'cat'
  | 'zeroExtend'
  | 'signExtend'
  | 'shiftLeft'
  | 'shiftRight'
  | 'shiftRightArithmetic'

/** What a node stands for. Sources (all but the operations and constants) have the name the user gave them. */
export type NodeKind = Operation | 'constant' | 'input' | 'register' | 'wire' | 'read' | 'instance'

export interface NetNode extends Node {
  /** Position in the netlist; a node's operands are older than it, except through wires. */
  readonly id: number
  readonly kind: NodeKind
  readonly module: string
  readonly operands: readonly NetNode[]
  /** `constant`: the unsigned value, a number to 32 bits and a BigInt above. */
  readonly value: number | bigint
  /** `slice`: the lowest bit taken. */
  readonly low: number
  /** The name of a source; of an operation its label, if it has one. */
  name: string | undefined
  /** `wire`: its driver. */
  driver: NetNode | undefined
  /** `instance`: the instance and the port that the value leaves by. */
  readonly instance: InstanceNet | undefined
  readonly port: string
  /** `cat`: bit offset of each operand, lowest operand last. Filled where a slice first asks. */
  offsets: readonly number[] | undefined
}

export interface Port {
  readonly name: string
  readonly direction: 'input' | 'output'
  readonly width: number
}

export interface RegisterNet {
  readonly name: string
  readonly width: number
  /** Value that reset = 0 loads at a clock edge; undefined: not reset. */
  readonly reset: bigint | undefined
  /** 0 at power-up, by an `initial` statement. */
  readonly powerUp: boolean
  readonly q: NetNode
  next: NetNode | undefined
  enable: NetNode | undefined
}

export interface ReadPortNet {
  readonly name: string
  readonly address: NetNode
  readonly enable: NetNode | undefined
  readonly data: NetNode
}

export interface WritePortNet {
  readonly enable: NetNode
  readonly address: NetNode
  readonly data: NetNode
}

export interface MemoryImage {
  readonly file: string
  readonly words: readonly (number | bigint)[]
}

export interface MemoryNet {
  readonly name: string
  readonly width: number
  readonly depth: number
  readonly init: MemoryImage | undefined
  readonly reads: ReadPortNet[]
  write: WritePortNet | undefined
}

export interface InstanceNet {
  readonly name: string
  readonly module: Module
  readonly inputs: Readonly<Record<string, NetNode>>
  readonly outputs: Readonly<Record<string, NetNode>>
  /** 1 resets the instance, as the module's own reset does; undefined: only that. */
  readonly restart: NetNode | undefined
}

export interface OutputNet {
  readonly name: string
  readonly value: NetNode
}

export interface Netlist {
  readonly nodes: readonly NetNode[]
  readonly inputs: readonly NetNode[]
  readonly outputs: readonly OutputNet[]
  readonly registers: readonly RegisterNet[]
  readonly wires: readonly NetNode[]
  readonly memories: readonly MemoryNet[]
  readonly instances: readonly InstanceNet[]
}

/** Verilog that was not made here, and stands for a module as it is. */
export interface ForeignVerilog {
  /** The module of the text that is instantiated, and which of its ports each port of ours is. */
  readonly top: string
  readonly ports: Readonly<Record<string, string>>
  /** Width of its output; ours has the lower bits. */
  readonly outputBits: number
  /** All modules that the text defines. */
  readonly modules: readonly string[]
  readonly text: string
}

/** A finished module. Clock and reset are among its ports where something in it or below it needs them. */
export interface Module {
  readonly name: string
  readonly comment: string
  /** What the clock and the (synchronous, active-low) reset are called here. */
  readonly clockName: string
  readonly resetName: string
  readonly ports: readonly Port[]
  /** Has registers or memories, itself or below: has a clock. */
  readonly clocked: boolean
  /** Something in it or below is reset: has a reset. */
  readonly reset: boolean
  readonly netlist: Netlist
  /** What is printed instead of the netlist, which computes the same: purely combinational, with one output. */
  readonly foreign?: ForeignVerilog
}

/** The name of a node for messages: its own, or what it is. */
export function describe(node: NetNode): string {
  if (node.name !== undefined) return `"${node.name}"`
  if (node.kind === 'constant') return `the constant ${node.value}`
  const named = node.operands
    .filter((operand) => operand.name !== undefined)
    .map((operand) => `"${operand.name}"`)
  return named.length === 0
    ? `an unlabelled ${node.kind}`
    : `the ${node.kind} of ${[...new Set(named)].slice(0, 3).join(' and ')}`
}

const plural = (n: number) => (n === 1 ? '1 bit' : `${n} bits`)

export const describeWithWidth = (node: NetNode): string => `${describe(node)} has ${plural(node.width)}`
