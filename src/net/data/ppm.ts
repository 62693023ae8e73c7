import { dataError } from '../../base/errors.ts'
import { checkSize, type Picture } from './picture.ts'

/** A binary PPM (P6) or PGM (P5) file with values up to 255; comments in the header are passed over. */
export function decodePpm(bytes: Uint8Array, file: string): Picture {
  const broken = (what: string) => dataError(`is no valid PPM or PGM picture: ${what}`, { where: file })
  const header = Buffer.from(bytes.subarray(0, 1024)).toString('latin1')
  const space = '(?:\\s|#[^\\n]*\\n)+'
  const fields = new RegExp(`^P([56])${space}(\\d{1,9})${space}(\\d{1,9})${space}(\\d{1,5})\\s`).exec(header)
  if (fields === null) throw broken('its header cannot be read')
  const [width, height, most] = [2, 3, 4].map((i) => Number(fields[i]))
  checkSize(width!, height!, file)
  if (most! < 1 || most! > 255) throw broken(`its values reach ${most}; 1 to 255 are read`)
  const channels = fields[1] === '6' ? 3 : 1
  const count = width! * height!
  const data = bytes.subarray(fields[0].length, fields[0].length + count * channels)
  if (data.length !== count * channels)
    throw broken(`it has ${data.length} values; ${width}x${height} pixels need ${count * channels}`)
  const pixels = new Uint8Array(3 * count)
  for (let i = 0; i < pixels.length; i++) {
    const value = channels === 3 ? data[i]! : data[Math.floor(i / 3)]!
    pixels[i] = Math.min(255, Math.round((value * 255) / most!))
  }
  return { width: width!, height: height!, pixels }
}
