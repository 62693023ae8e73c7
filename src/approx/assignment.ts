import type { Multiplier } from '../arith/multiplier.ts'

/** Which multiplier computes each product of one layer. */
export interface LayerAssignment {
  readonly layer: string
  /** The distinct multipliers of the layer. */
  readonly multipliers: readonly Multiplier[]
  /**
   * Where the weights are curves, the multipliers of each order's products: [order][index], over that order's domain. `multipliers`
   * are then those of order 0.
   */
  readonly byOrder?: readonly (readonly Multiplier[])[]
  /** By order, how many places up its products count; present where `byOrder` is. */
  readonly shifts?: readonly number[]
  /** Index into `multipliers` for each [filter][input channel of the filter]: length filters * channels/groups. */
  readonly ofKernel: Uint8Array
}

/** The multiplier of every product of a QGraph, by layer name. */
export type Assignment = ReadonlyMap<string, LayerAssignment>

/** The layer's multiplier where all its kernels have the same one, else undefined. */
export function uniformMultiplier(layer: LayerAssignment): Multiplier | undefined {
  const first = layer.ofKernel[0]
  if (first === undefined || layer.ofKernel.some((index) => index !== first)) return undefined
  return layer.multipliers[first]
}
