import { dataError } from '../../base/errors.ts'

export interface Recording {
  readonly rate: number
  /** In [-1, 1). */
  readonly samples: Float32Array
}

/** A WAV file of 16-bit PCM with one channel. Chunks that are not known are passed over. */
export function parseWav(bytes: Uint8Array, file: string): Recording {
  const broken = (what: string) =>
    dataError(`is no WAV file that xgen reads: ${what}`, {
      where: file,
      hint: 'Recordings are 16-bit PCM with one channel.',
    })
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const tag = (at: number) => String.fromCharCode(...bytes.subarray(at, at + 4))
  if (bytes.length < 12 || tag(0) !== 'RIFF' || tag(8) !== 'WAVE') throw broken('it has no RIFF header')
  let rate: number | undefined
  for (let at = 12; at + 8 <= bytes.length; ) {
    const [name, size] = [tag(at), view.getUint32(at + 4, true)]
    const start = at + 8
    if (start + size > bytes.length)
      throw broken(`its chunk "${name}" has ${size} bytes, the file ${bytes.length - start} more`)
    if (name === 'fmt ') {
      if (size < 16) throw broken('its format is cut off')
      const [format, channels, bits] = [0, 2, 14].map((offset) => view.getUint16(start + offset, true))
      if (format !== 1 || channels !== 1 || bits !== 16)
        throw broken(`it has format ${format}, ${channels} channels of ${bits} bits`)
      rate = view.getUint32(start + 4, true)
    }
    if (name === 'data') {
      if (rate === undefined) throw broken('its samples come before its format')
      const samples = new Float32Array(size >> 1)
      for (let i = 0; i < samples.length; i++) samples[i] = view.getInt16(start + 2 * i, true) / 32768
      return { rate, samples }
    }
    at = start + size + (size & 1)
  }
  throw broken('it has no samples')
}
