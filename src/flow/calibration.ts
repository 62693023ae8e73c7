import { setImmediate } from 'node:timers/promises'
import { dataError } from '../base/errors.ts'
import type { Progress } from '../base/progress.ts'
import { floatNetwork } from '../float/forward.ts'
import type { Network, Weights } from '../net/network.ts'
import { calibrationSteps } from '../quant/calibrate.ts'
import type { Ranges } from '../quant/ranges.ts'

/**
 * Ranges of a network on training images [c, h, w]: told as a step, and ended by the signal. `file`: what the weights stand in, for the
 * message where results overflow.
 */
export async function findRanges(
  network: Network,
  weights: Weights,
  images: readonly Float32Array[],
  file: string,
  progress: Progress,
  signal: AbortSignal,
): Promise<Ranges> {
  progress.step(`calibrating on ${images.length} training images`, images.length)
  const check = activationCheck(network, weights, file)
  for (const image of images) {
    check(image)
    await turn(signal)
  }
  const steps = calibrationSteps(network, weights, images)
  for (;;) {
    const step = steps.next()
    if (step.done === true) {
      progress.done()
      return step.value
    }
    progress.update(Math.floor(step.value * images.length))
    await turn(signal)
  }
}

/** Lets others have a turn: a signal among them. */
async function turn(signal: AbortSignal): Promise<void> {
  await setImmediate()
  if (signal.aborted) throw signal.reason
}

/** Above this no range is stored: products of such values overflow. */
const largestActivation = 1e30

/** What looks whether the results of all layers on an image are below it: no range could be found for them otherwise. */
export function activationCheck(
  network: Network,
  weights: Weights,
  file: string,
): (image: Float32Array) => void {
  const float = floatNetwork(network, weights)
  return (image) =>
    float.trace(image, (layer, values) => {
      if (values.every((value) => Math.abs(value) <= largestActivation)) return
      throw dataError(`the results of layer "${layer}" overflow: they are not finite, or above 1e30`, {
        where: file,
        hint: 'Its weights, or those of a layer before it, are too large. Train again?',
      })
    })
}
