import { usageError } from '../base/errors.ts'
import { didYouMean } from '../base/suggest.ts'
import type { RobustnessRequest } from '../flow/robustness.ts'

export type Sweep = Pick<RobustnessRequest, 'weights' | 'activations' | 'multipliers'>

const keys = ['weights', 'activations', 'mult'] as const
const example = 'For example: --sweep weights=2..8 --sweep activations=4,6,8 --sweep mult=roup:p=1,r=2.'

/**
 * What `--sweep KEY=VALUES` says, repeatable: `weights` and `activations` take bits (`2..8` or `4,6,8`), `mult` one choice of multipliers
 * (`[WHERE=]SPEC`, several with `;` between them) each. With choices of multipliers the exact one comes first.
 */
export function parseSweep(given: readonly string[]): Sweep {
  const sweep: { weights?: number[]; activations?: number[]; multipliers?: string[][] } = {}
  for (const text of given) {
    const [key = '', values = ''] = text.split(/=(.*)/s).map((part) => part.trim())
    if (key === 'mult') {
      const entries = values
        .split(';')
        .map((entry) => entry.trim())
        .filter((entry) => entry !== '')
      if (entries.length === 0)
        throw usageError('no multiplier is named', { where: '--sweep mult', hint: example })
      sweep.multipliers ??= [[]]
      const choice = entries.length === 1 && entries[0] === 'exact' ? [] : entries
      if (!sweep.multipliers.some((other) => other.join() === choice.join())) sweep.multipliers.push(choice)
    } else if (key === 'weights' || key === 'activations') {
      sweep[key] = [...new Set([...(sweep[key] ?? []), ...bitsOf(values, key)])].sort((a, b) => a - b)
    } else {
      throw usageError(`"${key}" cannot be swept.${didYouMean(key, keys)}`, {
        where: '--sweep',
        hint: `Possible: ${keys.join(', ')}. ${example}`,
      })
    }
  }
  return { weights: sweep.weights, activations: sweep.activations, multipliers: sweep.multipliers }
}

function bitsOf(text: string, key: string): number[] {
  return text.split(',').flatMap((part) => {
    const [, low, high] = /^\s*(\d)(?:\.\.(\d))?\s*$/.exec(part) ?? []
    const [first, last] = [Number(low), Number(high ?? low)]
    if (low === undefined || first < 2 || last > 8 || first > last)
      throw usageError(`"${part.trim()}" are no bits: 2 to 8, as in 2..8 or 4,6,8`, {
        where: `--sweep ${key}`,
        hint: example,
      })
    return Array.from({ length: last - first + 1 }, (_, i) => first + i)
  })
}
