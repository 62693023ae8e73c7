import { evaluateGates, type GateList } from '../arith/gate-list.ts'
import { seededRandom } from '../base/random.ts'
import { type Lanes, lanes } from '../comb/lanes.ts'

/** All pairs of this many bits together are tried; of more bits, as many pairs that are drawn. */
const mostBits = 16
const words = 32
const blocks = 2 ** mostBits / (32 * words)

/** The codes of operands. */
export interface OperandCodes {
  readonly a: bigint
  readonly b: bigint
}

/**
 * Operands for which the result depends on values that nobody gave (Verilog's x): one for which it is another where they are all 0 than where they are all 1. Undefined where
 * there is none: x of cases that no operands reach are legitimate.
 */
export function operandsWithoutResult(allZero: GateList, allOne: GateList): OperandCodes | undefined {
  const bits = allZero.a.length + allZero.b.length
  const comb = lanes(words)
  const random = seededRandom(1)
  const pairs = 32 * words
  for (let block = 0; block < (bits > mostBits ? blocks : Math.ceil(2 ** bits / pairs)); block++) {
    const codes: Lanes = Array.from({ length: bits }, (_, i) =>
      bits > mostBits ? drawnWords(random) : countedWords(i, block * pairs),
    )
    const [a, b] = [codes.slice(0, allZero.a.length), codes.slice(allZero.a.length)]
    const [zero, one] = [evaluateGates(comb, allZero, a, b), evaluateGates(comb, allOne, a, b)]
    for (const [bit, left] of zero.entries()) {
      const word = left.findIndex((value, i) => value !== one[bit]![i])
      if (word < 0) continue
      const lane = 31 - Math.clz32(left[word]! ^ one[bit]![word]!)
      const code = (operand: Lanes) =>
        operand.reduce((sum, plane, i) => sum | (BigInt((plane[word]! >>> lane) & 1) << BigInt(i)), 0n)
      return { a: code(a), b: code(b) }
    }
  }
  return undefined
}

/** Bit `i` of the numbers from `first` on. */
const countedWords = (i: number, first: number): Int32Array =>
  Int32Array.from({ length: words }, (_, word) => {
    let bits = 0
    for (let lane = 0; lane < 32; lane++) bits |= (((first + 32 * word + lane) >>> i) & 1) << lane
    return bits
  })

const drawnWords = (random: ReturnType<typeof seededRandom>): Int32Array =>
  Int32Array.from({ length: words }, () => random.integer(0, 2 ** 32 - 1) | 0)
