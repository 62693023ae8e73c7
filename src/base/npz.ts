import { dataError } from './errors.ts'
import { decodeNpy } from './npy.ts'
import { checkedElements, type NamedTensor } from './tensor.ts'
import { readZip } from './zip.ts'

/** Reads a .npz archive: the array `x` is the file `x.npy` in it. Numbers of any type become float32. */
export function readNpz(bytes: Uint8Array, file: string): NamedTensor[] {
  return readZip(bytes, file).map(({ name, contents }) => {
    if (!name.endsWith('.npy')) throw dataError(`holds "${name}", which is no .npy array`, { where: file })
    const { shape, data } = decodeNpy(contents, `${file}:${name}`)
    checkedElements(shape, file, name)
    return { name: name.slice(0, -4), shape, data: Float32Array.from(data as ArrayLike<number>, Number) }
  })
}
