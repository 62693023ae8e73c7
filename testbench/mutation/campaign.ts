import type { Module } from '../../src/hdl/module.ts'
import { drawFaults, type PlacedFault } from './choice.ts'
import { changeAt } from './draft.ts'
import { faultKinds } from './faults.ts'
import { judge, type Subject, type Verdict } from './trial.ts'

/** A fault of a campaign and what came of it. */
export interface Trial {
  readonly index: number
  readonly design: string
  readonly module: string
  /** Path of the changed instance below the top module. */
  readonly instance: string
  readonly kind: string
  readonly text: string
  readonly verdict: Verdict
}

export interface Planned extends PlacedFault {
  readonly index: number
  readonly design: string
  readonly subject: Subject
}

/** The faults of a campaign: the designs take turns, each with a sequence of its own. The same for the same seed. */
export function planCampaign(
  designs: Readonly<Record<string, Subject>>,
  { seed, count }: { readonly seed: number; readonly count: number },
): readonly Planned[] {
  const sources = Object.entries(designs).map(([design, subject], index) => ({
    design,
    subject,
    faults: drawFaults(subject.top, seed + 1000 * index),
  }))
  const planned: Planned[] = []
  while (planned.length < count) {
    const before = planned.length
    for (const { design, subject, faults } of sources) {
      const next = faults.next()
      if (next.done !== true && planned.length < count)
        planned.push({ ...next.value, index: planned.length, design, subject })
    }
    if (planned.length === before) break
  }
  return planned
}

export const changedTop = ({ subject, path, fault }: Planned): Module =>
  changeAt(subject.top, path, fault.plant)

export function runTrial(planned: Planned): Trial {
  const { index, design, module, path, fault, subject } = planned
  return {
    index,
    design,
    module,
    instance: path.join('.'),
    kind: fault.kind,
    text: fault.text,
    verdict: judge(subject, changedTop(planned), path),
  }
}

/** One row of figures. */
export interface Tally {
  readonly name: string
  readonly planted: number
  readonly caught: number
  /** Of those caught: not let be built; seen only after a reset; seen only with more images; seen by probes alone. */
  readonly refused: number
  readonly afterReset: number
  readonly moreImages: number
  readonly probesOnly: number
  /** Of those that survived: proven to do the same as the sound design. */
  readonly equivalent: number
}

export function tally(name: string, trials: readonly Trial[]): Tally {
  const count = (test: (verdict: Verdict) => boolean) => trials.filter(({ verdict }) => test(verdict)).length
  return {
    name,
    planted: trials.length,
    caught: count(({ kind }) => kind !== 'survived'),
    refused: count(({ kind }) => kind === 'refused'),
    afterReset: count((verdict) => verdict.kind === 'caught' && /reset/.test(verdict.check)),
    moreImages: count((verdict) => verdict.kind === 'caught' && verdict.check === 'more images'),
    probesOnly: count((verdict) => verdict.kind === 'caught' && !verdict.atPorts),
    equivalent: count((verdict) => verdict.kind === 'survived' && verdict.proof !== undefined),
  }
}

export const byKind = (trials: readonly Trial[]): readonly Tally[] =>
  faultKinds.map((kind) =>
    tally(
      kind,
      trials.filter((trial) => trial.kind === kind),
    ),
  )

/** Modules by what they are: the multiplier in a name counts for nothing, nor the number of a tile. */
export function byModule(trials: readonly Trial[]): readonly Tally[] {
  const nameOf = ({ module }: Trial) =>
    module
      .replace(/^(mul|pe)_.*/, '$1_*')
      .replace(/^tile_\d+$/, 'tile_*')
      .replace(/^xgen_.*/, '(top)')
  const names = [...new Set(trials.map(nameOf))].sort()
  return names.map((name) =>
    tally(
      name,
      trials.filter((trial) => nameOf(trial) === name),
    ),
  )
}
