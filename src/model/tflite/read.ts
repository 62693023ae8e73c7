import { dataError } from '../../base/errors.ts'
import { fromHalf } from '../../base/half.ts'
import { checkedElements } from '../../base/tensor.ts'
import type {
  ElementType,
  Model,
  ModelAttribute,
  ModelNode,
  ModelTensor,
  ModelValue,
  TensorQuantisation,
  TypedData,
} from '../model.ts'
import type { NarrowType } from '../narrow.ts'
import type { HalfType } from '../tensors.ts'
import { type FlatTable, readFlatbuffer } from './flatbuffer.ts'
import {
  activations,
  elementTypes,
  fields,
  type OptionField,
  operatorNames,
  optionTables,
  paddings,
  typeNames,
} from './schema.ts'
import { simplified } from './simplified.ts'

/** Elements of all tensors together that operators make: what a run holds. Constants are bounded by the file. */
const mostComputed = 2 ** 26

/** Largest number of dimensions of a tensor: the format's kernels have no more. */
const mostDimensions = 8

/**
 * Reads a TensorFlow Lite file: tensors as the file has them (maps are [batch, height, width, channels]), operators under the
 * schema's names, custom ones under their own in the domain "custom". Operators that nothing evaluates are read like others, so
 * that all of them can be listed; only a file that contradicts itself is refused.
 */
export function readTflite(bytes: Uint8Array, file: string): Model {
  const root = readFlatbuffer(bytes, 'TFL3', file)
  const refused = (what: string, hint?: string) => dataError(what, { where: file, hint })
  const version = root.number(fields.model.version, 'uint32')
  if (version !== 3) throw refused(`is of schema version ${version}; read is version 3`)
  const subgraphs = root.tables(fields.model.subgraphs)
  if (subgraphs.length !== 1)
    throw refused(
      `has ${subgraphs.length} graphs; read are files with one`,
      'Control flow and several signatures are not supported: export the inference function alone.',
    )
  const graph = subgraphs[0]!
  const tensors = readTensors(graph, root.tables(fields.model.buffers), file)
  const named = (index: number, what: string): string => {
    const tensor = tensors[index]
    if (tensor === undefined) throw refused(`${what} names tensor ${index} of ${tensors.length}`)
    return tensor.value.name
  }
  const inputs = graph.numbers(fields.subgraph.inputs, 'int32').map((i) => named(i, 'the list of inputs'))
  const outputs = graph.numbers(fields.subgraph.outputs, 'int32').map((i) => named(i, 'the list of outputs'))
  const nodes = readNodes(graph, root.tables(fields.model.operatorCodes), named, file)
  const values = new Map(tensors.map(({ value }) => [value.name, value]))
  const constants = new Map(
    tensors.flatMap(({ value, constant }) => (constant ? [[value.name, constant]] : [])),
  )
  checkOrder(inputs, outputs, constants, nodes, file)
  const valuesOf = (names: readonly string[]) => names.map((name) => values.get(name)!)
  return simplified({
    format: 'tflite',
    name: graph.text(fields.subgraph.name) ?? '',
    inputs: valuesOf(inputs),
    outputs: valuesOf(outputs),
    values,
    constants,
    nodes,
  })
}

interface ReadTensor {
  readonly value: ModelValue
  readonly constant?: ModelTensor
}

