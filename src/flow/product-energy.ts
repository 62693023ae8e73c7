import type { Multiplier } from '../arith/multiplier.ts'
import { usageError } from '../base/errors.ts'
import type { Progress } from '../base/progress.ts'
import type { Configuration } from './configuration.ts'
import { prepare } from './preparation.ts'
import { standardPeriod, synthesiseMultiplier } from './synth.ts'

/** What a product of each multiplier of a network takes in the cells of a library. */
export interface ProductEnergies {
  readonly library: string
  /** In pJ, by the multiplier's id. */
  readonly ofProduct: ReadonlyMap<string, number>
}

export interface EnergyRequest {
  readonly library: string
  readonly seed: number
  readonly signal: AbortSignal
  readonly progress: Progress
}

/** Pairs of uniform operands that energies are measured with, as by `xgen synth --mult`. */
const operations = 2000

/** Measures every multiplier that a configuration assigns, by itself. */
export async function productEnergies(
  configuration: Configuration,
  { library, ...request }: EnergyRequest,
): Promise<ProductEnergies> {
  const all = new Map<string, Multiplier>()
  for (const { multipliers } of prepare(configuration).assignment.values())
    for (const multiplier of multipliers) all.set(multiplier.id, multiplier)
  const ofProduct = new Map<string, number>()
  for (const { id, spec, domain } of all.values()) {
    const { energyPj } = await synthesiseMultiplier(spec, domain, {
      ...{
        library,
        script: 'delay',
        stream: 'uniform',
        operations,
        zeroDelay: false,
        period: standardPeriod,
      },
      ...request,
    })
    if (energyPj === null)
      throw usageError(`the library ${library} knows no energies`, {
        where: '--lib',
        hint: 'Name the library of a process, such as osu018, or a .lib file.',
      })
    ofProduct.set(id, energyPj.total)
  }
  return { library, ofProduct }
}
