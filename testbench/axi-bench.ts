import { axiModel } from '../sim/axi.ts'
import { patienceOf } from '../sim/drive.ts'
import { type AnyPlan, overlappedCycles, runCycles } from '../src/plan/any-plan.ts'
import type { MemoryImages } from '../src/plan/images.ts'
import { weightPacket } from '../src/plan/packet.ts'
import { axiProbesOf } from '../src/plan/probes.ts'
import { control } from '../src/plan/registers.ts'
import { packetLayout } from '../src/plan/words.ts'
import { axiFrames } from './axi-device.ts'
import { axiHarvest } from './axi-harvest.ts'
import { driveAxi } from './axi-host.ts'
import { axiLayout } from './axi-ports.ts'
import { controlBeats, type Operation, read, streamBeats, write } from './axi-program.ts'
import { axiRules } from './axi-rules.ts'
import { type AxiStimulus, axiSimulatorInput, type Episode, noBeats, noStalls } from './axi-stimulus.ts'
import type { Bench } from './bench.ts'
import { netlistFrames } from './netlist-frames.ts'
import { fullAndStalled, stallPatterns } from './stimulus.ts'
import type { Harness } from './verilator.ts'
import { watchProbes } from './watch.ts'

export const axiHarness = ({ reload }: Pick<AnyPlan, 'reload'>): Harness => ({
  file: 'harness-axi.cpp',
  macros: { XGEN_WEIGHTS_STREAM: reload ? '1' : '0' },
})

/** Raw codes of images, and what draws the stalls. */
export interface AxiImages {
  readonly codes: readonly Uint8Array[]
  readonly seed: number
}

/** The bench of a design with the AXI interface. */
export function axiBench(plan: AnyPlan, images: MemoryImages, { codes, seed }: AxiImages): Bench {
  const layout = axiLayout(plan)
  const watch = watchProbes(axiProbesOf(plan), layout)
  const stimulus = axiStimulus(plan, images, codes, seed)
  const timed = timedReads(stimulus)
  return {
    watch,
    harness: axiHarness(plan),
    simulatorInput: axiSimulatorInput(stimulus),
    images: codes.length,
    planned: { cycles: overlappedCycles(plan), which: 'without stalls, by the register CYCLES' },
    reference: () =>
      driveAxi(axiFrames(axiModel(plan, images), layout), stimulus, plan.reload, watch.probes.length),
    netlist: (top) => netlistFrames(top, layout, watch.probes),
    harvest() {
      const { outputs, reads, take } = axiHarvest(plan.reload)
      return {
        outputs,
        take,
        cycles: () => timed.flatMap((index) => (reads[index] === undefined ? [] : [reads[index].data])),
      }
    },
    rules: () => axiRules(plan),
  }
}

/**
 * A host that uses everything: a reset in mid-run; images without stalls, with the cycles of each read back; images with stalls on every
 * channel, a restart in the middle of one, register accesses that are refused, and the weights loaded anew; an inference with other weights. Every
 * image's output comes once, in order.
 */
function axiStimulus(
  plan: AnyPlan,
  images: MemoryImages,
  codes: readonly Uint8Array[],
  seed: number,
): AxiStimulus {
  const half = Math.ceil(codes.length / 2)
  const cut: Episode = {
    ...plainEpisode(plan, codes.slice(0, 1)),
    outputs: 0,
    cycles: 2 + plan.input.elements + Math.floor(runCycles(plan) / 2),
  }
  // one image of each kind first: the netlist runs only the first ones in JavaScript
  const groups = [codes.slice(0, 1), codes.slice(1, 2), codes.slice(2, 1 + half), codes.slice(1 + half)]
  const episodes = groups.flatMap((group, index): Episode[] => {
    if (group.length === 0) return []
    return [index % 2 === 0 ? plainEpisode(plan, group) : stalledEpisode(plan, images, group, seed + index)]
  })
  return {
    episodes: [cut, ...episodes, ...(plan.reload ? [otherWeights(plan, images, codes[0]!)] : [])],
    patterns: fullAndStalled(stallPatterns, seed),
    patience: 2 * patienceOf(plan),
  }
}

