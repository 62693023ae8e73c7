import { rankOf, wilsonInterval } from '../../base/statistics.ts'

/** How often the right class is first, or among the first five. */
export interface Accuracy {
  readonly images: number
  readonly top1: number
  readonly top5: number
  /** 95 % Wilson interval of top1. */
  readonly interval: readonly [low: number, high: number]
}

/** Counts results one by one. Of equal scores the lower class wins. */
export function accuracyCounter() {
  let images = 0
  let first = 0
  let firstFive = 0
  return {
    add(scores: ArrayLike<number>, label: number): void {
      const rank = rankOf(scores, label)
      images++
      if (rank < 1) first++
      if (rank < 5) firstFive++
    },
    result: (): Accuracy => ({
      images,
      top1: first / Math.max(1, images),
      top5: firstFive / Math.max(1, images),
      interval: wilsonInterval(first, images),
    }),
  }
}
