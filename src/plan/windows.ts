import type { QConv } from '../quant/qgraph.ts'

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
