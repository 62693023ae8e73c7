import { usageError } from '../base/errors.ts'
import { indexBits } from '../base/integers.ts'
import type { ArraySpec } from './array.ts'
import type { Memories } from './plan.ts'

/** What a design needs, and what other arrays would. */
export interface MemoryDemand {
  readonly network: string
  readonly array: ArraySpec
  readonly memories: Memories
  readonly tiles: number
  /** Weights name their tile, and nothing else. */
  readonly namedTiles: boolean
  /** Some layer is mixed. */
  readonly masked: boolean
  /** The bits of the same network on another array. */
  readonly bitsOn: (array: ArraySpec) => number
}

/** Refuses a design that needs more memory than is allowed, and says what would fit. */
export function checkMemory(demand: MemoryDemand): void {
  const { network, array, memories } = demand
  const { bits } = memories
  if (bits.total <= array.memoryBits) return
  const found = whatFits(demand)
  const fits =
    found.length === 0
      ? 'No smaller array fits, and no fewer tiles.'
      : `It would fit with ${found.join('; or with ')}.`
  throw usageError(
    `"${network}" needs ${count(bits.total)} bits of on-chip memory (feature maps ${count(bits.banks)}, weights ${count(bits.weights)}, ` +
      `accumulators ${count(bits.accumulators)}, parameters ${count(bits.parameters)}, program ${count(bits.program)}); ` +
      `${count(array.memoryBits)} are allowed`,
    {
      where: 'array.memory_bits',
      hint: `${fits} Or allow more: --set array.memory_bits=${bits.total}.`,
    },
  )
}

function whatFits({ array, memories, tiles, namedTiles, masked, bitsOn }: MemoryDemand): string[] {
  const { tiles: _sizes, ...whole } = array
  const found: string[] = []
  const fewer = namedTiles ? fewerTiles(array, memories, tiles) : undefined
  if (fewer !== undefined)
    found.push(
      `${fewer.tiles} tile${fewer.tiles === 1 ? '' : 's'} instead of ${tiles}, ${count(fewer.bits)} bits (fewer multipliers in mixed layers)`,
    )
  if (masked && array.modes !== true) {
    const bits = bitsOn({ ...whole, modes: true })
    if (bits <= array.memoryBits) found.push(`array.modes: true, ${count(bits)} bits`)
  }
  for (let { rows, columns } = array; rows > 1 || columns > 1; ) {
    ;[rows, columns] = [Math.ceil(rows / 2), Math.ceil(columns / 2)]
    const bits = bitsOn({ ...whole, rows, columns })
    if (bits > array.memoryBits) continue
    found.push(`an array of ${rows}x${columns}, ${count(bits)} bits`)
    break
  }
  return found
}

/**
 * The most tiles whose names beside the weights, and bits in the passes, would fit. The bits are at most those: fewer tiles need no more
 * passes.
 */
function fewerTiles(array: ArraySpec, memories: Memories, tiles: number) {
  const nameBits = (count: number) => (count === 1 ? 0 : indexBits(count))
  const lanes = memories.weightWords * array.columns
  for (let fewer = tiles - 1; fewer >= 1; fewer--) {
    const saved = lanes * (nameBits(tiles) - nameBits(fewer)) + memories.passWords * (tiles - fewer)
    const bits = memories.bits.total - saved
    if (bits <= array.memoryBits) return { tiles: fewer, bits }
  }
  return undefined
}

const count = (value: number) => value.toLocaleString('en-US')
