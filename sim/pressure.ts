import { seededRandom } from '../src/base/random.ts'

/** When the host offers an element and when it takes one, by cycle since the start of an image (0 is the cycle with `start`). */
export interface Pressure {
  inValid(cycle: number): boolean
  outReady(cycle: number): boolean
}

/** A host that never waits. */
export const noPressure: Pressure = { inValid: () => true, outReady: () => true }

/** Cycles after which a pattern repeats. */
export const patternCycles = 65_536

/** Back-pressure as bits, so that a program in another language can apply the very same one. */
export interface PressurePattern {
  /** 1 or 0 by cycle modulo `patternCycles`. */
  readonly inValid: Uint8Array
  readonly outReady: Uint8Array
}

/** A host that stalls at random, in bursts as well as in single cycles: a deterministic function of the seed. */
export function randomPattern(seed: number): PressurePattern {
  return { inValid: randomBits(seed * 2 + 1), outReady: randomBits(seed * 2 + 2) }
}

export const fullPattern: PressurePattern = {
  inValid: new Uint8Array(patternCycles).fill(1),
  outReady: new Uint8Array(patternCycles).fill(1),
}

export function pressureOf(pattern: PressurePattern): Pressure {
  return {
    inValid: (cycle) => pattern.inValid[cycle % patternCycles] === 1,
    outReady: (cycle) => pattern.outReady[cycle % patternCycles] === 1,
  }
}

export const randomPressure = (seed: number): Pressure => pressureOf(randomPattern(seed))

/** Stretches of 1 to 32 cycles that each have their own share of ones, 0 and 1 among them. */
function randomBits(seed: number): Uint8Array {
  const random = seededRandom(seed >>> 0)
  const bits = new Uint8Array(patternCycles)
  for (let at = 0; at < patternCycles; ) {
    const share = random.integer(0, 4) / 4
    for (let left = random.integer(1, 32); left > 0 && at < patternCycles; left--) {
      bits[at++] = random.unit() < share ? 1 : 0
    }
  }
  return bits
}
