import type { Plan } from '../src/plan/plan.ts'

/** What the model saw of one layer in its last run. Cycles count from the first cycle of the run (phase 2), 0. */
export interface LayerEvents {
  /** The cycle in which the layer's first activation is at PE (0, 0). */
  readonly firstActivation: number
  /** The cycle whose closing edge writes the layer's last sum. */
  readonly lastWrite: number
  /** PE cycles spent on a product of a filter: idle rows, columns without a filter and pauses between positions do not count. */
  readonly busy: number
}

/** What the model saw of its last image. */
export interface RunEvents {
  readonly layers: readonly LayerEvents[]
  /** Cycles in each phase. */
  readonly inputCycles: number
  readonly runCycles: number
  readonly outputCycles: number
}

export interface EventCounter {
  begin(): void
  inputCycle(): void
  outputCycle(): void
  runCycle(): void
  activation(layer: number): void
  write(layer: number): void
  work(layer: number, pes: number): void
  snapshot(): RunEvents
}

export function eventCounter(plan: Plan): EventCounter {
  const count = plan.layers.length
  const first = new Float64Array(count)
  const last = new Float64Array(count)
  const busy = new Float64Array(count)
  let input = 0
  let run = 0
  let output = 0
  return {
    begin() {
      first.fill(-1)
      last.fill(-1)
      busy.fill(0)
      input = 0
      run = 0
      output = 0
    },
    inputCycle: () => void input++,
    outputCycle: () => void output++,
    runCycle: () => void run++,
    // `run` cycles are complete: the current one is number `run`
    activation(layer) {
      if (first[layer]! < 0) first[layer] = run
    },
    write(layer) {
      last[layer] = run
    },
    work(layer, pes) {
      busy[layer] = busy[layer]! + pes
    },
    snapshot: () => ({
      layers: Array.from(first, (firstActivation, layer) => ({
        firstActivation,
        lastWrite: last[layer]!,
        busy: busy[layer]!,
      })),
      inputCycles: input,
      runCycles: run,
      outputCycles: output,
    }),
  }
}
