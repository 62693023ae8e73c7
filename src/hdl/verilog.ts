import { usageError } from '../base/errors.ts'
import { indexBits } from '../base/integers.ts'
import { checkCircuit } from './checks.ts'
import { type Expressions, expressions, literal } from './expression.ts'
import type { ForeignVerilog, InstanceNet, MemoryNet, Module, NetNode, RegisterNet } from './netlist.ts'

/** One file a module, leaves first: name such as `pe_exact_s8s8.v` to text. `header` lines are comments at the top. */
export function printVerilog(top: Module, header: readonly string[]): ReadonlyMap<string, string> {
  const modules = checkCircuit(top)
  refuseSameNames(modules)
  return new Map(
    modules.map((module) => [
      `${module.name}.v`,
      module.foreign === undefined
        ? printModule(module, header)
        : printForeign(module, module.foreign, header),
    ]),
  )
}

/** Foreign modules keep their names: no two may be the same, nor the same as one of ours. */
function refuseSameNames(modules: readonly Module[]): void {
  const taken = new Map(modules.map(({ name }) => [name, `a module of the design`]))
  for (const { name, foreign } of modules) {
    for (const own of foreign?.modules ?? []) {
      const other = taken.get(own)
      if (other !== undefined)
        throw usageError(`the module "${own}" of ${name} has the name of ${other}`, {
          hint: 'Rename it in its file: an accelerator has one module of a name.',
        })
      taken.set(own, `a module of ${name}`)
    }
  }
}

/** A name of somebody else's, escaped where it is no plain one: it ends at a blank then. */
export const identifier = (name: string): string => (/^[A-Za-z_][\w$]*$/.test(name) ? name : `\\${name} `)

/** A module of ours around the foreign one, and its text below: what a compiler directive of it changes is changed back. */
function printForeign(
  module: Module,
  { top, ports, outputBits, text }: ForeignVerilog,
  header: readonly string[],
): string {
  const { inputs, outputs } = module.netlist
  const [output] = outputs
  const connections = inputs.map(({ name }) => `.${identifier(ports[name!]!)}(${name})`)
  const above = outputBits - output!.value.width
  const lines = [
    ...wrap(`  wire ${range(outputBits)}result;`),
    ...wrap(
      `  ${identifier(top)} ${identifier(`u_${top}`)} (${[...connections, `.${identifier(ports[output!.name]!)}(result)`].join(', ')});`,
    ),
    ...(above === 0
      ? [`  assign ${output!.name} = result;`]
      : lint(
          'UNUSED',
          `the upper ${above === 1 ? 'bit' : `${above} bits`} of the result`,
          `assign ${output!.name} = result${above > 0 ? `[${output!.value.width - 1}:0]` : ''};`,
          '  ',
        )),
  ]
  return [
    ...comments(module, header),
    '`default_nettype none',
    '',
    `module ${module.name} (`,
    ...module.ports.map(
      ({ name, direction, width }, index) =>
        `  ${direction.padEnd(6)} wire ${range(width)}${name}${index === module.ports.length - 1 ? '' : ','}`,
    ),
    ');',
    ...lines,
    '',
    'endmodule',
    '',
    '`resetall',
    "// The text below is the user's file, unchanged.",
    ...foreignLint.map((code) => `// verilator lint_off ${code}`),
    text.trimEnd(),
    ...foreignLint.map((code) => `// verilator lint_on ${code}`),
    '`resetall',
    '',
  ].join('\n')
}

/** Style that we do not judge in what is not ours. */
const foreignLint = [
  'DECLFILENAME',
  'UNUSED',
  'WIDTH',
  'CASEINCOMPLETE',
  'PINMISSING',
  'UNOPTFLAT',
  'UNDRIVEN',
]

/** The files that the memories of the hierarchy are loaded from: name to hexadecimal text, one word a line. */
export function memoryImages(top: Module): ReadonlyMap<string, string> {
  const images = new Map<string, string>()
  for (const module of checkCircuit(top)) {
    for (const { width, depth, init } of module.netlist.memories) {
      if (init === undefined) continue
      const digits = Math.ceil(width / 4)
      const lines = Array.from({ length: depth }, (_, i) =>
        (init.words[i] ?? 0).toString(16).padStart(digits, '0'),
      )
      images.set(init.file, `${lines.join('\n')}\n`)
    }
  }
  return images
}

