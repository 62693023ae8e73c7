import { setFlagsFromString } from 'node:v8'
import { describe, expect, it } from 'vitest'
import { draftOf, finishDraft } from '../../src/hdl/draft.ts'
import { printVerilog } from '../../src/hdl/verilog.ts'
import { changedTop, planCampaign, runTrial, tally } from '../../testbench/mutation/campaign.ts'
import { faultKinds, faultsOf } from '../../testbench/mutation/faults.ts'
import { judge } from '../../testbench/mutation/trial.ts'
import { subjectOf } from '../fixtures/mutation-subjects.ts'
import { smallDesigns } from '../fixtures/small-designs.ts'

// The optimising compiler of Node 20 gives up fatally on the JavaScript of some changed netlists (BigInts behind a choice); runs are too
// short to gain by it.
setFlagsFromString('--no-opt')

const name = 'inputs that come faster than the pipeline empties'
const subject = subjectOf(smallDesigns[name]!)
const planned = planCampaign({ [name]: subject }, { seed: 3, count: 100 })
const text = (top: typeof subject.top) => [...printVerilog(top, [])].sort().flat().join('\n')

describe('a netlist with a fault', () => {
  it('is not seen where there is none', () => {
    expect(judge(subject, subject.top, [])).toEqual({ kind: 'survived', proof: 'all data' })
    const copy = finishDraft(draftOf(subject.top), subject.top)
    expect(text(copy)).toBe(text(subject.top))
  })

  it('differs from the sound one in one instance, which stays as it was', () => {
    const before = text(subject.top)
    const changed = new Set<string>()
    for (const one of planned.slice(0, 40)) {
      const after = text(changedTop(one))
      expect(after, one.fault.text).not.toBe(before)
      // a fault may be drawn again in another instance, but never twice in one
      const key = `${one.path.join('.')} ${one.fault.text}`
      expect(changed.has(key)).toBe(false)
      changed.add(key)
    }
    expect(text(subject.top)).toBe(before)
  })

  it('has every kind of fault, in every module', () => {
    expect(new Set(planned.map(({ fault }) => fault.kind))).toEqual(new Set(faultKinds))
    expect(new Set(planned.map(({ module }) => module))).toEqual(
      new Set([...printVerilog(subject.top, []).keys()].map((file) => file.replace(/\.v$/, ''))),
    )
    expect(faultsOf(subject.top)).not.toEqual([])
  })

  it('is drawn the same from the same seed, and otherwise from another', () => {
    const places = (seed: number) =>
      planCampaign({ [name]: subject }, { seed, count: 30 }).map(({ path, fault }) => [path, fault.text])
    expect(places(3)).toEqual(places(3))
    expect(places(4)).not.toEqual(places(3))
  })

  it('of any kind is caught, for most places', () => {
    const first = faultKinds.map((kind) => planned.find(({ fault }) => fault.kind === kind)!)
    const trials = first.map(runTrial)
    const { planted, caught, probesOnly } = tally('all', trials)
    expect(planted).toBe(faultKinds.length)
    expect(caught).toBeGreaterThanOrEqual(12)
    expect(probesOnly).toBeLessThan(caught)
  })
})
