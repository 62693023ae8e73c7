import { dataError } from '../../base/errors.ts'
import type { ElementType, ModelAttribute, ModelNode, ModelTensor, ModelValue } from '../model.ts'
import { mostAxes } from '../tensors.ts'
import type { MessageReader } from './protobuf.ts'
import {
  elementType,
  elementTypeOf,
  type NamedModelTensor,
  readTensor,
  type TensorContext,
} from './tensor.ts'

/** A GraphProto as it is written, before its names are looked up. */
export interface RawGraph {
  readonly name: string
  readonly nodes: readonly RawNode[]
  readonly inputs: readonly RawValue[]
  readonly outputs: readonly RawValue[]
  readonly values: readonly RawValue[]
  readonly constants: readonly NamedModelTensor[]
}

export type RawNode = Omit<ModelNode, 'version'>

/** A value of a kind that is no tensor (sequence, map), or of a type that is not read, has no type. */
export type RawValue = Omit<ModelValue, 'type'> & {
  readonly type: ElementType | undefined
  readonly what: string
}

/** Nodes, values and tensors above which a graph is refused, and settings and edges of one node: each costs memory. */
const most = { entries: 100_000, ofNode: 10_000, list: 2 ** 20 } as const

export function readGraph(reader: MessageReader, context: TensorContext): RawGraph {
  let name = ''
  const nodes: RawNode[] = []
  const [inputs, outputs, values]: [RawValue[], RawValue[], RawValue[]] = [[], [], []]
  const constants: NamedModelTensor[] = []
  let entries = 0
  while (reader.next()) {
    if (++entries > 5 * most.entries)
      throw reader.broken(`is in a graph of more than ${5 * most.entries} entries`)
    switch (reader.field) {
      case 1:
        nodes.push(readNode(reader.message(), context))
        if (nodes.length > most.entries)
          throw reader.broken(`is in a graph of more than ${most.entries} nodes`)
        break
      case 2:
        name = reader.text()
        break
      case 5:
        constants.push(readTensor(reader.message(), context))
        break
      case 11:
        inputs.push(readValue(reader.message()))
        break
      case 12:
        outputs.push(readValue(reader.message()))
        break
      case 13:
        values.push(readValue(reader.message()))
        break
      case 15:
        throw reader.broken('is in a sparse constant, which is not read')
      default:
        reader.skip()
    }
  }
  return { name, nodes, inputs, outputs, values, constants }
}

function readNode(reader: MessageReader, context: TensorContext): RawNode {
  let [name, operator, domain] = ['', '', '']
  const [inputs, outputs]: [string[], string[]] = [[], []]
  const attributes = new Map<string, ModelAttribute>()
  while (reader.next()) {
    switch (reader.field) {
      case 1:
        inputs.push(reader.text())
        break
      case 2:
        outputs.push(reader.text())
        break
      case 3:
        name = reader.text()
        break
      case 4:
        operator = reader.text()
        break
      case 5: {
        const [key, value] = readAttribute(reader.message(), context)
        if (attributes.has(key)) throw reader.broken(`is in a node with two attributes "${key}"`)
        attributes.set(key, value)
        break
      }
      case 7:
        domain = reader.text()
        break
      default:
        reader.skip()
    }
    if (inputs.length + outputs.length + attributes.size > most.ofNode)
      throw reader.broken(`is in a node with more than ${most.ofNode} inputs, outputs and attributes`)
  }
  return { name, operator, domain: domain === 'ai.onnx' ? '' : domain, inputs, outputs, attributes }
}

/** AttributeProto.AttributeType. Files of the first versions leave it out: then the field that is there says it. */
const kinds = ['', 'float', 'int', 'string', 'tensor', 'graph', 'floats', 'ints', 'strings'] as const

