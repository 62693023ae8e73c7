import { describe, expect, it } from 'vitest'
import { buildAxiAccelerator } from '../../src/arch/axi-top.ts'
import { overlappedCycles } from '../../src/plan/any-plan.ts'
import { weightPacket } from '../../src/plan/packet.ts'
import { control, okay, slaveError } from '../../src/plan/registers.ts'
import { axiLayout } from '../../testbench/axi-ports.ts'
import { read, streamBeats, write } from '../../testbench/axi-program.ts'
import { type Beat, type Episode, noStalls } from '../../testbench/axi-stimulus.ts'
import { netlistFrames } from '../../testbench/netlist-frames.ts'
import { axiSpecimen, episode, runAxi } from '../fixtures/axi.ts'
import { twoLayers } from '../fixtures/verification.ts'

// What hosts do at the edges of the protocols: partners that keep the design waiting for long, TLAST that is not wired, restarts
// at any time, packets at the wrong time.

const { CTRL, STATUS, ERROR, IRQ_ENABLE, IMAGES } = control
const specimen = axiSpecimen(twoLayers, 4, 4)
const other = axiSpecimen({ ...twoLayers, seed: 77 }, 4, 4)
const { plan, images } = specimen.planned
const packet = weightPacket(plan, images)
const otherPacket = weightPacket(other.planned.plan, other.planned.images)
const samples = [1, 2, 3].map(specimen.image)
const expected = samples.map((sample) => sample.expected)
const elements = plan.input.elements
const outputs = plan.output.elements

const late = 1400
/** Pattern 0 never stalls, 1 is ready from cycle `late` of 4096 on. */
const patterns = [0, late].map((from) => Uint8Array.from({ length: 4096 }, (_, i) => (i < from ? 0 : 1)))
const run = (one: Episode) =>
  runAxi(
    netlistFrames(buildAxiAccelerator(plan, images), axiLayout(plan), []),
    specimen.planned,
    [one],
    patterns,
  )
const withTlast = (beats: readonly Beat[], extra: number) => beats.map((beat) => ({ ...beat, extra }))
const values = (reads: readonly { readonly data: number }[]) => reads.map(({ data }) => data)

describe('a host that keeps an answer waiting', () => {
  const { offset } = IRQ_ENABLE
  const writes = [1, 2, 3]
  const queued = (stalls: Partial<Episode['stalls']>) => {
    const base = episode({})
    return {
      ...base,
      beats: {
        ...base.beats,
        aw: writes.map(() => ({ data: offset, extra: 0 })),
        w: writes.map((data) => ({ data, extra: 15 })),
        ar: [
          { data: offset, extra: 0, after: [{ channel: 'aw', count: 2 } as const] },
          { data: offset, extra: 0, after: [{ channel: 'b', count: 3 } as const] },
        ],
      },
      stalls: { ...noStalls, ...stalls },
    }
  }

  it('BREADY 0 for long: the next write waits with its effect, and none is lost', () => {
    const result = run(queued({ b: 1 }))
    expect(result.cycles).toBeGreaterThan(late)
    expect(result.writes).toEqual([okay, okay, okay])
    expect(values(result.reads)).toEqual([1, 3])
  })

  it.each(['aw', 'w'] as const)('%s long after its partner', (channel) => {
    const result = run(queued({ [channel]: 1 }))
    expect(result.writes).toEqual([okay, okay, okay])
    expect(values(result.reads).at(-1)).toBe(3)
  })

  it('RREADY 0 through a restart: the answer is that of the cycle in which the address was taken', () => {
    const before = episode({
      input: streamBeats(samples[0]!.codes.subarray(0, 3)),
      operations: [
        read(ERROR.offset, { channel: 'image', count: 3 }),
        write(CTRL.offset, 6),
        read(ERROR.offset),
      ],
    })
    const restartAtOnce = before.beats.aw.map((beat) => ({
      ...beat,
      after: [{ channel: 'ar', count: 1 } as const],
    }))
    const result = run({
      ...before,
      beats: { ...before.beats, aw: restartAtOnce, w: restartAtOnce.map(() => ({ data: 6, extra: 15 })) },
      stalls: { ...noStalls, r: 1 },
    })
    expect(result.cycles).toBeGreaterThan(late)
    expect(result.writes).toEqual([okay])
    expect(values(result.reads)).toEqual([1, 0])
  })
})

describe('TLAST of the images', () => {
  it.each([
    [0, 2],
    [1, 1],
  ])('tied to %i: results as ever, and bit %i of ERROR', (extra, error) => {
    const result = run(
      episode({
        input: withTlast(
          samples.flatMap(({ codes }) => streamBeats(codes)),
          extra,
        ),
        outputs: 3 * outputs,
        operations: [read(ERROR.offset, { channel: 'output', count: 3 * outputs })],
      }),
    )
    expect(result.outputs).toEqual(expected)
    expect(values(result.reads)).toEqual([error])
  })
})

