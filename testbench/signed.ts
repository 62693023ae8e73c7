/** A raw value as two's complement of `bits` bits; 0 bits: unsigned. */
export function signed(raw: number, bits: number): number {
  return bits > 0 && raw >= 2 ** (bits - 1) ? raw - 2 ** bits : raw
}
