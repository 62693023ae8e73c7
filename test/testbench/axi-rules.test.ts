import { describe, expect, it } from 'vitest'
import { axiModel } from '../../sim/axi.ts'
import { patienceOf } from '../../sim/drive.ts'
import { buildAxiAccelerator } from '../../src/arch/axi-top.ts'
import { analyse } from '../../src/hdl/checks.ts'
import { control } from '../../src/plan/registers.ts'
import { axiFrames } from '../../testbench/axi-device.ts'
import { driveAxi } from '../../testbench/axi-host.ts'
import { axiLayout } from '../../testbench/axi-ports.ts'
import { read, write } from '../../testbench/axi-program.ts'
import { axiRules, type RuleName, rules } from '../../testbench/axi-rules.ts'
import { portsByName, portValue } from '../../testbench/ports.ts'
import { axiSpecimen, episode, stallPatterns } from '../fixtures/axi.ts'

const specimen = axiSpecimen(
  {
    input: [1, 4, 4],
    seed: 4,
    activationBits: 6,
    layers: [
      { filters: 3, kernel: [2, 2] },
      { filters: 4, dense: true },
    ],
  },
  2,
  3,
)
const { plan, images } = specimen.planned
const layout = axiLayout(plan)
const portOf = portsByName(layout)

/** A good run with stalls, frame by frame. */
function record(): Uint32Array[] {
  const operations = [
    read(control.STATUS.offset),
    write(control.IRQ_ENABLE.offset, 3),
    read(0x800),
    write(control.CTRL.offset, 6, { channel: 'output', count: 5 }),
  ]
  const { codes } = specimen.image(1)
  const stimulus = {
    episodes: [
      episode({ images: [codes, codes], operations, outputs: 6, stalls: 1 }),
      episode({
        images: [codes, codes],
        operations: [write(control.ERROR.offset, 15)],
        outputs: 8,
        stalls: 2,
      }),
    ],
    patterns: stallPatterns(2),
    patience: patienceOf(plan),
  }
  const device = axiFrames(axiModel(plan, images), layout)
  return Array.from(driveAxi(device, stimulus, plan.reload, 0), ({ words }) => words.slice())
}
const good = record()

function check(frames: readonly Uint32Array[]) {
  const seen = axiRules(plan)
  for (const frame of frames) seen.take(frame, 0)
  return seen
}

const value = (frame: Uint32Array, name: string) => portValue(frame, 0, portOf(name))
function set(frame: Uint32Array, name: string, to: number): void {
  const { word, low, bits } = portOf(name)
  const mask = (bits === 32 ? 0xffffffff : 2 ** bits - 1) << low
  frame[word] = ((frame[word]! & ~mask) | ((to << low) & mask)) >>> 0
}

/** The run with one fault, in the first cycle that `where` finds; `edit` changes that cycle and may change others. */
function planted(
  where: (frames: readonly Uint32Array[], cycle: number) => boolean,
  edit: (frames: Uint32Array[], cycle: number) => void,
) {
  const frames = good.map((frame) => frame.slice())
  const cycle = frames.findIndex((_, index) => index > 0 && index + 1 < frames.length && where(frames, index))
  expect(cycle).toBeGreaterThan(0)
  edit(frames, cycle)
  return check(frames)
}

const waits = (channel: string) => (frames: readonly Uint32Array[], cycle: number) =>
  value(frames[cycle]!, 'aresetn') === 1 &&
  value(frames[cycle]!, `${channel}valid`) === 1 &&
  value(frames[cycle]!, `${channel}ready`) === 0
const moves = (channel: string) => (frames: readonly Uint32Array[], cycle: number) =>
  value(frames[cycle]!, `${channel}valid`) === 1 && value(frames[cycle]!, `${channel}ready`) === 1
const all = ['s_axis_t', 'm_axis_t', ...['aw', 'w', 'ar', 'b', 'r'].map((channel) => `s_axi_ctrl_${channel}`)]

