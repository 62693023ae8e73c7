/**
 * Mel-frequency cepstral coefficients by their definition: sums over all samples and all frequencies, no fast transform, no tables.
 * Windows of 30 ms every 20 ms of one second, 40 bands from 20 to 4000 Hz, 10 coefficients, [frame][coefficient].
 */
export function naiveMfcc(samples: readonly number[], rate: number): number[][] {
  const peak = Math.max(...samples.map(Math.abs))
  const clip = Array.from({ length: rate }, (_, i) => (peak > 0 ? (samples[i] ?? 0) / peak : 0))
  const [window, hop] = [0.03 * rate, 0.02 * rate]
  let points = 1
  while (points < window) points *= 2
  const mel = (hertz: number) => 2595 * Math.log10(1 + hertz / 700)
  const frames: number[][] = []
  for (let start = 0; start + window <= rate; start += hop) {
    const spectrum = Array.from({ length: points / 2 + 1 }, (_, bin) => {
      let [re, im] = [0, 0]
      for (let i = 0; i < window; i++) {
        const value = clip[start + i]! * Math.sin((Math.PI * i) / window) ** 2
        re += value * Math.cos((2 * Math.PI * bin * i) / points)
        im += value * Math.sin((2 * Math.PI * bin * i) / points)
      }
      return Math.sqrt(re * re + im * im)
    })
    const logarithms = Array.from({ length: 40 }, (_, band) => {
      const corner = (i: number) => mel(20) + ((mel(4000) - mel(20)) * i) / 41
      let energy = 0
      for (let bin = 1; bin < spectrum.length; bin++) {
        const at = mel((bin * rate) / points)
        const [from, top, to] = [corner(band), corner(band + 1), corner(band + 2)]
        if (at <= from || at >= to) continue
        energy += spectrum[bin]! * (at < top ? (at - from) / (top - from) : (to - at) / (to - top))
      }
      return Math.log(energy + 1e-6)
    })
    frames.push(
      Array.from({ length: 10 }, (_, k) => {
        let sum = 0
        for (let n = 0; n < 40; n++) sum += logarithms[n]! * Math.cos((Math.PI / 40) * (n + 0.5) * k)
        return Math.sqrt(2 / 40) * sum
      }),
    )
  }
  return frames
}
