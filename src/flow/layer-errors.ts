import { buildAssignment } from '../approx/build.ts'
import { invariant } from '../base/errors.ts'
import { createEmulator, type Emulator } from '../emu/emulator.ts'
import { type ImageSet, slice } from '../net/data/store.ts'
import type { Codes } from '../quant/rules.ts'

/** Codes of a layer's results minus those of another run, over all results of all images; errors of the layers before it are in it. */
export interface LayerError {
  readonly name: string
  readonly mean: number
  /** Standard deviation. */
  readonly std: number
  /** Largest magnitude. */
  readonly max: number
}

const batch = 16

/** Images that errors of layers are measured on. */
export const usualLayerImages = 64

/** What an emulator is compared with: the same integers with exact multipliers. */
export const exactEmulator = ({ graph }: Emulator): Emulator =>
  createEmulator(graph, buildAssignment(graph, []))

/** Errors of every layer of one emulator against another of the same graph, whose input `codesOf` makes of images. */
export function layerErrors(
  approximate: Emulator,
  exact: Emulator,
  set: ImageSet,
  codesOf: (images: ImageSet) => Codes,
): LayerError[] {
  const { graph } = approximate
  const names = graph.nodes.filter(({ kind }) => kind !== 'reshape').map(({ output }) => output)
  const sums = new Map(names.map((name) => [name, { count: 0, sum: 0, squares: 0, max: 0 }]))
  for (let first = 0; first < set.count; first += batch) {
    const part = slice(set, first, Math.min(set.count, first + batch))
    const codes = codesOf(part)
    const [one, other] = [approximate.runBatch(codes, part.count), exact.runBatch(codes, part.count)]
    for (const [name, total] of sums) {
      const [a, b] = [one.get(name)!, other.get(name)!]
      invariant(a.length === b.length, `the runs have different shapes of "${name}"`)
      for (let i = 0; i < a.length; i++) {
        const difference = a[i]! - b[i]!
        total.sum += difference
        total.squares += difference * difference
        total.max = Math.max(total.max, Math.abs(difference))
      }
      total.count += a.length
    }
  }
  return [...sums].map(([name, { count, sum, squares, max }]) => {
    const mean = sum / count
    return { name, mean, std: Math.sqrt(Math.max(0, squares / count - mean * mean)), max }
  })
}
