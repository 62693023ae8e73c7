// Numbers of 16 bits: float16 (5 bits of exponent, 10 of fraction) and bfloat16 (8 and 7), which is the upper half of a float32.

const word = new DataView(new ArrayBuffer(4))

/** The value of the bits of a bfloat16. */
export function fromBfloat(bits: number): number {
  word.setUint32(0, bits << 16)
  return word.getFloat32(0)
}

/** The value of the bits of a float16. */
export function fromHalf(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1
  const exponent = (bits >> 10) & 31
  const fraction = bits & 1023
  if (exponent === 31) return fraction === 0 ? sign * Infinity : Number.NaN
  return sign * (exponent === 0 ? fraction * 2 ** -24 : (1 + fraction / 1024) * 2 ** (exponent - 15))
}

/** The bits of the nearest float16 of a float32; of two, the one with an even fraction. */
export function toHalf(value: number): number {
  word.setFloat32(0, value)
  const sign = word.getUint8(0) & 0x80 ? 0x8000 : 0
  const size = Math.abs(value)
  if (Number.isNaN(value)) return 0x7e00
  // half a step beyond the largest
  if (size >= 65520) return sign | 0x7c00
  const exponent = size === 0 ? -14 : Math.max(-14, Math.floor(Math.log2(size)))
  const steps = evenly(size / 2 ** (exponent - 10))
  // a fraction that rounds up to the next power of two carries into the exponent
  return sign | (((exponent + 14) << 10) + steps)
}

/** The bits of the nearest bfloat16 of a float32; of two, the even one. */
export function toBfloat(value: number): number {
  if (Number.isNaN(value)) return 0x7fc0
  word.setFloat32(0, value)
  const bits = word.getUint32(0)
  return (bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16
}

/** The nearest whole number of one that is not negative; of two, the even one. */
function evenly(x: number): number {
  const floor = Math.floor(x)
  const rest = x - floor
  return rest > 0.5 || (rest === 0.5 && floor % 2 === 1) ? floor + 1 : floor
}
