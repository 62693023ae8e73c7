import { divideUp } from '../base/integers.ts'
import type { QConv } from '../quant/qgraph.ts'
import type { Size } from './array.ts'

/** The channels that a column fold of a grouped convolution sees, and how they move on: by `step` channels every `folds` column folds. */
export interface ChannelWindow {
  readonly channels: number
  readonly step: number
  readonly folds: number
}

/**
 * The window of a grouped convolution on so many columns. Where a column fold has whole groups, or a group whole column folds, it sees their
 * channels alone (the channel-diagonal mapping: a depthwise layer then has one column a channel); else it sees all of the map's.
 */
export function channelWindow(
  { groups, bias }: Pick<QConv, 'groups' | 'bias'>,
  channels: number,
  columns: number,
): ChannelWindow | undefined {
  if (groups === 1) return undefined
  const filters = bias.length / groups
  const own = channels / groups
  const held = Math.min(groups, Math.floor(columns / filters))
  if (held > 0 && (held === groups || columns % filters === 0) && groups % held === 0)
    return { channels: held * own, step: held * own, folds: 1 }
  if (filters % columns === 0) return { channels: own, step: own, folds: filters / columns }
  return { channels, step: 0, folds: 1 }
}

/**
 * The columns that a grouped convolution uses: as many as give the fewest folds. Fewer than there are may hold whole groups, where all of them would see
 * channels of groups that are not theirs.
 */
export function groupedSize(conv: QConv, { rows, columns }: Size): Size {
  // the weights of curves fill rows with channels of a fold anyway
  if (conv.groups === 1 || conv.curve !== undefined) return { rows, columns }
  const filters = conv.bias.length
  const channels = (conv.weights.length / filters / conv.kernel[0] / conv.kernel[1]) * conv.groups
  const folds = (count: number) => {
    const seen = channelWindow(conv, channels, count)!.channels
    return divideUp(filters, count) * divideUp(conv.kernel[0] * conv.kernel[1] * seen, rows)
  }
  let best = columns
  for (let fewer = columns - 1; fewer >= 1; fewer--) if (folds(fewer) < folds(best)) best = fewer
  return { rows, columns: best }
}
