import type { HeatMap } from './heat-maps.ts'

/** Amounts by block of the accelerator. */
export type Amounts = Readonly<Record<string, number>>

/** Shares of test images; of top1 with its 95 % interval. */
export interface AccuracyFigures {
  readonly top1: number
  readonly top5: number
  readonly interval: readonly [low: number, high: number]
}

/** One design as the report shows it: the run, or a baseline. */
export interface DesignFigures {
  readonly name: string
  readonly array: string
  readonly dataflow: string
  readonly multipliers: readonly { readonly layer: string; readonly specs: readonly string[] }[]
  readonly cycles: number
  /** null where it is not known. */
  readonly accuracy: AccuracyFigures | null
  readonly longestPath: { readonly module: string; readonly delay: number; readonly unit: string }
  readonly area: {
    readonly modules: readonly {
      readonly module: string
      readonly block: string
      readonly instances: number
      readonly cells: number
      readonly area: number
      readonly delay: number
    }[]
    readonly memories: readonly {
      readonly module: string
      readonly name: string
      readonly words: number
      readonly width: number
      readonly instances: number
      readonly kind: string | null
      readonly area: number | null
    }[]
    readonly blocks: Amounts
    readonly logic: number
    readonly total: number
  }
  readonly energy: {
    readonly stream: string
    readonly windows: readonly { readonly name: string; readonly cycles: number; readonly blocks: Amounts }[]
    readonly modules: readonly {
      readonly module: string
      readonly block: string
      readonly instances: number
      readonly samples: number
      readonly total: number
      readonly standardError: number
      readonly parts: { readonly internal: number; readonly switching: number; readonly leakage: number }
    }[]
    readonly memories: readonly {
      readonly module: string
      readonly name: string
      readonly reads: number
      readonly writes: number
      readonly total: number
    }[]
    readonly blocks: Amounts
    readonly total: number
    readonly standardError: number
    readonly outside: { readonly bytes: number; readonly total: number }
  } | null
  readonly multiplications:
    | readonly {
        readonly spec: string
        readonly count: number
        readonly each: number
        readonly total: number
      }[]
    | null
}

export interface AcceleratorFigures {
  readonly net: string
  readonly plan: string
  readonly library: string
  readonly engine: string
  readonly script: string
  readonly areaUnit: string
  readonly wires: string | null
  readonly technology: { readonly node: number; readonly voltage: number } | null
  readonly periodNs: number
  readonly design: DesignFigures
  readonly baselines: readonly DesignFigures[]
  /** What the numbers of memories come from. */
  readonly memorySources: readonly string[]
  /** Means of |error| of each approximate multiplier over its operands, under the name of its spec and domain. */
  readonly errors: readonly (HeatMap & { readonly values: readonly number[] })[]
  /** What the design was measured with. */
  readonly request: {
    readonly libraryHash: string
    readonly wires: string | null
    readonly samples: number
    readonly seed: number
  }
  /** The accuracy of the design was measured on these images, and that of its integer network with exact multipliers; null where it was not. */
  readonly accuracy: {
    readonly data: string
    readonly images: number
    readonly exact: AccuracyFigures
  } | null
  /** Other things that the run's directory knows: by name, and where from. */
  readonly known: readonly { readonly name: string; readonly value: string; readonly source: string }[]
}
