import { usageError } from '../base/errors.ts'

/** How a network is made integer. */
export interface QuantOptions {
  /** Bits of a weight, 2..8; weights are signed and symmetric. */
  readonly weightBits: number
  /** Bits of an activation, 2..8. */
  readonly activationBits: number
  /** Store tensors that cannot be negative unsigned (`uint8`). */
  readonly unsigned: boolean
}

export const int8: QuantOptions = { weightBits: 8, activationBits: 8, unsigned: false }

/** `8`, `int8` or `uint8`, with 2 to 8 bits: the form of `quant.activations`. */
export function parseActivations(text: string | number): Pick<QuantOptions, 'activationBits' | 'unsigned'> {
  const match = /^(u?int)?([2-8])$/.exec(String(text))
  if (match === null) {
    throw usageError(`"${text}" is no type of activation`, {
      where: 'quant.activations',
      hint: 'Possible: 2 to 8 (bits, signed), int8, uint8 and their narrower forms.',
    })
  }
  return { activationBits: Number(match[2]), unsigned: match[1] === 'uint' }
}
