import { hold, wordsAt } from './memory.ts'
import { type KernelName, runPieces, threadsFor } from './threads.ts'

/**
 * A job whose words are known but for those of a call. It is run in `pieces`, which take as long as so many products each. Whoever has
 * it keeps its memory, and that of `holder`.
 */
export function createJob(
  kernel: KernelName,
  names: readonly string[],
  known: Readonly<Record<string, number>>,
  productsOfPiece: number,
  holder: object = {},
) {
  const at = hold(holder, 4 * names.length)
  return Object.assign(
    (more: Readonly<Record<string, number>>, pieces: number): void => {
      const words: Readonly<Record<string, number>> = { ...known, ...more }
      wordsAt(at, names.length).set(names.map((name) => words[name]!))
      runPieces(kernel, at, pieces, 0, threadsFor(pieces * productsOfPiece))
    },
    { holder },
  )
}

/** Words of a job by name, as the kernel's source lists them. */
export const words = (...lines: readonly string[]): readonly string[] =>
  lines.flatMap((line) => line.split(' '))
