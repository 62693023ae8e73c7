import { type Operand, operandLanes, type Plan, type PlanLayer } from '../src/plan/plan.ts'
import type { ProbePlace } from '../src/plan/probes.ts'
import { rotatedPlace, sharedMaps } from '../src/plan/rotation.ts'
import { layerTop, layerTops, tileTop } from '../src/plan/size.ts'
import { type Fold, firstWord, intervalOf, type Step, stepAt } from '../src/plan/steps.ts'

/** What the plan says of a station of the pipeline in one cycle: whose value stands there. */
export interface Occupant {
  readonly layer: PlanLayer
  readonly fold: Fold
  /** The position that is there; undefined where the station holds something that outlasts positions (a weight). */
  readonly position: Position | undefined
  /** Lane of the vector that the writer stores. */
  readonly lane: number | undefined
}

export interface Position {
  /** 0..M-1, in the order of streaming. */
  readonly index: number
  /** Element of the map before pooling. */
  readonly y: number
  readonly x: number
  /** Element after pooling. */
  readonly pooledY: number
  readonly pooledX: number
}

/** What a row computes with: a tap of the kernel, and the input element that it reads for a position. */
export interface Tap {
  readonly index: number
  readonly channel: number
  readonly kernelY: number
  readonly kernelX: number
  readonly inputY: number
  readonly inputX: number
  readonly inside: boolean
}

/**
 * Who is at a station in cycle `run` of the run (docs/weight-stationary.md: rows, PEs, columns, writer). Undefined where nothing is due
 * there, so that a register should hold or be 0.
 */
export function occupantAt(
  plan: Plan,
  steps: readonly Step[],
  at: ProbePlace,
  run: number,
): Occupant | undefined {
  const { columns } = plan.array
  const tileRow = (at: { readonly tile: number; readonly row: number }) =>
    at.row + tileTop(plan, plan.tiles[at.tile]!)
  switch (at.kind) {
    case 'feeder':
      return enteredAt(plan, at.row, positionIssued(plan, steps, run - at.row - plan.latency.feeder))
    case 'sum':
      return positionIssued(plan, steps, run - tileRow(at) - at.column - plan.latency.feeder - 1)
    case 'total':
    case 'parameter':
      return positionIssued(plan, steps, run - plan.latency.accumulator - at.column - 1)
    case 'pooled':
      if (plan.merge !== undefined) return mergedAt(plan, steps, run - plan.latency.aligned)
      return positionIssued(plan, steps, run - plan.latency.accumulator - plan.latency.post - at.column)
    case 'map reader':
      return readAt(plan, steps, run - plan.latency.aligned + beforeStore.address, () => true)
    case 'operand':
      return readAt(
        plan,
        steps,
        run - plan.latency.aligned + beforeStore.operand,
        (operand, lane) => Math.floor(at.column / operand.modulus) === lane,
      )
    case 'merged':
      return mergedAt(plan, steps, run - plan.latency.aligned + beforeStore.merged)
    case 'weight': {
      // At work since the swap wave of the fold's step passed: its own cycle, one register, the way through rows and columns.
      const wave = run - tileRow(at) - at.column - 2
      // of two layers the later wave decides: that of the lower rows
      for (const top of layerTops(plan).toReversed()) {
        const stream = stepAt(steps, Math.min(wave + top, lastStart(steps)))?.stream
        if (stream === undefined || layerTop(plan, plan.layers[stream.layer]!) !== top) continue
        const found = occupant(plan, stream)
        return found.layer.grid === undefined ? { ...found, position: undefined, lane: undefined } : undefined
      }
      return undefined
    }
    case 'writer':
      for (let lane = 0; lane < columns; lane++) {
        const found = mergedAt(plan, steps, run - plan.latency.aligned - 1 - lane)
        if (found?.fold.last && lane < lanesOf(found) && isWindowLast(found)) return { ...found, lane }
      }
      return undefined
    case 'sequencer':
    case 'output':
    case 'wrapper':
      return undefined
  }
}

/** Cycles between stations of the merge columns and the vector that is whole: the address of its first word, that word's operands, the merged codes. */
const beforeStore = { address: 6, operand: 4, merged: 2 } as const

/** The position whose last word would have been read in time for `cycle`, were each vector one word. */
function mergedAt(plan: Plan, steps: readonly Step[], cycle: number): Occupant | undefined {
  const most = Math.max(...plan.layers.map((layer) => operandLanes(layer, 0)))
  for (let words = 1; words <= most; words++) {
    const found = positionIssued(plan, steps, cycle - words + 1)
    if (found !== undefined && operandLanes(found.layer, found.fold.columnFold) === words) return found
  }
  return undefined
}

