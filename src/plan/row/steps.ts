import type { RowEngine, RowLayer } from './plan.ts'

/** One pass: the products of some channels and filters over the rows of a fold, on one tile. */
export interface RowPass {
  readonly layer: number
  readonly rowFold: number
  readonly group: number
  readonly filterFold: number
  readonly tile: number
  readonly channelFold: number
  readonly kernelFold: number
  /** First word in the weight memory. */
  readonly weightWord: number
  /** The first pass of a sum starts it; the last one finishes it. */
  readonly first: boolean
  readonly last: boolean
  /** Which of the two memories at the end of a chain sums. */
  readonly buffer: 0 | 1
}

/**
 * A step of the run, from its first cycle on: `fill` loads the first pass of a layer, a `stream` step streams one pass while the next one loads, `drain`
 * ends a layer.
 */
export interface RowStep {
  readonly start: number
  readonly cycles: number
  readonly kind: 'fill' | 'stream' | 'drain'
  readonly layer: number
  readonly stream: RowPass | undefined
  readonly load: RowPass | undefined
}

/** The passes of a layer in order: row fold, group, filter fold, tile, channel fold, kernel fold. */
export function* passesOfLayer(plan: Pick<RowEngine, 'layers'>, index: number): Generator<RowPass> {
  const layer = plan.layers[index]!
  let sums = 0
  const foldWords = layer.channelFolds * layer.kernelFolds * layer.loadWords
  for (let rowFold = 0; rowFold < layer.rowFolds; rowFold++) {
    for (const [fold, tiles] of layer.passes.entries()) {
      for (const [at, tile] of tiles.entries()) {
        for (let channelFold = 0; channelFold < layer.channelFolds; channelFold++) {
          for (let kernelFold = 0; kernelFold < layer.kernelFolds; kernelFold++) {
            const inner = channelFold * layer.kernelFolds + kernelFold
            yield {
              layer: index,
              rowFold,
              group: Math.floor(fold / layer.filterFolds),
              filterFold: fold % layer.filterFolds,
              tile,
              channelFold,
              kernelFold,
              weightWord: layer.weightBase + fold * foldWords + inner * layer.loadWords,
              first: at === 0 && inner === 0,
              last: at === tiles.length - 1 && inner === layer.channelFolds * layer.kernelFolds - 1,
              buffer: sums % 2 === 0 ? 0 : 1,
            }
          }
        }
      }
      sums++
    }
  }
}

/** The steps of a layer that begins in cycle `start` of the run. */
export function* stepsOfLayer(
  plan: Pick<RowEngine, 'layers'>,
  index: number,
  start: number,
): Generator<RowStep> {
  const layer = plan.layers[index]!
  const passes = passesOfLayer(plan, index)
  let at = start
  const step = (kind: RowStep['kind'], cycles: number, stream?: RowPass, load?: RowPass): RowStep => {
    const made = { start: at, cycles, kind, layer: index, stream, load }
    at += cycles
    return made
  }
  const next = () => {
    const { done, value } = passes.next()
    return done === true ? undefined : value
  }
  let load = next()
  yield step('fill', layer.cyclesFill, undefined, load)
  while (load !== undefined) {
    const stream = load
    load = next()
    yield step('stream', stream.last ? layer.cyclesFinal : layer.cyclesPartial, stream, load)
  }
  yield step('drain', layer.cyclesDrain)
}

/** The whole run, step by step. */
export function* rowSteps(plan: Pick<RowEngine, 'layers'>): Generator<RowStep> {
  let start = 0
  for (let layer = 0; layer < plan.layers.length; layer++) {
    for (const step of stepsOfLayer(plan, layer, start)) {
      start = step.start + step.cycles
      yield step
    }
  }
}

type Timed = Omit<RowLayer, 'cycles'>

/** Passes of a layer, and sums that they finish. */
export function passCount(layer: Timed): { readonly passes: number; readonly sums: number } {
  const inner = layer.channelFolds * layer.kernelFolds
  const passes = layer.rowFolds * inner * layer.passes.reduce((sum, tiles) => sum + tiles.length, 0)
  return { passes, sums: layer.rowFolds * layer.passes.length }
}

/** Cycles of the steps that stream a layer. */
export function streamCycles(layer: Timed): number {
  const { passes, sums } = passCount(layer)
  return (passes - sums) * layer.cyclesPartial + sums * layer.cyclesFinal
}

/** Cycles from the first step to the first cycle in which outputs may be read. */
export function rowRunCycles({ layers }: Pick<RowEngine, 'layers'>): number {
  return layers.reduce((sum, layer) => sum + layer.cyclesFill + streamCycles(layer) + layer.cyclesDrain, 0)
}

/** A layer's cycles: from its first activation entering the grid to its last accumulator write, both included. */
export function rowLayerCycles(layer: Timed): number {
  const products = layer.positions[1] * layer.kernel[1]
  return streamCycles(layer) - layer.cyclesFinal + products + layer.chain
}
