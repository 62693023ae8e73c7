import type { Comb } from '../comb/comb.ts'
import type { Domain } from './domain.ts'

/** An exact factorisation: the product is the sum over the terms of ofA(a) * ofB(b), for all operand values. */
export interface Factor {
  readonly ofA: (a: number) => number
  readonly ofB: (b: number) => number
}

/** A user's own module, which hardware instantiates as it is. */
export interface UserVerilog {
  /** The module and its ports, by operand: the activation, the weight, the product. */
  readonly top: string
  readonly ports: { readonly a: string; readonly b: string; readonly p: string }
  /** Width of the port of the product; the lower bits are the product. */
  readonly outputBits: number
  /** All that the file defines. */
  readonly modules: readonly string[]
  /** The file, unchanged. */
  readonly text: string
}

/** A multiplier: a family, its parameters and a domain. Immutable. */
export interface Multiplier {
  readonly family: string
  /** The canonical spec that gives this multiplier again, such as `roup:p=1,r=2` (defaults left out). */
  readonly spec: string
  readonly parameters: Readonly<Record<string, number | string>>
  readonly domain: Domain
  /** A legal Verilog identifier that is unique for family, parameters and domain, such as `roup_p1_r2_s8s8`. */
  readonly id: string
  /** Width of the product: the exact range over the domain fits, and nothing wraps. */
  readonly productBits: number
  /** Whether the product is two's complement. */
  readonly productSigned: boolean
  /** Smallest and largest product over the domain. */
  readonly productRange: readonly [low: number, high: number]
  /** M(0, b) = M(a, 0) = 0 for all a and b. */
  readonly zeroExact: boolean
  /** True where the product is a*b for every pair. */
  readonly exact: boolean
  /** Signed operands are multiplied by sign and magnitude: the family is defined for unsigned ones. */
  readonly signMagnitude: boolean
  /** The one definition: operands of nA and nB bits in, productBits out. */
  build<T>(c: Comb<T>, a: T, b: T): T
  /** The product of two operand values (not codes), by the definition on numbers. */
  multiply(a: number, b: number): number
  /**
   * Products as values, row = A's raw code 0..2^nA-1, column = B's raw code: entry [a * 2^nB + b]. Cached.
   * Only where nA and nB are at most 8.
   */
  table(): Int32Array
  /** Exact factors where the family has them (the emulator's shortcut), else undefined. */
  readonly factors?: readonly Factor[]
  /** Multiplexers of its hardware, where it is a table. */
  readonly multiplexers?: number
  /** The module that stands in the hardware, where a user brought one; `build` then gives the same function. */
  readonly verilog?: UserVerilog
}

/** The module of a multiplier: an instance of it is what counts as a multiplier (docs/counts.md). */
export const coreModule = ({ id }: Pick<Multiplier, 'id'>): string => `mul_${id}`

export const isCoreModule = (module: string): boolean => module.startsWith('mul_')
