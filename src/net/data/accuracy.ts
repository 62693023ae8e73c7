import { usageError } from '../../base/errors.ts'
import { rankOf, wilsonInterval } from '../../base/statistics.ts'

/** How often the right class is first, or among the first five. */
export interface Accuracy {
  readonly images: number
  readonly top1: number
  readonly top5: number
  /** 95 % Wilson interval of top1. */
  readonly interval: readonly [low: number, high: number]
  /** By class, in the order of the labels. */
  readonly classes: readonly ClassAccuracy[]
}

/** Of the images of one class. */
export interface ClassAccuracy {
  readonly images: number
  readonly top1: number
  readonly top5: number
}

/** Counts results one by one. */
export type AccuracyCounter = ReturnType<typeof accuracyCounter>

/** A counter at 0. Of equal scores the lower class wins. Where the number of `classes` is known, as many scores are demanded. */
export function accuracyCounter(classes?: number) {
  const counts: { images: number; first: number; firstFive: number }[] = []
  const sum = (of: 'images' | 'first' | 'firstFive') => counts.reduce((total, count) => total + count[of], 0)
  const share = (part: number, images: number) => part / Math.max(1, images)
  return {
    add(scores: ArrayLike<number>, label: number): void {
      if (classes !== undefined && scores.length !== classes)
        throw usageError(
          `the network gives ${scores.length} scores for an image; the data set has ${classes} classes`,
          {
            where: '--data',
            hint: 'Name a data set with the classes that the network was trained for ("xgen data list").',
          },
        )
      const rank = rankOf(scores, label)
      while (counts.length < scores.length) counts.push({ images: 0, first: 0, firstFive: 0 })
      const count = counts[label]!
      count.images++
      if (rank < 1) count.first++
      if (rank < 5) count.firstFive++
    },
    result: (): Accuracy => ({
      images: sum('images'),
      top1: share(sum('first'), sum('images')),
      top5: share(sum('firstFive'), sum('images')),
      interval: wilsonInterval(sum('first'), sum('images')),
      classes: counts.map(({ images, first, firstFive }) => ({
        images,
        top1: share(first, images),
        top5: share(firstFive, images),
      })),
    }),
  }
}
