import { decode } from 'jpeg-js'
import { dataError } from '../../base/errors.ts'
import { decodePng } from './png.ts'
import { decodePpm } from './ppm.ts'

/** A picture in colour. */
export interface Picture {
  readonly width: number
  readonly height: number
  /** [y][x][red, green, blue] */
  readonly pixels: Uint8Array
}

/** File names that are read as pictures. */
export const pictureName = /\.(jpe?g|png|ppm|pgm)$/i

/** Pixels of one picture: larger ones are refused before memory is taken. */
export const mostPixels = 2 ** 26

/** A picture of any kind that is read, by what it begins with: names are often wrong (ImageNet has a PNG that is called JPEG). */
export function decodePicture(bytes: Uint8Array, file: string): Picture {
  if (bytes[0] === 0xff && bytes[1] === 0xd8) return decodeJpeg(bytes, file)
  if (bytes[0] === 0x89 && bytes[1] === 0x50) return decodePng(bytes, file)
  if (bytes[0] === 0x50 && (bytes[1] === 0x35 || bytes[1] === 0x36)) return decodePpm(bytes, file)
  throw dataError('is no picture that xgen reads', {
    where: file,
    hint: 'JPEG, PNG and binary PPM or PGM are read.',
  })
}

/** Baseline and progressive, grey, YCbCr, and CMYK as Adobe writes it. */
function decodeJpeg(bytes: Uint8Array, file: string): Picture {
  checkJpegSize(bytes, file)
  try {
    const { width, height, data } = decode(bytes, {
      useTArray: true,
      formatAsRGBA: false,
      tolerantDecoding: false,
      maxResolutionInMP: mostPixels / 1e6,
      maxMemoryUsageInMB: 768,
    })
    if (data.length !== 3 * width * height)
      throw new Error(`${data.length} values for ${width}x${height} pixels`)
    return { width, height, pixels: data }
  } catch (cause) {
    throw dataError(`is no valid JPEG picture: ${(cause as Error).message}`, { where: file, cause })
  }
}

/** The size stands in the frame header; a picture without one is none. */
function checkJpegSize(bytes: Uint8Array, file: string): void {
  for (let at = 2; at + 9 < bytes.length; ) {
    if (bytes[at] !== 0xff) break
    const marker = bytes[at + 1]!
    const frame = marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker)
    if (frame) {
      const [height, width] = [bytes[at + 5]! * 256 + bytes[at + 6]!, bytes[at + 7]! * 256 + bytes[at + 8]!]
      checkSize(width, height, file)
      return
    }
    at += marker === 0xff ? 1 : 2 + bytes[at + 2]! * 256 + bytes[at + 3]!
  }
  throw dataError('is no valid JPEG picture: it has no frame', { where: file })
}

export function checkSize(width: number, height: number, file: string): void {
  if (width >= 1 && height >= 1 && width * height <= mostPixels) return
  throw dataError(`has ${width}x${height} pixels; from 1 to ${mostPixels} are read`, { where: file })
}
