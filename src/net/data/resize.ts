import type { ImageShape } from './catalogue.ts'
import type { Picture } from './picture.ts'

/** The shorter side becomes this much longer than what is cut out, as usual for ImageNet: 256 for 224. */
const margin = 256 / 224

/**
 * A picture as a network takes it, [channel][y][x]: scaled so that it is larger than the network's image by `margin`, the middle of it cut
 * out. One of exactly the right size stays as it is. Grey is 0.299 red + 0.587 green + 0.114 blue.
 */
export function fitPicture(picture: Picture, [channels, height, width]: ImageShape): Uint8Array {
  const same = picture.width === width && picture.height === height
  const ratio = margin * Math.max(height / picture.height, width / picture.width)
  const scaled = same
    ? picture
    : resize(
        picture,
        Math.max(width, Math.round(picture.width * ratio)),
        Math.max(height, Math.round(picture.height * ratio)),
      )
  const [top, left] = [Math.round((scaled.height - height) / 2), Math.round((scaled.width - width) / 2)]
  const image = new Uint8Array(channels * height * width)
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const from = 3 * ((top + y) * scaled.width + left + x)
      if (channels === 1) image[y * width + x] = greyAt(scaled.pixels, from)
      else for (let c = 0; c < 3; c++) image[(c * height + y) * width + x] = scaled.pixels[from + c]!
    }
  }
  return image
}

const greyAt = (pixels: Uint8Array, at: number): number =>
  Math.round(0.299 * pixels[at]! + 0.587 * pixels[at + 1]! + 0.114 * pixels[at + 2]!)

/** Bilinear with triangles that grow as the picture shrinks, so that every pixel counts (as Pillow does), across and then down. */
export function resize(picture: Picture, width: number, height: number): Picture {
  const across = taps(picture.width, width)
  const middle = new Float32Array(3 * width * picture.height)
  for (let y = 0; y < picture.height; y++) {
    for (let x = 0; x < width; x++) {
      const { first, weights } = across[x]!
      for (let c = 0; c < 3; c++) {
        let sum = 0
        for (let i = 0; i < weights.length; i++)
          sum += weights[i]! * picture.pixels[3 * (y * picture.width + first + i) + c]!
        middle[3 * (y * width + x) + c] = sum
      }
    }
  }
  const pixels = new Uint8Array(3 * width * height)
  const stride = 3 * width
  for (const [y, { first, weights }] of taps(picture.height, height).entries()) {
    for (let at = 0; at < stride; at++) {
      let sum = 0
      for (let i = 0; i < weights.length; i++) sum += weights[i]! * middle[(first + i) * stride + at]!
      pixels[y * stride + at] = Math.max(0, Math.min(255, Math.floor(sum + 0.5)))
    }
  }
  return { width, height, pixels }
}

/** What each new pixel is made of: neighbouring old ones from `first` on, with weights of sum 1. */
function taps(
  from: number,
  to: number,
): readonly { readonly first: number; readonly weights: Float64Array }[] {
  const ratio = from / to
  const support = Math.max(1, ratio)
  return Array.from({ length: to }, (_, i) => {
    const centre = (i + 0.5) * ratio
    const first = Math.max(0, Math.floor(centre - support + 0.5))
    const last = Math.min(from, Math.floor(centre + support + 0.5))
    const raw = Float64Array.from({ length: last - first }, (_, n) =>
      Math.max(0, 1 - Math.abs((first + n + 0.5 - centre) / support)),
    )
    const sum = raw.reduce((a, b) => a + b, 0)
    return { first, weights: raw.map((weight) => weight / sum) }
  })
}
