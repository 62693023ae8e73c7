import type { AnyPlan } from './any-plan.ts'
import type { MemoryImages } from './images.ts'
import { hashWords } from './structure.ts'
import { packetLayout, packetWords } from './words.ts'

/**
 * The beats that load a design's weights at run time: the structure hash, first word first; then every word of the weight memory, then every
 * word of the parameter memory (and then the same of a grid beside the array), each in as many beats as it needs, low bits first, the rest of its last beat 0.
 */
export function weightPacket(plan: AnyPlan, images: MemoryImages): Uint32Array {
  const { beats, parts } = packetLayout(plan)
  const packet = new Uint32Array(beats)
  packet.set(hashWords(plan.structure))
  let at = 8
  const put = (words: readonly bigint[], pieces: number) => {
    for (const word of words)
      for (let piece = 0; piece < pieces; piece++)
        packet[at++] = Number(BigInt.asUintN(32, word >> BigInt(32 * piece)))
  }
  for (const [index, words] of packetWords(plan, images).entries()) put(words, parts[index]!.beats)
  return packet
}

/** The packet as bytes, each beat low byte first: the order in which a byte-wide link or a DMA moves it. */
export function packetBytes(packet: Uint32Array): Uint8Array {
  const bytes = new Uint8Array(4 * packet.length)
  const view = new DataView(bytes.buffer)
  for (const [index, beat] of packet.entries()) view.setUint32(4 * index, beat, true)
  return bytes
}