function plainEpisode(plan: AnyPlan, codes: readonly Uint8Array[]): Episode {
  const { elements } = plan.output
  const operations = codes.map((_, image) =>
    read(control.CYCLES.offset, { channel: 'output', count: (image + 1) * elements }),
  )
  return {
    reset: 2,
    beats: { ...noBeats, image: codes.flatMap((image) => streamBeats(image)), ...controlBeats(operations) },
    stalls: noStalls,
    outputs: codes.length * elements,
  }
}

function stalledEpisode(
  plan: AnyPlan,
  images: MemoryImages,
  codes: readonly Uint8Array[],
  seed: number,
): Episode {
  const dropped = Math.min(3, plan.input.elements - 1)
  const partial = streamBeats(codes[0]!.subarray(0, dropped)).map((beat) => ({ ...beat, extra: 0 }))
  const restart = write(control.CTRL.offset, 6, { channel: 'image', count: dropped })
  const restarted = { channel: 'b', count: 1 } as const
  const operations: Operation[] = [
    restart,
    ...[0x000, 0x004, 0x020, 0x024, 0x028, 0x060, 0x07c, 0x080, 0xffc].map((address) => read(address)),
    write(control.IRQ_ENABLE.offset, 3),
    write(control.STATUS.offset, 0xffffffff),
    write(0xffc, 1),
    ...codes.flatMap((_, image) => [
      write(control.IRQ_STATUS.offset, 1, { channel: 'output', count: (image + 1) * plan.output.elements }),
      read(control.IMAGES.offset),
    ]),
  ]
  const whole = codes.flatMap((image, index) => streamBeats(image, index === 0 ? [restarted] : undefined))
  const packet = plan.reload ? streamBeats(weightPacket(plan, images), [{ channel: 'output', count: 1 }]) : []
  const pattern = (index: number) => 1 + ((seed + index) % stallPatterns)
  return {
    reset: 1,
    beats: { ...noBeats, image: [...partial, ...whole], weights: packet, ...controlBeats(operations) },
    stalls: Object.fromEntries(
      Object.keys(noStalls).map((name, index) => [name, pattern(index)]),
    ) as Episode['stalls'],
    outputs: codes.length * plan.output.elements,
  }
}

/**
 * Every word of the memories takes the place of its neighbour, and an image is run with them, up to its output: weights that are loaded over
 * equal ones would hide a memory that does not store them.
 */
function otherWeights(plan: AnyPlan, images: MemoryImages, codes: Uint8Array): Episode {
  const packet = weightPacket(plan, images)
  const { hashBeats, parts } = packetLayout(plan)
  const turned = [...packet.subarray(0, hashBeats)]
  for (const { words, beats } of parts)
    turned.push(...turn(packet.subarray(turned.length, turned.length + words * beats), beats))
  return {
    reset: 1,
    beats: {
      ...noBeats,
      weights: streamBeats(turned),
      image: streamBeats(codes, [{ channel: 'weights', count: turned.length }]),
    },
    stalls: noStalls,
    outputs: 0,
    cycles: turned.length + plan.input.elements + runCycles(plan),
  }
}

const turn = (words: Uint32Array, by: number) => [...words.subarray(by), ...words.subarray(0, by)]

/** Which of all reads are those of CYCLES behind an image without stalls. */
function timedReads({ episodes }: AxiStimulus): number[] {
  let before = 0
  const timed: number[] = []
  for (const { beats, stalls, cycles } of episodes) {
    if (cycles !== undefined) continue
    for (const [index, { data }] of beats.ar.entries())
      if (stalls.output === 0 && data === control.CYCLES.offset) timed.push(before + index)
    before += beats.ar.length
  }
  return timed
}
