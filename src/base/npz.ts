import { dataError } from './errors.ts'
import { decodeNpy, encodeNpy, type NpyArray } from './npy.ts'
import { checkedElements, checkNames, checkShape, type ExpectedTensors, type NamedTensor } from './tensor.ts'
import { openZip, writeZip } from './zip.ts'

/** The arrays of a .npz archive by name, each in its own type. */
export function readNpzArrays(bytes: Uint8Array, file: string): ReadonlyMap<string, NpyArray> {
  return new Map(
    openZip(bytes, file).map(({ name, unpack }) => {
      if (!name.endsWith('.npy')) throw dataError(`holds "${name}", which is no .npy array`, { where: file })
      return [name.slice(0, -4), decodeNpy(unpack(), `${file}:${name}`)]
    }),
  )
}

/** The .npz archive of such arrays. */
export function writeNpz(arrays: ReadonlyMap<string, NpyArray>): Uint8Array {
  return writeZip([...arrays].map(([name, array]) => ({ name: `${name}.npy`, contents: encodeNpy(array) })))
}

/** Bytes of the longest .npy header that NumPy writes for an array of numbers, and of its widest element. */
const headerBytes = 2 ** 16
const widest = 8

/**
 * Reads a .npz archive: the array `x` is the file `x.npy` in it. Numbers of any type become float32. Names and stored sizes are
 * checked against `expected` before anything is unpacked; then one array after the other is.
 */
export function readNpz(bytes: Uint8Array, file: string, expected?: ExpectedTensors): NamedTensor[] {
  const members = openZip(bytes, file).map((member) => {
    if (!member.name.endsWith('.npy'))
      throw dataError(`holds "${member.name}", which is no .npy array`, { where: file })
    return { ...member, tensor: member.name.slice(0, -4) }
  })
  if (expected !== undefined) {
    checkNames(
      members.map(({ tensor }) => tensor),
      expected,
      file,
    )
    for (const { tensor, size } of members) {
      const shape = expected.shapes.get(tensor)!
      if (size > headerBytes + widest * shape.reduce((product, n) => product * n, 1))
        throw dataError(
          `tensor "${tensor}" has ${size} bytes, more than its shape [${shape.join(', ')}] needs`,
          { where: file },
        )
    }
  }
  let taken = 0
  return members.map(({ name, tensor, unpack }) => {
    const { shape, data } = decodeNpy(unpack(), `${file}:${name}`)
    taken += checkedElements(shape, file, tensor, taken)
    if (expected !== undefined) checkShape(tensor, shape, expected, file)
    return { name: tensor, shape, data: Float32Array.from(data as ArrayLike<number>, Number) }
  })
}
