import { invariant, XgenError } from '../../src/base/errors.ts'
import type { Module } from '../../src/hdl/module.ts'
import { type ComparisonResult, compareDevices } from '../comparison.ts'
import type { Cycle } from '../host.ts'
import { follower } from '../lockstep.ts'
import { netlistFrames } from '../netlist-frames.ts'
import { frameWords, type Watch, watchProbes } from '../watch.ts'
import type { InstancePath } from './draft.ts'
import { type Proof, proveEquivalent } from './equivalence.ts'

/** A sound design, and what its changed copies are run with. */
export interface Subject {
  readonly top: Module
  readonly watch: Watch
  /** The checks that it goes through, and then, where nothing is proven, the last ones. */
  readonly checks: readonly Check[]
  readonly lastChecks: readonly Check[]
  /** The cycles of the model, with what the host does in a check. */
  cycles(check: Check | 'proof'): Generator<Cycle>
  /** Inputs that carry data: a proof holds for whatever comes there. Without any, only combinational modules are proven. */
  readonly data: readonly string[]
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

/** What the host does: images with and without stalls; the same, cut off by resets, and by many more of them; many more images. */
export type Check = 'run' | 'reset in mid-run' | 'more resets' | 'more images'

/**
 * Runs a changed netlist in JavaScript beside the cycle model, and compares every probe and port in every cycle, check after check. What
 * survives is proven to do the same as the sound one, or goes through the last checks.
 */
export function judge(subject: Subject, changed: Module, path: InstancePath): Verdict {
  try {
    for (const check of subject.checks) {
      const verdict = compareIn(subject, changed, check)
      if (verdict !== undefined) return verdict
    }
    const proof = proveEquivalent(subject, changed, path)
    if (proof !== undefined) return { kind: 'survived', proof }
    for (const check of subject.lastChecks) {
      const verdict = compareIn(subject, changed, check)
      if (verdict !== undefined) return verdict
    }
    return { kind: 'survived', proof }
  } catch (error) {
    if (error instanceof XgenError && error.kind === 'internal')
      return { kind: 'refused', message: error.message }
    throw error
  }
}

/** The verdict where a check shows a difference. */
function compareIn(subject: Subject, changed: Module, check: Check): Verdict | undefined {
  const { watch } = subject
  const { first, mismatches, ended } = compare(subject, changed, watch, check)
  if (mismatches === 0) return undefined
  invariant(first !== undefined, `a netlist that differs does so in some value (${ended})`)
  const ports = compare(subject, changed, watchProbes([], watch.layout), check)
  const { value, image, cycle } = first
  const name = watch.values[value]!.name
  return { kind: 'caught', check, value: name, image, cycle, atPorts: ports.mismatches > 0 }
}

function compare(subject: Subject, changed: Module, watch: Watch, check: Check): ComparisonResult {
  const comparison = compareDevices('netlist', watch, -1, 8)
  const device = netlistFrames(changed, watch.layout, watch.probes)
  const take = follower(device, comparison, watch, Number.POSITIVE_INFINITY)
  // a watch of ports alone sees the first words of a frame
  const seen = ({ words, ...rest }: Cycle) => ({ ...rest, words: words.subarray(0, frameWords(watch)) })
  for (const cycle of subject.cycles(check)) if (!take(seen(cycle))) break
  return comparison.result()
}
