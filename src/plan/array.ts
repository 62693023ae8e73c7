import { usageError } from '../base/errors.ts'

export const dataflows = ['weight-stationary', 'row-stationary'] as const

/** What stays where: weights in a systolic array (docs/weight-stationary.md), or filter rows in a grid (docs/row-stationary.md). */
export type Dataflow = (typeof dataflows)[number]

/** The array that the user asks for. */
export interface ArraySpec {
  /** `mixed` of an accelerator that has an array and a grid (docs/mixed.md). */
  readonly dataflow: Dataflow | 'mixed'
  /** Rows: one reduction index (kernel tap of one input channel) each. 1..256. */
  readonly rows: number
  /** Columns: one filter each. 1..256. */
  readonly columns: number
  /** On-chip memory that may be used in all, in bits. A network that needs more is refused. */
  readonly memoryBits: number
  /** Tiles that share a column fold run side by side (their sums are added) instead of one after another. */
  readonly parallel: boolean
  /** All roup multipliers (and exact ones) of one domain share one tile, whose PEs have a core with run-time modes. */
  readonly modes?: true
  /** Tiles that are smaller than the array, which holds them all, by the spec of their multiplier; `modes` is a tile with run-time modes. */
  readonly tiles?: Readonly<Record<string, TileSize>>
}

export interface TileSize extends Size {
  /** The place where it was written, for messages. */
  readonly where?: string
}

export interface Size {
  readonly rows: number
  readonly columns: number
}

export const defaultMemoryBits = 64 * 1024 * 1024

export function checkArray(spec: ArraySpec): void {
  for (const [name, value] of [
    ['rows', spec.rows],
    ['cols', spec.columns],
  ] as const) {
    if (!Number.isSafeInteger(value) || value < 1 || value > 256) {
      throw usageError(
        `array.${name} is ${value}: an array has 1 to 256 ${name === 'rows' ? 'rows' : 'columns'}`,
        { where: `array.${name}` },
      )
    }
  }
}
