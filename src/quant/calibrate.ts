import { invariant } from '../base/errors.ts'
import { floatNetwork } from '../float/forward.ts'
import type { Network, Weights } from '../net/network.ts'
import { imageName } from '../net/wiring.ts'
import { isCalibrated, linksOf } from './links.ts'
import { mostMagnitudeBits, type Range, type Ranges } from './ranges.ts'

const bins = 2048

/**
 * Ranges of all layers that make new scales over images [c, h, w], and of the images where not all lie in [0, 1]. Clips minimise the
 * mean square error between the values and their codes: at 8 bits that is close to the maximum, at 4 bits far below it.
 */
export function calibrate(network: Network, weights: Weights, images: Iterable<Float32Array>): Ranges {
  const steps = calibrationSteps(network, weights, images)
  let step = steps.next()
  while (step.done !== true) step = steps.next()
  return step.value
}

/** The same step by step, for who lets others have a turn: gives the share of the work that is done, from 0 to 1. */
export function* calibrationSteps(
  network: Network,
  weights: Weights,
  images: Iterable<Float32Array>,
): Generator<number, Ranges> {
  const float = floatNetwork(network, weights)
  const kept = [...images]
  invariant(kept.length > 0, 'calibration needs at least one image')
  const batches = joined(kept, float.atOnce)
  const ownRange = kept.some((image) => image.some((value) => value < 0 || value > 1))
  const clampOf = new Map(
    linksOf(network, ownRange)
      .links.filter(isCalibrated)
      .map((link) => [
        link.layer.name,
        link.kind !== 'table' && link.relu
          ? { low: 0, high: link.ceiling }
          : { low: -Infinity, high: Infinity },
      ]),
  )
  const names = [...(ownRange ? [imageName] : []), ...clampOf.keys()]
  const largest = new Map<string, number>(names.map((name) => [name, 0]))
  const steps = 2 * batches.length
  let taken = 0
  function* each(visit: (layer: string, magnitude: number) => void) {
    for (const images of batches) {
      if (ownRange) for (const value of images) visit(imageName, Math.abs(value))
      float.trace(images, (layer, values) => {
        const clamp = clampOf.get(layer)
        if (clamp === undefined) return
        const { low, high } = clamp
        for (const value of values) visit(layer, Math.abs(Math.min(high, Math.max(low, value))))
      })
      yield ++taken / steps
    }
  }
  yield* each((layer, magnitude) => {
    if (magnitude > largest.get(layer)!) largest.set(layer, magnitude)
  })
  const histograms = new Map(names.map((name) => [name, new Float64Array(bins)]))
  yield* each((layer, magnitude) => {
    const top = largest.get(layer)!
    if (top > 0) histograms.get(layer)![Math.min(bins - 1, Math.floor((magnitude / top) * bins))]! += 1
  })
  return new Map(names.map((name) => [name, rangeOfHistogram(largest.get(name)!, histograms.get(name)!)]))
}

/** Images one after the other in arrays of so many, but for the last one. */
function joined(images: readonly Float32Array[], count: number): Float32Array[] {
  return Array.from({ length: Math.ceil(images.length / count) }, (_, i) => {
    const some = images.slice(i * count, (i + 1) * count)
    if (some.length === 1) return some[0]!
    const all = new Float32Array(some.reduce((sum, image) => sum + image.length, 0))
    let to = 0
    for (const image of some) {
      all.set(image, to)
      to += image.length
    }
    return all
  })
}

/** A layer whose results are all 0 gets the range 1: any scale does. */
function rangeOfHistogram(largest: number, histogram: Float64Array): Range {
  if (!(largest > 0)) return { largest: 1, clips: Array.from({ length: mostMagnitudeBits }, () => 1) }
  const clips = Array.from({ length: mostMagnitudeBits }, (_, m) =>
    short(largest * bestClip(histogram, 2 ** (m + 1) - 1)),
  )
  return { largest: short(largest), clips }
}

/** The clip in (0, 1] of the histogram's span with the least squared error for codes 0..levels; ties go to the larger. */
function bestClip(histogram: Float64Array, levels: number): number {
  let best = 1
  let least = Infinity
  for (let part = 128; part >= 2; part--) {
    const clip = part / 128
    const scale = clip / levels
    let error = 0
    for (let bin = 0; bin < bins && error < least; bin++) {
      const value = (bin + 0.5) / bins
      const code = Math.min(levels, Math.floor(value / scale + 0.5))
      error += histogram[bin]! * (value - code * scale) ** 2
    }
    if (error < least) [best, least] = [clip, error]
  }
  return best
}

/** Seven digits are enough for a scale, and read well in a file. */
function short(value: number): number {
  return Number(value.toPrecision(7))
}
