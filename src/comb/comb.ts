/**
 * `Comb<T>`: combinational arithmetic written once, meant twice. Given numbers it computes; given netlist nodes it
 * builds gates. A `T` is a bit vector of a known width (1..512); it has no sign of its own: where the sign matters, the
 * operation says so. Widths are checked where a value is made: operands of a two-operand operation have equal
 * widths unless the operation says otherwise, and nothing is widened silently.
 */
export interface Comb<T> {
  /** Width of a value in bits. */
  width(x: T): number
  /** A constant, taken modulo 2^width (so -1 is all ones). */
  constant(value: number | bigint, width: number): T

  not(a: T): T
  and(a: T, b: T): T
  or(a: T, b: T): T
  xor(a: T, b: T): T

  /** a + b modulo 2^width. */
  add(a: T, b: T): T
  /** a - b modulo 2^width. */
  sub(a: T, b: T): T
  /** Unsigned product, width(a) + width(b) bits. */
  mul(a: T, b: T): T
  /** Two's complement product, width(a) + width(b) bits. */
  mulSigned(a: T, b: T): T

  /** 1 bit. */
  equal(a: T, b: T): T
  /** Unsigned a < b, 1 bit. */
  less(a: T, b: T): T
  /** Two's complement a < b, 1 bit. */
  lessSigned(a: T, b: T): T

  /** `select` is 1 bit. */
  mux(select: T, whenOne: T, whenZero: T): T
  /** Bits high..low, both included. */
  slice(a: T, high: number, low: number): T
  /** Concatenation, most significant part first. */
  cat(...parts: T[]): T
  zeroExtend(a: T, width: number): T
  signExtend(a: T, width: number): T

  /** Shifts by a variable, unsigned amount of any width; the result has a's width. */
  shiftLeft(a: T, amount: T): T
  shiftRight(a: T, amount: T): T
  shiftRightArithmetic(a: T, amount: T): T

  /** Gives the value a name that the Verilog will show; returns a value to use instead of `a`. No effect on numbers. */
  label(a: T, name: string): T
}
