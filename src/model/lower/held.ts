import { usageError } from '../../base/errors.ts'

/** What the weights and tables that are made of a model's nodes may have together. */
const mostValues = 2 ** 28

/** A table of all pairs of codes counts as so many values: it takes as long to make as weights that are so many. */
export const valuesOfPairs = 2 ** 18

/** Counts weights and tables before they are made: nodes that share a constant have each a copy of it. */
export class Held {
  private values = 0

  add(values: number): void {
    this.values += values
    if (this.full)
      throw usageError(
        `the layers of the model have more than ${mostValues} weights and table entries together`,
      )
  }

  /** Whether the model asks for more than it may: then it is not looked at any further. */
  get full(): boolean {
    return this.values > mostValues
  }
}
