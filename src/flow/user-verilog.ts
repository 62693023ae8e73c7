import { join } from 'node:path'
import { z } from 'zod'
import { type GateList, isGateKind, type ListedGate } from '../arith/gate-list.ts'
import type { UserVerilog } from '../arith/multiplier.ts'
import type { UserCircuit } from '../arith/user-multipliers.ts'
import { dataError, type ErrorDetail, usageError } from '../base/errors.ts'
import { hashOf } from '../base/hash.ts'
import { cacheDirectory, keep, readKept } from '../tools/cache.ts'
import { yosysNow } from '../tools/yosys-now.ts'
import { packageVersion } from '../tools/yosys-package.ts'
import { operandsWithoutResult } from './undefined-values.ts'
import { checkVerilogText, unusedModules } from './verilog-text.ts'

/** Which module, and which of its ports are which operand; '' where the user does not say. */
export interface ModuleChoice {
  readonly top: string
  readonly a: string
  readonly b: string
  readonly p: string
}

/** What is kept of a module that was elaborated. */
type Elaborated = Pick<UserCircuit, 'gates'> & { readonly verilog: Omit<UserVerilog, 'text' | 'modules'> }

/** Changes when what is kept does. */
const format = 2
const mostSeconds = 60
const mostGates = 200_000

/**
 * A user's module, elaborated by Yosys into gates. Refused, with the place: what has state, loops, undriven outputs, other ports than
 * two inputs and an output, modules that the file does not have. A text that was good once is read from the cache.
 */
export function readUserVerilog(text: string, file: string, choice: ModuleChoice): UserCircuit {
  for (const [name, value] of Object.entries(choice))
    if (!/^([A-Za-z_]\w*)?$/.test(value)) throw usageError(`${name}="${value}" is no name of Verilog's`)
  const modules = checkVerilogText(text, file)
  if (modules.length === 0) throw dataError('defines no module', { where: file })
  const tops = choice.top === '' ? unusedModules(text, modules) : []
  if (tops.length > 1)
    throw dataError(`has ${tops.length} modules that no other instantiates: ${tops.join(', ')}`, {
      where: file,
      hint: `Name the one that is meant: top=${tops[0]}.`,
    })
  const key = hashOf({ format, text, choice, engine: packageVersion() })
  const kept = join(cacheDirectory(), 'verilog', `${key}.json`)
  const known = readKept<Elaborated>(kept)
  const elaborated = known ?? elaborate(text, file, choice)
  if (known === undefined) keep(kept, elaborated)
  return {
    kind: 'circuit',
    file,
    digest: hashOf({ text, ...elaborated.verilog }).slice(0, 12),
    gates: elaborated.gates,
    verilog: { ...elaborated.verilog, modules, text },
  }
}

const source = 'user.v'

function elaborate(text: string, file: string, choice: ModuleChoice): Elaborated {
  const script = [
    `read_verilog ${source}`,
    `hierarchy -check ${choice.top === '' ? '-auto-top' : `-top ${choice.top}`}`,
    'proc',
    'flatten -noscopeinfo',
    'opt_expr',
    'opt_clean',
    'check -assert',
    'memory',
    'opt',
    'techmap',
    'opt',
    'clean -purge',
    'write_json gates.json',
  ].join('; ')
  const answer = yosysNow(script, { [source]: text }, 'gates.json', mostSeconds)
  if ('failure' in answer) throw refusal(answer.failure, answer.log, file)
  const { name, module } = topOf(answer.output, file)
  return gatesOf(name, module, file, choice)
}