describe('a restart', () => {
  // in reads, of 2 cycles each: all through the run, then through the output and beyond
  const reads = overlappedCycles(plan) / 2
  const delays = [
    ...Array.from({ length: 8 }, (_, i) => Math.floor((i * reads) / 8)),
    ...Array.from({ length: 6 }, (_, i) => Math.floor(reads) - outputs + 2 * i),
  ]

  it.each([0, 1])(
    'after any time, with the output free or not (pattern %i): the next image is whole',
    (stall) => {
      const phases = new Set<number>()
      for (const delay of delays) {
        const base = episode({
          input: [
            ...streamBeats(samples[0]!.codes),
            ...streamBeats(samples[1]!.codes.subarray(0, 5), [{ channel: 'b', count: 1 }]).map((beat) => ({
              ...beat,
              extra: 0,
            })),
            ...streamBeats(samples[1]!.codes.subarray(5)),
          ],
          operations: [
            ...Array.from({ length: delay + 1 }, () =>
              read(STATUS.offset, { channel: 'image', count: elements }),
            ),
            write(CTRL.offset, 6),
          ],
          cycles: 4000,
        })
        const result = run({ ...base, stalls: { ...noStalls, output: stall } })
        phases.add((result.reads[delay]!.data >> 4) & 3)
        expect(result.writes).toEqual([okay])
        expect(result.outputs.at(-1)!.slice(-outputs)).toEqual(expected[1])
      }
      expect([...phases].sort()).toEqual([0, 2, 3])
    },
  )

  it('with start in the same write is refused, also while idle', () => {
    const result = run(
      episode({
        operations: [write(CTRL.offset, 0), write(CTRL.offset, 5), read(CTRL.offset), read(STATUS.offset)],
      }),
    )
    expect(result.writes).toEqual([okay, slaveError])
    expect(values(result.reads)).toEqual([0, 0x201])
  })

  it('leaves auto_restart as the write says', () => {
    const result = run(
      episode({
        operations: [write(CTRL.offset, 6), read(CTRL.offset), write(CTRL.offset, 4), read(CTRL.offset)],
      }),
    )
    expect(values(result.reads)).toEqual([2, 0])
  })
})

it('start, with auto-restart off: one image each, and no start is kept for later', () => {
  const result = run(
    episode({
      images: samples.map(({ codes }) => codes),
      cycles: 3000,
      operations: [
        write(CTRL.offset, 0),
        write(CTRL.offset, 1),
        write(CTRL.offset, 1),
        write(CTRL.offset, 1, { channel: 'output', count: outputs }),
        read(IMAGES.offset, { channel: 'output', count: 2 * outputs }),
      ],
    }),
  )
  expect(result.writes).toEqual([okay, okay, slaveError, okay])
  expect(result.outputs).toEqual(expected.slice(0, 2))
  expect(values(result.reads)).toEqual([2])
})

describe('weights packets at odd times', () => {
  it('one that comes in mid-run waits for its end, and goes before the next image, which is there already', () => {
    const result = run(
      episode({
        images: samples.slice(0, 2).map(({ codes }) => codes),
        weights: streamBeats(otherPacket, [{ channel: 'image', count: elements + 1 }]),
        outputs: 2 * outputs,
      }),
    )
    expect(result.outputs).toEqual([expected[0], other.image(2).expected])
  })

  it('two in a row: the second one stands', () => {
    const result = run(
      episode({
        input: streamBeats(samples[0]!.codes, [{ channel: 'weights', count: 1 }]),
        weights: [...streamBeats(otherPacket), ...streamBeats(packet)],
        outputs,
        operations: [read(ERROR.offset, { channel: 'weights', count: 2 * packet.length })],
      }),
    )
    expect(result.outputs).toEqual([expected[0]])
    expect(values(result.reads)).toEqual([0])
  })

  it('without any TLAST: an error, no inference; a restart and a whole packet help', () => {
    const result = run(
      episode({
        input: [
          ...streamBeats(samples[0]!.codes, [{ channel: 'weights', count: packet.length }]),
          ...streamBeats(samples[1]!.codes, [{ channel: 'b', count: 1 }]),
        ],
        weights: [
          ...withTlast(streamBeats(otherPacket), 0),
          ...streamBeats(packet, [{ channel: 'b', count: 1 }]),
        ],
        outputs,
        operations: [
          read(ERROR.offset, { channel: 'image', count: elements }),
          read(STATUS.offset),
          write(CTRL.offset, 6),
          read(ERROR.offset),
        ],
      }),
    )
    expect(result.outputs).toEqual([expected[1]])
    // a whole image waits, the weights are not valid, the packet has no end
    expect(values(result.reads)).toEqual([8, 0x501, 0])
  })

  it('with TLAST in every beat: errors, and the old weights stay', () => {
    const result = run(
      episode({
        input: streamBeats(samples[0]!.codes, [{ channel: 'weights', count: packet.length }]),
        weights: withTlast(streamBeats(otherPacket), 1),
        outputs,
        operations: [
          read(ERROR.offset, { channel: 'weights', count: packet.length }),
          read(STATUS.offset, { channel: 'output', count: outputs }),
        ],
      }),
    )
    expect(result.outputs).toEqual([expected[0]])
    expect(values(result.reads)[0]).toBe(12)
    expect(values(result.reads)[1]! & 0x600).toBe(0x200)
  })
})
