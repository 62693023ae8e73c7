import { type Random, seededRandom } from '../../base/random.ts'
import type { ByteImages, ImageSet } from './store.ts'

type Point = readonly [x: number, y: number]

/** An ellipse's arc as points, angles in turns, clockwise from the right. */
function arc(cx: number, cy: number, rx: number, ry: number, from: number, until: number): Point[] {
  const steps = Math.max(2, Math.ceil(Math.abs(until - from) * 16))
  return Array.from({ length: steps + 1 }, (_, i) => {
    const angle = 2 * Math.PI * (from + ((until - from) * i) / steps)
    return [cx + rx * Math.cos(angle), cy + ry * Math.sin(angle)]
  })
}

/** The strokes of each digit, in a square from -1 to 1 with y downwards. */
const strokes: readonly (readonly (readonly Point[])[])[] = [
  [arc(0, 0, 0.55, 0.85, 0, 1)],
  [
    [
      [-0.3, -0.55],
      [0.05, -0.85],
      [0.05, 0.85],
    ],
  ],
  [[...arc(0, -0.4, 0.5, 0.45, 0.5, 1.1), [-0.55, 0.85], [0.6, 0.85]]],
  [[...arc(-0.05, -0.42, 0.5, 0.42, 0.55, 1.25), ...arc(-0.05, 0.42, 0.55, 0.43, 0.75, 1.45)]],
  [
    [
      [0.25, 0.85],
      [0.25, -0.85],
      [-0.6, 0.3],
      [0.6, 0.3],
    ],
  ],
  [[[0.5, -0.85], [-0.4, -0.85], [-0.45, -0.1], ...arc(-0.05, 0.32, 0.55, 0.5, 0.65, 1.4)]],
  [[[0.35, -0.85], [-0.25, -0.3], ...arc(0, 0.38, 0.5, 0.47, 0.5, 1.5)]],
  [
    [
      [-0.55, -0.85],
      [0.55, -0.85],
      [-0.1, 0.85],
    ],
  ],
  [arc(0, -0.42, 0.42, 0.4, 0, 1), arc(0, 0.42, 0.52, 0.43, 0, 1)],
  [[...arc(0, -0.38, 0.48, 0.45, 0, 1), [0.48, -0.3], [0.3, 0.85]]],
] // prettier-ignore

/**
 * Digits drawn by the program itself: strokes, rotated, stretched, shifted, of varying width, with noise. They stand in
 * where no data set is there. The same seed gives the same bytes. Any shape; each channel has its own noise.
 */
export function syntheticDigits(shape: ImageSet['shape'], count: number, seed: number): ByteImages {
  const random = seededRandom(seed)
  const size = shape[0] * shape[1] * shape[2]
  const images = new Uint8Array(count * size)
  const labels = new Uint8Array(count)
  for (let i = 0; i < count; i++) {
    labels[i] = random.integer(0, 9)
    draw(strokes[labels[i]!]!, shape, images.subarray(i * size, (i + 1) * size), random)
  }
  return { shape, count, images, labels }
}

function draw(
  lines: readonly (readonly Point[])[],
  [channels, height, width]: ImageSet['shape'],
  image: Uint8Array,
  random: Random,
): void {
  const between = (low: number, high: number) => low + (high - low) * random.unit()
  const angle = between(-0.25, 0.25)
  const stretch = between(0.85, 1.1)
  const [dx, dy] = [between(-0.12, 0.12), between(-0.12, 0.12)]
  const thickness = between(0.09, 0.17)
  const noise = between(2, 12)
  const place = ([x, y]: Point): Point => [
    0.72 * stretch * (x * Math.cos(angle) - y * Math.sin(angle)) + dx,
    (0.72 * (x * Math.sin(angle) + y * Math.cos(angle))) / stretch + dy,
  ]
  const placed = lines.map((line) => line.map(place))
  const softness = 2 / Math.min(height, width)
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const distance = distanceTo(placed, [((x + 0.5) / width) * 2 - 1, ((y + 0.5) / height) * 2 - 1])
      const ink = 255 * Math.max(0, Math.min(1, (thickness - distance) / softness + 0.5))
      for (let c = 0; c < channels; c++) {
        const value = ink + (ink > 0 || random.unit() < 0.02 ? noise * random.normal() : 0)
        image[(c * height + y) * width + x] = Math.max(0, Math.min(255, Math.round(value)))
      }
    }
  }
}

function distanceTo(lines: readonly (readonly Point[])[], [px, py]: Point): number {
  let best = Infinity
  for (const line of lines) {
    for (let i = 0; i + 1 < line.length; i++) {
      const [ax, ay] = line[i]!
      const [bx, by] = line[i + 1]!
      const length = (bx - ax) ** 2 + (by - ay) ** 2
      const t =
        length === 0 ? 0 : Math.max(0, Math.min(1, ((px - ax) * (bx - ax) + (py - ay) * (by - ay)) / length))
      best = Math.min(best, (px - ax - t * (bx - ax)) ** 2 + (py - ay - t * (by - ay)) ** 2)
    }
  }
  return Math.sqrt(best)
}
