import { describe, expect, it } from 'vitest'
import { allPass, type Finding, verdictOf } from '../../testbench/verdict.ts'

const sound: Finding = { compared: 3, mismatches: 0, notRun: undefined, explanation: undefined }

describe('the verdict of a check', () => {
  it('is that it passed only where something was compared and nothing differs', () => {
    expect(verdictOf(sound)).toEqual({ kind: 'passed' })
    expect(verdictOf({ ...sound, compared: 0 })).toEqual({
      kind: 'failed',
      summary: 'nothing was compared',
      text: 'nothing was compared.\n',
    })
    expect(verdictOf({ ...sound, mismatches: 2 })).toMatchObject({
      kind: 'failed',
      summary: '2 of 3 values differ',
    })
    const explanation = { summary: 'one line', text: 'all of it' }
    expect(verdictOf({ ...sound, compared: 0, mismatches: 1, explanation })).toEqual({
      kind: 'failed',
      ...explanation,
    })
    expect(verdictOf({ ...sound, compared: 0, notRun: 'it is late' })).toEqual({
      kind: 'not run',
      because: 'it is late',
    })
  })

  it('of all of them needs one that passed and none that failed', () => {
    const absent = { ...sound, compared: 0, notRun: 'it is late' }
    const empty = { ...sound, compared: 0 }
    expect(
      [[sound], [sound, absent], [sound, empty], [sound, { ...sound, mismatches: 1 }], [absent], []].map(
        allPass,
      ),
    ).toEqual([true, true, false, false, false, false])
  })
})
