import { randomPattern } from '../sim/pressure.ts'
import { type Random, seededRandom } from '../src/base/random.ts'
import type { AnyPlan } from '../src/plan/any-plan.ts'
import { control } from '../src/plan/registers.ts'
import type { ChannelName } from './axi-ports.ts'
import { channels } from './axi-ports.ts'
import { controlBeats, type Operation, streamBeats } from './axi-program.ts'
import type { AxiStimulus, Beat, Condition, Episode } from './axi-stimulus.ts'

export interface RandomHost {
  /** Raw input codes of images to draw from. */
  readonly images: readonly Uint8Array[]
  /** Good packets to draw from: any of them may be loaded. */
  readonly packets: readonly Uint32Array[]
  readonly seed: number
  readonly episodes: number
  readonly patience: number
}

/** A host that does everything that it may, at random: stalls everywhere, wrong TLASTs, bad packets, restarts, resets, any access. */
export function randomAxiStimulus(plan: AnyPlan, host: RandomHost): AxiStimulus {
  const random = seededRandom(host.seed)
  const stallPatterns = 8
  const full = randomPattern(0).inValid.map(() => 1)
  const patterns = [
    full,
    ...Array.from({ length: stallPatterns }, (_, i) => randomPattern(host.seed * 64 + i).inValid),
  ]
  const episodes = Array.from({ length: host.episodes }, () =>
    randomEpisode(plan, host, random, stallPatterns),
  )
  return { episodes, patterns, patience: host.patience }
}

function randomEpisode(plan: AnyPlan, host: RandomHost, random: Random, patterns: number): Episode {
  const pick = <T>(list: readonly T[]) => list[random.integer(0, list.length - 1)]!
  const chance = (share: number) => random.unit() < share
  const images = Array.from({ length: random.integer(1, 3) }, () => pick(host.images))
  const misplaced = chance(0.2)
  const input = images
    .flatMap((codes) => streamBeats(codes))
    .map((beat) => (misplaced && chance(0.02) ? { ...beat, extra: 1 - beat.extra } : beat))
  const weights = plan.reload ? randomPackets(host.packets, random, input.length) : []
  const operations = Array.from({ length: random.integer(5, 60) }, () =>
    randomOperation(random, input.length),
  )
  return {
    reset: random.integer(1, 4),
    beats: { image: input, weights, ...controlBeats(operations) },
    stalls: Object.fromEntries(
      channels.map(({ name }) => [name, chance(0.25) ? 0 : random.integer(1, patterns)]),
    ) as Episode['stalls'],
    outputs: 0,
    cycles: random.integer(1, 4) * random.integer(50, 2 * input.length + 1500),
  }
}

/** Whole packets, cut ones, longer ones, and ones with a wrong word in the header or noise in the words. */
function randomPackets(packets: readonly Uint32Array[], random: Random, elements: number): Beat[] {
  return Array.from({ length: random.integer(0, 2) }, () => {
    const packet = Array.from(packets[random.integer(0, packets.length - 1)]!)
    const kind = random.integer(0, 5)
    if (kind === 0) packet[random.integer(0, 7)] ^= 1 << random.integer(0, 31)
    if (kind === 1) packet.length = random.integer(1, packet.length)
    if (kind === 2) packet.push(random.integer(0, 2 ** 31))
    const after: Condition = { channel: 'image', count: random.integer(0, elements) }
    return streamBeats(
      packet.map((word) => word >>> 0),
      [after],
    )
  }).flat()
}

function randomOperation(random: Random, elements: number): Operation {
  const registers = Object.values(control).map(({ offset }) => offset)
  const chance = (share: number) => random.unit() < share
  const word = () => random.integer(0, 2 ** 31 - 1) * 2 + random.integer(0, 1)
  const address = chance(0.8)
    ? registers[random.integer(0, registers.length - 1)]! + random.integer(0, 3)
    : random.integer(0, 4095)
  const channel: ChannelName = chance(0.5) ? 'image' : 'output'
  const after: Condition[] = chance(0.5)
    ? [{ channel, count: random.integer(0, channel === 'image' ? elements : 8) }]
    : []
  if (chance(0.4)) return { address, after }
  // a restart, or auto-restart switched off, in some writes only: they end what is under way
  const gentle = address >> 2 === 0 && chance(0.8) ? 2 : word()
  return { address, write: gentle, strobe: chance(0.7) ? 15 : random.integer(0, 15), after }
}
