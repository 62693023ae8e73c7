import type { Device } from '../sim/device.ts'
import { seededRandom } from '../src/base/random.ts'
import { type ComparisonResult, compareDevices } from './comparison.ts'
import { nativeFrames } from './frame.ts'
import { drive } from './host.ts'
import { follower, lockstep } from './lockstep.ts'
import { type Stimulus, takeImages } from './stimulus.ts'
import { watchProbes } from './watch.ts'

/** A device that can be reset while it runs. */
export interface ResettableDevice extends Device {
  /** Clock edges with reset active and idle inputs. */
  reset(edges: number): void
}

export interface ResetsInMidRun {
  readonly times: number
  readonly seed: number
  readonly signal: AbortSignal
}

/**
 * Resets a device in the middle of its work and compares what it does then with a fresh model, in every port and cycle. (Registers
 * that no reset reaches keep what they hold, so there is nothing to compare by probes.) Ends with the first difference.
 */
export async function compareAfterReset(
  device: ResettableDevice,
  freshModel: () => Device,
  stimulus: Stimulus,
  { times, seed, signal }: ResetsInMidRun,
): Promise<ComparisonResult> {
  const before = takeImages(stimulus, 0, 2)
  const after = takeImages(stimulus, Math.max(0, stimulus.images.length - 2), 2)
  const draw = drawCycles(freshModel(), before, seed)
  const watch = watchProbes([])
  const sum = { cycles: 0, compared: 0 }
  for (let time = 1; ; time++) {
    let left = draw()
    for (const _ of drive(device, before, 0)) if (left-- === 0) break
    device.reset(1)
    const comparison = compareDevices('model = netlist after a reset in mid-run (ports)', watch, -1, 8)
    const watcher = follower(nativeFrames(device), comparison, watch, after.images.length)
    await lockstep(drive(freshModel(), after, 0), [watcher], undefined, signal)
    const result = comparison.result()
    sum.cycles += result.cycles
    sum.compared += result.compared
    if (result.mismatches > 0 || time === times) return { ...result, ...sum }
  }
}

/** Cycles of a run in which the host sees different things, each kind of cycle as often as the others. */
function drawCycles(model: Device, stimulus: Stimulus, seed: number): () => number {
  const random = seededRandom(seed)
  const seen = new Map<number, number[]>()
  let cycle = 0
  for (const { words } of drive(model, stimulus, 0)) {
    // busy, in_ready, out_valid, out_last
    const kind = words[0]! & 0b11101
    const cycles = seen.get(kind)
    if (cycles === undefined) seen.set(kind, [cycle])
    else cycles.push(cycle)
    cycle++
  }
  const kinds = [...seen.values()]
  const pick = <T>(list: readonly T[]) => list[random.integer(0, list.length - 1)]!
  return () => pick(pick(kinds))
}
