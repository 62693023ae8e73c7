/**
 * The order in which the native interface moves a feature map: y, x, channel, channel fastest. Tensors elsewhere are stored
 * [channel][y][x].
 */
export function toStream(codes: ArrayLike<number>, shape: readonly [number, number, number]): Uint8Array {
  const [channels, height, width] = shape
  const area = height * width
  const stream = new Uint8Array(channels * area)
  for (let pixel = 0, at = 0; pixel < area; pixel++) {
    for (let c = 0; c < channels; c++) stream[at++] = codes[c * area + pixel]! & 255
  }
  return stream
}

/** Values [channel][y][x] of raw stream codes, two's complement where `signed`. */
export function fromStream(
  stream: Uint8Array,
  shape: readonly [number, number, number],
  signed: boolean,
): Int16Array {
  const [channels, height, width] = shape
  const area = height * width
  const codes = new Int16Array(channels * area)
  for (let pixel = 0, at = 0; pixel < area; pixel++) {
    for (let c = 0; c < channels; c++) {
      const raw = stream[at++]!
      codes[c * area + pixel] = signed && raw > 127 ? raw - 256 : raw
    }
  }
  return codes
}
