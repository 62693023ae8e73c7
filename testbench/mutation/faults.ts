import { analyse, dependencies } from '../../src/hdl/checks.ts'
import type { Draft, DraftNode } from '../../src/hdl/draft.ts'
import type { Module, NetNode, NodeKind } from '../../src/hdl/netlist.ts'
import { addConstant, addNode, addRegister, addWire } from './draft.ts'
import { type Place, placesOf, textOf } from './places.ts'

/** What can be wrong at one point of a netlist. */
export const faultKinds = [
  'swapped operands',
  'swapped inputs',
  'wrong constant',
  'off-by-one address',
  'wrong operation',
  'lost term',
  'inverted condition',
  'stuck condition',
  'dropped register',
  'extra register',
  'wrong reset value',
  'lost reset',
  'wrong slice',
  'wrong extension',
  'wrong image word',
] as const
export type FaultKind = (typeof faultKinds)[number]

/** One point of a module that can be made wrong. */
export interface Fault {
  readonly kind: FaultKind
  /** Where, and what is put there instead. */
  readonly text: string
  plant(draft: Draft): void
}

/** All faults of a module itself, not of the instances in it; the same list for the same module. */
export function faultsOf(module: Module): readonly Fault[] {
  const places = placesOf(module)
  const live = [...analyse(module).order].sort((a, b) => a.id - b.id)
  return [
    ...live.flatMap(swappedOperands),
    ...swappedInputs(module),
    ...places.flatMap(wrongConstants),
    ...places.flatMap(shiftedAddresses),
    ...live.flatMap(wrongOperations),
    ...live.flatMap(lostTerms),
    ...places.flatMap(conditions),
    ...droppedRegisters(module),
    ...(module.clocked ? places.flatMap(extraRegisters) : []),
    ...resets(module),
    ...live.flatMap(wrongSlices),
    ...live.flatMap(wrongExtensions),
    ...imageWords(module),
  ]
}

const at = (draft: Draft, node: NetNode): DraftNode => draft.nodes[node.id]!

const ordered = new Set<NodeKind>(['sub', 'less', 'lessSigned', 'mux'])

/** Minuend and subtrahend, the sides of a comparison, the arms of a choice, neighbours of a concatenation. */
function swappedOperands(node: NetNode): Fault[] {
  const swap = (i: number, j: number): Fault[] => {
    const [a, b] = [node.operands[i]!, node.operands[j]!]
    if (a === b || a.width !== b.width) return []
    return [
      {
        kind: 'swapped operands',
        text: `operands ${i} and ${j} of ${textOf(node)} change places`,
        plant: (draft) => {
          const { operands } = at(draft, node)
          ;[operands[i], operands[j]] = [operands[j]!, operands[i]!]
        },
      },
    ]
  }
  if (ordered.has(node.kind)) return swap(node.operands.length - 2, node.operands.length - 1)
  if (node.kind === 'cat') return node.operands.slice(1).flatMap((_, i) => swap(i, i + 1))
  return []
}

/** Each input of an instance with the next one of its width. */
function swappedInputs({ netlist }: Module): Fault[] {
  return netlist.instances.flatMap(({ name, inputs }, index) => {
    const ports = Object.keys(inputs)
    return ports.flatMap((port, i): Fault[] => {
      const other = ports.slice(i + 1).find((next) => inputs[next]!.width === inputs[port]!.width)
      if (other === undefined || inputs[other] === inputs[port]) return []
      return [
        {
          kind: 'swapped inputs',
          text: `"${name}" has its inputs "${port}" and "${other}" exchanged`,
          plant: (draft) => {
            const own = draft.instances[index]!.inputs
            ;[own[port], own[other]] = [own[other]!, own[port]!]
          },
        },
      ]
    })
  })
}

/** A constant that is one more, one less, or has its highest bit wrong. */
function wrongConstants(place: Place): Fault[] {
  const { node, text } = place
  if (node.kind !== 'constant') return []
  const { width } = node
  const value = BigInt(node.value)
  const candidates = [value + 1n, value - 1n, value ^ (1n << BigInt(width - 1))]
  const others = new Set(candidates.map((candidate) => BigInt.asUintN(width, candidate)))
  return [...others].map((other) => ({
    kind: 'wrong constant',
    text: `${text} is ${other} instead of ${value}`,
    plant: (draft) => place.set(draft, addConstant(draft, other, width)),
  }))
}

function shiftedAddresses(place: Place): Fault[] {
  if (!place.address) return []
  return (['add', 'sub'] as const).map((kind) => ({
    kind: 'off-by-one address',
    text: `${place.text} is one too ${kind === 'add' ? 'high' : 'low'}`,
    plant: (draft) => {
      const right = place.get(draft)
      place.set(draft, addNode(draft, kind, right.width, [right, addConstant(draft, 1, right.width)]))
    },
  }))
}

const instead: Readonly<Partial<Record<NodeKind, readonly NodeKind[]>>> = {
  and: ['or'],
  or: ['and', 'xor'],
  xor: ['or'],
  add: ['sub'],
  sub: ['add'],
  less: ['lessSigned'],
  lessSigned: ['less'],
  mul: ['mulSigned'],
  mulSigned: ['mul'],
  shiftLeft: ['shiftRight'],
  shiftRight: ['shiftLeft', 'shiftRightArithmetic'],
  shiftRightArithmetic: ['shiftRight'],
}

