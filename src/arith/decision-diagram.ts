import type { Comb } from '../comb/comb.ts'
import { bit, fromBits } from '../comb/derived.ts'
import type { Domain } from './domain.ts'

/**
 * A table as a decision diagram (R. E. Bryant, "Graph-based algorithms for Boolean function manipulation", 1986): for each bit of the
 * product a chain of choices by the operands' bits, from the highest to the lowest, a and b in turns. Equal parts are there once.
 */
export interface DecisionDiagram {
  /** Node 0 is the constant 0, node 1 the constant 1; the others choose `one` or `zero` by a variable. Operands stand before users. */
  readonly variable: Int32Array
  readonly one: Int32Array
  readonly zero: Int32Array
  /** The node of each bit of the product, lowest first. */
  readonly outputs: readonly number[]
  /** By variable, the bit of an operand. */
  readonly variables: readonly OperandBit[]
}

interface OperandBit {
  readonly operand: 'a' | 'b'
  readonly bit: number
}

/** The operands' bits in turns, from the highest. */
function ordered({ nA, nB }: Pick<Domain, 'nA' | 'nB'>): OperandBit[] {
  const found: OperandBit[] = []
  for (let depth = 0; depth < Math.max(nA, nB); depth++) {
    if (depth < nA) found.push({ operand: 'a', bit: nA - 1 - depth })
    if (depth < nB) found.push({ operand: 'b', bit: nB - 1 - depth })
  }
  return found
}

/** The diagram of the low `width` bits of a table: row = a's code, column = b's code. */
export function decisionDiagram(
  table: ArrayLike<number>,
  domain: Pick<Domain, 'nA' | 'nB'>,
  width: number,
): DecisionDiagram {
  const variables = ordered(domain)
  const variable: number[] = [-1, -1]
  const one: number[] = [0, 1]
  const zero: number[] = [0, 1]
  const known = variables.map(() => new Map<number, number>())
  const node = (depth: number, whenOne: number, whenZero: number): number => {
    if (whenOne === whenZero) return whenOne
    const key = whenOne * 2 ** 26 + whenZero
    const found = known[depth]!.get(key)
    if (found !== undefined) return found
    variable.push(depth)
    one.push(whenOne)
    zero.push(whenZero)
    known[depth]!.set(key, variable.length - 1)
    return variable.length - 1
  }
  const entries = entryOrder(variables, domain.nB)
  const outputs = Array.from({ length: width }, (_, k) => {
    let level = Int32Array.from(entries, (entry) => (table[entry]! >> k) & 1)
    for (let depth = variables.length - 1; depth >= 0; depth--)
      level = Int32Array.from({ length: level.length / 2 }, (_, i) =>
        node(depth, level[2 * i + 1]!, level[2 * i]!),
      )
    return level[0]!
  })
  return {
    variable: Int32Array.from(variable),
    one: Int32Array.from(one),
    zero: Int32Array.from(zero),
    outputs,
    variables,
  }
}

/** The table's entries in the order of the variables, the last one fastest. */
function entryOrder(variables: readonly OperandBit[], nB: number): Int32Array {
  const count = variables.length
  return Int32Array.from({ length: 2 ** count }, (_, i) => {
    let [a, b] = [0, 0]
    for (const [depth, { operand, bit: place }] of variables.entries()) {
      const value = ((i >> (count - 1 - depth)) & 1) << place
      if (operand === 'a') a |= value
      else b |= value
    }
    return a * 2 ** nB + b
  })
}

/** All nodes but the constants. */
export const multiplexersOf = ({ variable }: DecisionDiagram): number => variable.length - 2

/** The diagram in multiplexers. */
export function decide<T>(c: Comb<T>, diagram: DecisionDiagram, a: T, b: T): T {
  const { variable, one, zero, outputs, variables } = diagram
  const selects = variables.map(({ operand, bit: place }) => bit(c, operand === 'a' ? a : b, place))
  const values: T[] = [c.constant(0, 1), c.constant(1, 1)]
  for (let i = 2; i < variable.length; i++)
    values.push(c.mux(selects[variable[i]!]!, values[one[i]!]!, values[zero[i]!]!))
  return fromBits(
    c,
    outputs.map((node) => values[node]!),
  )
}