/** The position of which a word is read, and which word, among those that a test lets pass. */
function readAt(
  plan: Plan,
  steps: readonly Step[],
  cycle: number,
  test: (operand: Operand, lane: number) => boolean,
): Occupant | undefined {
  for (let lane = 0; lane < plan.array.columns; lane++) {
    const found = positionIssued(plan, steps, cycle - lane)
    const operand = found?.layer.merge?.operand
    if (found === undefined || operand === undefined || !found.fold.last) continue
    if (lane < operandLanes(found.layer, found.fold.columnFold) && test(operand, lane))
      return { ...found, lane }
  }
  return undefined
}

export const lanesOf = ({ layer, fold }: Occupant): number =>
  fold.columnFold === layer.columnFolds - 1 ? layer.lanesLast : layer.lanes

/** The row of the fold that a row of the array is, or a row of a tile; negative above the rows that its layer uses. */
export function foldRow(
  plan: Plan,
  { layer }: Occupant,
  { row, tile }: { readonly row: number; readonly tile?: number },
): number {
  return row + (tile === undefined ? 0 : tileTop(plan, plan.tiles[tile]!)) - layerTop(plan, layer)
}

/** The tap of row `row` of the fold, and what it reads for the position. */
export function tapOf({ layer, fold, position }: Occupant, row: number): Tap | undefined {
  if (row < 0 || row >= fold.rows) return undefined
  const index = fold.tap + row
  const seen = index % layer.channels
  const first = layer.fills?.kernel ?? firstWord(layer, fold.columnFold) * layer.inputModulus
  const channel = first + seen * (layer.tapStep ?? 1)
  const pixel = Math.floor(index / layer.channels)
  const kernelY = Math.floor(pixel / layer.kernel[1])
  const kernelX = pixel % layer.kernel[1]
  const inputY = (position?.y ?? 0) * layer.stride[0] - layer.padding[0] + kernelY
  const inputX = (position?.x ?? 0) * layer.stride[1] - layer.padding[1] + kernelX
  const inside = inputY >= 0 && inputY < layer.inputSize[0] && inputX >= 0 && inputX < layer.inputSize[1]
  return { index, channel, kernelY, kernelX, inputY, inputX, inside }
}

/** Bank and word of an element of the layer's input map that row `row` reads. */
export function inputPlace(plan: Plan, layer: PlanLayer, tap: Tap, row: number) {
  const shared = sharedMaps(plan, layer)
  if (shared !== undefined) return rotatedPlace(shared.input, tap.channel, tap.inputY, tap.inputX)
  const pixel = tap.inputY * layer.inputSize[1] + tap.inputX
  const word = layer.inputBase + pixel * layer.inputWords + Math.floor(tap.channel / layer.inputModulus)
  return { bank: row, address: word }
}

/** The position that would be issued in `cycle` if all layers began at row 0: one that begins `top` rows down is issued `top` cycles later. */
function positionIssued(plan: Plan, steps: readonly Step[], cycle: number): Occupant | undefined {
  for (const top of layerTops(plan)) {
    const step = stepAt(steps, cycle + top)
    if (step?.stream === undefined) continue
    const { layer, fold } = occupant(plan, step.stream)
    // while the grid has a layer, the array issues nothing
    if (layerTop(plan, layer) !== top || layer.grid !== undefined) continue
    const index = (cycle + top - step.start) / intervalOf(layer, fold)
    if (!Number.isInteger(index) || index >= layer.positions) continue
    return { layer, fold, position: positionOf(layer, index), lane: undefined }
  }
  return undefined
}

/** Positions enter at the row where their layer begins: the feeders above have none. */
const enteredAt = (plan: Plan, row: number, here: Occupant | undefined) =>
  here !== undefined && row >= layerTop(plan, here.layer) ? here : undefined

const occupant = (plan: Plan, fold: Fold) => ({ layer: plan.layers[fold.layer]!, fold })

const lastStart = (steps: readonly Step[]) => steps.at(-1)?.start ?? 0

function positionOf(layer: PlanLayer, index: number): Position {
  const [windowHeight, windowWidth] = layer.window
  const width = layer.outputShape[2]
  const [down, right] = layer.does === undefined ? layer.window : layer.stride
  const windowX = index % windowWidth
  const windowY = Math.floor(index / windowWidth) % windowHeight
  const pooled = Math.floor(index / (windowWidth * windowHeight))
  const [pooledY, pooledX] = [Math.floor(pooled / width), pooled % width]
  return { index, pooledY, pooledX, y: pooledY * down + windowY, x: pooledX * right + windowX }
}

const isWindowLast = ({ layer, position }: Occupant) =>
  position !== undefined && (position.index + 1) % (layer.window[0] * layer.window[1]) === 0
