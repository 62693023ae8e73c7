import { momentLatency } from './moments.ts'
import type { Plan, PlanLayer } from './plan.ts'
import { layerSize } from './size.ts'

/** One fold: up to R taps x C filters of a layer. */
export interface Fold {
  readonly layer: number
  readonly columnFold: number
  /** Index into the layer's passes of this column fold, and the tiles at work. */
  readonly pass: number
  readonly tiles: readonly number[]
  /** The mode of the pass, where it comes with the pass; else 0. */
  readonly mode: number
  readonly rowFold: number
  /** Rows and columns that have work. */
  readonly rows: number
  readonly columns: number
  /** First tap, and first column position. */
  readonly tap: number
  readonly filter: number
  /** The first fold of its column fold starts the sums; the last one finishes them. */
  readonly first: boolean
  readonly last: boolean
}

/** All folds in order of execution: layer, then column fold, then pass, then row fold. */
export function* foldsOf(plan: Plan): Generator<Fold> {
  for (let layer = 0; layer < plan.layers.length; layer++) yield* foldsOfLayer(plan, layer)
}

export function* foldsOfLayer(plan: Plan, index: number): Generator<Fold> {
  const layer = plan.layers[index]!
  const { rows, columns } = layerSize(plan, layer)
  for (let g = 0; g < layer.columnFolds; g++) {
    const passes = layer.passes[g]!
    for (const [pass, tiles] of passes.entries()) {
      for (let f = 0; f < layer.rowFolds; f++) {
        yield {
          layer: index,
          columnFold: g,
          pass,
          tiles,
          mode: layer.modes?.[g]?.[pass] ?? 0,
          rowFold: f,
          rows: Math.min(rows, layer.taps - f * rows),
          columns: g === layer.columnFolds - 1 ? layer.columnsLast : columns,
          tap: f * rows,
          filter: g * columns,
          first: pass === 0 && f === 0,
          last: pass === passes.length - 1 && f === layer.rowFolds - 1,
        }
      }
    }
  }
}

/**
 * A step streams one fold's positions while the weights of the next fold load. `start` counts cycles from the first cycle
 * of the run: the first step, which only loads, starts at 0 and has no `stream`.
 */
export interface Step {
  readonly start: number
  readonly cycles: number
  readonly stream: Fold | undefined
  readonly load: Fold | undefined
}

/** Cycles between the positions of a fold: the writer needs them where sums are finished. */
export function intervalOf(layer: PlanLayer, fold: Fold): number {
  if (!fold.last) return 1
  return fold.columnFold === layer.columnFolds - 1 ? layer.intervalLast : layer.interval
}

/** Word of a pixel, from the layer's first, at which the channels that a column fold sees begin. */
export const firstWord = ({ groups }: PlanLayer, columnFold: number): number =>
  groups === undefined ? 0 : Math.floor(columnFold / groups.folds) * groups.words

/** Shortest duration of the step that streams `fold`. */
export function streamCycles(layer: PlanLayer, fold: Fold): number {
  if (!fold.last) return layer.cyclesPartial
  return fold.columnFold === layer.columnFolds - 1 ? layer.cyclesLast : layer.cyclesFinal
}

/** Cycles of all steps that stream a layer of full folds, on an array of so many rows. */
export function layerDuration(rows: number, layer: PlanLayer): number {
  const loading = Math.min(rows, layer.taps)
  const others = layer.columnFolds - 1
  const partial = layer.rowFolds * layer.passes.flat().length - layer.columnFolds
  return (
    partial * Math.max(loading, layer.cyclesPartial) +
    others * Math.max(loading, layer.cyclesFinal) +
    layer.cyclesLast
  )
}

/** The first step lasts this much longer than its rows, or than one where it loads none: the second layer's program word must be there when it ends. */
const programFetch = 1

/** The whole run, step by step. A step lasts until its fold is streamed and the next fold is loaded. */
export function* stepsOf(plan: Plan): Generator<Step> {
  let start = 0
  let stream: Fold | undefined
  const folds = foldsOf(plan)
  for (;;) {
    const next = folds.next()
    const load = next.done === true ? undefined : next.value
    const needed = stream === undefined ? 0 : streamCycles(plan.layers[stream.layer]!, stream)
    const cycles =
      stream === undefined ? Math.max(1, load!.rows) + programFetch : Math.max(needed, load?.rows ?? 0)
    yield { start, cycles, stream, load }
    start += cycles
    if (load === undefined) return
    stream = load
  }
}

/** Cycles from the first step to the first cycle in which outputs may be read. */
export function runCycles(plan: Plan): number {
  let cycles = 0
  for (const step of stepsOf(plan)) cycles = step.start + step.cycles
  return cycles
}

/**
 * A layer's cycles as design.md counts them: from its first activation entering the array to its last accumulator write;
 * its first fold's weights load while the layer before runs.
 */
export function layerCycles(plan: Plan): number[] {
  const first: number[] = []
  const last: Step[] = []
  for (const step of stepsOf(plan)) {
    if (step.stream === undefined) continue
    first[step.stream.layer] ??= step.start
    last[step.stream.layer] = step
  }
  return plan.layers.map((layer, index) => {
    if (layer.grid !== undefined) return layer.cycles
    const final = last[index]!
    const issued = final.start + (layer.positions - 1) * layer.intervalLast
    // moments are stored where others' last sums are
    if (layer.fills !== undefined) return issued + layerSize(plan, layer).rows + momentLatency - first[index]!
    const written = issued + plan.latency.feeder + layerSize(plan, layer).rows + final.stream!.columns - 1
    return written - (first[index]! + plan.latency.feeder) + 1
  })
}

/** The step that runs in a cycle, by index search. */
export function stepAt(steps: readonly Step[], cycle: number): Step | undefined {
  let low = 0
  let high = steps.length - 1
  while (low <= high) {
    const middle = (low + high) >> 1
    const step = steps[middle]!
    if (cycle < step.start) high = middle - 1
    else if (cycle >= step.start + step.cycles) low = middle + 1
    else return step
  }
  return undefined
}