describe('the rules of AXI', () => {
  it('are kept by a good run, which moves on every channel', () => {
    const { violations, cycles, transfers } = check(good)
    expect(violations).toEqual([])
    expect(cycles).toBe(good.length)
    for (const channel of ['image', 'aw', 'w', 'b', 'ar', 'r', 'output'])
      expect(transfers[channel]).toBeGreaterThan(0)
  })

  it('no output of the design depends on an input of the same cycle: neither side waits for the other', () => {
    for (const reload of [false, true]) {
      const { planned } = axiSpecimen({ input: [1, 3, 3], seed: 4, layers: [{ filters: 2 }] }, 2, 2, {
        reload,
      })
      const { inputsOf } = analyse(buildAxiAccelerator(planned.plan, planned.images))
      expect(inputsOf.size).toBe(reload ? 14 : 13)
      for (const [output, inputs] of inputsOf) expect(inputs, output).toEqual([])
    }
  })

  const faults: [rule: RuleName, name: string, result: () => ReturnType<typeof check>][] = [
    ...all.map((channel): (typeof faults)[number] => [
      'valid held',
      `${channel}valid falls`,
      () =>
        planted(moves(channel), (frames, cycle) => {
          set(frames[cycle]!, `${channel}ready`, 0)
          set(frames[cycle + 1]!, `${channel}valid`, 0)
        }),
    ]),
    [
      'payload stable',
      'output data change',
      () =>
        planted(waits('m_axis_t'), (frames, cycle) =>
          set(frames[cycle + 1]!, 'm_axis_tdata', value(frames[cycle]!, 'm_axis_tdata') ^ 1),
        ),
    ],
    [
      'payload stable',
      'TLAST changes',
      () =>
        planted(waits('s_axis_t'), (frames, cycle) =>
          set(frames[cycle + 1]!, 's_axis_tlast', 1 - value(frames[cycle]!, 's_axis_tlast')),
        ),
    ],
    [
      'payload stable',
      'read data change',
      () =>
        planted(waits('s_axi_ctrl_r'), (frames, cycle) =>
          set(frames[cycle + 1]!, 's_axi_ctrl_rdata', value(frames[cycle]!, 's_axi_ctrl_rdata') ^ 4),
        ),
    ],
    [
      'valid after reset',
      'TVALID right behind reset',
      () =>
        planted(
          (frames, cycle) =>
            value(frames[cycle - 1]!, 'aresetn') === 0 && value(frames[cycle]!, 'aresetn') === 1,
          (frames, cycle) => set(frames[cycle]!, 'm_axis_tvalid', 1),
        ),
    ],
    [
      'response after request',
      'BVALID without a write',
      () =>
        planted(
          (frames, cycle) =>
            cycle > 5 &&
            value(frames[cycle]!, 'aresetn') === 1 &&
            value(frames[cycle]!, 's_axi_ctrl_bvalid') === 0,
          (frames, cycle) => set(frames[cycle]!, 's_axi_ctrl_bvalid', 1),
        ),
    ],
    [
      'one response',
      'a second answer to one read',
      () =>
        planted(moves('s_axi_ctrl_r'), (frames, cycle) => {
          set(frames[cycle + 1]!, 's_axi_ctrl_rvalid', 1)
          set(frames[cycle + 1]!, 's_axi_ctrl_rready', 1)
        }),
    ],
    [
      'last element',
      'TLAST an element early',
      () => planted(moves('m_axis_t'), (frames, cycle) => set(frames[cycle]!, 'm_axis_tlast', 1)),
    ],
    [
      'last element',
      'no TLAST',
      () =>
        planted(
          (frames, cycle) => moves('m_axis_t')(frames, cycle) && value(frames[cycle]!, 'm_axis_tlast') === 1,
          (frames, cycle) => set(frames[cycle]!, 'm_axis_tlast', 0),
        ),
    ],
    [
      'padding zero',
      'a bit beyond the code',
      () =>
        planted(moves('m_axis_t'), (frames, cycle) =>
          set(frames[cycle]!, 'm_axis_tdata', value(frames[cycle]!, 'm_axis_tdata') | 64),
        ),
    ],
    [
      'response code',
      'EXOKAY',
      () => planted(moves('s_axi_ctrl_b'), (frames, cycle) => set(frames[cycle]!, 's_axi_ctrl_bresp', 1)),
    ],
  ]

  it('each has a fault that shows it', () => {
    expect(new Set(faults.map(([rule]) => rule))).toEqual(new Set(Object.keys(rules)))
  })

  it.each(faults)('%s: %s', (rule, _name, result) => {
    expect(result().violations.map((violation) => violation.rule)).toContain(rule)
  })
})
