import { cycleModel } from '../../sim/model.ts'
import { invariant, XgenError } from '../../src/base/errors.ts'
import type { Module } from '../../src/hdl/module.ts'
import type { MemoryImages } from '../../src/plan/images.ts'
import type { Plan } from '../../src/plan/plan.ts'
import { type ComparisonResult, compareDevices } from '../comparison.ts'
import { nativeFrames } from '../frame.ts'
import { drive } from '../host.ts'
import { follower, lockstep } from '../lockstep.ts'
import { netlistDevice } from '../netlist-device.ts'
import { compareAfterReset } from '../restart.ts'
import type { Stimulus } from '../stimulus.ts'
import { type Watch, watchOf, watchProbes } from '../watch.ts'
import type { InstancePath } from './draft.ts'
import { type Proof, proveEquivalent } from './equivalence.ts'

/** A sound design, and what its changed copies are run with. */
export interface Subject {
  readonly plan: Plan
  readonly images: MemoryImages
  readonly top: Module
  readonly stimulus: Stimulus
  /** More images, extreme ones among them, for what the stimulus does not show. */
  readonly more: Stimulus
}

/** What the checks say of a changed design. */
export type Verdict =
  /** The checks of the netlist refuse it. */
  | { readonly kind: 'refused'; readonly message: string }
  /** A value differs from the model's. */
  | {
      readonly kind: 'caught'
      readonly check: Check
      /** The first value that differs, and where; and whether a port differs at any time. */
      readonly value: string
      readonly image: number
      readonly cycle: number
      readonly atPorts: boolean
    }
  /** Nothing differs; `proof` says that nothing can, where that was found. */
  | { readonly kind: 'survived'; readonly proof: Proof | undefined }

/** The stimulus; the same and then more after resets in mid-run; more images. */
export type Check = 'run' | 'reset in mid-run' | 'more images'

/** Resets in mid-run that a design has to go through. */
const resets = 12

/**
 * Runs a changed netlist in JavaScript beside the cycle model, in every cycle, probe and port; and then, in every port, after resets in
 * mid-run. What survives that is proven to do the same as the sound one, or is run with more images.
 */
export async function judge(
  subject: Subject,
  changed: Module,
  path: InstancePath,
  signal: AbortSignal,
): Promise<Verdict> {
  const { plan, images, stimulus } = subject
  const watch = watchOf(plan)
  const run = (check: Check, images: Stimulus) => compareRun(subject, changed, watch, images, signal, check)
  try {
    const first = await run('run', stimulus)
    if (first !== undefined) return first
    const device = netlistDevice(changed, [])
    const model = () => cycleModel(plan, images)
    const again = await compareAfterReset(device, model, stimulus, { times: resets, seed: 1, signal })
    if (again.mismatches > 0) return caught('reset in mid-run', watchProbes([]), again, true)
    const proof = proveEquivalent(subject, changed, path)
    if (proof !== undefined) return { kind: 'survived', proof }
    return (await run('more images', subject.more)) ?? { kind: 'survived', proof }
  } catch (error) {
    if (error instanceof XgenError && error.kind === 'internal')
      return { kind: 'refused', message: error.message }
    throw error
  }
}

function caught(check: Check, watch: Watch, { first, ended }: ComparisonResult, atPorts: boolean): Verdict {
  invariant(first !== undefined, `a netlist that differs does so in some value (${ended})`)
  const { value, image, cycle } = first
  return { kind: 'caught', check, value: watch.values[value]!.name, image, cycle, atPorts }
}

/** The verdict where a run shows a difference. */
async function compareRun(
  subject: Subject,
  changed: Module,
  watch: Watch,
  stimulus: Stimulus,
  signal: AbortSignal,
  check: Check,
): Promise<Verdict | undefined> {
  const all = await compareOnce(subject, changed, watch, stimulus, signal)
  if (all.mismatches === 0) return undefined
  const ports = await compareOnce(subject, changed, watchProbes([]), stimulus, signal)
  return caught(check, watch, all, ports.mismatches > 0)
}

async function compareOnce(
  { plan, images }: Subject,
  changed: Module,
  watch: Watch,
  stimulus: Stimulus,
  signal: AbortSignal,
): Promise<ComparisonResult> {
  const comparison = compareDevices(
    'netlist',
    watch,
    watch.probes.findIndex(({ name }) => name === 'phase'),
    8,
  )
  const count = watch.probes.length
  const device = nativeFrames(netlistDevice(changed, watch.probes))
  const take = follower(device, comparison, watch, stimulus.images.length)
  await lockstep(untilDecided(), [], undefined, signal)
  return comparison.result()

  function* untilDecided() {
    for (const cycle of drive(cycleModel(plan, images), stimulus, count)) {
      if (!take(cycle)) return
      yield cycle
    }
  }
}
