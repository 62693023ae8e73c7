import { setImmediate } from 'node:timers/promises'
import { type Domain, domainName } from '../arith/domain.ts'
import { integerFactors, type TableFactor } from '../arith/factors.ts'
import { identify } from '../arith/identify.ts'
import { errorsByOperand, type OperandError } from '../arith/operand-errors.ts'
import { rank } from '../arith/rank.ts'
import { usageError } from '../base/errors.ts'
import type { Progress } from '../base/progress.ts'
import { multiplierOf } from './user-multipliers.ts'

/** What a table of products turns out to be. */
export interface Identification {
  readonly spec: string
  readonly domain: string
  /** The specs that compute the same products. */
  readonly same: readonly string[]
  /** How many specs were compared. */
  readonly compared: number
  readonly rank: number
  /** The products as a sum of ofA[code of a] * ofB[code of b]; null where the rank is above 4. */
  readonly factors: readonly TableFactor[] | null
}

/** Looks for a multiplier's table among all specs of all families, and for its factors. */
export async function identifyMultiplier(
  spec: string,
  domain: Domain,
  { progress, signal }: { readonly progress: Progress; readonly signal?: AbortSignal },
): Promise<Identification> {
  const multiplier = multiplierOf(spec, domain)
  const table = tableOf(spec, domain)
  const same: string[] = []
  let compared = 0
  progress.step(`families over ${domainName(domain)}`)
  for (const found of identify(table, domain)) {
    compared++
    if (found !== undefined && found.spec !== multiplier.spec) same.push(found.spec)
    await setImmediate()
    signal?.throwIfAborted()
  }
  progress.done(`${compared} multipliers`)
  const [rows, columns] = [2 ** domain.nA, 2 ** domain.nB]
  return {
    spec: multiplier.spec,
    domain: domainName(domain),
    same,
    compared,
    rank: rank(table, rows, columns),
    factors: integerFactors(table, rows, columns) ?? null,
  }
}

/** Error by each operand value, as CSV: data for plots. */
export function operandErrorsCsv(spec: string, domain: Domain): string {
  tableOf(spec, domain)
  const { a, b } = errorsByOperand(multiplierOf(spec, domain))
  const lines = (operand: string, list: readonly OperandError[]) =>
    list.map(({ value, bias, mae }) => `${operand},${value},${bias},${mae}`)
  return ['operand,value,bias,mae', ...lines('a', a), ...lines('b', b), ''].join('\n')
}

function tableOf(spec: string, domain: Domain): Int32Array {
  if (domain.nA > 8 || domain.nB > 8)
    throw usageError(`${domainName(domain)} has too many pairs for a table; tables go up to 8x8 bits`)
  return multiplierOf(spec, domain).table()
}