function printModule(module: Module, header: readonly string[]): string {
  const { inputs, registers, memories, instances } = module.netlist
  const e = expressions(module)
  const body = [
    ...section(instances.flatMap((instance) => printInstance(instance, module, e))),
    ...section(printRegisters(registers, module, e)),
    ...section(memories.flatMap((memory) => printMemoryPorts(memory, module, e))),
    ...section(module.netlist.outputs.map(({ name, value }) => `assign ${name} = ${e.text(value)};`)),
  ]
  const declarations = [
    ...section(registers.flatMap((register) => declareRegister(register, e))),
    ...section(memories.flatMap((memory) => declareMemory(memory, e))),
    ...section(
      instances
        .flatMap(({ outputs }) => Object.values(outputs))
        .filter((node) => isRead(node, e))
        .flatMap((node) => declare('wire', node, e)),
    ),
    ...section(e.nets.flatMap((node) => declare('wire', node, e, e.definition(node)))),
  ]
  const images = memories.some((memory) => memory.init !== undefined)
  return mergeLint([
    ...comments(module, header),
    '`default_nettype none',
    ...(images ? imageDirectory : []),
    '',
    `module ${module.name} (`,
    ...printPorts(module, inputs, e),
    ');',
    ...[...declarations, ...body].flatMap((line) => (line === '' ? [''] : wrap(`  ${line}`))),
    '',
    'endmodule',
    '',
    '`default_nettype wire',
    '',
  ]).join('\n')
}

const comments = ({ comment }: Module, header: readonly string[]) =>
  [...header, ...comment.split('\n')].map((line) => `// ${line}`.trimEnd())

/** Neighbouring lines without the same warning share one pair of comments. */
function mergeLint(lines: readonly string[]): string[] {
  const merged: string[] = []
  for (const line of lines) {
    const off = /^(\s*\/\/ verilator )lint_off (\w+)$/.exec(line)
    if (off !== null && merged.at(-1) === `${off[1]}lint_on ${off[2]}`) merged.pop()
    else merged.push(line)
  }
  return merged
}

/** Where memory images lie, from the simulator's or synthesiser's working directory: -DXGEN_MEM_DIR='"path/"'. */
const imageDirectory = ['`ifndef XGEN_MEM_DIR', '`define XGEN_MEM_DIR "mem/"', '`endif']

/** Breaks a long statement after commas. */
function wrap(line: string): string[] {
  if (line.length <= longestLine || line.includes('//') || !line.includes(', ')) return [line]
  const indent = `${/^ */.exec(line)![0]}    `
  const lines: string[] = []
  let current = ''
  for (const piece of line.split(/(?<=, )/)) {
    if (current.length + piece.trimEnd().length > longestLine && current.trim() !== '') {
      lines.push(current.trimEnd())
      current = indent
    }
    current += piece
  }
  return [...lines, current]
}

const section = (lines: readonly string[]) => (lines.length === 0 ? [] : ['', ...lines])

/** Columns of a line of Verilog. */
const longestLine = 110

const range = (width: number) => (width === 1 ? '' : `[${width - 1}:0] `)

function printPorts(module: Module, inputs: readonly NetNode[], e: Expressions): string[] {
  const nodes = new Map(inputs.map((node) => [node.name!, node]))
  return module.ports.flatMap(({ name, direction, width }, index) => {
    const comma = index === module.ports.length - 1 ? '' : ','
    const line = `  ${direction.padEnd(6)} wire ${range(width)}${name}${comma}`
    const node = nodes.get(name)
    return node === undefined ? [line] : lint('UNUSED', unusedText(node, e), line, '  ')
  })
}

/** Whether any text reads the value. */
const isRead = (node: NetNode, e: Expressions) => {
  const unused = e.unusedBits(node)
  return unused.length !== 1 || unused[0]![0] - unused[0]![1] + 1 < node.width
}

function declare(kind: 'wire' | 'reg', node: NetNode, e: Expressions, definition?: string): string[] {
  const line = `${kind} ${range(node.width)}${e.nameOf(node)}${definition === undefined ? '' : ` = ${definition}`};`
  return lint('UNUSED', unusedText(node, e), line, '')
}

/** `x[3:0]` for the bits of `x` that nothing reads, or ''. */
function unusedText(node: NetNode, e: Expressions): string {
  const name = e.nameOf(node)
  const ranges = e.unusedBits(node).map(([high, low]) => {
    if (high - low + 1 === node.width) return name
    return high === low ? `${name}[${high}]` : `${name}[${high}:${low}]`
  })
  if (ranges.length === 0) return ''
  return `not used: ${ranges.length <= 4 ? ranges.join(', ') : `${ranges.slice(0, 4).join(', ')}, ...`}`
}

