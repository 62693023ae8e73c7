import { channelShift, type Rotation } from '../rotation.ts'
import { filtersInOrder } from './images.ts'
import { channelPlace, type PieceStore, pieceStore, storePattern } from './layout.ts'
import type { ChannelPlace, MapLayout, Route, RowLayer, StorePattern } from './plan.ts'

export interface Stores {
  readonly banks: number
  readonly shifts: readonly number[]
  readonly patterns: readonly StorePattern[]
  readonly routes: readonly Route[]
}

/** Where every piece of every layer is stored, and the few ways in which lanes meet banks. */
export function storesOf(layers: readonly RowLayer[], rotation?: Rotation): Stores {
  if (rotation !== undefined) return rotatedStores(layers, rotation)
  const layouts = layers.flatMap(({ layout, output }) => [layout, output])
  const banks = Math.max(...layouts.map(({ channels, lines }) => channels * lines))
  const pieces = layers.flatMap((layer) =>
    Array.from({ length: layer.rowFolds * layer.pieces }, (_, at) => {
      const fold = Math.floor(at / layer.pieces)
      return { layer, stored: pieceStore(layer, fold, at % layer.pieces, layer.output) }
    }),
  )
  const shifts = [
    ...new Set(pieces.flatMap(({ stored }) => stored.sources.map(({ blocks }) => blocks))),
  ].sort((a, b) => a - b)
  const patterns = new Map<string, { readonly index: number; readonly pattern: StorePattern }>()
  const routes = pieces.map(({ layer, stored }): Route => {
    const pattern = storePattern(banks, stored, shifts)
    const key = JSON.stringify(pattern)
    const known = patterns.get(key) ?? { index: patterns.size, pattern }
    patterns.set(key, known)
    return routeOf(layer.output, stored, shifts, known.index)
  })
  return { banks, shifts, patterns: [...patterns.values()].map(({ pattern }) => pattern), routes }
}

/** In shared banks a piece's rows lie side by side from its first row on, whatever the layer: the pattern of a route is the row, as far as it turns the banks. */
function rotatedStores(layers: readonly RowLayer[], { banks }: Rotation): Stores {
  const routes = layers.flatMap((layer) =>
    Array.from({ length: layer.rowFolds * layer.pieces }, (_, at): Route => {
      const row = at * layer.lanes
      return {
        pattern: row % banks,
        rows: Math.max(0, Math.min(layer.lanes, layer.outputShape[1] - row)),
        address: layer.output.base + row,
        enabled: [true],
      }
    }),
  )
  const lines = Math.max(...layers.map(({ layout }) => layout.lines))
  return { banks: lines, shifts: [0], patterns: [], routes }
}

function routeOf(
  next: MapLayout,
  { block, rows }: PieceStore,
  shifts: readonly number[],
  pattern: number,
): Route {
  const exists = (shift: number) => block + shift >= 0 && block + shift < next.blocks
  return { pattern, rows, address: next.base + block * next.width, enabled: shifts.map(exists) }
}

/** The place of each filter's channel in the next map. */
export function channelPlaces(layer: RowLayer): readonly ChannelPlace[] {
  return filtersInOrder(layer).map((filter) =>
    filter === undefined
      ? { exists: false, channel: 0, address: 0 }
      : { exists: true, ...placeOfChannel(layer.output, filter) },
  )
}

function placeOfChannel(map: MapLayout, channel: number): Omit<ChannelPlace, 'exists'> {
  if (map.rotated === undefined) return channelPlace(map, channel)
  const { rotation, address } = channelShift(map.rotated, channel)
  return { channel: rotation, address }
}
