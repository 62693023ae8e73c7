import type { AnyPlan } from '../src/plan/any-plan.ts'
import type { MemoryImages } from '../src/plan/images.ts'
import type { Memories, Plan } from '../src/plan/plan.ts'
import type { RowEngine } from '../src/plan/row/plan.ts'
import { hashWords } from '../src/plan/structure.ts'
import { loaderStates, packetLayout } from '../src/plan/words.ts'

/** The weights of a design, as a packet may change them. */
export type LoadedImages = MemoryImages & {
  parameters: MemoryImages['parameters'][number][]
  readonly grid?: LoadedImages
}

/** A copy that packets can be loaded into, to the depth of the memories. */
export function loadableImages(plan: Plan | RowEngine, images: MemoryImages): LoadedImages {
  const { weightWords, parameterWords, weightBits } = plan.memories
  const codes = weightWords * images.columns
  const weights = new (weightBits > 8 ? Int32Array : Int8Array)(codes)
  const owners = new Uint16Array(codes)
  weights.set(images.weights)
  owners.set(images.owners)
  const parameters = Array.from(
    { length: parameterWords },
    (_, n) => images.parameters[n] ?? { bias: 0, multiplier: 0, shift: 1 },
  )
  const grid = 'grid' in plan && plan.grid !== undefined ? loadableImages(plan.grid, images.grid!) : undefined
  return { columns: images.columns, weights, owners, parameters, ...(grid && { grid }) }
}

/** An engine's memories, and what they hold. */
interface Engine {
  readonly memories: Pick<Memories, 'ownerBits' | 'weightBits'>
  readonly images: LoadedImages
}

/** Takes weights packets, beat by beat (docs/axi.md). */
export interface WeightLoader {
  /** 0 header, 1 weights, 2 parameters, 3 drain, 4 and 5 those of a grid beside the array; beat of the header or word of a memory; 1 where the weights are not whole. */
  readonly state: { phase: number; index: number; broken: number }
  readonly loading: boolean
  /** The edge that takes a beat. Says what is wrong with the packet, if this beat shows it. */
  take(data: number, last: boolean): 'refused' | 'length' | undefined
  /** The next beat is the first one of a packet. */
  reset(): void
}

const { header, drain } = loaderStates

export function weightLoader(plan: AnyPlan, images: LoadedImages): WeightLoader {
  const { parts } = packetLayout(plan)
  const grid = 'grid' in plan ? plan.grid : undefined
  // an engine has a part of weights, and one of parameters
  const engines = [
    { memories: plan.memories, images },
    ...(grid === undefined ? [] : [{ memories: grid.memories, images: images.grid! }]),
  ]
  const hash = hashWords(plan.structure)
  const state = { phase: header as number, index: 0, broken: 0 }
  let word: number[] = []

  const go = (phase: number) => {
    state.phase = phase
    state.index = 0
    word = []
  }

  const bitsOf = (low: number, count: number) => {
    let value = 0
    for (let bit = count - 1; bit >= 0; bit--) {
      const at = low + bit
      value = 2 * value + ((word[at >> 5]! >>> (at & 31)) & 1)
    }
    return value
  }
  const storeWeights = ({ memories: { ownerBits, weightBits }, images }: Engine) => {
    const lanes = images.columns
    for (let lane = 0; lane < lanes; lane++) {
      const low = lane * (ownerBits + weightBits)
      const code = bitsOf(low, weightBits)
      images.weights[state.index * lanes + lane] = code
      images.owners[state.index * lanes + lane] = bitsOf(low + weightBits, ownerBits)
    }
  }
  const storeParameters = ({ images }: Engine) => {
    images.parameters[state.index] = {
      bias: bitsOf(0, 32) | 0,
      multiplier: bitsOf(32, 16),
      shift: bitsOf(48, 6),
    }
  }

  const takeHeader = (data: number, last: boolean) => {
    if (data !== hash[state.index]) {
      go(last ? header : drain)
      return 'refused' as const
    }
    if (last) {
      go(header)
      return 'length' as const
    }
    if (state.index === hash.length - 1) {
      state.broken = 1
      go(parts[0]!.state)
    } else state.index++
    return undefined
  }

  const takeWord = (data: number, last: boolean) => {
    const at = parts.findIndex((part) => part.state === state.phase)
    const { beats, words } = parts[at]!
    const engine = engines[Math.floor(at / 2)]!
    word.push(data)
    let partEnds = false
    if (word.length === beats) {
      if (at % 2 === 0) storeWeights(engine)
      else storeParameters(engine)
      partEnds = state.index === words - 1
      state.index++
      word = []
    }
    const whole = partEnds && at === parts.length - 1
    if (whole && last) state.broken = 0
    if (partEnds) go(parts[at + 1]?.state ?? drain)
    if (last) go(header)
    return whole === last ? undefined : ('length' as const)
  }

  return {
    state,
    get loading() {
      return state.phase !== header || state.index !== 0
    },
    take(data, last) {
      if (state.phase === header) return takeHeader(data, last)
      if (state.phase !== drain) return takeWord(data, last)
      if (last) go(header)
      return undefined
    },
    reset: () => go(header),
  }
}