/** The line without a lint warning that is meant to be, with the reason. */
function lint(rule: string, reason: string, line: string, indent: string): string[] {
  if (reason === '') return [line]
  return [
    `${indent}// verilator lint_off ${rule}`,
    `${line} // ${reason}`,
    `${indent}// verilator lint_on ${rule}`,
  ]
}

function declareRegister({ q, powerUp }: RegisterNet, e: Expressions): string[] {
  const initial = powerUp ? [`initial ${e.nameOf(q)} = ${literal(0, q.width)};`] : []
  return [...declare('reg', q, e), ...initial]
}

function printInstance(
  { name, module, inputs, outputs, restart }: InstanceNet,
  around: Module,
  e: Expressions,
): string[] {
  const reset = restart === undefined ? around.resetName : `${around.resetName} & ~${e.text(restart)}`
  const pins = module.ports.map((port) => {
    if (port.name === module.clockName) return [port.name, around.clockName]
    if (port.name === module.resetName) return [port.name, reset]
    if (port.direction === 'input') return [port.name, e.text(inputs[port.name]!)]
    const output = outputs[port.name]!
    return [port.name, isRead(output, e) ? e.nameOf(output) : '']
  })
  const connections = pins.map(([port, value]) => `.${port}(${value})`)
  const oneLine = `${module.name} ${name} (${connections.join(', ')});`
  const lines =
    oneLine.length + 2 <= longestLine
      ? [oneLine]
      : [
          `${module.name} ${name} (`,
          ...connections.map((pin, i) => `  ${pin}${i + 1 < connections.length ? ',' : ''}`),
          ');',
        ]
  if (pins.every(([, value]) => value !== '')) return lines
  return ['// verilator lint_off PINCONNECTEMPTY', ...lines, '// verilator lint_on PINCONNECTEMPTY']
}

function printRegisters(
  registers: readonly RegisterNet[],
  { clockName, resetName }: Module,
  e: Expressions,
): string[] {
  const load = ({ name, next, enable }: RegisterNet) => {
    const assignment = `${name} <= ${e.text(next!)};`
    return enable === undefined ? assignment : `if (${e.text(enable)}) ${assignment}`
  }
  const free = registers.filter((register) => register.reset === undefined)
  const reset = registers.filter((register) => register.reset !== undefined)
  return [
    ...block(clockName, free.map(load)),
    ...block(
      clockName,
      reset.length === 0
        ? []
        : [
            `if (!${resetName}) begin`,
            ...reset.map((register) => `  ${register.name} <= ${literal(register.reset!, register.width)};`),
            'end else begin',
            ...reset.map((register) => `  ${load(register)}`),
            'end',
          ],
    ),
  ]
}

function block(clockName: string, lines: readonly string[]): string[] {
  if (lines.length === 0) return []
  if (lines.length === 1) return [`always @(posedge ${clockName}) ${lines[0]}`]
  return [`always @(posedge ${clockName}) begin`, ...lines.map((line) => `  ${line}`), 'end']
}

function declareMemory({ name, width, depth, init, reads }: MemoryNet, e: Expressions): string[] {
  return [
    `reg ${range(width)}${name} [0:${depth - 1}];`,
    ...(init === undefined ? [] : [`initial $readmemh({\`XGEN_MEM_DIR, "${init.file}"}, ${name});`]),
    ...reads.flatMap((read) => declare('reg', read.data, e)),
  ]
}

/** Read-first ports in one block: the form that every synthesiser maps to block memory. */
function printMemoryPorts(
  { name, depth, reads, write }: MemoryNet,
  { clockName }: Module,
  e: Expressions,
): string[] {
  const at = (address: NetNode) =>
    depth === 1 && indexBits(depth) === 1 ? `${name}[0]` : `${name}[${e.text(address)}]`
  const when = (enable: NetNode | undefined, statement: string) =>
    enable === undefined ? statement : `if (${e.text(enable)}) ${statement}`
  return block(clockName, [
    ...(write === undefined ? [] : [when(write.enable, `${at(write.address)} <= ${e.text(write.data)};`)]),
    ...reads.map((read) => when(read.enable, `${read.name} <= ${at(read.address)};`)),
  ])
}
