import { dataError } from './errors.ts'

/** NumPy's array file, version 1.0 to 3.0: one array, little-endian, last index fastest (C order). */
export interface NpyArray {
  readonly type: NpyType
  readonly shape: readonly number[]
  readonly data: NpyData
}

/** Integers by sign and bytes, floats by bytes, truth values (bytes of 0 and 1): NumPy's own codes. */
export type NpyType = 'b1' | 'i1' | 'u1' | 'i2' | 'u2' | 'i4' | 'u4' | 'i8' | 'u8' | 'f4' | 'f8'
export type NpyData =
  | Int8Array
  | Uint8Array
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | BigInt64Array
  | BigUint64Array
  | Float32Array
  | Float64Array

const layouts = {
  b1: { bytes: 1, array: Uint8Array },
  i1: { bytes: 1, array: Int8Array },
  u1: { bytes: 1, array: Uint8Array },
  i2: { bytes: 2, array: Int16Array },
  u2: { bytes: 2, array: Uint16Array },
  i4: { bytes: 4, array: Int32Array },
  u4: { bytes: 4, array: Uint32Array },
  i8: { bytes: 8, array: BigInt64Array },
  u8: { bytes: 8, array: BigUint64Array },
  f4: { bytes: 4, array: Float32Array },
  f8: { bytes: 8, array: Float64Array },
} as const

const magic = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59]

/** Elements above which a file is refused before anything is allocated. */
const mostElements = 2 ** 30

export function encodeNpy({ type, shape, data }: NpyArray): Uint8Array {
  const elements = shape.reduce((product, n) => product * n, 1)
  if (elements !== data.length)
    throw new RangeError(
      `the shape [${shape.join(', ')}] has ${elements} elements, but the data ${data.length}`,
    )
  const { bytes } = layouts[type]
  const dimensions = shape.length === 1 ? `${shape[0]},` : shape.join(', ')
  const header = `{'descr': '${bytes === 1 ? '|' : '<'}${type}', 'fortran_order': False, 'shape': (${dimensions}), }`
  // Magic, version, length, header and newline fill a multiple of 64 bytes.
  const headerLength = Math.ceil((10 + header.length + 1) / 64) * 64 - 10
  const out = new Uint8Array(10 + headerLength + elements * bytes)
  out.set([...magic, 1, 0, headerLength & 255, headerLength >> 8])
  out.set(Buffer.from(`${header.padEnd(headerLength - 1)}\n`, 'latin1'), 10)
  out.set(
    littleEndian(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), bytes),
    10 + headerLength,
  )
  return out
}

/** Reads an array; `file` names it in messages. Big-endian and Fortran-order files are refused. */
export function decodeNpy(file: Uint8Array, name: string): NpyArray {
  const fail = (message: string, hint?: string): never => {
    throw dataError(message, { where: name, hint })
  }
  if (file.length < 12 || magic.some((byte, i) => file[i] !== byte))
    fail('is no .npy file', 'Write it with numpy.save.')
  const wide = file[6]! >= 2
  if (file[6]! < 1 || file[6]! > 3) fail(`is a .npy file of version ${file[6]}, which is not known`)
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength)
  const start = wide ? 12 : 10
  const end = start + (wide ? view.getUint32(8, true) : view.getUint16(8, true))
  if (end > file.length) fail('the .npy header is cut short')
  const header = Buffer.from(file.subarray(start, end)).toString('latin1')

  const description = /'descr'\s*:\s*'([^']*)'/.exec(header)?.[1]
  if (description === undefined) return fail('the .npy header has no type')
  const type = description.replace(/^[<|=]/, '') as NpyType
  if (!Object.hasOwn(layouts, type)) {
    return fail(
      `holds elements of type "${description}"`,
      `Convert it first: ${Object.keys(layouts).join(', ')} are read, little-endian.`,
    )
  }
  if (/'fortran_order'\s*:\s*True/.test(header))
    fail('is in Fortran order', 'Save numpy.ascontiguousarray(x).')
  const dimensions = /'shape'\s*:\s*\(([\d,\s]*)\)/.exec(header)?.[1]
  if (dimensions === undefined) return fail('the .npy header has no shape')
  const shape = dimensions
    .split(',')
    .map((n) => n.trim())
    .filter((n) => n !== '')
    .map(Number)
  const elements = shape.reduce((product, n) => product * n, 1)
  if (!Number.isSafeInteger(elements) || elements > mostElements)
    fail(`has the shape (${shape.join(', ')}), more than ${mostElements} elements`)

  const { bytes, array } = layouts[type]
  if (file.length - end !== elements * bytes) {
    fail(
      `has ${file.length - end} bytes of data, but the shape (${shape.join(', ')}) of ${type} needs ${elements * bytes}`,
    )
  }
  const content = littleEndian(new Uint8Array(file.subarray(end)), bytes)
  return { type, shape, data: new array(content.buffer as ArrayBuffer, content.byteOffset, elements) }
}

/** The bytes in the file's order, which is that of all machines but a few. */
function littleEndian<B extends ArrayBufferLike>(
  bytes: Uint8Array<B>,
  size: number,
): Uint8Array<B | ArrayBuffer> {
  if (size === 1 || new Uint8Array(Uint16Array.of(1).buffer)[0] === 1) return bytes
  const swapped = new Uint8Array(bytes.length)
  for (let i = 0; i < bytes.length; i++) swapped[i] = bytes[i - (i % size) + (size - 1 - (i % size))]!
  return swapped
}
