import { dataError } from '../../base/errors.ts'

/** How a number is stored. */
export type Scalar =
  | 'bool'
  | 'int8'
  | 'uint8'
  | 'uint16'
  | 'int32'
  | 'uint32'
  | 'int64'
  | 'uint64'
  | 'float32'

const sizes: Readonly<Record<Scalar, number>> = {
  bool: 1,
  int8: 1,
  uint8: 1,
  uint16: 2,
  int32: 4,
  uint32: 4,
  int64: 8,
  uint64: 8,
  float32: 4,
}

/**
 * A table of a flatbuffer. Fields are numbered as the schema lists them (a union takes two numbers: its type and its value). Every
 * access is checked against the file before it is read; a place that lies outside is an error that says what was looked for.
 */
export interface FlatTable {
  has(field: number): boolean
  /** A number; `absent` where the file leaves the field out, which is how the format stores defaults. */
  number(field: number, type: Scalar, absent?: number): number
  /** Undefined where the field is absent. */
  text(field: number): string | undefined
  table(field: number): FlatTable | undefined
  /** A vector of tables; empty where it is absent. */
  tables(field: number): readonly FlatTable[]
  /** A vector of numbers; empty where it is absent. */
  numbers(field: number, type: Scalar): readonly number[]
  /** A vector of bytes, as they lie in the file; undefined where it is absent. */
  bytes(field: number): Uint8Array | undefined
}

interface Source {
  readonly bytes: Uint8Array
  readonly view: DataView
  readonly file: string
  /** What may still be made of the file: many fields may point to one vector, which is decoded anew for each. */
  remaining: number
}

/** Decoded values may take so many times the bytes of the file: sound files name each vector once. */
const expansion = 16

/** The root table of a flatbuffer with a file identifier of four letters. */
export function readFlatbuffer(bytes: Uint8Array, identifier: string, file: string): FlatTable {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const source: Source = { bytes, view, file, remaining: expansion * bytes.length + 4096 }
  if (bytes.length < 8) throw broken(source, `it has ${bytes.length} bytes`)
  const found = String.fromCharCode(...bytes.subarray(4, 8))
  if (found !== identifier)
    throw broken(source, `bytes 4 to 7 are ${JSON.stringify(found)}, expected is "${identifier}"`)
  return tableAt(source, view.getUint32(0, true), 'the root table')
}

const broken = ({ file }: Source, what: string) =>
  dataError(`is no valid flatbuffer: ${what}`, {
    where: file,
    hint: 'The file may be truncated or damaged: fetch or export it again.',
  })

function within(source: Source, at: number, length: number, what: string): void {
  if (!(at >= 0 && at + length <= source.bytes.length))
    throw broken(source, `${what} lies outside of the file (byte ${at} of ${source.bytes.length})`)
}

function take(source: Source, bytes: number, what: string): void {
  source.remaining -= bytes
  if (source.remaining < 0)
    throw broken(source, `${what}: its tables claim more than ${expansion} times the bytes of the file`)
}

function tableAt(source: Source, at: number, what: string): FlatTable {
  const { view } = source
  within(source, at, 4, what)
  take(source, 16, what)
  const vtable = at - view.getInt32(at, true)
  within(source, vtable, 4, `the field list of ${what}`)
  const listed = view.getUint16(vtable, true)
  const size = view.getUint16(vtable + 2, true)
  if (listed < 4 || listed % 2 !== 0) throw broken(source, `the field list of ${what} has ${listed} bytes`)
  within(source, vtable, listed, `the field list of ${what}`)
  within(source, at, size, what)

  /** Byte of a field's value, or undefined where it is absent. */
  const place = (field: number, bytes: number): number | undefined => {
    const entry = 4 + 2 * field
    const offset = entry + 2 <= listed ? view.getUint16(vtable + entry, true) : 0
    if (offset === 0) return undefined
    if (offset < 4 || offset + bytes > size)
      throw broken(source, `field ${field} of ${what} lies outside of it`)
    return at + offset
  }
  const target = (field: number): number | undefined => {
    const from = place(field, 4)
    return from === undefined ? undefined : from + view.getUint32(from, true)
  }
  const vector = (field: number, size: number): { start: number; count: number } | undefined => {
    const start = target(field)
    if (start === undefined) return undefined
    const name = `field ${field} of ${what}`
    within(source, start, 4, name)
    const count = view.getUint32(start, true)
    within(source, start + 4, count * size, `${name} (${count} elements)`)
    return { start: start + 4, count }
  }
  return {
    has: (field) => place(field, 1) !== undefined,
    number: (field, type, absent = 0) => {
      const from = place(field, sizes[type])
      return from === undefined ? absent : scalarAt(view, from, type)
    },
    text: (field) => {
      const found = vector(field, 1)
      if (found === undefined) return undefined
      take(source, found.count, `the text in field ${field} of ${what}`)
      return new TextDecoder().decode(source.bytes.subarray(found.start, found.start + found.count))
    },
    table: (field) => {
      const to = target(field)
      return to === undefined ? undefined : tableAt(source, to, `field ${field} of ${what}`)
    },
    tables: (field) => {
      const found = vector(field, 4)
      if (found === undefined) return []
      take(source, found.count * 4, `field ${field} of ${what}`)
      return Array.from({ length: found.count }, (_, i) => {
        const from = found.start + 4 * i
        return tableAt(source, from + view.getUint32(from, true), `element ${i} of field ${field} of ${what}`)
      })
    },
    numbers: (field, type) => {
      const found = vector(field, sizes[type])
      if (found === undefined) return []
      take(source, found.count * sizes[type], `field ${field} of ${what}`)
      return Array.from({ length: found.count }, (_, i) =>
        scalarAt(view, found.start + i * sizes[type], type),
      )
    },
    bytes: (field) => {
      const found = vector(field, 1)
      return found === undefined ? undefined : source.bytes.subarray(found.start, found.start + found.count)
    },
  }
}

/** 64-bit integers beyond 2^53 lose their low bits: what is read as such (zero points, offsets) is checked against small bounds. */
function scalarAt(view: DataView, at: number, type: Scalar): number {
  switch (type) {
    case 'bool':
    case 'uint8':
      return view.getUint8(at)
    case 'int8':
      return view.getInt8(at)
    case 'uint16':
      return view.getUint16(at, true)
    case 'int32':
      return view.getInt32(at, true)
    case 'uint32':
      return view.getUint32(at, true)
    case 'int64':
      return Number(view.getBigInt64(at, true))
    case 'uint64':
      return Number(view.getBigUint64(at, true))
    case 'float32':
      return view.getFloat32(at, true)
  }
}
