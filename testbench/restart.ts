import { idleInputs } from '../sim/device.ts'
import type { CycleModel } from '../sim/phases.ts'
import { seededRandom } from '../src/base/random.ts'
import { nativeFrames, nativeLayout } from './frame.ts'
import { type Cycle, drive } from './host.ts'
import type { PortLayout } from './ports.ts'
import { type Stimulus, takeImages } from './stimulus.ts'

/** The ports of the native interface with its reset, which stands in a word of its own. */
export const resettableLayout: PortLayout = {
  ...nativeLayout,
  ports: [...nativeLayout.ports, { name: 'rst_n', direction: 'input', bits: 1, word: 1, low: 0 }],
  words: 2,
}

export interface ResetsInMidRun {
  readonly times: number
  readonly seed: number
}

/**
 * Drives the cycle model with the first two images of a stimulus, cuts them off by one edge of reset, and goes on with the last two; so many
 * times, in cycles drawn by `seed`. Frames are those of `resettableLayout`; without resets the whole stimulus is run.
 */
export function* driveWithResets(
  freshModel: () => CycleModel,
  stimulus: Stimulus,
  probeCount: number,
  resets?: ResetsInMidRun,
): Generator<Cycle, void> {
  const words = new Uint32Array(resettableLayout.words + probeCount)
  const view = { image: 0, cycle: 0, words, last: false }
  const model = freshModel()
  const shown = function* (images: Stimulus, cut: number): Generator<Cycle, boolean> {
    let left = cut
    const from = view.image
    for (const cycle of drive(model, images, probeCount)) {
      if (left-- === 0) return false
      words[0] = cycle.words[0]!
      words[1] = 1
      words.set(cycle.words.subarray(1), 2)
      yield Object.assign(view, { image: from + cycle.image, cycle: cycle.cycle, last: cycle.last })
    }
    view.image++
    return true
  }
  const resetting = function* (): Generator<Cycle, void> {
    words.fill(0)
    nativeFrames(model).outputs(words)
    model.probes(words.subarray(2))
    yield Object.assign(view, { image: view.image + 1, cycle: 0, last: false })
    model.clock(idleInputs, true)
    view.image++
  }
  if (resets === undefined) {
    yield* shown(stimulus, -1)
    return
  }
  const before = takeImages(stimulus, 0, 2)
  const after = takeImages(stimulus, Math.max(0, stimulus.images.length - 2), 2)
  const draw = drawCycles(freshModel(), before, resets.seed)
  for (let time = 0; time < resets.times; time++) {
    yield* shown(before, draw())
    yield* resetting()
    yield* shown(after, -1)
  }
}

/** Cycles of a run in which the host sees different things, each kind of cycle as often as the others. */
function drawCycles(model: CycleModel, stimulus: Stimulus, seed: number): () => number {
  const random = seededRandom(seed)
  const seen = new Map<number, number[]>()
  let cycle = 0
  for (const { words } of drive(model, stimulus, 0)) {
    // busy, in_ready, out_valid, out_last, in_valid
    const kind = words[0]! & 0b1011101
    const cycles = seen.get(kind)
    if (cycles === undefined) seen.set(kind, [cycle])
    else cycles.push(cycle)
    cycle++
  }
  const kinds = [...seen.values()]
  const pick = <T>(list: readonly T[]) => list[random.integer(0, list.length - 1)]!
  return () => pick(pick(kinds))
}
