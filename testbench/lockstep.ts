import { setImmediate } from 'node:timers/promises'
import { interruption } from '../src/tools/tool.ts'
import type { Comparison } from './comparison.ts'
import type { Cycle } from './host.ts'
import { type FrameDevice, inputMasks } from './ports.ts'
import type { FrameBatch } from './simulation.ts'
import { frameWords, type Watch } from './watch.ts'

/** Takes part in a lockstep: sees every cycle of the reference. Returns false when it wants no more. */
export type Watcher = (cycle: Cycle) => boolean

/**
 * A device that follows the reference: it is driven with the same inputs and compared in every cycle. `images` says how many of the first
 * images it runs.
 */
export function follower(device: FrameDevice, comparison: Comparison, watch: Watch, images: number): Watcher {
  const words = new Uint32Array(frameWords(watch))
  const ports = words.subarray(0, watch.layout.words)
  const probes = words.subarray(watch.layout.words)
  const masks = inputMasks(watch.layout)
  return (cycle) => {
    if (cycle.image >= images) return false
    for (const [word, mask] of masks.entries()) ports[word] = (cycle.words[word]! & mask) >>> 0
    device.outputs(ports)
    device.probes(probes)
    const wanted = comparison.take(cycle, words, 0)
    device.clock(ports)
    return wanted
  }
}

/** A recorded device: batches of frames that arrive while the reference runs. */
export interface Recording {
  readonly batches: AsyncIterable<FrameBatch>
  readonly comparison: Comparison
  /** Sees every recorded frame, which begins at `at`. */
  readonly onFrame: (frames: Uint32Array, at: number) => void
}

/**
 * Steps the reference to its end, with watchers beside it, and compares it with a recording where there is one. Nothing is kept but what the
 * watchers keep: a run of any length takes the same memory. Fails as the recording fails; `interrupted` when the signal says so.
 */
export async function lockstep(
  reference: Generator<Cycle, void>,
  watchers: readonly Watcher[],
  recording: Recording | undefined,
  signal: AbortSignal,
  onCycles: (cycles: number) => void = () => {},
): Promise<void> {
  let active = [...watchers]
  let cycles = 0
  const step = (): Cycle | undefined => {
    const next = reference.next()
    if (next.done === true) return undefined
    cycles++
    const { value } = next
    if (active.length > 0) active = active.filter((watcher) => watcher(value))
    return value
  }
  const rest = async () => {
    for (let last = Date.now(); step() !== undefined; ) {
      if (cycles % 64 !== 0 || Date.now() - last < 50) continue
      onCycles(cycles)
      await setImmediate()
      if (signal.aborted) throw interruption(signal)
      last = Date.now()
    }
  }

  if (recording === undefined) return rest()
  const { comparison, onFrame } = recording
  const compare = async (): Promise<boolean> => {
    for await (const { frames, count, stride } of recording.batches) {
      for (let frame = 0; frame < count; frame++) {
        const cycle = step()
        if (cycle === undefined) {
          comparison.end(false, 'it goes on after the last cycle of the model')
          return false
        }
        onFrame(frames, frame * stride)
        if (!comparison.take(cycle, frames, frame * stride)) return false
      }
      onCycles(cycles)
      if (signal.aborted) throw interruption(signal)
    }
    return true
  }
  const whole = await compare()
  const more = step() !== undefined
  if (whole && more) comparison.end(false, 'it ends before the model does')
  else comparison.end(true)
  if (more) await rest()
}
