/** What the model saw of one layer in its last run. Cycles count from the first cycle of the run (phase 2), 0. */
export interface LayerEvents {
  /** The cycle in which the layer's first activation is at PE (0, 0). */
  readonly firstActivation: number
  /** The cycle whose closing edge writes the layer's last sum. */
  readonly lastWrite: number
  /** PE cycles spent on a product that the network needs: none with a weight of another tile's, of another group's channel, or of a channel that the plan adds. */
  readonly busy: number
  /** Operands of these products, and sums, that a PE took from the PE beside it: activations from the left, partial sums from above. */
  readonly neighbourReads: number
  /** Codes read from the banks; a tap outside the map reads none. */
  readonly bankReads: number
  /** Words stored in the banks, copies included. */
  readonly bankWrites: number
  /** Words of one code a column. */
  readonly weightReads: number
  /** Partial sums, of one column each. */
  readonly accumulatorReads: number
  readonly accumulatorWrites: number
}

/** What the model saw of its last image. */
export interface RunEvents {
  readonly layers: readonly LayerEvents[]
  /** Cycles in each phase. */
  readonly runCycles: number
  readonly outputCycles: number
}

type Counted = Exclude<keyof LayerEvents, 'firstActivation' | 'lastWrite'>

const counted: readonly Counted[] = [
  'busy',
  'neighbourReads',
  'bankReads',
  'bankWrites',
  'weightReads',
  'accumulatorReads',
  'accumulatorWrites',
]

/** Cycles by phase: idle, input, run, output. */
type PhaseCycles = [number, number, number, number]

export interface EventCounter {
  begin(): void
  /** A cycle of a phase is over. */
  passed(phase: number): void
  /** In the current cycle a layer's activation is at PE (0, 0). */
  activation(layer: number): void
  /** The edge that closes the current cycle writes a sum of the layer. */
  sum(layer: number): void
  add(what: Counted, layer: number, count: number): void
  snapshot(): RunEvents
}

export function eventCounter(plan: { readonly layers: readonly unknown[] }): EventCounter {
  const layers = plan.layers.length
  const first = new Float64Array(layers)
  const last = new Float64Array(layers)
  const counts = Object.fromEntries(counted.map((what) => [what, new Float64Array(layers)])) as Record<
    Counted,
    Float64Array
  >
  const cycles: PhaseCycles = [0, 0, 0, 0]
  return {
    begin() {
      first.fill(-1)
      last.fill(-1)
      for (const what of counted) counts[what].fill(0)
      cycles.fill(0)
    },
    passed(phase) {
      cycles[phase]!++
    },
    activation(layer) {
      if (first[layer]! < 0) first[layer] = cycles[2]
    },
    sum(layer) {
      last[layer] = cycles[2]
    },
    add(what, layer, count) {
      counts[what][layer] = counts[what][layer]! + count
    },
    snapshot: () => ({
      layers: Array.from(first, (firstActivation, layer) => ({
        firstActivation,
        lastWrite: last[layer]!,
        ...(Object.fromEntries(counted.map((what) => [what, counts[what][layer]!])) as Record<
          Counted,
          number
        >),
      })),
      runCycles: cycles[2],
      outputCycles: cycles[3],
    }),
  }
}
