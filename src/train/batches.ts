import { seededRandom } from '../base/random.ts'
import { type ImageSet, realValues } from '../net/data/store.ts'

/** Random numbers of one place in the training, so that a resumed run draws what an uninterrupted one would. */
function placed(seed: number, epoch: number, batch: number) {
  return seededRandom(
    (Math.imul(seed, 0x9e3779b1) ^ Math.imul(epoch + 1, 0x85ebca6b) ^ Math.imul(batch + 1, 0xc2b2ae35)) >>> 0,
  )
}

/** The order of the images in an epoch. */
export function epochOrder(set: ImageSet, seed: number, epoch: number): Uint32Array {
  return placed(seed, epoch, -1).permutation(set.count)
}

/** Fills one batch with the images `order` names, each shifted by up to `shift` pixels both ways; what is left empty is 0. */
export function fillBatch(
  set: ImageSet,
  order: Uint32Array,
  place: { readonly seed: number; readonly epoch: number; readonly batch: number },
  shift: number,
  images: Float32Array,
  labels: Uint16Array,
): void {
  const random = placed(place.seed, place.epoch, place.batch)
  const [channels, height, width] = set.shape
  const size = channels * height * width
  images.fill(0)
  const real = realValues(set)
  for (let i = 0; i < order.length; i++) {
    const index = order[i]!
    labels[i] = set.labels[index]!
    const dy = random.integer(-shift, shift)
    const dx = random.integer(-shift, shift)
    for (let c = 0; c < channels; c++) {
      for (let y = Math.max(0, dy); y < Math.min(height, height + dy); y++) {
        const to = i * size + (c * height + y) * width
        const from = index * size + (c * height + y - dy) * width - dx
        for (let x = Math.max(0, dx); x < Math.min(width, width + dx); x++)
          images[to + x] = real(set.images[from + x]!, c)
      }
    }
  }
}
