import type { CellReader } from './cell.ts'
import type { Group } from './groups.ts'
import type { WireLoad } from './library.ts'

const mostLengths = 1000

/** Reads a `wire_load`; `units` are the library's, in pF and kOhm. */
export function readWireLoad(
  group: Group,
  { plain, number, finite, fail }: CellReader,
  units: { readonly capacitance: number; readonly resistance: number },
): WireLoad {
  const lengths = group.lists
    .filter(({ name }) => name === 'fanout_length')
    .map((attribute): readonly [number, number] => {
      const [fanout, length] = attribute.values
      return [finite(fanout ?? '', attribute), finite(length ?? '', attribute)]
    })
    .sort(([a], [b]) => a - b)
  if (lengths.length > mostLengths) fail(`a wire load has more than ${mostLengths} lengths`, group)
  for (let i = 1; i < lengths.length; i++)
    if (lengths[i]![0] === lengths[i - 1]![0]) fail(`a wire load has two lengths for one fan-out`, group)
  return {
    name: plain(group.arguments[0] ?? '', group),
    capacitance: (number(group, 'capacitance') ?? 0) * units.capacitance,
    resistance: (number(group, 'resistance') ?? 0) * units.resistance,
    lengths,
    slope: number(group, 'slope') ?? 0,
  }
}

/** Length of a net with so many pins to drive: between two fan-outs of the table by interpolation, below by extrapolation, above by the slope. */
export function wireLength({ lengths, slope }: WireLoad, fanout: number): number {
  const last = lengths.at(-1)
  if (last === undefined || fanout === 0) return 0
  if (fanout >= last[0]) return last[1] + slope * (fanout - last[0])
  const above = Math.max(
    1,
    lengths.findIndex(([at]) => at >= fanout),
  )
  const [low, high] = [lengths[above - 1]!, lengths[above]!]
  return Math.max(0, low[1] + ((fanout - low[0]) * (high[1] - low[1])) / (high[0] - low[0]))
}