function readTensors(graph: FlatTable, buffers: readonly FlatTable[], file: string): ReadTensor[] {
  const tables = graph.tables(fields.subgraph.tensors)
  const texts = tables.map((table, i) => table.text(fields.tensor.name) || `tensor_${i}`)
  const count = new Map<string, number>()
  for (const text of texts) count.set(text, (count.get(text) ?? 0) + 1)
  let elements = 0
  let computed = 0
  return tables.map((table, i) => {
    // a name that occurs twice gets its place behind it
    const name = count.get(texts[i]!) === 1 ? texts[i]! : `${texts[i]}#${i}`
    const refused = (what: string) => dataError(`tensor "${name}" ${what}`, { where: file })
    const number = table.number(fields.tensor.type, 'int8')
    // halves are constants that the graph makes float32 of: they are read as that
    const half = typeNames[number] === 'float16'
    const type = half ? 'float32' : elementTypes[number]
    if (type === undefined) throw refused(`is of type ${typeNames[number] ?? number}, which is not supported`)
    const shape = table.numbers(fields.tensor.shape, 'int32')
    if (shape.length > mostDimensions)
      throw refused(`has ${shape.length} dimensions; at most ${mostDimensions} are read`)
    const size = checkedElements(shape, file, name, elements)
    elements += size
    if (table.has(fields.tensor.sparsity)) throw refused('is stored sparsely, which is not supported')
    if (table.number(fields.tensor.isVariable, 'bool') !== 0)
      throw refused('is a variable that keeps its value between runs, which is not supported')
    const quantisation = readQuantisation(table.table(fields.tensor.quantisation), shape, refused)
    const value: ModelValue = { name, type, shape, ...(quantisation === undefined ? {} : { quantisation }) }
    const index = table.number(fields.tensor.buffer, 'uint32')
    const buffer = index === 0 ? undefined : buffers[index]
    if (index !== 0 && buffer === undefined) throw refused(`names buffer ${index} of ${buffers.length}`)
    if (buffer !== undefined && buffer.number(fields.buffer.offset, 'uint64') > 1)
      throw refused('lies behind the model (a file beyond 2 GB), which is not supported')
    const bytes = buffer?.bytes(fields.buffer.data)
    if (bytes === undefined || bytes.length === 0) {
      if (half && size > 0) throw refused('is computed in float16: only constants may be of that type')
      computed += size
      if (computed > mostComputed)
        throw refused(
          `brings the tensors that are computed to ${computed} elements: at most ${mostComputed} are possible`,
        )
      return { value }
    }
    if (type === 'string') throw refused('is a constant of strings, which is not supported')
    const needed = size * (half ? 2 : bytesOf[type])
    if (bytes.length !== needed)
      throw refused(
        `has ${bytes.length} bytes; its type ${typeNames[number]} and shape [${shape.join(', ')}] need ${needed}`,
      )
    const data = half
      ? Float32Array.from(typed(bytes, 'uint16') as Uint16Array, fromHalf)
      : typed(bytes, type)
    return { value, constant: { type, shape, data } }
  })
}

function readQuantisation(
  table: FlatTable | undefined,
  shape: readonly number[],
  refused: (what: string) => Error,
): TensorQuantisation | undefined {
  const scale = table?.numbers(fields.quantisation.scale, 'float32') ?? []
  if (table === undefined || scale.length === 0) return undefined
  const given = table.numbers(fields.quantisation.zeroPoint, 'int64')
  if (table.number(fields.quantisation.detailsType, 'uint8') !== 0)
    throw refused('has quantisation parameters of its own kind, which are not supported')
  const zeroPoint = given.length === 0 ? scale.map(() => 0) : given
  if (zeroPoint.length !== scale.length)
    throw refused(`has ${scale.length} scales and ${zeroPoint.length} zero points`)
  const axis = table.number(fields.quantisation.axis, 'int32')
  if (scale.length > 1 && shape[axis] !== scale.length)
    throw refused(`has ${scale.length} scales along dimension ${axis} of its shape [${shape.join(', ')}]`)
  const bad = scale.find((value) => !(value > 0 && Number.isFinite(value)))
  if (bad !== undefined) throw refused(`has the scale ${bad}: scales are positive`)
  const far = zeroPoint.find((value) => Math.abs(value) > 2 ** 31)
  if (far !== undefined) throw refused(`has the zero point ${far}`)
  return { scale, zeroPoint, axis }
}

const bytesOf: Readonly<Record<Exclude<ElementType, 'string' | HalfType | NarrowType>, number>> = {
  float32: 4,
  float64: 8,
  int8: 1,
  uint8: 1,
  int16: 2,
  uint16: 2,
  int32: 4,
  uint32: 4,
  int64: 8,
  uint64: 8,
  bool: 1,
}

/** The elements of little-endian bytes, in memory of their own: those of the file need not be aligned. */
function typed(bytes: Uint8Array, type: Exclude<ElementType, 'string' | HalfType | NarrowType>): TypedData {
  // not slice(): that of a Buffer is a view
  const own = new Uint8Array(bytes).buffer
  switch (type) {
    case 'float32':
      return new Float32Array(own)
    case 'float64':
      return new Float64Array(own)
    case 'int8':
      return new Int8Array(own)
    case 'uint8':
    case 'bool':
      return new Uint8Array(own)
    case 'int16':
      return new Int16Array(own)
    case 'uint16':
      return new Uint16Array(own)
    case 'int32':
      return new Int32Array(own)
    case 'uint32':
      return new Uint32Array(own)
    case 'int64':
      return new BigInt64Array(own)
    case 'uint64':
      return new BigUint64Array(own)
  }
}

/** An operator as the table of codes declares it. */
interface Code {
  readonly operator: string
  readonly domain: string
  readonly version: number
}

