import { divideUp, greatestCommonDivisor } from '../base/integers.ts'
import type { Size } from './array.ts'

/**
 * The modulus d of a map says which banks hold which channels: channel n lies in every bank i with i = n (mod d). Row i of a layer that
 * reads the map holds tap k = i (mod rows) in every fold, so it only ever reads channels n = i (mod d) where d divides the rows
 * and the map's channels; and d divides the columns, so that a column fold's filters land on the same banks whichever fold it is.
 * Where the channels are no multiple of d, the taps count on to the next one, with weights of 0 for channels that do not exist.
 */
export function largestModulus({ rows, columns }: Size): number {
  return greatestCommonDivisor(rows, columns)
}

/**
 * The rows that read a map and the columns that write it, as its modulus sees them. A layer of fewer rows than the array begins at
 * another bank, so the modulus divides both.
 */
export function mapSize(array: Size, reader: Size, writer: Size): Size {
  return { rows: greatestCommonDivisor(array.rows, reader.rows), columns: writer.columns }
}

/** The largest modulus that wastes no tap. */
export function bankModulus(size: Size, channels: number): number {
  return greatestCommonDivisor(largestModulus(size), channels)
}

/** Channels of a map as its reader's taps count them. */
export const channelSlots = (channels: number, modulus: number): number =>
  divideUp(channels, modulus) * modulus

/** Words that each bank needs for a map. */
export function bankWords(shape: readonly [number, number, number], modulus: number): number {
  return divideUp(shape[0], modulus) * shape[1] * shape[2]
}

/** Moduli that a map may have, in the order of preference: the one that wastes no tap, then those that waste few. */
export function possibleModuli(size: Size, channels: number): readonly number[] {
  const natural = bankModulus(size, channels)
  const largest = largestModulus(size)
  const larger = Array.from({ length: largest - natural }, (_, i) => natural + 1 + i).filter(
    (modulus) => largest % modulus === 0,
  )
  return [natural, ...larger.sort((a, b) => channelSlots(channels, a) - channelSlots(channels, b) || b - a)]
}

/**
 * The moduli of the maps between layers that make the network's run shortest: a larger one lets the writer store a vector in fewer
 * cycles, and may cost the reader taps. `options[i]` are those of map i, `cost(i, reads, writes)` is what layer i takes. Of equals the first option wins.
 */
export function chooseModuli(
  options: readonly (readonly number[])[],
  cost: (layer: number, reads: number, writes: number) => number,
): readonly number[] {
  let best = options[0]!.map((modulus) => ({ total: 0, moduli: [modulus] }))
  for (const [index, choices] of options.slice(1).entries()) {
    best = choices.map((modulus) => {
      const ways = best.map(({ total, moduli }) => ({
        total: total + cost(index, moduli.at(-1)!, modulus),
        moduli: [...moduli, modulus],
      }))
      return ways.reduce((a, b) => (b.total < a.total ? b : a))
    })
  }
  return best.reduce((a, b) => (b.total < a.total ? b : a)).moduli
}
