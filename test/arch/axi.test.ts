import { describe, expect, it } from 'vitest'
import { buildAxiAccelerator } from '../../src/arch/axi-top.ts'
import { overlappedCycles, runCycles } from '../../src/plan/any-plan.ts'
import { weightPacket } from '../../src/plan/packet.ts'
import { control, interfaceId, okay, slaveError } from '../../src/plan/registers.ts'
import { hashWords } from '../../src/plan/structure.ts'
import { axiLayout } from '../../testbench/axi-ports.ts'
import { read, streamBeats, write } from '../../testbench/axi-program.ts'
import { netlistFrames } from '../../testbench/netlist-frames.ts'
import { type AxiSpecimen, axiSpecimen, episode, runAxi, stallPatterns } from '../fixtures/axi.ts'
import type { NetworkSketch } from '../fixtures/qgraph.ts'
import { twoLayers } from '../fixtures/verification.ts'

const { CTRL, STATUS, ERROR, IRQ_ENABLE, IRQ_STATUS, CYCLES, RUNNING, IMAGES } = control

const deviceOf = ({ planned: { plan, images } }: AxiSpecimen) =>
  netlistFrames(buildAxiAccelerator(plan, images), axiLayout(plan), [])
const specimen = axiSpecimen(twoLayers, 4, 4)
const { plan, images } = specimen.planned
const samples = [1, 2, 3, 4].map(specimen.image)
const outputs = plan.output.elements
const codesOf = (list: readonly { codes: Uint8Array }[]) => list.map(({ codes }) => codes)
const expectedOf = (list: readonly { expected: Uint8Array }[]) => list.map(({ expected }) => expected)
const packet = weightPacket(plan, images)

describe('streams', () => {
  it('images run without a control write, the next one while one is computed', () => {
    const run = runAxi(deviceOf(specimen), specimen.planned, [
      episode({ images: codesOf(samples), outputs: 4 * outputs }),
    ])
    expect(run.outputs).toEqual(expectedOf(samples))
    const periods = run.ends.slice(1).map((end, index) => end - run.ends[index]!)
    expect(periods.slice(1)).toEqual([overlappedCycles(plan) - 1, overlappedCycles(plan) - 1])
    expect(periods[1]!).toBeLessThan(runCycles(plan) + outputs + 6)
  })

  it('the same with random stalls of all channels', () => {
    const run = runAxi(
      deviceOf(specimen),
      specimen.planned,
      [1, 2, 3].map((stalls) => episode({ images: codesOf(samples), outputs: 4 * outputs, stalls })),
      stallPatterns(3),
    )
    expect(run.outputs).toEqual([samples, samples, samples].flatMap(expectedOf))
  })

  it('codes of fewer bits: padding of the input is ignored, that of the output is 0', () => {
    for (const unsigned of [false, true]) {
      const sketch: NetworkSketch = {
        input: [2, 3, 3],
        seed: 9,
        activationBits: 5,
        unsignedInput: unsigned,
        layers: [
          { filters: 3, kernel: [2, 2], relu: unsigned, unsigned },
          { filters: 2, dense: true },
        ],
      }
      const narrow = axiSpecimen(sketch, 2, 3)
      const { codes, expected } = narrow.image(1)
      const noisy = codes.map((code, index) => (code & 31) | ((index % 8) << 5))
      const run = runAxi(deviceOf(narrow), narrow.planned, [
        episode({ images: [noisy], outputs: narrow.planned.plan.output.elements }),
      ])
      expect(run.outputs).toEqual([expected])
      expect(Math.max(...expected)).toBeLessThan(32)
    }
  })

  it('counting decides where an image ends; wrong TLASTs set their bits', () => {
    const [first, second] = samples as [(typeof samples)[0], (typeof samples)[0]]
    const beats = [first, second].flatMap(({ codes }) => streamBeats(codes))
    const n = plan.input.elements
    const misplaced = beats.map((beat, i) => ({ ...beat, extra: i === 3 || i === 2 * n - 1 ? 1 : 0 }))
    const run = runAxi(deviceOf(specimen), specimen.planned, [
      episode({
        input: misplaced,
        outputs: 2 * outputs,
        operations: [
          read(ERROR.offset, { channel: 'image', count: 3 }),
          read(ERROR.offset, { channel: 'image', count: 5 }),
          read(ERROR.offset, { channel: 'image', count: n + 1 }),
          write(ERROR.offset, 1, { channel: 'image', count: n + 1 }),
          read(ERROR.offset),
          read(IRQ_STATUS.offset),
          write(ERROR.offset, 2, { channel: 'output', count: 2 * outputs }),
          read(ERROR.offset),
        ],
      }),
    ])
    expect(run.outputs).toEqual(expectedOf([first, second]))
    expect(run.reads.slice(1).map(({ data }) => data)).toEqual([1, 3, 2, 2, 0])
  })

  it('a restart drops a partial image, and what follows is whole', () => {
    const partial = streamBeats(samples[0]!.codes.subarray(0, 5)).map((beat) => ({ ...beat, extra: 0 }))
    const whole = streamBeats(samples[1]!.codes, [{ channel: 'b', count: 1 }])
    const run = runAxi(deviceOf(specimen), specimen.planned, [
      episode({
        input: [...partial, ...whole],
        outputs,
        operations: [write(CTRL.offset, 6, { channel: 'image', count: 5 }), read(ERROR.offset)],
      }),
    ])
    expect(run.outputs).toEqual([samples[1]!.expected])
    expect(run.reads).toEqual([{ data: 0, response: okay }])
  })
})

