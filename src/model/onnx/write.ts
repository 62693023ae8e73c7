import { invariant } from '../../base/errors.ts'
import { toBfloat, toHalf } from '../../base/half.ts'
import type { Model, ModelAttribute, ModelNode, ModelTensor, ModelValue } from '../model.ts'
import { isNarrow } from '../narrow.ts'
import { type HalfType, isHalf, isWide } from '../tensors.ts'
import { codeOf } from './tensor.ts'

/** A field of a protobuf message, encoded. */
type Bytes = Uint8Array

/** Version of the file format (IR) that is written: that of operator set 21. */
const irVersion = 10

/** Pairs that viewers show of a model, and of its nodes by name. */
export interface OnnxNotes {
  readonly model?: ReadonlyMap<string, string>
  readonly nodes?: ReadonlyMap<string, ReadonlyMap<string, string>>
}

/** A model as an ONNX file. */
export function writeOnnx(model: Model, notes: OnnxNotes = {}): Uint8Array {
  invariant(model.format === 'onnx', 'only operators of ONNX stand in an ONNX file')
  const versions = new Map(model.nodes.map(({ domain, version }) => [domain, version]))
  if (!versions.has('')) versions.set('', 21)
  return message(
    integer(1, irVersion),
    text(2, 'xgen'),
    nested(7, graph(model, notes)),
    ...[...versions].map(([domain, version]) => nested(8, message(text(1, domain), integer(2, version)))),
    ...pairs(14, notes.model),
  )
}

/** StringStringEntryProto. */
const pairs = (field: number, entries: ReadonlyMap<string, string> = new Map()): Bytes[] =>
  [...entries].map(([key, value]) => nested(field, message(text(1, key), text(2, value))))

function graph({ name, nodes, inputs, outputs, constants, values }: Model, notes: OnnxNotes): Bytes {
  const ends = new Set([...inputs, ...outputs].map((value) => value.name))
  return message(
    ...nodes.map((each) => nested(1, node(each, notes.nodes?.get(each.name)))),
    text(2, name),
    ...[...constants].map(([key, value]) => nested(5, tensor(value, key))),
    ...inputs.map((each) => nested(11, valueInfo(each))),
    ...outputs.map((each) => nested(12, valueInfo(each))),
    ...[...values.values()].filter((each) => !ends.has(each.name)).map((each) => nested(13, valueInfo(each))),
  )
}

function node(
  { name, operator, domain, inputs, outputs, attributes }: ModelNode,
  notes?: ReadonlyMap<string, string>,
): Bytes {
  return message(
    ...inputs.map((input) => text(1, input)),
    ...outputs.map((output) => text(2, output)),
    text(3, name),
    text(4, operator),
    ...[...attributes].map(([key, value]) => nested(5, attribute(key, value))),
    ...(domain === '' ? [] : [text(7, domain)]),
    ...pairs(9, notes),
  )
}

function attribute(name: string, given: ModelAttribute): Bytes {
  const [type, ...values] = attributeFields(given)
  return message(text(1, name), ...values, integer(20, type))
}

/** The number of the attribute's type, and the fields with its value. */
function attributeFields(given: ModelAttribute): readonly [type: number, ...fields: Bytes[]] {
  switch (given.kind) {
    case 'float':
      return [1, float(2, given.value)]
    case 'int':
      return [2, integer(3, given.value)]
    case 'string':
      return [3, text(4, given.value)]
    case 'tensor':
      return [4, nested(5, tensor(given.value))]
    case 'floats':
      return [6, ...given.value.map((value) => float(7, value))]
    case 'ints':
      return [7, ...given.value.map((value) => integer(8, value))]
    case 'strings':
      return [8, ...given.value.map((value) => text(9, value))]
    case 'graph':
      throw new RangeError('a graph inside a node is not kept, so it cannot be written')
  }
}

/** A TensorProto with its values in `raw_data`. */
export function tensor({ type, shape, data }: ModelTensor, name = ''): Bytes {
  invariant(!isNarrow(type), `tensors of ${type} are not written`)
  return message(
    ...shape.map((n) => integer(1, n)),
    integer(2, codeOf(type)),
    ...(name === '' ? [] : [text(8, name)]),
    nested(
      9,
      isHalf(type) ? halves(data, type) : littleEndian(data, isWide(type) ? 8 : data.BYTES_PER_ELEMENT),
    ),
  )
}

function halves(data: ModelTensor['data'], type: HalfType): Bytes {
  const bits = type === 'float16' ? toHalf : toBfloat
  return littleEndian(Uint16Array.from(data as Float32Array, bits), 2)
}

function littleEndian(data: ModelTensor['data'], size: number): Bytes {
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
  if (new Uint8Array(Uint16Array.of(1).buffer)[0] === 1) return bytes
  const swapped = bytes.slice()
  for (let at = 0; at < swapped.length; at += size) swapped.subarray(at, at + size).reverse()
  return swapped
}

function valueInfo({ name, type, shape }: ModelValue): Bytes {
  const dimensions = shape?.map((n) =>
    nested(1, n === undefined ? message(text(2, 'n')) : message(integer(1, n))),
  )
  const described = message(
    integer(1, codeOf(type)),
    ...(dimensions === undefined ? [] : [nested(2, message(...dimensions))]),
  )
  return message(text(1, name), nested(2, message(nested(1, described))))
}

const message = (...fields: readonly Bytes[]): Bytes => Buffer.concat(fields)

const integer = (field: number, value: number): Bytes =>
  Uint8Array.from([...varint(BigInt(field * 8)), ...varint(BigInt(value))])

function float(field: number, value: number): Bytes {
  const bytes = new Uint8Array(4)
  new DataView(bytes.buffer).setFloat32(0, value, true)
  return message(Uint8Array.from(varint(BigInt(field * 8 + 5))), bytes)
}

const nested = (field: number, contents: Bytes): Bytes =>
  message(Uint8Array.from([...varint(BigInt(field * 8 + 2)), ...varint(BigInt(contents.length))]), contents)

const text = (field: number, contents: string): Bytes => nested(field, new TextEncoder().encode(contents))

/** Seven bits a byte, lowest first; negative numbers as their 64 bits. */
function varint(value: bigint): number[] {
  const bytes: number[] = []
  let rest = BigInt.asUintN(64, value)
  do {
    bytes.push(Number(rest & 127n) | (rest > 127n ? 128 : 0))
    rest >>= 7n
  } while (rest > 0n)
  return bytes
}