/** What Yosys complains of, at the user's own place. */
function refusal(failure: string, log: string, file: string) {
  const lines = log.split('\n')
  const error = lines.find((line) => line.includes('ERROR: '))
  const warnings = lines.filter((line) => line.startsWith('Warning: '))
  const problems = new Set(warnings.map((line) => line.slice(9).replace(/:$/, '')))
  const [, line, message = failure] =
    /^(?:user\.v:(\d+): )?.*?ERROR: (.*)$/.exec(error ?? '') ?? ([] as (string | undefined)[])
  const said =
    /check -assert/.test(message) && problems.size > 0 ? [...problems].slice(0, 3).join('; ') : message
  const endless = /call stack size exceeded/i.test(failure)
  const reason = endless ? 'modules instantiate one another without end' : said.replaceAll(source, file)
  return dataError(endless ? reason : `Yosys does not take it: ${reason}`, {
    where: line === undefined || line === '0' ? file : `${file}:${line}`,
    hint: 'Wanted: a combinational module with two inputs and one output, and all modules that it needs in the same file.',
  })
}

const bits = z.array(z.union([z.int().nonnegative(), z.enum(['0', '1', 'x', 'z'])]))
const yosysModule = z.object({
  attributes: z.record(z.string(), z.unknown()),
  ports: z.record(z.string(), z.object({ direction: z.string(), bits })),
  cells: z.record(
    z.string(),
    z.object({
      type: z.string(),
      attributes: z.record(z.string(), z.unknown()),
      connections: z.record(z.string(), bits),
    }),
  ),
})
type YosysModule = z.infer<typeof yosysModule>
type Bit = z.infer<typeof bits>[number]

function topOf(text: string, file: string): { readonly name: string; readonly module: YosysModule } {
  const { modules } = z.object({ modules: z.record(z.string(), z.unknown()) }).parse(JSON.parse(text))
  for (const [name, found] of Object.entries(modules)) {
    const module = yosysModule.parse(found)
    if (module.attributes['top'] !== undefined) return { name, module }
  }
  throw dataError('has no top module', { where: file, hint: 'Name it: top=NAME.' })
}

/** Pins of the gates that `techmap` leaves, inputs in the order of `ListedGate`. */
const inputPins = ['A', 'B', 'S']

function gatesOf(
  name: string,
  { ports, cells }: YosysModule,
  file: string,
  choice: ModuleChoice,
): Elaborated {
  const fail = (message: string, detail: ErrorDetail = {}): never => {
    throw dataError(message, { where: file, ...detail })
  }
  const numbers = new Map<Bit, number>([
    ['0', 0],
    ['1', 1],
    ['x', undefinedNet],
  ])
  const net = (bit: Bit): number => {
    const known = numbers.get(bit)
    if (known !== undefined) return known
    if (bit === 'z')
      return fail(`${name} has a value that is high impedance (z)`, {
        hint: 'A multiplier gives a number for all operands.',
      })
    numbers.set(bit, numbers.size)
    return numbers.size - 1
  }
  const chosen = chosenPorts(name, ports, choice, fail)
  const undriven = ports[chosen.p]!.bits.findIndex((bit) => bit === 'x' || bit === 'z')
  if (undriven >= 0) fail(`bit ${undriven} of the port ${chosen.p} of ${name} has no value`)
  const list = Object.values(cells)
  if (list.length > mostGates) fail(`${name} has ${list.length} gates; at most ${mostGates} are read`)
  const unordered = list.map(({ type, attributes, connections }): ListedGate => {
    const kind = /^\$_([A-Z]+)_$/.exec(type)?.[1]?.toLowerCase() ?? ''
    const place = /^user\.v:(\d+)/.exec(String(attributes['src'] ?? ''))?.[1]
    if (!isGateKind(kind))
      return fail(
        `${name} ${/LATCH/i.test(type) ? 'has a latch' : /FF/i.test(type) ? 'has a register' : `has a cell ${type}`}`,
        {
          where: place === undefined ? file : `${file}:${place}`,
          hint: 'A multiplier is combinational: every output has a value for all operands.',
        },
      )
    return {
      kind,
      inputs: inputPins.flatMap((pin) => connections[pin]?.map(net) ?? []),
      output: net(connections['Y']![0]!),
    }
  })
  const operand = (port: string) => ports[port]!.bits.map(net)
  const [a, b, p] = [operand(chosen.a), operand(chosen.b), operand(chosen.p)]
  const gates = inOrder(unordered, [0, 1, undefinedNet, ...a, ...b])
  if (gates.length < unordered.length) fail(`${name} has a loop of gates, or one that nothing drives`)
  const found = { a, b, p, nets: numbers.size, gates }
  return {
    gates: definedGates(found, name, fail),
    verilog: { top: name, ports: chosen, outputBits: p.length },
  }
}

