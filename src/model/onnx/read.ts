import { dataError } from '../../base/errors.ts'
import { didYouMean } from '../../base/suggest.ts'
import type { Model, ModelNode, ModelTensor, ModelValue } from '../model.ts'
import { type RawGraph, type RawNode, readGraph, typed } from './graph.ts'
import { MessageReader } from './protobuf.ts'

/** Versions of the standard operators that are known: what changed between them is written at each operator. */
export const operatorSets = { first: 7, last: 28 } as const

/** A ModelProto. `directory` is where external data are looked for. */
export function readOnnx(bytes: Uint8Array, file: string, directory: string): Model {
  const reader = new MessageReader(bytes, file)
  const context = { directory, taken: 0 }
  const sets = new Map<string, number>()
  let graph: RawGraph | undefined
  while (reader.next()) {
    if (reader.field === 7) {
      if (graph !== undefined) throw reader.broken('begins a second graph')
      graph = readGraph(reader.message(), context)
    } else if (reader.field === 8) {
      const [domain, version] = readOperatorSet(reader.message())
      if ((sets.get(domain) ?? version) !== version)
        throw reader.broken(`names versions ${sets.get(domain)} and ${version} of the same operators`)
      sets.set(domain, version)
    } else if (reader.field === 25) {
      refuseStandardFunction(reader.message())
    } else reader.skip()
  }
  if (graph === undefined)
    throw dataError('is no ONNX model: it holds no graph', {
      where: file,
      hint: 'Is it truncated, or another kind of file? Export it again.',
    })
  checkOperatorSet(sets.get(''), file)
  return connect(graph, sets, file)
}

function readOperatorSet(reader: MessageReader): [domain: string, version: number] {
  let [domain, version] = ['', 0]
  while (reader.next()) {
    if (reader.field === 1) domain = reader.text()
    else if (reader.field === 2) version = reader.integer()
    else reader.skip()
  }
  return [domain === 'ai.onnx' ? '' : domain, version]
}

/** A function of the file's own in place of a standard operator would be taken for that operator; those of other domains are unknown. */
function refuseStandardFunction(reader: MessageReader): void {
  let [name, domain] = ['', '']
  while (reader.next()) {
    if (reader.field === 1) name = reader.text()
    else if (reader.field === 10) domain = reader.text()
    else reader.skip()
  }
  if (domain === '' || domain === 'ai.onnx')
    throw reader.broken(`ends a function "${name}" that stands for a standard operator, which is not read`)
}

function checkOperatorSet(version: number | undefined, file: string): void {
  if (version !== undefined && version >= operatorSets.first && version <= operatorSets.last) return
  throw dataError(
    version === undefined
      ? 'does not say which version of the ONNX operators it uses'
      : `uses version ${version} of the ONNX operators`,
    {
      where: file,
      hint: `Versions ${operatorSets.first} to ${operatorSets.last} are read: export with opset_version=17, or convert with onnx.version_converter.`,
    },
  )
}

/** Checks that every name has one origin and every node its inputs, and puts the nodes in order. */
function connect(graph: RawGraph, sets: ReadonlyMap<string, number>, file: string): Model {
  const constants = new Map<string, ModelTensor>()
  for (const { name, tensor } of graph.constants) {
    if (constants.has(name)) throw twice(name, file)
    constants.set(name, tensor)
  }
  const inputs = graph.inputs.filter(({ name }) => !constants.has(name)).map((value) => typed(value, file))
  const made = new Set(constants.keys())
  for (const { name } of inputs) {
    if (made.has(name)) throw twice(name, file)
    made.add(name)
  }
  const names = new Set<string>()
  const nodes = graph.nodes.map((node, i): ModelNode => {
    for (const name of node.outputs) {
      if (name === '') continue
      if (made.has(name)) throw twice(name, file)
      made.add(name)
    }
    return { ...node, name: uniqueName(node, i, names), version: sets.get(node.domain) ?? 0 }
  })
  checkRead(nodes, graph.outputs, made, file)
  const known = [...graph.values, ...graph.inputs, ...graph.outputs].flatMap(
    (value): [string, ModelValue][] => (value.type === undefined ? [] : [[value.name, typed(value, file)]]),
  )
  return {
    format: 'onnx',
    name: graph.name,
    inputs,
    outputs: graph.outputs.map((value) => typed(value, file)),
    values: new Map(known),
    constants,
    nodes: inOrder(nodes, new Set([...constants.keys(), ...inputs.map(({ name }) => name)]), file),
  }
}

const twice = (name: string, file: string) =>
  dataError(`the tensor "${name}" comes from two places: a name has one origin`, { where: file })

/** The file's own name of a node; where it has none, or two have the same, its operator and place too. */
function uniqueName({ name, operator }: RawNode, index: number, names: Set<string>): string {
  const wished = name === '' ? `${operator}_${index}` : name
  const unique = names.has(wished) ? `${wished}#${index}` : wished
  names.add(unique)
  return unique
}

function checkRead(
  nodes: readonly ModelNode[],
  outputs: RawGraph['outputs'],
  made: ReadonlySet<string>,
  file: string,
): void {
  const missing = (who: string, name: string) =>
    dataError(`${who} "${name}", which nothing makes.${didYouMean(name, [...made].slice(0, 1000))}`, {
      where: file,
    })
  for (const { name, inputs } of nodes)
    for (const input of inputs)
      if (input !== '' && !made.has(input)) throw missing(`node "${name}" reads`, input)
  if (outputs.length === 0) throw dataError('has a graph without outputs', { where: file })
  for (const { name } of outputs) if (!made.has(name)) throw missing('an output of the graph is', name)
}

/** The nodes, each behind those that it reads; in the file's order where that is one. */
function inOrder(
  nodes: readonly ModelNode[],
  given: ReadonlySet<string>,
  file: string,
): readonly ModelNode[] {
  const there = new Set(given)
  const waiting = new Map<string, number[]>()
  const missing = nodes.map(() => 0)
  const ordered: ModelNode[] = []
  const ready: number[] = []
  const run = (first: number) => {
    ready.push(first)
    for (let i = ready.pop(); i !== undefined; i = ready.pop()) {
      ordered.push(nodes[i]!)
      for (const output of nodes[i]!.outputs) {
        there.add(output)
        for (const reader of waiting.get(output) ?? []) if (--missing[reader]! === 0) ready.push(reader)
        waiting.delete(output)
      }
    }
  }
  for (const [i, { inputs }] of nodes.entries()) {
    const absent = new Set(inputs.filter((name) => name !== '' && !there.has(name)))
    missing[i] = absent.size
    for (const name of absent) {
      const readers = waiting.get(name)
      if (readers === undefined) waiting.set(name, [i])
      else readers.push(i)
    }
    if (absent.size === 0) run(i)
  }
  if (ordered.length === nodes.length) return ordered
  const stuck = nodes.filter((_, i) => missing[i]! > 0).map(({ name }) => name)
  throw dataError(
    `has a cycle: ${stuck.slice(0, 5).join(', ')}${stuck.length > 5 ? ` and ${stuck.length - 5} more` : ''} wait for each other`,
    { where: file, hint: 'A graph of ONNX has none: export it again.' },
  )
}
