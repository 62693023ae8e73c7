import { crc32, inflateSync } from 'node:zlib'
import { dataError } from '../../base/errors.ts'
import { checkSize, type Picture } from './picture.ts'

const signature = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]

/** Values a pixel, by colour type: grey, red green blue, palette, grey and alpha, red green blue and alpha. */
const samplesOf: Readonly<Record<number, number>> = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 }

interface Header {
  readonly width: number
  readonly height: number
  readonly depth: number
  readonly colour: number
}

/** A PNG file that is not interlaced. Transparency is left out; of 16 bits a value the upper 8 are taken. (ISO/IEC 15948) */
export function decodePng(bytes: Uint8Array, file: string): Picture {
  const broken = (what: string) => dataError(`is no valid PNG picture: ${what}`, { where: file })
  if (signature.some((byte, i) => bytes[i] !== byte)) throw broken('its first bytes')
  let header: Header | undefined
  let palette: Uint8Array | undefined
  const packed: Uint8Array[] = []
  for (const { type, data } of chunksOf(bytes, broken)) {
    if (type === 'IHDR') header = headerOf(data, file, broken)
    if (type === 'PLTE') palette = data
    if (type === 'IDAT') packed.push(data)
  }
  if (header === undefined) throw broken('it has no header')
  const { width, height, depth, colour } = header
  const samples = samplesOf[colour]!
  const lineBytes = Math.ceil((width * samples * depth) / 8)
  const lines = inflate(packed, height * (lineBytes + 1), broken)
  unfilter(lines, height, lineBytes, Math.max(1, (samples * depth) / 8), broken)
  const valueAt = (y: number, i: number): number => {
    const line = y * (lineBytes + 1) + 1
    if (depth === 8) return lines[line + i]!
    if (depth === 16) return lines[line + 2 * i]!
    const bit = i * depth
    const value = (lines[line + (bit >> 3)]! >> (8 - depth - (bit & 7))) & (2 ** depth - 1)
    return colour === 3 ? value : (value * 255) / (2 ** depth - 1)
  }
  if (colour === 3 && palette === undefined) throw broken('its palette is missing')
  const pixels = new Uint8Array(3 * width * height)
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const to = 3 * (y * width + x)
      for (let c = 0; c < 3; c++) {
        if (colour === 3) pixels[to + c] = palette![3 * valueAt(y, x) + c] ?? 0
        else pixels[to + c] = valueAt(y, x * samples + (samples >= 3 ? c : 0))
      }
    }
  }
  return { width, height, pixels }
}

function* chunksOf(
  bytes: Uint8Array,
  broken: (what: string) => Error,
): Generator<{ readonly type: string; readonly data: Uint8Array }> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  for (let at = 8; ; ) {
    if (at + 12 > bytes.length) throw broken('it is cut off')
    const length = view.getUint32(at)
    if (at + 12 + length > bytes.length) throw broken('it is cut off')
    const type = String.fromCharCode(...bytes.subarray(at + 4, at + 8))
    if (crc32(bytes.subarray(at + 4, at + 8 + length)) !== view.getUint32(at + 8 + length))
      throw broken(`the checksum of its part ${JSON.stringify(type)}`)
    if (type === 'IEND') return
    yield { type, data: bytes.subarray(at + 8, at + 8 + length) }
    at += 12 + length
  }
}

function headerOf(data: Uint8Array, file: string, broken: (what: string) => Error): Header {
  if (data.length !== 13) throw broken('its header')
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength)
  const [width, height] = [view.getUint32(0), view.getUint32(4)]
  const [depth, colour, , , interlace] = data.subarray(8)
  checkSize(width, height, file)
  const depths = colour === 0 ? [1, 2, 4, 8, 16] : colour === 3 ? [1, 2, 4, 8] : [8, 16]
  if (samplesOf[colour!] === undefined || !depths.includes(depth!))
    throw broken(`colour type ${colour} with ${depth} bits`)
  if (interlace !== 0) throw broken('it is interlaced, which is not read')
  return { width, height, depth: depth!, colour: colour! }
}

function inflate(
  packed: readonly Uint8Array[],
  expected: number,
  broken: (what: string) => Error,
): Uint8Array {
  let lines: Uint8Array
  try {
    lines = inflateSync(Buffer.concat(packed), { maxOutputLength: expected + 1 })
  } catch (cause) {
    throw broken(`its pixels cannot be unpacked (${(cause as Error).message})`)
  }
  if (lines.length !== expected) throw broken(`it has ${lines.length} bytes of pixels instead of ${expected}`)
  return lines
}

/** Undoes the prediction of each line from its left, upper and upper left neighbours, in place. */
function unfilter(
  lines: Uint8Array,
  height: number,
  lineBytes: number,
  step: number,
  broken: (what: string) => Error,
): void {
  for (let y = 0; y < height; y++) {
    const start = y * (lineBytes + 1) + 1
    const filter = lines[start - 1]!
    if (filter > 4) throw broken(`line ${y} has filter ${filter}`)
    for (let i = 0; i < lineBytes; i++) {
      const left = i >= step ? lines[start + i - step]! : 0
      const up = y > 0 ? lines[start + i - lineBytes - 1]! : 0
      const corner = y > 0 && i >= step ? lines[start + i - step - lineBytes - 1]! : 0
      lines[start + i] = lines[start + i]! + predicted(filter, left, up, corner)
    }
  }
}

function predicted(filter: number, left: number, up: number, corner: number): number {
  switch (filter) {
    case 1:
      return left
    case 2:
      return up
    case 3:
      return (left + up) >> 1
    case 4: {
      const [a, b, c] = [Math.abs(up - corner), Math.abs(left - corner), Math.abs(left + up - 2 * corner)]
      return a <= b && a <= c ? left : b <= c ? up : corner
    }
    default:
      return 0
  }
}