describe('reset and restart in mid-run', () => {
  const middle = plan.input.elements + Math.floor(runCycles(plan) / 2)
  it.each([middle, plan.input.elements + runCycles(plan) + 8])(
    'aresetn after %i cycles leaves a design that computes as before',
    (cycles) => {
      const run = runAxi(deviceOf(specimen), specimen.planned, [
        episode({ images: codesOf(samples), cycles }),
        episode({ images: codesOf(samples), outputs: 4 * outputs, reset: 1 }),
      ])
      expect(run.outputs).toEqual(expectedOf(samples))
    },
  )

  it('a restart leaves an element on offer, and drops the rest', () => {
    const after = { channel: 'output', count: 2 } as const
    const run = runAxi(deviceOf(specimen), specimen.planned, [
      episode({
        input: [
          ...streamBeats(samples[0]!.codes),
          ...streamBeats(samples[1]!.codes, [{ channel: 'b', count: 1 }]),
        ],
        operations: [write(CTRL.offset, 4, after), read(CTRL.offset), write(CTRL.offset, 2)],
        cycles: 6000,
        stalls: 1,
      }),
    ])
    expect(run.hung).toBe(false)
    const [codes] = run.outputs
    expect(codes!.slice(-outputs)).toEqual(samples[1]!.expected)
    const dropped = codes!.slice(0, -outputs)
    expect(dropped).toEqual(samples[0]!.expected.slice(0, dropped.length))
    expect(dropped.length).toBeLessThan(outputs)
    expect(run.reads).toEqual([{ data: 0, response: okay }])
  })
})

