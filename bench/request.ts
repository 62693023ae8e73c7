import { parseArgs } from 'node:util'
import { usageError } from '../src/base/errors.ts'
import type { Rounds } from './rounds.ts'

export const parts = ['convolutions', 'networks', 'growth', 'footprint'] as const
export type Part = (typeof parts)[number]

/** What is measured, and how much of it. */
export interface Request {
  readonly parts: readonly Part[]
  readonly threads: readonly number[]
  /** In a batch of the convolutions. */
  readonly images: number
  readonly rounds: Rounds
  readonly quick: boolean
}

/** A run that shows that all of it works; its figures are rough. */
const quickly = { images: 4, rounds: 2, leastSeconds: 0.01 }
const thoroughly = { images: 64, rounds: 9, leastSeconds: 0.05 }

export function requestOf(words: readonly string[]): Request {
  const { values } = parse(words)
  const { images, rounds, leastSeconds } = values.quick === true ? quickly : thoroughly
  return {
    parts: values.only === undefined ? parts : values.only.map(partOf),
    threads: (values.threads ?? '1,2').split(',').map((text) => countOf('--threads', text)),
    images,
    rounds: {
      rounds: values.rounds === undefined ? rounds : countOf('--rounds', values.rounds),
      leastSeconds,
    },
    quick: values.quick === true,
  }
}

function parse(words: readonly string[]) {
  try {
    return parseArgs({
      args: [...words],
      options: {
        quick: { type: 'boolean' },
        only: { type: 'string', multiple: true },
        threads: { type: 'string' },
        rounds: { type: 'string' },
      },
    })
  } catch (error) {
    throw usageError((error as Error).message, {
      hint: 'scripts/bench tells its options in its first lines.',
    })
  }
}

function partOf(text: string): Part {
  const part = parts.find((one) => one === text)
  if (part === undefined)
    throw usageError(`"${text}" is no part of the benchmark`, {
      where: '--only',
      hint: `Parts: ${parts.join(', ')}.`,
    })
  return part
}

function countOf(where: string, text: string): number {
  if (!/^[1-9]\d{0,2}$/.test(text)) throw usageError(`"${text}" is no number from 1 to 999`, { where })
  return Number(text)
}
