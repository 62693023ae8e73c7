import { type ImageSet, realValues } from '../net/data/store.ts'
import type { QTensor } from './qgraph.ts'
import { type Codes, codeRange, quantiseValue } from './rules.ts'

/** Type and scale of the tensor that real values are quantised for. */
export type InputTensor = Pick<QTensor, 'bits' | 'signed' | 'scale'>

/** The input rule of docs/numerics.md for one tensor: the code of a real value. */
export function inputCode({ bits, signed, scale }: InputTensor): (real: number) => number {
  const [low, high] = codeRange(bits, signed)
  return (real) => quantiseValue(real, scale, low, high)
}

/** The code of each of the 256 bytes of a pixel; a byte's real value is byte / 255. */
export function byteCodes(tensor: InputTensor): Int16Array {
  const code = inputCode(tensor)
  return Int16Array.from({ length: 256 }, (_, byte) => code(byte / 255))
}

/** Writes the codes of pixels into `codes`, which has as many elements. Returns `codes`. */
export function quantiseBytes(tensor: InputTensor, bytes: Uint8Array, codes: Codes): Codes {
  const ofByte = byteCodes(tensor)
  for (let i = 0; i < codes.length; i++) codes[i] = ofByte[bytes[i]!]!
  return codes
}

/** Writes the codes of some images of a set; `codes` has room for them. Returns `codes`. */
export function quantiseImages(tensor: InputTensor, set: ImageSet, codes: Codes): Codes {
  const { images } = set
  if (set.encoding === undefined && images instanceof Uint8Array) return quantiseBytes(tensor, images, codes)
  const code = inputCode(tensor)
  const real = realValues(set)
  const plane = set.shape[1] * set.shape[2]
  // Float32 as everywhere else where real values are stored.
  for (let i = 0; i < codes.length; i++)
    codes[i] = code(Math.fround(real(images[i]!, Math.floor(i / plane) % set.shape[0])))
  return codes
}

/** The same of real values. */
export function quantiseReals(tensor: InputTensor, values: Float32Array | Float64Array, codes: Codes): Codes {
  const code = inputCode(tensor)
  for (let i = 0; i < codes.length; i++) codes[i] = code(values[i]!)
  return codes
}
