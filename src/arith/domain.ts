import { usageError } from '../base/errors.ts'

/** The operands of a multiplier: A is the activation, B the weight; 2..16 bits each. Written `s8s8`, `u8s8`, ... */
export interface Domain {
  readonly nA: number
  readonly signedA: boolean
  readonly nB: number
  readonly signedB: boolean
}

export function domainName(d: Domain): string {
  return `${d.signedA ? 's' : 'u'}${d.nA}${d.signedB ? 's' : 'u'}${d.nB}`
}

export function parseDomain(text: string): Domain {
  const match = /^([us])(\d+)([us])(\d+)$/.exec(text)
  const [nA, nB] = match === null ? [0, 0] : [Number(match[2]), Number(match[4])]
  if (match === null || nA < 2 || nA > 16 || nB < 2 || nB > 16) {
    throw usageError(`"${text}" is no multiplier domain`, {
      hint: 'Write the operands as in s8s8, u8s8 or s16s16: u or s, then 2 to 16 bits, for the activation and then the weight.',
    })
  }
  return { nA, signedA: match[1] === 's', nB, signedB: match[3] === 's' }
}

/** Smallest and largest value of an operand. */
export function operandRange(bits: number, signed: boolean): readonly [low: number, high: number] {
  return signed ? [-(2 ** (bits - 1)), 2 ** (bits - 1) - 1] : [0, 2 ** bits - 1]
}
