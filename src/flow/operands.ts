import { toStream } from '../../sim/stream.ts'
import { operandPairs, recordOperands } from '../../testbench/operands.ts'
import { buildCore } from '../arch/core.ts'
import { multiplierCore } from '../arch/multiplier-core.ts'
import { parseDomain } from '../arith/domain.ts'
import { usageError } from '../base/errors.ts'
import { writeFileAtomically } from '../base/files.ts'
import { encodeNpy } from '../base/npy.ts'
import type { Configuration } from './configuration.ts'
import { planDesign } from './planning.ts'
import { type Prepared, quantiseInput, testImages } from './preparation.ts'

export interface WrittenOperands {
  readonly file: string
  readonly pairs: number
  readonly pes: readonly string[]
  readonly spec: string
  readonly domain: string
  readonly source: string
}

/** PEs whose operands are written, one after the other. */
const recordedPes = 4

/**
 * Writes what the multipliers of some PEs see, cycle by cycle, in one inference of a test image: a .npy of int16 and shape (n, 2), activation and weight, for
 * `xgen synth --mult --stream`.
 */
export function writeOperands(
  configuration: Configuration,
  prepared: Prepared,
  file: string,
  seed: number,
): WrittenOperands {
  if (!/\.npy$/i.test(file))
    throw usageError(`${file}: operands are written as .npy`, {
      where: '--operands',
      hint: 'Give it a name that ends in .npy.',
    })
  const multipliers = new Map(
    [...prepared.assignment.values()]
      .flatMap((layer) => layer.multipliers)
      .map((multiplier) => [multiplier.id, multiplier]),
  )
  const [multiplier] = multipliers.values()
  if (multiplier === undefined || multipliers.size > 1)
    throw usageError(`the design has ${multipliers.size} kinds of multipliers; operands are those of one`, {
      where: '--operands',
      hint: 'Give all layers the same one: --mult SPEC.',
    })
  const { plan, images } = planDesign(configuration, prepared)
  const image = testImages(prepared.network, 1, seed, prepared.data)
  const codes = toStream(quantiseInput(prepared.graph, image.images[0]!), plan.input.shape)
  const recorded = recordOperands(buildCore(plan, images), multiplierCore(multiplier).name, codes, {
    count: recordedPes,
    seed,
  })
  const domain = plan.tiles[0]!.domain
  const pairs = operandPairs(recorded, parseDomain(domain))
  writeFileAtomically(
    file,
    encodeNpy({ type: 'i2', shape: [pairs.length / 2, 2], data: Int16Array.from(pairs) }),
  )
  return {
    file,
    pairs: pairs.length / 2,
    pes: recorded.pes,
    spec: multiplier.spec,
    domain,
    source: `one inference, ${image.source}`,
  }
}
