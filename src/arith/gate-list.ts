import type { Comb } from '../comb/comb.ts'
import { bit, fromBits } from '../comb/derived.ts'

/** A combinational circuit of two operands as one-bit gates. Net 0 is 0, net 1 is 1. Plain data. */
export interface GateList {
  /** The nets of the operands and of the result, lowest bit first. */
  readonly a: readonly number[]
  readonly b: readonly number[]
  readonly p: readonly number[]
  readonly nets: number
  /** Each after those that drive its inputs. */
  readonly gates: readonly ListedGate[]
}

export interface ListedGate {
  readonly kind: GateKind
  /** Of a mux: the value where the select is 0, the one where it is 1, the select. */
  readonly inputs: readonly number[]
  readonly output: number
}

const functions = {
  buf: (_c: Comb<unknown>, [x]: unknown[]) => x,
  not: (c: Comb<unknown>, [x]: unknown[]) => c.not(x),
  and: (c: Comb<unknown>, [x, y]: unknown[]) => c.and(x, y),
  nand: (c: Comb<unknown>, [x, y]: unknown[]) => c.not(c.and(x, y)),
  or: (c: Comb<unknown>, [x, y]: unknown[]) => c.or(x, y),
  nor: (c: Comb<unknown>, [x, y]: unknown[]) => c.not(c.or(x, y)),
  xor: (c: Comb<unknown>, [x, y]: unknown[]) => c.xor(x, y),
  xnor: (c: Comb<unknown>, [x, y]: unknown[]) => c.not(c.xor(x, y)),
  andnot: (c: Comb<unknown>, [x, y]: unknown[]) => c.and(x, c.not(y)),
  ornot: (c: Comb<unknown>, [x, y]: unknown[]) => c.or(x, c.not(y)),
  mux: (c: Comb<unknown>, [zero, one, select]: unknown[]) => c.mux(select, one, zero),
} as const

export type GateKind = keyof typeof functions

export const isGateKind = (kind: string): kind is GateKind => Object.hasOwn(functions, kind)

/** What the circuit computes. */
export function evaluateGates<T>(c: Comb<T>, list: GateList, a: T, b: T): T {
  const values = new Array<T>(list.nets)
  values[0] = c.constant(0, 1)
  values[1] = c.constant(1, 1)
  for (const [i, net] of list.a.entries()) values[net] = bit(c, a, i)
  for (const [i, net] of list.b.entries()) values[net] = bit(c, b, i)
  for (const { kind, inputs, output } of list.gates) {
    const evaluate = functions[kind] as unknown as (c: Comb<T>, x: readonly T[]) => T
    values[output] = evaluate(
      c,
      inputs.map((net) => values[net]!),
    )
  }
  return fromBits(
    c,
    list.p.map((net) => values[net]!),
  )
}
