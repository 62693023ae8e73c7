import { setImmediate } from 'node:timers/promises'
import type { Progress } from '../base/progress.ts'
import type { Network, Weights } from '../net/network.ts'
import { calibrationSteps } from '../quant/calibrate.ts'
import type { Ranges } from '../quant/ranges.ts'

/** Ranges of a network on training images [c, h, w]: told as a step, and ended by the signal. */
export async function findRanges(
  network: Network,
  weights: Weights,
  images: readonly Float32Array[],
  progress: Progress,
  signal: AbortSignal,
): Promise<Ranges> {
  progress.step(`calibrating on ${images.length} training images`, images.length)
  const steps = calibrationSteps(network, weights, images)
  for (;;) {
    const step = steps.next()
    if (step.done === true) {
      progress.done()
      return step.value
    }
    progress.update(Math.floor(step.value * images.length))
    await setImmediate()
    if (signal.aborted) throw signal.reason
  }
}
