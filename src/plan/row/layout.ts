import { divideUp } from '../../base/integers.ts'
import type { FusedLayer } from '../fuse.ts'
import { rotatedPlace } from '../rotation.ts'
import type { RowMapping } from './mapping.ts'
import type { BankSource, ChannelPlace, MapLayout, RowLayer, StorePattern } from './plan.ts'

type Unplaced = Omit<MapLayout, 'base'>

/** How the layer that reads a map wants it to lie: every line has a bank of its own, so that all are read at the same address. */
export function inputLayout(
  { conv, kernel, input }: FusedLayer,
  mapping: RowMapping,
  stride: number,
): Unplaced {
  const [channels, height, width] = input.shape
  const groupChannels = channels / conv.groups
  const side = mapping.pieces * mapping.columns
  const lines = (side - 1) * stride + kernel[0]
  return {
    channels: mapping.channels,
    groupChannels,
    words: conv.groups * mapping.channelFolds,
    lines,
    // one block holds all rows that are read, so that none comes round again
    period: mapping.rowFolds === 1 ? lines : side * stride,
    blocks: mapping.rowFolds,
    top: conv.dense ? 0 : conv.padding[0],
    height,
    width,
  }
}

/** The result lies as it is written: one bank a row of a piece. */
export function outputLayout(
  [channels, height, width]: readonly [number, number, number],
  lanes: number,
): Unplaced {
  return {
    channels: 1,
    groupChannels: channels,
    words: channels,
    lines: lanes,
    period: lanes,
    blocks: divideUp(height, lanes),
    top: 0,
    height,
    width,
  }
}

/** Words that each bank needs for a map. */
export const layoutWords = ({ words, blocks, width }: Unplaced): number => words * blocks * width

/** Bank, and word from the map's first, of each copy of an element. */
export function copiesOf(layout: MapLayout, channel: number, y: number, x: number) {
  if (layout.rotated !== undefined) return [rotatedPlace(layout.rotated, channel, y, x)]
  const { channel: q, address } = channelPlace(layout, channel)
  const row = y + layout.top
  const copies: { readonly bank: number; readonly address: number }[] = []
  for (let i = row % layout.period; i < layout.lines; i += layout.period) {
    const block = (row - i) / layout.period
    if (block >= 0 && block < layout.blocks)
      copies.push({ bank: q * layout.lines + i, address: layout.base + address + block * layout.width + x })
  }
  return copies
}

/** Where a channel of a map lies: its bank's channel, and its word's distance from the map's first. */
export function channelPlace(
  { channels, groupChannels, blocks, width }: Unplaced,
  channel: number,
): Omit<ChannelPlace, 'exists'> {
  const group = Math.floor(channel / groupChannels)
  const inGroup = channel % groupChannels
  const word = group * divideUp(groupChannels, channels) + Math.floor(inGroup / channels)
  return { channel: inGroup % channels, address: word * blocks * width }
}

/** What the writer does with the rows of one piece, before the shifts have numbers. */
export interface PieceStore {
  readonly sources: readonly (Omit<BankSource, 'shift'> & {
    readonly bank: number
    readonly blocks: number
  })[]
  readonly rows: number
  /** Block that the first row lies in. */
  readonly block: number
}

/** Which lane of the writer each bank of the next map takes, for piece `piece` of row fold `fold`. */
export function pieceStore(
  layer: Pick<RowLayer, 'pieces' | 'lanes' | 'outputShape'>,
  fold: number,
  piece: number,
  next: MapLayout,
): PieceStore {
  const first = (fold * layer.pieces + piece) * layer.lanes
  const row = first + next.top
  const block = next.blocks === 1 ? 0 : Math.floor(row / next.period)
  const sources: PieceStore['sources'][number][] = []
  for (let channel = 0; channel < next.channels; channel++) {
    for (let i = 0; i < next.lines; i++) {
      const lane = next.blocks === 1 ? i - row : modulo(i - row, next.period)
      if (lane < 0 || lane >= layer.lanes) continue
      const blocks = next.blocks === 1 ? 0 : (row + lane - i) / next.period - block
      sources.push({ bank: channel * next.lines + i, channel, lane, blocks })
    }
  }
  const rows = Math.max(0, Math.min(layer.lanes, layer.outputShape[1] - first))
  return { sources, rows, block }
}

/** The shifts of the host's input: a line that lies `s` periods further down holds what came s row folds later. */
export const inputShift = ({ lines, period }: MapLayout, bank: number): number =>
  0 - Math.floor((bank % lines) / period)

/** A pattern of all banks. */
export function storePattern(
  banks: number,
  { sources }: PieceStore,
  shifts: readonly number[],
): StorePattern {
  const pattern: (BankSource | null)[] = Array.from({ length: banks }, () => null)
  for (const { bank, channel, lane, blocks } of sources)
    pattern[bank] = { channel, lane, shift: shifts.indexOf(blocks) }
  return pattern
}

const modulo = (a: number, n: number) => ((a % n) + n) % n

/** The shifts that lines of the host's input have. */
export const inputShifts = ({
  input: { layout },
}: {
  readonly input: { readonly layout: MapLayout }
}): readonly number[] =>
  [...new Set(Array.from({ length: layout.lines }, (_, i) => inputShift(layout, i)))].sort((a, b) => a - b)
