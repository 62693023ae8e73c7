import { runImage } from '../sim/drive.ts'
import { noPressure } from '../sim/pressure.ts'
import type { Domain } from '../src/arith/domain.ts'
import { isCoreModule } from '../src/arith/multiplier.ts'
import { invariant } from '../src/base/errors.ts'
import { seededRandom } from '../src/base/random.ts'
import { clockedModules } from '../src/hdl/hierarchy.ts'
import type { Module } from '../src/hdl/module.ts'
import { shellInputs } from '../src/hdl/shell.ts'
import { netlistDevice } from './netlist-device.ts'

/** What stands at the operands of multipliers, cycle by cycle, one PE after the other. */
export interface RecordedOperands {
  /** Instances that were recorded. */
  readonly pes: readonly string[]
  /** Raw codes of equal length. */
  readonly activations: Int32Array
  readonly weights: Int32Array
}

/**
 * Runs one inference (`codes` in stream order) of a design in its netlist and records what the multipliers of some PEs see in every cycle, idle ones included: of at
 * most `count` PEs, drawn by seed among those with the given multiplier core.
 */
export function recordOperands(
  top: Module,
  core: string,
  codes: Uint8Array,
  { count, seed }: { readonly count: number; readonly seed: number },
): RecordedOperands {
  const pes = clockedModules(top).filter(({ module }) =>
    module.netlist.instances.some((instance) => instance.module.name === core && isCoreModule(core)),
  )
  invariant(pes.length === 1, `${pes.length} kinds of PEs have the core ${core}`)
  const [{ module, paths }] = pes as [(typeof pes)[0]]
  const order = seededRandom(seed).permutation(paths.length).subarray(0, count).sort()
  const chosen = [...order].map((index) => paths[index]!)
  const place = shellInputs(module).findIndex(({ name }) => name === 'activation')
  const activations = chosen.map((): number[] => [])
  const weights = chosen.map((): number[] => [])
  const device = netlistDevice(
    top,
    chosen.map((path) => ({ path: `${path}.weight` })),
    {
      watches: chosen.map((path, pe) => ({
        path,
        onEdge: (values) => void activations[pe]!.push(Number(values[place])),
      })),
    },
  )
  for (const recorded of activations) recorded.length = 0
  const held = new Uint32Array(chosen.length)
  runImage(device, codes, noPressure, () => {
    device.probes(held)
    for (const [pe, weight] of held.entries()) weights[pe]!.push(weight)
  })
  return {
    pes: chosen,
    activations: Int32Array.from(activations.flat()),
    weights: Int32Array.from(weights.flat()),
  }
}

/** Codes as the values that they stand for in a domain: pairs, activation then weight. */
export function operandPairs(
  { activations, weights }: RecordedOperands,
  { nA, nB, signedA, signedB }: Domain,
): Int32Array {
  const value = (code: number, bits: number, signed: boolean) =>
    signed ? (code << (32 - bits)) >> (32 - bits) : code & (2 ** bits - 1)
  return Int32Array.from({ length: 2 * activations.length }, (_, i) => {
    const at = i >> 1
    return i % 2 === 0 ? value(activations[at]!, nA, signedA) : value(weights[at]!, nB, signedB)
  })
}
