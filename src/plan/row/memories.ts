import { indexBits, signedBits, unsignedBits } from '../../base/integers.ts'
import type { ArraySpec } from '../array.ts'
import { parameterBits, type Tile } from '../plan.ts'
import type { Rotation } from '../rotation.ts'
import { weightWordsOf } from './images.ts'
import type { RowEngine, RowLayer, RowMemories, RowWidths } from './plan.ts'
import { channelBits, routeBits, rowFields, rowPassBits, rowPassWords, rowProgramBits } from './program.ts'
import type { Stores } from './stores.ts'

export function widthsOf(
  layers: readonly RowLayer[],
  tiles: readonly Tile[],
  { patterns, routes }: Stores,
  depth: number,
  rotation?: Rotation,
): RowWidths {
  const most = (value: (layer: RowLayer) => number) => Math.max(...layers.map(value))
  const last = layers.at(-1)!
  const lastX = ({ positions, stride, kernel, padding, layout }: RowLayer) =>
    Math.max(layout.width, (positions[1] - 1) * stride[1] + kernel[1] - 1 - padding[1])
  const layouts = layers.flatMap(({ layout, output }) => [layout, output])
  return {
    code: 8,
    accumulator: most((l) => l.accumulatorBits),
    bankAddress: indexBits(depth),
    accumulatorAddress: indexBits(accumulatorDepth(layers)),
    coordinate: signedBits(-most((l) => l.padding[1]), most(lastX)),
    weightAddress: indexBits(Math.max(2, last.weightBase + weightWordsOf(last))),
    parameterAddress: indexBits(Math.max(2, last.parameterBase + last.parameterWords)),
    routeAddress: indexBits(Math.max(2, routes.length)),
    passAddress: indexBits(Math.max(2, rowPassWords({ layers, tiles }).length)),
    kernelColumn: indexBits(most((l) => l.kernel[1])),
    kernelFold: indexBits(most((l) => l.kernelFolds)),
    side: indexBits(most((l) => l.sides)),
    chain: unsignedBits(most((l) => l.chain)),
    line: unsignedBits(
      most((l) => Math.max(l.layout.top + l.layout.height, l.layout.period, l.layout.lines)),
    ),
    exit: indexBits(most((l) => l.chains)),
    lane: unsignedBits(most((l) => l.lanes)),
    channel: indexBits(rotation?.banks ?? Math.max(...layouts.map(({ channels }) => channels))),
    pattern: indexBits(rotation?.banks ?? patterns.length),
  }
}

/** Words and widths of every memory. A memory has at least 2 words, so that it has an address. */
export function measure(
  array: ArraySpec,
  parts: Pick<RowEngine, 'layers' | 'tiles' | 'widths' | 'shifts' | 'rotation'>,
  { routes }: Stores,
  bankDepth: number,
  {
    weightBits,
    ownerBits,
    banks,
  }: { readonly weightBits: number; readonly ownerBits: number; readonly banks: number },
): RowMemories {
  const { layers, tiles, widths } = parts
  const last = layers.at(-1)!
  const exits = Math.max(...layers.map((layer) => layer.chains))
  const words = {
    bankDepth,
    weightWords: Math.max(2, last.weightBase + weightWordsOf(last)),
    weightBits,
    ownerBits,
    programWords: Math.max(2, layers.length),
    passWords: tiles.length > 1 ? Math.max(2, rowPassWords({ layers, tiles }).length) : 0,
    routeWords: Math.max(2, routes.length),
    parameterWords: Math.max(2, last.parameterBase + last.parameterWords),
    accumulatorDepth: accumulatorDepth(layers),
  }
  const none = { banks: 0, weights: 0, parameters: 0, accumulators: 0, program: 0, total: 0 }
  const fields = rowFields({ ...parts, memories: { ...words, bits: none } })
  const bits = {
    banks: banks * bankDepth * widths.code,
    weights: words.weightWords * array.rows * (weightBits + ownerBits),
    parameters: words.parameterWords * parameterBits,
    accumulators: 2 * exits * array.columns * words.accumulatorDepth * widths.accumulator,
    program:
      words.programWords * rowProgramBits(fields) +
      words.passWords * rowPassBits({ tiles }) +
      words.routeWords * routeBits(parts) +
      words.parameterWords * channelBits(parts),
  }
  const total = Object.values(bits).reduce((sum, count) => sum + count, 0)
  return { ...words, bits: { ...bits, total } }
}

/** Words of each of a chain's two memories. */
const accumulatorDepth = (layers: readonly RowLayer[]) =>
  Math.max(2, ...layers.map(({ positions }) => positions[1]))