/** What stands for x until it is known that it does not matter. */
const undefinedNet = 2

/** The same with 0 for x. Refused where operands reach an x, since the tools would choose a value each. */
function definedGates(
  list: GateList,
  name: string,
  fail: (message: string, detail?: ErrorDetail) => never,
): GateList {
  const withValue = (value: 0 | 1): GateList => ({
    ...list,
    gates: list.gates.map((gate) => ({
      ...gate,
      inputs: gate.inputs.map((net) => (net === undefinedNet ? value : net)),
    })),
  })
  const zero = withValue(0)
  if (!list.gates.some(({ inputs }) => inputs.includes(undefinedNet))) return zero
  const operands = operandsWithoutResult(zero, withValue(1))
  if (operands === undefined) return zero
  return fail(`${name} has no defined result (x) for the codes ${operands.a} and ${operands.b}`, {
    hint: 'A multiplier gives a number for all operands. An x of a case that none reaches is taken.',
  })
}

/** Each gate after those that drive it; gates in or behind a loop are left out. */
function inOrder(gates: readonly ListedGate[], sources: readonly number[]): ListedGate[] {
  const readers = new Map<number, ListedGate[]>()
  const waiting = new Map<ListedGate, number>()
  const driven = new Set(sources)
  for (const gate of gates) {
    const missing = new Set(gate.inputs.filter((input) => !driven.has(input)))
    waiting.set(gate, missing.size)
    for (const input of missing) {
      const others = readers.get(input)
      if (others === undefined) readers.set(input, [gate])
      else others.push(gate)
    }
  }
  const ordered = gates.filter((gate) => waiting.get(gate) === 0)
  for (const gate of ordered) {
    for (const reader of readers.get(gate.output) ?? []) {
      waiting.set(reader, waiting.get(reader)! - 1)
      if (waiting.get(reader) === 0) ordered.push(reader)
    }
  }
  return ordered
}

function chosenPorts(
  name: string,
  ports: YosysModule['ports'],
  choice: ModuleChoice,
  fail: (message: string, detail?: ErrorDetail) => never,
): UserVerilog['ports'] {
  const all = Object.entries(ports)
  const of = (direction: string) =>
    all.filter(([, port]) => port.direction === direction).map(([port]) => port)
  const [inputs, outputs] = [of('input'), of('output')]
  if (inputs.length !== 2 || outputs.length !== 1 || all.length !== 3)
    fail(
      `${name} has ${inputs.length} inputs (${inputs.join(', ')}) and ${outputs.length} outputs (${outputs.join(', ')}); a multiplier has two and one`,
    )
  for (const [operand, among] of [
    ['a', inputs],
    ['b', inputs],
    ['p', outputs],
  ] as const) {
    const wanted = choice[operand]
    if (wanted !== '' && !among.includes(wanted))
      fail(`${name} has no ${operand === 'p' ? 'output' : 'input'} "${wanted}"`, {
        hint: `It has ${among.join(', ')}.`,
      })
  }
  const a = choice.a !== '' ? choice.a : inputs.find((port) => port !== choice.b)!
  const b = choice.b !== '' ? choice.b : inputs.find((port) => port !== a)!
  if (a === b) fail(`a and b are both the port ${a} of ${name}`)
  return { a, b, p: outputs[0]! }
}
