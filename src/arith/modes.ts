import { invariant } from '../base/errors.ts'
import { sha256 } from '../base/hash.ts'
import { indexBits, signedBits } from '../base/integers.ts'
import type { Comb } from '../comb/comb.ts'
import { type Domain, domainName } from './domain.ts'
import { modeOf, type RoupMode, roupProduct } from './families/roup.ts'
import type { Multiplier } from './multiplier.ts'

/** A multiplier that computes what one of several multipliers computes, as a third operand says at run time. */
export interface ModalMultiplier {
  /** By mode number. All of one domain, at least two. */
  readonly modes: readonly Multiplier[]
  readonly modeBits: number
  readonly domain: Domain
  /** The specs of the modes, for people. */
  readonly spec: string
  /** A legal Verilog identifier that is unique for modes, their order, and domain. */
  readonly id: string
  /** Holds the products of every mode. */
  readonly productBits: number
  readonly productSigned: boolean
  readonly productRange: readonly [low: number, high: number]
  /** Operands of nA, nB and modeBits bits in, productBits out. Modes beyond the last are not used. */
  build<T>(c: Comb<T>, a: T, b: T, mode: T): T
}

/** The mode of the run-time roup core that computes a multiplier's products; undefined where it has none. `exact` is p = 0, r = 0. */
export function runTimeMode({ family, parameters, domain }: Multiplier): RoupMode | undefined {
  if (family === 'roup') return modeOf(parameters)
  // The core recodes B as a signed operand.
  if (family === 'exact' && domain.signedB) return { p: 0, roundedBits: () => 0 }
  return undefined
}

/** A name that two multipliers share exactly if the core needs one mode for both, whatever their gates. */
export function modeName(multiplier: Multiplier): string {
  const mode = runTimeMode(multiplier)
  invariant(mode !== undefined, `"${multiplier.spec}" has no run-time mode`)
  const { r = 0, rounding } = multiplier.parameters
  return `p${mode.p}r${r}${rounding === 'asymmetric' && r !== 0 ? 'a' : ''}`
}

/** Identifiers become file names, which may have 255 bytes: of more modes than these, the names are hashed. */
const namedModes = 16

/** The roup core with run-time modes: Booth digits gated by p, operand bits by r (symmetric and asymmetric). */
export function modalMultiplier(modes: readonly Multiplier[]): ModalMultiplier {
  const domain = modes[0]!.domain
  const names = modes.map(modeName)
  invariant(modes.length > 1 && new Set(names).size === modes.length, 'modes are several, and distinct')
  invariant(
    modes.every((multiplier) => domainName(multiplier.domain) === domainName(domain)),
    'modes have one domain',
  )
  const low = Math.min(...modes.map(({ productRange }) => productRange[0]))
  const high = Math.max(...modes.map(({ productRange }) => productRange[1]))
  const productBits = signedBits(low, high)
  const modeBits = indexBits(modes.length)
  const gatings = modes.map((multiplier) => runTimeMode(multiplier)!)
  const listed =
    names.length > namedModes ? `${names.length}_${sha256(names.join()).slice(0, 12)}` : names.join('_')
  return Object.freeze({
    modes,
    modeBits,
    domain,
    spec: modes.map(({ spec }) => spec).join(' | '),
    id: `roup_modes_${listed}_${domainName(domain)}`,
    productBits,
    productSigned: true,
    productRange: [low, high] as const,
    build: <T>(c: Comb<T>, a: T, b: T, mode: T): T => {
      const is = modes.map((_, i) => c.label(c.equal(mode, c.constant(i, modeBits)), `mode_is_${names[i]}`))
      return roupProduct(c, a, b, domain, gatings, is, productBits, { tree: 'dadda', adder: 'prefix' })
    },
  })
}