function readCode(table: FlatTable): Code {
  const { deprecatedCode, customCode, version, code } = fields.operatorCode
  // files before schema 3a have the number in a byte; later ones have 127 there where it does not fit
  const number = Math.max(table.number(deprecatedCode, 'int8'), table.number(code, 'int32'))
  const operator = operatorNames[number] ?? `OPERATOR_${number}`
  const custom = operator === 'CUSTOM'
  return {
    operator: custom ? (table.text(customCode) ?? 'CUSTOM') : operator,
    domain: custom ? 'custom' : '',
    version: table.number(version, 'int32', 1),
  }
}

function readNodes(
  graph: FlatTable,
  codeTables: readonly FlatTable[],
  named: (index: number, what: string) => string,
  file: string,
): ModelNode[] {
  const codes = codeTables.map(readCode)
  return graph.tables(fields.subgraph.operators).map((table, i) => {
    const index = table.number(fields.operator.code, 'uint32')
    const code = codes[index]
    if (code === undefined)
      throw dataError(`operator ${i} names operator code ${index} of ${codes.length}`, { where: file })
    const name = `${code.operator.toLowerCase()}_${i}`
    return {
      name,
      ...code,
      // -1 is an input that is left out
      inputs: table
        .numbers(fields.operator.inputs, 'int32')
        .map((input) => (input === -1 ? '' : named(input, `operator "${name}"`))),
      outputs: table
        .numbers(fields.operator.outputs, 'int32')
        .map((output) => named(output, `operator "${name}"`)),
      attributes: readOptions(table, code, name, file),
    }
  })
}

function readOptions(
  table: FlatTable,
  { operator, domain }: Code,
  name: string,
  file: string,
): ReadonlyMap<string, ModelAttribute> {
  const known = domain === '' ? optionTables.get(operator) : undefined
  if (known === undefined) return new Map()
  const refused = (what: string) => dataError(`operator "${name}" ${what}`, { where: file })
  const type = table.number(fields.operator.optionsType, 'uint8')
  const options = table.table(fields.operator.options)
  if (options === undefined || type !== known.type) {
    if (known.optional && (options === undefined || type === 0)) return new Map()
    throw refused(options === undefined ? 'has no options' : `has options of another operator (${type})`)
  }
  return new Map(known.settings.map((setting) => [setting.name, attributeOf(setting, options, refused)]))
}

function attributeOf(
  setting: OptionField,
  options: FlatTable,
  refused: (what: string) => Error,
): ModelAttribute {
  const choice = (names: readonly string[], field: number): ModelAttribute => {
    const number = options.number(field, 'int8')
    const value = names[number]
    if (value === undefined)
      throw refused(`has the ${setting.name} ${number}, which the schema does not know`)
    return { kind: 'string', value }
  }
  switch (setting.kind) {
    case 'padding':
      return choice(paddings, setting.field)
    case 'activation':
      return choice(activations, setting.field)
    case 'flag':
      return { kind: 'int', value: options.number(setting.field, 'bool') }
    case 'float':
      return { kind: 'float', value: options.number(setting.field, 'float32') }
    case 'int':
      return { kind: 'int', value: options.number(setting.field, 'int32', setting.absent) }
    case 'ints':
      return { kind: 'ints', value: options.numbers(setting.field, 'int32') }
    case 'pair': {
      const value = [setting.vertical, setting.horizontal].map((field) =>
        options.number(field, 'int32', setting.absent),
      )
      const bad = value.find((n) => n < 1 || n > 2 ** 16)
      if (bad !== undefined) throw refused(`has ${setting.name} of ${value.join('x')}`)
      return { kind: 'ints', value }
    }
  }
}

/** Operators stand in order of execution: what one reads was there before it, and every tensor is made once. */
function checkOrder(
  inputs: readonly string[],
  outputs: readonly string[],
  constants: ReadonlyMap<string, ModelTensor>,
  nodes: readonly ModelNode[],
  file: string,
): void {
  const known = new Set([...inputs, ...constants.keys()])
  if (known.size !== inputs.length + constants.size)
    throw dataError('has an input that is a constant, or one that is listed twice', { where: file })
  for (const node of nodes) {
    const missing = node.inputs.find((name) => name !== '' && !known.has(name))
    if (missing !== undefined)
      throw dataError(`operator "${node.name}" reads tensor "${missing}", which nothing before it makes`, {
        where: file,
      })
    for (const output of node.outputs) {
      if (known.has(output))
        throw dataError(`operator "${node.name}" makes tensor "${output}", which is there already`, {
          where: file,
        })
      known.add(output)
    }
  }
  const unmade = outputs.find((name) => !known.has(name))
  if (unmade !== undefined) throw dataError(`nothing makes the output "${unmade}"`, { where: file })
}