describe('control', () => {
  it('tells what the design is, and answers everywhere else with an error', () => {
    const known = new Map<number, number>([
      [0x020, interfaceId],
      [0x028, plan.input.elements],
      [0x02c, outputs],
      [0x030, 0x8888],
      [0x034, packet.length],
      ...hashWords(plan.hash).map((word, i) => [0x040 + 4 * i, word] as const),
      ...hashWords(plan.structure).map((word, i) => [0x060 + 4 * i, word] as const),
      [CTRL.offset, 2],
      [STATUS.offset, 0x201],
      [ERROR.offset, 0],
    ])
    const addresses = Array.from({ length: 1024 }, (_, i) => 4 * i)
    const run = runAxi(deviceOf(specimen), specimen.planned, [
      episode({ operations: addresses.map((address) => read(address)) }),
    ])
    for (const [address, value] of known)
      expect(run.reads[address / 4]).toEqual({ data: value, response: okay })
    const errors = addresses.filter((address) => run.reads[address / 4]!.response === slaveError)
    expect(errors[0]).toBe(0x038)
    expect(errors.length).toBe(1024 - 0x38 / 4 - 16)
    for (const address of errors) expect(run.reads[address / 4]!.data).toBe(0)
  })

  it('writes that are refused change nothing at all', () => {
    const others = Array.from({ length: 1024 }, (_, i) => 4 * i).filter(
      (address) => ![CTRL, ERROR, IRQ_ENABLE, IRQ_STATUS].some(({ offset }) => offset === address),
    )
    const looked = [CTRL, STATUS, ERROR, IRQ_ENABLE, IRQ_STATUS, CYCLES, IMAGES].map(({ offset }) =>
      read(offset),
    )
    const run = runAxi(deviceOf(specimen), specimen.planned, [
      episode({ operations: [...looked, ...others.map((address) => write(address, 0xffffffff)), ...looked] }),
    ])
    expect(new Set(run.writes)).toEqual(new Set([slaveError]))
    expect(run.reads.slice(looked.length)).toEqual(run.reads.slice(0, looked.length))
  })

  it('start runs one image; start while busy is refused and changes nothing', () => {
    const done = { channel: 'output', count: outputs } as const
    const run = runAxi(deviceOf(specimen), specimen.planned, [
      episode({
        input: samples.slice(0, 2).flatMap(({ codes }) => streamBeats(codes, [{ channel: 'b', count: 4 }])),
        outputs,
        operations: [
          write(CTRL.offset, 0),
          read(CTRL.offset),
          write(CTRL.offset, 5),
          write(CTRL.offset, 1),
          read(STATUS.offset),
          write(CTRL.offset, 3),
          read(CTRL.offset),
          read(STATUS.offset, done),
          read(IMAGES.offset, done),
          read(CYCLES.offset, done),
          read(IRQ_STATUS.offset),
        ],
      }),
    ])
    expect(run.writes).toEqual([okay, slaveError, okay, slaveError])
    expect(run.outputs).toEqual([samples[0]!.expected])
    const [zero, waiting, control, ended, count, cycles, happened] = run.reads.map(({ data }) => data)
    expect([zero, waiting, control]).toEqual([0, 0x212, 1])
    expect([ended! & 0x37, count, happened]).toEqual([5, 1, 1])
    expect(cycles).toBe(overlappedCycles(plan))
  })

  it('strobes choose bytes; both orders of address and data work; the interrupt follows its mask', () => {
    const run = runAxi(deviceOf(specimen), specimen.planned, [
      episode({
        images: codesOf(samples.slice(0, 1)),
        outputs,
        operations: [
          { address: IRQ_ENABLE.offset, write: 0xffffffff, strobe: 14 },
          read(IRQ_ENABLE.offset),
          { address: IRQ_ENABLE.offset + 3, write: 0xffffff01, strobe: 1 },
          read(IRQ_ENABLE.offset + 1),
          { address: CTRL.offset, write: 0, strobe: 14 },
          read(CTRL.offset),
          read(IRQ_STATUS.offset, { channel: 'output', count: outputs }),
          write(IRQ_STATUS.offset, 1),
          read(IRQ_STATUS.offset),
          read(RUNNING.offset),
          read(RUNNING.offset),
        ],
      }),
    ])
    expect(run.writes).toEqual([okay, okay, okay, okay])
    const values = run.reads.map(({ data }) => data)
    expect(values.slice(0, 5)).toEqual([0, 1, 2, 1, 0])
    expect(values[6]!).toBeGreaterThan(values[5]!)
  })
})

