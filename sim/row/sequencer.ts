import type { RowEngine, RowLayer } from '../../src/plan/row/plan.ts'
import { type RowPass, type RowStep, rowSteps, stepsOfLayer } from '../../src/plan/row/steps.ts'
import type { EventCounter } from '../events.ts'
import type { CommandLine, Issued } from './line.ts'

/** Walks the steps of a run: at most a product and a weight word each cycle. */
export interface RowSequencer {
  /** The layer that the stations follow; undefined before the first run. */
  readonly layer: RowLayer | undefined
  /** A layer starts in the cycle just issued. */
  readonly starts: boolean
  /** The cycle just issued was the last one of the run. */
  readonly finished: boolean
  /** It was the last one of the first layer. */
  readonly firstLayerEnds: boolean
  /** Begins a run: of all layers, or of one. */
  begin(layer?: number): void
  issue(cycle: number): void
  reset(): void
}

export function rowSequencer(plan: RowEngine, line: CommandLine, counter: EventCounter): RowSequencer {
  let steps: Iterator<RowStep> | undefined
  let step: RowStep | undefined
  let age = 0
  // what chooses the weights stays where no product is issued
  let set = 0
  let kernelX = 0
  let loadSet = 0
  let sums = 0
  let finishes: Issued | undefined
  // the layer from the next cycle on
  let coming: RowLayer | undefined
  const layerOf = ({ layer }: { readonly layer: number }) => plan.layers[layer]!

  const enter = (next: RowStep | undefined) => {
    step = next
    age = 0
    if (next === undefined) return
    if (next.kind === 'fill') {
      coming = layerOf(next)
      loadSet = 0
      sums = 0
    } else if (next.load !== undefined || next.stream !== undefined) loadSet ^= 1
    if (next.stream !== undefined) {
      set = loadSet ^ 1
      kernelX = 0
    }
  }

  const product = (pass: RowPass): Issued | undefined => {
    const layer = layerOf(pass)
    const [width, columns] = [layer.kernel[1], layer.positions[1]]
    if (age >= width * columns) return undefined
    kernelX = age % width
    return { layer, pass, column: Math.floor(age / width), kernelX }
  }

  const load = (at: number, { load, kind }: RowStep) => {
    const word = kind === 'fill' ? age - 1 : age
    if (load === undefined || word < 0 || word >= layerOf(load).loadWords) return
    const layer = layerOf(load)
    const width = layer.kernel[1]
    line.loaded[at] = {
      layer,
      pass: load,
      word: load.weightWord + word,
      side: Math.floor(word / width),
      kernelX: word % width,
      set: loadSet,
    }
    counter.add('weightReads', load.layer, 1)
  }

  const self = {
    layer: undefined as RowLayer | undefined,
    starts: false,
    finished: false,
    firstLayerEnds: false,
    begin(layer?: number) {
      steps = layer === undefined ? rowSteps(plan) : stepsOfLayer(plan, layer, 0)
      finishes = undefined
      enter(steps.next().value)
    },
    issue(cycle: number) {
      const at = line.slot(cycle)
      self.layer = coming
      for (const entries of [line.issued, line.loaded, line.finished]) entries[at] = undefined
      self.starts = step?.kind === 'fill' && age === 0
      self.finished = false
      self.firstLayerEnds = false
      if (step !== undefined) {
        if (finishes !== undefined && age === 0) line.finished[at] = { layer: finishes.layer, sum: sums++ }
        if (step.stream !== undefined) line.issued[at] = product(step.stream)
        load(at, step)
      }
      line.set[at] = set
      line.kernelX[at] = kernelX
      if (step === undefined) return
      const issued = line.issued[at]
      // past the last product the counter stands at the first column again
      if (issued !== undefined)
        kernelX = issued.kernelX === issued.layer.kernel[1] - 1 ? 0 : issued.kernelX + 1
      if (++age < step.cycles) return
      finishes =
        step.stream?.last === true
          ? { layer: layerOf(step), pass: step.stream, column: 0, kernelX: 0 }
          : undefined
      const ended = step
      const next = steps!.next()
      enter(next.done === true ? undefined : next.value)
      self.finished = step === undefined
      self.firstLayerEnds = ended.kind === 'drain' && ended.layer === 0
    },
    reset() {
      self.starts = false
      self.finished = false
      self.firstLayerEnds = false
      step = undefined
      set = 0
      kernelX = 0
    },
  }
  return self
}
