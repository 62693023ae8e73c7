import type { Configuration } from '../configuration.ts'
import { shareFiles } from '../named-files.ts'

/** The same network with other multipliers, to compare with. */
export interface Baseline {
  readonly name: string
  readonly configuration: Configuration
}

/** The best exact multiplier of `scripts/exact-area`, by area. */
export const bestExact = 'exact:arch=booth4'

/**
 * What a choice of multipliers has to beat: the exact multiplier as `*` says it, the best exact one, and, where multipliers round or perforate operands (symmetric
 * roup), the exact multiplier of operands that are narrower by as many bits, which `trunc` is.
 */
export function baselinesOf(configuration: Configuration): readonly Baseline[] {
  const narrower = Object.fromEntries(
    Object.entries(configuration.multipliers).map(([where, spec]) => [where, narrowerExact(spec)]),
  )
  const narrows = Object.values(narrower).some((spec) => spec.startsWith('trunc'))
  return [
    { name: 'plain exact', configuration: exactOf(configuration) },
    { name: 'best exact', configuration: withMultipliers(configuration, { default: bestExact }) },
    ...(narrows ? [{ name: 'narrower exact', configuration: withMultipliers(configuration, narrower) }] : []),
  ]
}

/** The same with exact multipliers. */
export const exactOf = (configuration: Configuration): Configuration =>
  withMultipliers(configuration, { default: 'exact' })

function withMultipliers(
  configuration: Configuration,
  multipliers: Configuration['multipliers'],
): Configuration {
  // tiles of given sizes are named by their multipliers
  const other = { ...configuration, multipliers, array: { ...configuration.array, tiles: {} } }
  shareFiles(configuration, other)
  return other
}

/** The exact multiplier of (n - 2p) x (n - r) bits for symmetric roup; the best one of all bits for what has no such. */
function narrowerExact(spec: string): string {
  const [family, parameters = ''] = spec.replaceAll(/\s/g, '').split(':')
  const given = new Map(parameters.split(',').map((part) => part.split('=') as [string, string]))
  const [p, r] = [Number(given.get('p')), Number(given.get('r'))]
  if (family !== 'roup' || given.get('rounding') === 'asymmetric' || p + r === 0) return bestExact
  return `trunc:ka=${r},kb=${2 * p},arch=booth4`
}