describe('weights at run time', () => {
  const other = axiSpecimen({ ...twoLayers, seed: 77 }, 4, 4)
  const foreign = axiSpecimen({ ...twoLayers, layers: [{ filters: 5, dense: true }] }, 4, 4)
  const otherPacket = weightPacket(other.planned.plan, other.planned.images)
  const status = (bits: number) => ({ data: bits, response: okay })

  it('other weights of the network give what a design made with them gives', () => {
    expect(other.planned.plan.structure).toBe(plan.structure)
    expect(other.planned.plan.hash).not.toBe(plan.hash)
    const after = [{ channel: 'weights', count: otherPacket.length }] as const
    const run = runAxi(
      deviceOf(specimen),
      specimen.planned,
      [0, 1].map((stalls) =>
        episode({
          input: [...streamBeats(samples[0]!.codes), ...streamBeats(samples[0]!.codes, after)],
          weights: streamBeats(otherPacket, [{ channel: 'output', count: 1 }]),
          outputs: 2 * outputs,
          operations: [read(ERROR.offset, after[0])],
          stalls,
        }),
      ),
    )
    const changed = other.image(1).expected
    expect(changed).not.toEqual(samples[0]!.expected)
    // the weights stay through the reset before the second episode
    expect(run.outputs).toEqual([samples[0]!.expected, changed, changed, changed])
    expect(run.reads).toEqual([status(0), status(0)])
  })

  it('weights of another network are refused, and drained; the old ones stay', () => {
    const strange = weightPacket(foreign.planned.plan, foreign.planned.images)
    const run = runAxi(deviceOf(specimen), specimen.planned, [
      episode({
        input: streamBeats(samples[0]!.codes, [{ channel: 'weights', count: strange.length }]),
        weights: streamBeats(strange),
        outputs,
        operations: [read(ERROR.offset, { channel: 'weights', count: strange.length })],
      }),
    ])
    expect(run.outputs).toEqual([samples[0]!.expected])
    expect(run.reads).toEqual([status(4)])
  })

  it.each([
    ['a beat', otherPacket.length - 1],
    ['most', 20],
  ])('a packet that lacks %s: no run until a whole one came, also through a reset', (_name, length) => {
    const short = streamBeats(otherPacket.subarray(0, length))
    const blocked = episode({
      images: [samples[0]!.codes],
      weights: short,
      cycles: 3000,
      operations: [read(ERROR.offset, { channel: 'weights', count: length }), read(STATUS.offset)],
    })
    const run = runAxi(deviceOf(specimen), specimen.planned, [
      blocked,
      episode({
        images: [samples[0]!.codes],
        outputs,
        operations: [read(STATUS.offset, { channel: 'image', count: plan.input.elements })],
        weights: streamBeats(otherPacket, [{ channel: 'r', count: 1 }]),
      }),
    ])
    expect(run.outputs).toEqual([other.image(1).expected])
    expect(run.reads.map(({ data }) => data)).toEqual([8, expect.any(Number), 0x101])
  })

  it('a packet that is too long, or ends within its header, sets the error', () => {
    const long = [...otherPacket, 5, 6]
    const run = runAxi(deviceOf(specimen), specimen.planned, [
      episode({
        images: [samples[0]!.codes],
        weights: [...streamBeats(packet.subarray(0, 5)), ...streamBeats(long), ...streamBeats(packet)],
        outputs,
        operations: [
          read(ERROR.offset, { channel: 'weights', count: 5 }),
          write(ERROR.offset, 8),
          read(ERROR.offset, { channel: 'weights', count: 5 + long.length }),
        ],
      }),
    ])
    expect(run.outputs).toEqual([samples[0]!.expected])
    expect(run.reads).toEqual([status(8), status(8)])
  })

  it('a restart in the middle of a packet: its rest is refused, a new one is taken', () => {
    const cut = 30
    const weights = [
      ...streamBeats(otherPacket).map((beat, index) =>
        index < cut ? beat : { ...beat, after: [{ channel: 'b', count: 1 } as const] },
      ),
      ...streamBeats(packet),
    ]
    const run = runAxi(deviceOf(specimen), specimen.planned, [
      episode({
        input: streamBeats(samples[0]!.codes, [{ channel: 'b', count: 1 }]),
        weights,
        outputs,
        operations: [
          write(CTRL.offset, 6, { channel: 'weights', count: cut }),
          read(ERROR.offset, { channel: 'weights', count: otherPacket.length }),
        ],
      }),
    ])
    expect(run.outputs).toEqual([samples[0]!.expected])
    expect(run.reads).toEqual([status(4)])
  })
})
