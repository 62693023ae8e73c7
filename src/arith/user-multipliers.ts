import { hashOf } from '../base/hash.ts'
import type { GateList } from './gate-list.ts'
import type { UserVerilog } from './multiplier.ts'

/** What a user's file says, until a domain makes a multiplier of it. */
export type UserMultiplier = UserTable | UserCircuit

export interface UserTable {
  readonly kind: 'table'
  /** Where it was read, for messages. */
  readonly file: string
  readonly digest: string
  /** The products, last index fastest; fails where the file has another shape. Whole numbers of 32 bits. */
  readonly products: (rows: number, columns: number, negative: boolean) => ArrayLike<number>
}

export interface UserCircuit {
  readonly kind: 'circuit'
  readonly file: string
  readonly digest: string
  readonly gates: GateList
  readonly verilog: UserVerilog
}

// Families cannot read files: who parses specs gives what they name first.
const provided = new Map<string, UserMultiplier>()

const keyOf = (family: string, parameters: Readonly<Record<string, unknown>>) =>
  hashOf({ family, parameters })

/** Gives a family what the parameters of a spec name. */
export function provideUserMultiplier(
  family: string,
  parameters: Readonly<Record<string, unknown>>,
  multiplier: UserMultiplier,
): void {
  provided.set(keyOf(family, parameters), multiplier)
}

export const userMultiplier = (family: string, parameters: Readonly<Record<string, unknown>>) =>
  provided.get(keyOf(family, parameters))
