import { xoroshiro128plus, xoroshiro128plusFromState } from 'pure-rand/generator/xoroshiro128plus'

/** Seeded random numbers: the same seed gives the same sequence on every machine. */
export interface Random {
  /** A uniform integer in [low, high], both included. */
  integer(low: number, high: number): number
  /** A uniform number in [0, 1). */
  unit(): number
  /** A normally distributed number with mean 0 and variance 1 (Box-Muller). */
  normal(): number
  /** A new order of 0..n-1 (Fisher-Yates). */
  permutation(n: number): Uint32Array
  /** The generator's state, to resume from later. */
  state(): readonly number[]
}

export function seededRandom(seed: number, from?: readonly number[]): Random {
  const generator = from === undefined ? xoroshiro128plus(scattered(seed)) : xoroshiro128plusFromState(from)
  const word = () => generator.next() >>> 0
  const unit = () => (word() * 2097152 + (word() >>> 11)) / 9007199254740992
  const integer = (low: number, high: number) => low + Math.floor(unit() * (high - low + 1))
  return {
    integer,
    unit,
    normal: () => Math.sqrt(-2 * Math.log(1 - unit())) * Math.cos(2 * Math.PI * unit()),
    permutation: (n) => {
      const order = Uint32Array.from({ length: n }, (_, i) => i)
      for (let i = n - 1; i > 0; i--) {
        const j = integer(0, i)
        const held = order[i]!
        order[i] = order[j]!
        order[j] = held
      }
      return order
    },
    state: () => generator.getState(),
  }
}

/** A one-to-one map of 32-bit words (the finaliser of MurmurHash3): neighbouring seeds begin unlike sequences. */
function scattered(seed: number): number {
  let word = seed | 0
  word = Math.imul(word ^ (word >>> 16), 0x85ebca6b)
  word = Math.imul(word ^ (word >>> 13), 0xc2b2ae35)
  return word ^ (word >>> 16)
}
