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

/** A sound design, and what its changed copies are run with. */
export interface Subject {
  readonly plan: Plan
  readonly images: MemoryImages
  readonly top: Module
  readonly stimulus: Stimulus
}

/** What the checks say of a changed design. */
export type Verdict =
  /** The checks of the netlist refuse it. */
  | { readonly kind: 'refused'; readonly message: string }
  /** A value differs from the model's. */
  | {
      readonly kind: 'caught'
      readonly check: 'run' | 'reset in mid-run'
      /** The first value that differs, and where; and whether a port differs at any time. */
      readonly value: string
      readonly image: number
      readonly cycle: number
      readonly atPorts: boolean
    }
  | { readonly kind: 'survived'; readonly cycles: number }

/** Resets in mid-run that a design has to go through. */
const resets = 12

/**
 * Runs a changed netlist in JavaScript beside the cycle model, in every cycle, probe and port; and then again, in every port, after resets
 * in mid-run.
 */
export async function judge(subject: Subject, changed: Module, signal: AbortSignal): Promise<Verdict> {
  const watch = watchOf(subject.plan)
  try {
    const run = await compareRun(subject, changed, watch, signal)
    if (run.mismatches > 0) {
      const ports = await compareRun(subject, changed, watchProbes([]), signal)
      return caught('run', watch, run, ports.mismatches > 0)
    }
    const { plan, images, stimulus } = subject
    const device = netlistDevice(changed, [])
    const model = () => cycleModel(plan, images)
    const again = await compareAfterReset(device, model, stimulus, { times: resets, seed: 1, signal })
    if (again.mismatches > 0) return caught('reset in mid-run', watchProbes([]), again, true)
    return { kind: 'survived', cycles: run.cycles + again.cycles }
  } catch (error) {
    if (error instanceof XgenError && error.kind === 'internal')
      return { kind: 'refused', message: error.message }
    throw error
  }
}

function caught(
  check: 'run' | 'reset in mid-run',
  watch: Watch,
  { first, ended }: ComparisonResult,
  atPorts: boolean,
): Verdict {
  invariant(first !== undefined, `a netlist that differs does so in some value (${ended})`)
  const { value, image, cycle } = first
  return { kind: 'caught', check, value: watch.values[value]!.name, image, cycle, atPorts }
}

async function compareRun(subject: Subject, changed: Module, watch: Watch, signal: AbortSignal) {
  const { plan, images, stimulus } = subject
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
