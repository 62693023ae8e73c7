import { multiplyingNodes } from '../../approx/build.ts'
import { multiplierCore } from '../../arch/multiplier-core.ts'
import type { Multiplier } from '../../arith/multiplier.ts'
import type { AnyPlan } from '../../plan/any-plan.ts'
import { type CharacterisationOptions, characterise } from '../../synth/characterise.ts'
import type { OpenLibrary } from '../../synth/libraries.ts'
import { circuitOf } from '../../synth/mapping.ts'
import { uniformStream } from '../../synth/stream.ts'
import type { Prepared } from '../preparation.ts'

/** The multiplications of an inference that one multiplier does, and what they would take if they were all: pJ, uniform operands. */
export interface MultiplicationEnergy {
  readonly spec: string
  readonly count: number
  readonly each: number
  readonly total: number
}

/** The multiplications of an inference that each multiplier does. Of a curve, its coefficients take one each for a window; padding counts. */
export function multiplicationsOf(
  { assignment, graph }: Pick<Prepared, 'assignment' | 'graph'>,
  plan: AnyPlan,
): ReadonlyMap<Multiplier, number> {
  const macs = new Map(plan.layers.map((layer) => [layer.name, layer.macs]))
  const counts = new Map<Multiplier, number>()
  for (const { name, kernel, curve } of multiplyingNodes(graph)) {
    const { multipliers, ofKernel } = assignment.get(name)!
    const taps = ofKernel.length * kernel[0] * kernel[1]
    const factors = curve?.coefficients.length ?? taps
    const each = ((macs.get(name) ?? 0) * factors) / taps / ofKernel.length
    for (const index of ofKernel)
      counts.set(multipliers[index]!, (counts.get(multipliers[index]!) ?? 0) + each)
  }
  return counts
}

/**
 * Energy as the papers count it (Leon et al., MAx-DNN, 2022): the multiplications that the network defines, times the energy of their multiplier alone.
 */
export async function multiplicationEnergy(
  prepared: Prepared,
  plan: AnyPlan,
  library: OpenLibrary,
  {
    operations,
    seed,
    ...options
  }: CharacterisationOptions & { readonly operations: number; readonly seed: number },
): Promise<readonly MultiplicationEnergy[]> {
  const found: MultiplicationEnergy[] = []
  for (const [multiplier, count] of multiplicationsOf(prepared, plan)) {
    const { nA, nB } = multiplier.domain
    const operands = [
      { name: 'a', bits: nA },
      { name: 'b', bits: nB },
    ]
    const { energy } = await characterise(circuitOf(multiplierCore(multiplier)), library, {
      ...options,
      stream: uniformStream(operands, operations, seed),
    })
    const each = energy?.total ?? 0
    found.push({ spec: multiplier.spec, count, each, total: count * each })
  }
  return found
}
