import { dataError } from '../../base/errors.ts'

/** An array of bytes as an idx file holds it. */
export interface IdxArray {
  readonly shape: readonly number[]
  readonly data: Uint8Array
}

/** Parses an idx file of unsigned bytes: two zeros, the type 8, the number of dimensions, their sizes (big endian), the data. */
export function parseIdx(bytes: Uint8Array, file: string): IdxArray {
  const broken = (what: string) =>
    dataError(`is no valid idx file: ${what}`, {
      where: file,
      hint: 'Fetch it again: "xgen data fetch".',
    })
  if (bytes.length < 4 || bytes[0] !== 0 || bytes[1] !== 0)
    throw broken('it does not begin with the idx magic number')
  if (bytes[2] !== 8) throw broken(`its elements have type ${bytes[2]}; unsigned bytes (8) are read`)
  const dimensions = bytes[3]!
  const start = 4 + 4 * dimensions
  if (dimensions < 1 || dimensions > 4 || bytes.length < start)
    throw broken(`it has ${dimensions} dimensions and ${bytes.length} bytes`)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const shape = Array.from({ length: dimensions }, (_, i) => view.getUint32(4 + 4 * i))
  const expected = shape.reduce((product, n) => product * n, 1)
  if (bytes.length - start !== expected)
    throw broken(
      `it has ${bytes.length - start} bytes of data; its shape ${shape.join('x')} needs ${expected}`,
    )
  return { shape, data: bytes.subarray(start) }
}
