/** How features are made of sound. All of it is stated in docs/data.md. */
export interface FrontEnd {
  /** Samples a second; a recording of another rate is refused. */
  readonly rate: number
  /** Samples that a clip has: longer ones are cut at the end, shorter ones followed by silence. */
  readonly samples: number
  /** Samples of a window, and from one to the next. */
  readonly window: number
  readonly hop: number
  /** Points of the Fourier transform: a power of two, not below the window. */
  readonly fft: number
  readonly bands: number
  /** In Hz. */
  readonly lowest: number
  readonly highest: number
  /** Added to the energies of the bands before the logarithm. */
  readonly floor: number
  readonly coefficients: number
}

/** That of MLPerf Tiny's keyword spotter, at any rate: windows of 30 ms every 20 ms of a second, 40 bands, 10 coefficients. */
export const keywordFrontEnd = (rate: number): FrontEnd => ({
  rate,
  samples: rate,
  window: (rate * 30) / 1000,
  hop: (rate * 20) / 1000,
  fft: 2 ** Math.ceil(Math.log2((rate * 30) / 1000)),
  bands: 40,
  lowest: 20,
  highest: 4000,
  floor: 1e-6,
  coefficients: 10,
})

/** Frames of a clip. */
export const framesOf = ({ samples, window, hop }: FrontEnd): number =>
  Math.floor((samples - window) / hop) + 1

/**
 * Mel-frequency cepstral coefficients of a clip, [frame][coefficient]: Hann window (periodic), magnitudes of the Fourier transform,
 * triangular bands on the mel scale of HTK, logarithm, orthonormal DCT-II without its special case for the first coefficient.
 * The clip is scaled so that its largest sample is 1.
 */
export function mfccOf(frontEnd: FrontEnd): (samples: Float32Array) => Float32Array {
  const { window, hop, fft, bands, coefficients, floor, samples: length } = frontEnd
  const frames = framesOf(frontEnd)
  const hann = Float64Array.from(
    { length: window },
    (_, i) => 0.5 - 0.5 * Math.cos((2 * Math.PI * i) / window),
  )
  const transform = magnitudes(fft)
  const filters = melFilters(frontEnd)
  const cosines = Array.from({ length: coefficients }, (_, k) =>
    Float64Array.from({ length: bands }, (_, n) => Math.cos((Math.PI * k * (2 * n + 1)) / (2 * bands))),
  )
  const scale = Math.sqrt(2 / bands)
  return (samples) => {
    const clip = clipOf(samples, length)
    const features = new Float32Array(frames * coefficients)
    const frame = new Float64Array(fft)
    const energies = new Float64Array(bands)
    for (let t = 0; t < frames; t++) {
      frame.fill(0)
      for (let i = 0; i < window; i++) frame[i] = clip[t * hop + i]! * hann[i]!
      const spectrum = transform(frame)
      for (const [band, { first, weights }] of filters.entries()) {
        let sum = 0
        for (let i = 0; i < weights.length; i++) sum += weights[i]! * spectrum[first + i]!
        energies[band] = Math.log(sum + floor)
      }
      for (let k = 0; k < coefficients; k++) {
        let sum = 0
        for (let n = 0; n < bands; n++) sum += cosines[k]![n]! * energies[n]!
        features[t * coefficients + k] = scale * sum
      }
    }
    return features
  }
}

/** The first samples, with silence behind them; the largest magnitude is 1 unless all are 0. */
function clipOf(samples: Float32Array, length: number): Float64Array {
  let largest = 0
  for (const sample of samples) largest = Math.max(largest, Math.abs(sample))
  const clip = new Float64Array(length)
  if (largest > 0) for (let i = 0; i < Math.min(length, samples.length); i++) clip[i] = samples[i]! / largest
  return clip
}

/** One band: weights of the frequencies from `first` on. */
interface Band {
  readonly first: number
  readonly weights: Float64Array
}

const melOf = (hertz: number) => 1127 * Math.log(1 + hertz / 700)

/** Triangles whose corners are evenly spaced on the mel scale, by the mel value of each frequency; the constant part is left out. */
function melFilters({ rate, fft, bands, lowest, highest }: FrontEnd): Band[] {
  const [low, high] = [melOf(lowest), melOf(highest)]
  const corner = (i: number) => low + ((high - low) * i) / (bands + 1)
  return Array.from({ length: bands }, (_, band) => {
    const [from, top, to] = [corner(band), corner(band + 1), corner(band + 2)]
    const weight = (bin: number) => {
      const mel = melOf((bin * rate) / fft)
      return Math.max(0, Math.min((mel - from) / (top - from), (to - mel) / (to - top)))
    }
    const bins = Array.from({ length: fft / 2 }, (_, i) => i + 1).filter((bin) => weight(bin) > 0)
    return { first: bins[0] ?? 0, weights: Float64Array.from(bins, weight) }
  })
}

/** Magnitudes of the frequencies 0..n/2 of n real samples, n a power of two. (Cooley and Tukey 1965, in place.) */
export function magnitudes(n: number): (samples: Float64Array) => Float64Array {
  const cosine = Float64Array.from({ length: n / 2 }, (_, i) => Math.cos((2 * Math.PI * i) / n))
  const sine = Float64Array.from({ length: n / 2 }, (_, i) => -Math.sin((2 * Math.PI * i) / n))
  const bits = Math.log2(n)
  const reversed = Uint32Array.from({ length: n }, (_, i) => {
    let result = 0
    for (let bit = 0; bit < bits; bit++) result |= ((i >> bit) & 1) << (bits - 1 - bit)
    return result
  })
  const [real, imaginary] = [new Float64Array(n), new Float64Array(n)]
  const result = new Float64Array(n / 2 + 1)
  return (samples) => {
    for (let i = 0; i < n; i++) real[i] = samples[reversed[i]!]!
    imaginary.fill(0)
    for (let size = 2; size <= n; size *= 2) {
      const half = size / 2
      const step = n / size
      for (let start = 0; start < n; start += size) {
        for (let i = 0; i < half; i++) {
          const c = cosine[i * step]!
          const s = sine[i * step]!
          const a = start + i
          const b = a + half
          const re = real[b]! * c - imaginary[b]! * s
          const im = real[b]! * s + imaginary[b]! * c
          real[b] = real[a]! - re
          imaginary[b] = imaginary[a]! - im
          real[a] = real[a]! + re
          imaginary[a] = imaginary[a]! + im
        }
      }
    }
    for (let i = 0; i <= n / 2; i++) result[i] = Math.sqrt(real[i]! ** 2 + imaginary[i]! ** 2)
    return result
  }
}
