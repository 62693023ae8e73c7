import type { Plan } from '../src/plan/plan.ts'
import { type Probe, probesOf } from '../src/plan/probes.ts'
import { type PortName, portBits, portNames, portOf } from './frame.ts'

/** A value that two devices are compared by: a probe, or a port of the native interface. */
export type Watched =
  | { readonly kind: 'probe'; readonly name: string; readonly width: number; readonly probe: Probe }
  | { readonly kind: 'port'; readonly name: PortName; readonly width: number }

/** How a design is watched: the probes, upstream first, then the ports. */
export interface Watch {
  readonly values: readonly Watched[]
  readonly probes: readonly Probe[]
}

export function watchOf(plan: Plan): Watch {
  return watchProbes(probesOf(plan))
}

export function watchProbes(probes: readonly Probe[]): Watch {
  const values: Watched[] = [
    ...probes.map((probe): Watched => ({ kind: 'probe', name: probe.name, width: probe.width, probe })),
    ...portNames.map((name): Watched => ({ kind: 'port', name, width: portBits(name) })),
  ]
  return { values, probes }
}

/** The raw value number `index` of `Watch.values` in a frame {ports, probes...} that begins at `offset`. */
export function watchedValue({ values }: Watch, index: number, words: Uint32Array, offset = 0): number {
  const watched = values[index]!
  return watched.kind === 'port' ? portOf(words[offset]!, watched.name) : words[offset + 1 + index]!
}
