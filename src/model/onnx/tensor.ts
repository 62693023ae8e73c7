import { dataError } from '../../base/errors.ts'
import { fromBfloat, fromHalf } from '../../base/half.ts'
import { checkedElements } from '../../base/tensor.ts'
import type { ElementType, ModelTensor, TypedData } from '../model.ts'
import { isNarrow, narrowBits, narrowValue, putValues } from '../narrow.ts'
import { arrayOf, emptyTensor, type HalfType, isHalf, isWide, mostAxes } from '../tensors.ts'
import { type ExternalPlace, readExternal } from './external.ts'
import type { MessageReader } from './protobuf.ts'

/** Element types by their number in ONNX (TensorProto.DataType); null: known by name, but not read. */
const types: readonly (readonly [name: string, type: ElementType | null])[] = [
  ['undefined', null],
  ['float', 'float32'],
  ['uint8', 'uint8'],
  ['int8', 'int8'],
  ['uint16', 'uint16'],
  ['int16', 'int16'],
  ['int32', 'int32'],
  ['int64', 'int64'],
  ['string', 'string'],
  ['bool', 'bool'],
  ['float16', 'float16'],
  ['double', 'float64'],
  ['uint32', 'uint32'],
  ['uint64', 'uint64'],
  ['complex64', null],
  ['complex128', null],
  ['bfloat16', 'bfloat16'],
  ['float8e4m3fn', 'float8e4m3fn'],
  ['float8e4m3fnuz', 'float8e4m3fnuz'],
  ['float8e5m2', 'float8e5m2'],
  ['float8e5m2fnuz', 'float8e5m2fnuz'],
  ['uint4', 'uint4'],
  ['int4', 'int4'],
  ['float4e2m1', null],
]

/** The element type of a number in a file. */
export function elementType(code: number, file: string, name: string): ElementType {
  const type = elementTypeOf(code)
  if (type !== undefined) return type
  const known = types[code]
  throw dataError(
    known === undefined || code === 0
      ? `"${name}" has elements of type ${code}, which ONNX does not know`
      : `"${name}" has elements of type ${known[0]}, which are not read`,
    {
      where: file,
      hint: 'Read are floats of 8 to 64 bits, bool and integers of 4 to 64 bits: export the model in one of them.',
    },
  )
}

export function elementTypeOf(code: number): ElementType | undefined {
  return types[code]?.[1] ?? undefined
}

/** The number of an element type in ONNX. */
export const codeOf = (type: ElementType): number => types.findIndex(([, known]) => known === type)

/** What a tensor's message says, before its values are decoded. */
interface Description {
  readonly name: string
  readonly code: number
  readonly shape: readonly number[]
  readonly raw: Uint8Array | undefined
  readonly strings: number
  readonly external: ExternalPlace | undefined
}

/** What all tensors of a file share. */
export interface TensorContext {
  /** Directory of the model, where external data lies. */
  readonly directory: string
  /** Elements of all tensors read so far. */
  taken: number
}

export interface NamedModelTensor {
  readonly name: string
  readonly tensor: ModelTensor
}

/** A TensorProto. Its shape is checked against its data before memory is taken for it. */
export function readTensor(reader: MessageReader, context: TensorContext): NamedModelTensor {
  const { name, code, shape, raw, strings, external } = describe(reader)
  const { file } = reader
  const type = elementType(code, file, name)
  const elements = checkedElements(shape, file, name, context.taken)
  context.taken += elements
  const size = Math.ceil((elements * bitsOf(type)) / 8)
  const differs = (found: number, unit: string) =>
    dataError(
      `tensor "${name}" has ${found} ${unit}, but its shape [${shape.join(', ')}] of ${type} needs ${unit === 'bytes' ? size : elements}`,
      { where: file, hint: 'Is the file truncated? Export it again.' },
    )
  if (type === 'string') {
    if (strings !== elements) throw differs(strings, 'strings')
    return { name, tensor: emptyTensor(type, [0]) }
  }
  const stored =
    external === undefined ? raw : readExternal(external, size, { file, directory: context.directory, name })
  if (stored !== undefined) {
    if (stored.length !== size) throw differs(stored.length, 'bytes')
    return { name, tensor: { type, shape, data: decoded(stored, type, elements) } }
  }
  // Every value, or two of 4 bits, takes a byte of the file at least: so much memory may be taken.
  if (elements > reader.bytes.length * (bitsOf(type) === 4 ? 2 : 1))
    throw differs(reader.bytes.length, 'bytes')
  const tensor = emptyTensor(type, shape)
  const filled = fill(reader.again(), tensor)
  if (filled !== elements) throw differs(filled, 'values')
  return { name, tensor }
}