function wrongOperations(node: NetNode): Fault[] {
  return (instead[node.kind] ?? []).map((kind) => ({
    kind: 'wrong operation',
    text: `${textOf(node)} is computed with "${kind}" instead of "${node.kind}"`,
    plant: (draft) => {
      at(draft, node).kind = kind
    },
  }))
}

/** One operand does not take part: the operation's neutral value stands there. */
function lostTerms(node: NetNode): Fault[] {
  const neutral: Partial<Record<NodeKind, bigint>> = { and: -1n, or: 0n, xor: 0n, add: 0n, sub: 0n }
  const value = neutral[node.kind]
  if (value === undefined) return []
  const indices = node.kind === 'sub' ? [1] : [0, 1]
  return indices
    .filter((index) => node.operands[index]!.kind !== 'constant')
    .map((index) => ({
      kind: 'lost term',
      text: `${textOf(node)} does without ${textOf(node.operands[index]!)}`,
      plant: (draft) => {
        at(draft, node).operands[index] = addConstant(draft, value, node.operands[index]!.width)
      },
    }))
}

function conditions(place: Place): Fault[] {
  if (!place.condition || place.node.kind === 'constant') return []
  const stuck = [0, 1].map(
    (value): Fault => ({
      kind: 'stuck condition',
      text: `${place.text} is stuck at ${value}`,
      plant: (draft) => place.set(draft, addConstant(draft, value, 1)),
    }),
  )
  const inverted: Fault = {
    kind: 'inverted condition',
    text: `${place.text} is inverted`,
    plant: (draft) => place.set(draft, addNode(draft, 'not', 1, [place.get(draft)])),
  }
  return [...stuck, inverted]
}

/** All that reads the register gets what it will hold one cycle later. Registers that count are left out: that would be a loop. */
function droppedRegisters(module: Module): Fault[] {
  return module.netlist.registers.flatMap(({ q, next, enable }, index): Fault[] => {
    if ([next!, ...(enable === undefined ? [] : [enable])].some((node) => dependsOn(node, q))) return []
    return [
      {
        kind: 'dropped register',
        text: `the users of "${q.name}" see its next value`,
        plant: (draft) => {
          const { enable: when, next: coming, q: held } = draft.registers[index]!
          const early =
            when === undefined ? addWire(draft, coming) : addNode(draft, 'mux', q.width, [when, coming, held])
          for (const place of placesOf(module)) if (place.node === q) place.set(draft, early)
        },
      },
    ]
  })
}

function dependsOn(from: NetNode, source: NetNode): boolean {
  const seen = new Set<NetNode>()
  const pending = [from]
  for (let node = pending.pop(); node !== undefined; node = pending.pop()) {
    if (node === source) return true
    if (seen.has(node)) continue
    seen.add(node)
    pending.push(...dependencies(node))
  }
  return false
}

/** A value that crosses a module's border, or goes into a register, comes one cycle late. */
function extraRegisters(place: Place): Fault[] {
  if (place.use !== 'output' && place.use !== 'instance' && place.use !== 'register') return []
  if (place.node.kind === 'constant') return []
  return [
    {
      kind: 'extra register',
      text: `${place.text} comes one cycle late`,
      plant: (draft) => place.set(draft, addRegister(draft, place.get(draft))),
    },
  ]
}

function resets({ netlist }: Module): Fault[] {
  return netlist.registers.flatMap(({ name, width, reset }, index): Fault[] => {
    if (reset === undefined) return []
    const wrong = new Set([reset ^ 1n, reset ^ (1n << BigInt(width - 1))])
    return [
      ...[...wrong].map(
        (value): Fault => ({
          kind: 'wrong reset value',
          text: `"${name}" is reset to ${value} instead of ${reset}`,
          plant: (draft) => {
            draft.registers[index]!.reset = value
          },
        }),
      ),
      {
        kind: 'lost reset',
        text: `"${name}" is not reset`,
        plant: (draft) => {
          draft.registers[index]!.reset = undefined
        },
      },
    ]
  })
}

function wrongSlices(node: NetNode): Fault[] {
  if (node.kind !== 'slice') return []
  return [node.low - 1, node.low + 1]
    .filter((low) => low >= 0 && low + node.width <= node.operands[0]!.width)
    .map((low) => ({
      kind: 'wrong slice',
      text: `${textOf(node)} begins at bit ${low} instead of ${node.low}`,
      plant: (draft) => {
        at(draft, node).low = low
      },
    }))
}

function wrongExtensions(node: NetNode): Fault[] {
  const other =
    node.kind === 'signExtend' ? 'zeroExtend' : node.kind === 'zeroExtend' ? 'signExtend' : undefined
  if (other === undefined) return []
  return [
    {
      kind: 'wrong extension',
      text: `${textOf(node)} is extended by "${other}" instead of "${node.kind}"`,
      plant: (draft) => {
        const own = at(draft, node)
        own.kind = other
      },
    },
  ]
}

/** One bit of one word of a memory's first contents. */
function imageWords({ netlist }: Module): Fault[] {
  return netlist.memories.flatMap(({ name, width, init }, index) =>
    (init?.words ?? []).flatMap((word, at) =>
      Array.from(
        { length: width },
        (_, bit): Fault => ({
          kind: 'wrong image word',
          text: `bit ${bit} of word ${at} of "${name}" is wrong`,
          plant: (draft) => {
            draft.memories[index]!.init!.words[at] = BigInt(word) ^ (1n << BigInt(bit))
          },
        }),
      ),
    ),
  )
}
