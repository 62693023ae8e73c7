import type { Plan, PlanLayer } from '../src/plan/plan.ts'
import { releaseLayer } from '../src/plan/program.ts'
import { layerTop } from '../src/plan/size.ts'
import { type Fold, intervalOf, type Step, stepsOf } from '../src/plan/steps.ts'
import type { EventCounter } from './events.ts'
import type { IssueLine, Streamed } from './line.ts'

/** The weight word of a fold's first row: every pass of a column fold reads that column fold's words. */
const wordOf = ({ fold, layer }: Streamed) => layer.weightBase + fold.columnFold * layer.taps + fold.tap

/** Only a layer's first weights may have to wait. */
const delayOf = ({ fold, layer }: Streamed) =>
  fold.columnFold === 0 && fold.first ? (layer.loadDelay ?? 0) : 0

const startsLayer = (fold: Fold | undefined, layer: number) =>
  fold?.layer === layer && fold.columnFold === 0 && fold.first

/** Walks the steps of a run and issues, in each cycle, at most one position and one row of weights. */
export interface Sequencer {
  /** Begins a run: the next `issue` is that of run cycle 0. */
  begin(): void
  /** Issues what belongs to `cycle` into the line; nothing where no run is under way. Called once a cycle. */
  issue(cycle: number): void
  /** Whether the cycle just issued was the last one of the run. */
  readonly finished: boolean
  /** Whether it was the first one of the layer behind the last that reads the input map, or the last one of the run, where there is none. */
  readonly inputRead: boolean
  /** The grid's layer that the array begins to wait for in the cycle just issued. */
  readonly gridLayer: number | undefined
  /** Ends the run. */
  reset(): void
}

export function sequencer(plan: Plan, line: IssueLine, counter: EventCounter): Sequencer {
  let steps: Iterator<Step> | undefined
  let step: Step | undefined
  let age = 0
  let streamed: Streamed | undefined
  let loaded: Streamed | undefined
  // the next position, and the cycle of the step in which it is due
  let position = 0
  let due = 0
  let interval = 1
  let address = 0
  let y = 0
  let x = 0
  let operandAddress = 0
  const release = releaseLayer(plan)
  const loop = new Int32Array(4)
  const limit = new Int32Array(4)

  const withLayer = (fold: Fold | undefined): Streamed | undefined =>
    fold && { fold, layer: plan.layers[fold.layer]!, top: layerTop(plan, plan.layers[fold.layer]!) }

  const enter = (next: Step | undefined) => {
    step = next
    age = 0
    if (next === undefined) return
    streamed = next.stream !== undefined && loaded?.fold === next.stream ? loaded : withLayer(next.stream)
    loaded = withLayer(next.load)
    if (streamed === undefined) return
    const { layer, fold } = streamed
    position = 0
    due = 0
    interval = intervalOf(layer, fold)
    ;({ address, y, x } = layer.start)
    const operand = layer.merge?.operand
    operandAddress = operand === undefined ? 0 : operand.start + fold.columnFold * operand.lanes
    loop.fill(0)
    limit[0] = layer.window[1]
    limit[1] = layer.window[0]
    limit[2] = layer.outputShape[2]
    limit[3] = layer.outputShape[1]
  }

  /** Steps the loops: inner ones that are at their end start again, and the outermost that steps gives the increment. */
  const advance = ({ increments, merge }: PlanLayer) => {
    position++
    due += interval
    for (let level = 0; level < 4; level++) {
      if (++loop[level]! < limit[level]!) {
        const by = increments[level]!
        address += by.address
        y += by.y
        x += by.x
        operandAddress += merge?.operand?.increments[level] ?? 0
        return
      }
      loop[level] = 0
    }
  }

  /** An addition has an operand at each position; other maps only inside of their edges. */
  const operandInside = ({ does, merge, inputSize }: PlanLayer) =>
    merge?.operand !== undefined &&
    (does === undefined || (y >= 0 && y < inputSize[0] && x >= 0 && x < inputSize[1]))

  const issuePosition = (cycle: number) => {
    line.streamed[line.slot(cycle)] = undefined
    line.products[line.slot(cycle)] = undefined
    if (streamed === undefined || age !== due || position === streamed.layer.positions) return
    const at = line.slot(cycle - streamed.top)
    const waits = streamed.layer.grid !== undefined
    line.streamed[at] = waits ? undefined : streamed
    line.products[at] = streamed.layer.fills === undefined && !waits ? streamed : undefined
    line.position[at] = position
    line.address[at] = address
    line.y[at] = y
    line.x[at] = x
    line.first[at] = position === 0 ? 1 : 0
    line.windowFirst[at] = loop[0] === 0 && loop[1] === 0 ? 1 : 0
    line.windowLast[at] = loop[0] === limit[0]! - 1 && loop[1] === limit[1]! - 1 ? 1 : 0
    line.operandAddress[at] = operandAddress
    line.operandInside[at] = operandInside(streamed.layer) ? 1 : 0
    advance(streamed.layer)
  }

  const issueLoad = (at: number) => {
    const row = loaded === undefined ? -1 : age - delayOf(loaded)
    if (loaded === undefined || row < 0 || row >= loaded.fold.rows) {
      line.loadRow[at] = -1
      return
    }
    line.loadRow[at] = loaded.top + row
    line.loadWord[at] = wordOf(loaded) + row
    line.loaded[at] = loaded
    if (loaded.layer.fills === undefined) counter.add('weightReads', loaded.fold.layer, 1)
  }

  const nextStep = () => {
    const next = steps!.next()
    return next.done === true ? undefined : next.value
  }

  const self = {
    finished: false,
    inputRead: false,
    gridLayer: undefined as number | undefined,
    begin() {
      steps = stepsOf(plan)[Symbol.iterator]()
      loaded = undefined
      streamed = undefined
      enter(nextStep())
    },
    issue(cycle: number) {
      const at = line.slot(cycle)
      self.finished = false
      self.inputRead = age === 0 && startsLayer(step?.stream, release)
      self.gridLayer = age === 0 && step?.stream !== undefined ? streamed!.layer.grid : undefined
      if (step === undefined) {
        line.streamed[at] = undefined
        line.products[at] = undefined
        line.loadRow[at] = -1
        return
      }
      issuePosition(cycle)
      issueLoad(at)
      if (++age === step.cycles) {
        enter(nextStep())
        self.finished = step === undefined
        if (self.finished && release === plan.layers.length) self.inputRead = true
      }
    },
    reset() {
      self.finished = false
      self.inputRead = false
      self.gridLayer = undefined
      step = undefined
    },
  }
  return self
}