function describe(reader: MessageReader): Description {
  const found = { name: '', code: 0, shape: [] as number[], strings: 0 }
  let [raw, external]: [Uint8Array | undefined, boolean] = [undefined, false]
  const place = new Map<string, string>()
  while (reader.next()) {
    switch (reader.field) {
      case 1:
        reader.integers((n) => {
          if (found.shape.push(n) > mostAxes)
            throw reader.broken(`is in a tensor of more than ${mostAxes} axes`)
        })
        break
      case 2:
        found.code = reader.integer()
        break
      case 3:
        throw reader.broken('is in a tensor that is stored in segments, which are not read')
      case 6:
        reader.skip()
        found.strings++
        break
      case 8:
        found.name = reader.text()
        break
      case 9:
        raw = reader.slice()
        break
      case 13:
        readEntry(reader.message(), place)
        break
      case 14:
        external = reader.integer() === 1
        break
      default:
        reader.skip()
    }
  }
  return { ...found, raw, external: external ? { entries: place } : undefined }
}

/** Puts the values of the fields for typed data into a tensor; how many there are. */
function fill(reader: MessageReader, { type, data }: ModelTensor): number {
  let filled = 0
  const values = data as { [index: number]: number | bigint }
  const set = (value: number | bigint) => {
    if (filled < data.length) values[filled] = value
    filled++
  }
  const value = valueInField(type)
  const pairs = bitsOf(type) === 4
  const put = (stored: number | bigint) => {
    set(value(stored))
    if (pairs && filled < data.length) set(value(Number(stored) >> 4))
  }
  while (reader.next()) {
    if (reader.field === 4) reader.floats(put)
    else if (reader.field === 5) reader.integers(put)
    else if (reader.field === 7 || reader.field === 11) reader.bigIntegers(put)
    else if (reader.field === 10) reader.doubles(put)
    else reader.skip()
  }
  return filled
}

/** A StringStringEntryProto. */
export function readEntry(reader: MessageReader, into: Map<string, string>): void {
  let [key, value] = ['', '']
  while (reader.next()) {
    if (reader.field === 1) key = reader.text()
    else if (reader.field === 2) value = reader.text()
    else reader.skip()
  }
  into.set(key, value)
}

/** Bits of an element in a file. */
const bitsOf = (type: ElementType): number =>
  isNarrow(type) ? narrowBits(type) : isHalf(type) ? 16 : 8 * arrayOf(type).BYTES_PER_ELEMENT

/** How the fields of typed data have an element: types of up to 16 bits that JavaScript has not stand there as their bits. */
function valueInField(type: ElementType): (stored: number | bigint) => number | bigint {
  if (isWide(type)) return (stored) => BigInt(stored)
  if (isNarrow(type)) return (stored) => narrowValue(type, Number(stored))
  if (!isHalf(type)) return (stored) => Number(stored)
  const value = valueOfBits(type)
  return (stored) => value(Number(stored))
}

const valueOfBits = (type: HalfType) => (type === 'float16' ? fromHalf : fromBfloat)

/** Stored bytes as elements; a copy, since they may lie anywhere in the file. */
function decoded(bytes: Uint8Array, type: ElementType, elements: number): TypedData {
  if (isNarrow(type)) {
    const { data } = emptyTensor(type, [elements])
    putValues(type, bytes, data as Float32Array)
    return data
  }
  if (isHalf(type)) {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
    const value = valueOfBits(type)
    return Float32Array.from({ length: bytes.length / 2 }, (_, i) => value(view.getUint16(2 * i, true)))
  }
  const copy = new Uint8Array(bytes)
  const array = arrayOf(type)
  if (array.BYTES_PER_ELEMENT > 1 && new Uint8Array(Uint16Array.of(1).buffer)[0] !== 1)
    for (let at = 0; at < copy.length; at += array.BYTES_PER_ELEMENT)
      copy.subarray(at, at + array.BYTES_PER_ELEMENT).reverse()
  return new array(copy.buffer)
}