function readAttribute(reader: MessageReader, context: TensorContext): [string, ModelAttribute] {
  let [name, type, seen] = ['', 0, 0]
  let [float, int, string, graphs] = [0, 0, '', 0]
  let tensor: ModelTensor | undefined
  const [floats, ints, strings]: [number[], number[], string[]] = [[], [], []]
  const add = <T>(list: T[], value: T) => {
    if (list.push(value) > most.list) throw reader.broken(`is in a list of more than ${most.list} values`)
  }
  while (reader.next()) {
    if (reader.field >= 2 && reader.field <= 9) seen = Math.max(seen, fieldKinds[reader.field]!)
    switch (reader.field) {
      case 1:
        name = reader.text()
        break
      case 2:
        float = reader.float()
        break
      case 3:
        int = reader.integer()
        break
      case 4:
        string = reader.text()
        break
      case 5:
        tensor = readTensor(reader.message(), context).tensor
        break
      case 6:
        graphs++
        reader.skip()
        break
      case 7:
        reader.floats((value) => add(floats, value))
        break
      case 8:
        reader.integers((value) => add(ints, value))
        break
      case 9:
        add(strings, reader.text())
        break
      case 20:
        type = reader.integer()
        break
      case 21:
        throw reader.broken('is in an attribute that refers to one of a function, which is not read')
      default:
        reader.skip()
    }
  }
  switch (kinds[type === 0 ? seen : type]) {
    case 'float':
      return [name, { kind: 'float', value: float }]
    case 'int':
      return [name, { kind: 'int', value: int }]
    case 'string':
      return [name, { kind: 'string', value: string }]
    case 'tensor':
      if (tensor === undefined) throw reader.broken(`ends an attribute "${name}" without its tensor`)
      return [name, { kind: 'tensor', value: tensor }]
    case 'floats':
      return [name, { kind: 'floats', value: floats }]
    case 'ints':
      return [name, { kind: 'ints', value: ints }]
    case 'strings':
      return [name, { kind: 'strings', value: strings }]
    default:
      return [name, { kind: 'graph', value: graphs }]
  }
}

/** The kind of attribute that a field holds, by the field's number. */
const fieldKinds = [0, 0, 1, 2, 3, 4, 5, 6, 7, 8]

/** A ValueInfoProto. */
function readValue(reader: MessageReader): RawValue {
  let name = ''
  let found: Pick<RawValue, 'type' | 'shape' | 'what'> = {
    type: undefined,
    shape: undefined,
    what: 'nothing known',
  }
  while (reader.next()) {
    if (reader.field === 1) name = reader.text()
    else if (reader.field === 2) found = readType(reader.message())
    else reader.skip()
  }
  return { name, ...found }
}

const otherTypes: Readonly<Record<number, string>> = {
  4: 'a sequence',
  5: 'a map',
  8: 'a sparse tensor',
  9: 'an optional value',
}

function readType(reader: MessageReader): Pick<RawValue, 'type' | 'shape' | 'what'> {
  let found: Pick<RawValue, 'type' | 'shape' | 'what'> = {
    type: undefined,
    shape: undefined,
    what: 'nothing known',
  }
  while (reader.next()) {
    if (reader.field === 1) found = readTensorType(reader.message())
    else {
      found = { ...found, what: otherTypes[reader.field] ?? found.what }
      reader.skip()
    }
  }
  return found
}

function readTensorType(reader: MessageReader): Pick<RawValue, 'type' | 'shape' | 'what'> {
  let [code, shape]: [number, (number | undefined)[] | undefined] = [0, undefined]
  while (reader.next()) {
    if (reader.field === 1) code = reader.integer()
    else if (reader.field === 2) shape = readShape(reader.message())
    else reader.skip()
  }
  return { type: elementTypeOf(code), shape, what: `a tensor of type ${code}` }
}

function readShape(reader: MessageReader): (number | undefined)[] {
  const shape: (number | undefined)[] = []
  while (reader.next()) {
    if (reader.field !== 1) {
      reader.skip()
      continue
    }
    const dimension = reader.message()
    let size: number | undefined
    while (dimension.next()) {
      if (dimension.field === 1) size = dimension.integer()
      else dimension.skip()
    }
    if (size !== undefined && (size < 0 || !Number.isSafeInteger(size)))
      throw dimension.broken(`gives a dimension of ${size}`)
    shape.push(size)
    if (shape.length > mostAxes) throw reader.broken(`is in a shape of more than ${mostAxes} axes`)
  }
  return shape
}

/** The type of a value that the caller gives or gets: one that is no tensor of a type that is read is refused. */
export function typed(value: RawValue, file: string): ModelValue {
  const { what, ...rest } = value
  if (value.type !== undefined) return { ...rest, type: value.type }
  const code = /^a tensor of type (\d+)$/.exec(what)?.[1]
  if (code !== undefined) return { ...rest, type: elementType(Number(code), file, value.name) }
  return refuseKind(value.name, what, file)
}

function refuseKind(name: string, what: string, file: string): never {
  throw dataError(`"${name}" is ${what}: only tensors are given to models and taken from them`, {
    where: file,
  })
}
