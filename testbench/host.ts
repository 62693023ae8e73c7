import type { Device } from '../sim/device.ts'
import { inputMoves, isDone, outputMoves, packPorts } from './frame.ts'
import { gaveUp, gaveUpBit } from './ports.ts'
import type { Stimulus } from './stimulus.ts'

/** A cycle of the run: `words` (ports, then probes) is overwritten by the next one. */
export interface Cycle {
  readonly image: number
  /** Since the image's cycle with `start`, which is 0. */
  readonly cycle: number
  readonly words: Uint32Array
  /** The last cycle of its image. */
  readonly last: boolean
}

/**
 * Runs all images of a stimulus on a device, cycle by cycle, as the native interface's host: `start` in cycle 0 of an image, and, to be
 * ignored, while the device is busy in cycles in which the image's pattern holds its input back; an element is
 * offered from the first cycle that the pattern allows until it is taken; an image ends with the cycle in which `done` is 1, and the
 * next one starts in the cycle after. The elements of an image that is sent ahead may follow those of the image before at once, in the
 * pattern of the image that they belong to. Where nothing moves for `patience` cycles the whole run ends. The harness (templates/testbench/harness.cpp) does the same in C++, and `runImage` of the cycle model has the same rules.
 */
export function* drive(device: Device, stimulus: Stimulus, probeCount: number): Generator<Cycle, void> {
  const words = new Uint32Array(1 + probeCount)
  const probes = words.subarray(1)
  const inputs = { start: false, inValid: false, inData: 0, outReady: false }
  const view = { image: 0, cycle: 0, words, last: false }
  const { images, ahead } = stimulus
  const patternOf = (image: number) => stimulus.patterns[stimulus.patternOf[image]!]!
  // the image being sent, and how many of its elements were taken
  let sending = 0
  let sent = 0
  for (const image of images.keys()) {
    const { outReady, inValid: steady } = patternOf(image)
    view.image = image
    view.last = false
    let quiet = 0
    for (let cycle = 0; !view.last; cycle++) {
      const outputs = device.outputs()
      inputs.start = cycle === 0 || (outputs.busy && steady[cycle % steady.length] === 0)
      const codes = images[sending]
      if (codes !== undefined && (sending <= image || (sending === image + 1 && ahead[sending]))) {
        const { inValid } = patternOf(sending)
        inputs.inValid ||= inValid[cycle % inValid.length] === 1
      }
      inputs.inData = inputs.inValid ? codes![sent]! : 0
      inputs.outReady = outReady[cycle % outReady.length] === 1
      let ports = packPorts(inputs, outputs)
      const taken = inputMoves(ports)
      quiet = taken || outputMoves(ports) ? 0 : quiet + 1
      if (quiet > stimulus.patience) ports |= gaveUpBit
      words[0] = ports
      device.probes(probes)
      view.cycle = cycle
      view.last = isDone(ports) || quiet > stimulus.patience
      yield view
      if (quiet > stimulus.patience) return
      device.clock(inputs)
      if (!taken) continue
      inputs.inValid = false
      if (++sent < codes!.length) continue
      sending++
      sent = 0
    }
  }
}

/** Collects what a run gives: the output codes and the cycles of each image. */
export interface Harvest {
  /** Raw output codes of each image, in stream order. */
  readonly outputs: readonly Uint8Array[]
  /** From the cycle with `start` to the one with `done`, both included. */
  readonly cycles: readonly number[]
  /** Takes the frame that begins at `at`. */
  take(frames: Uint32Array, at: number): void
}

export function harvest(): Harvest {
  const outputs: Uint8Array[] = []
  const cycles: number[] = []
  let codes: number[] = []
  let count = 0
  return {
    outputs,
    cycles,
    take(frames, at) {
      const ports = frames[at]!
      count++
      if (outputMoves(ports)) codes.push((ports >>> 8) & 255)
      if (!isDone(ports) && !gaveUp(ports)) return
      outputs.push(Uint8Array.from(codes))
      cycles.push(count)
      codes = []
      count = 0
    },
  }
}
