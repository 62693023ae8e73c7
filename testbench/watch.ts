import type { AnyPlan } from '../src/plan/any-plan.ts'
import { type Probe, probesOf } from '../src/plan/probes.ts'
import { nativeLayout } from './frame.ts'
import { type Port, type PortLayout, portValue } from './ports.ts'

/** A value that two devices are compared by: a probe, or a port of their interface. */
export type Watched =
  | { readonly kind: 'probe'; readonly name: string; readonly width: number; readonly probe: Probe }
  | { readonly kind: 'port'; readonly name: string; readonly width: number; readonly port: Port }

/** How a design is watched: the probes, upstream first, then the ports. */
export interface Watch {
  readonly values: readonly Watched[]
  readonly probes: readonly Probe[]
  readonly layout: PortLayout
}

/** The watch of a design with the native interface. */
export function watchOf(plan: AnyPlan): Watch {
  return watchProbes(probesOf(plan))
}

export function watchProbes(probes: readonly Probe[], layout: PortLayout = nativeLayout): Watch {
  const values: Watched[] = [
    ...probes.map((probe): Watched => ({ kind: 'probe', name: probe.name, width: probe.width, probe })),
    ...layout.ports.map((port): Watched => ({ kind: 'port', name: port.name, width: port.bits, port })),
  ]
  return { values, probes, layout }
}

/** Words of a frame. */
export const frameWords = ({ layout, probes }: Watch): number => layout.words + probes.length

/** The raw value number `index` of `Watch.values` in a frame {ports, probes...} that begins at `offset`. */
export function watchedValue(
  { values, layout }: Watch,
  index: number,
  words: Uint32Array,
  offset = 0,
): number {
  const watched = values[index]!
  return watched.kind === 'port'
    ? portValue(words, offset, watched.port)
    : words[offset + layout.words + index]!
}
