import type { LayerWeights, Network, Weights } from '../net/network.ts'
import { layerShapes, recurrentShape, weightShape } from '../net/shapes.ts'
import { type Refusal, refusals } from '../plan/supported.ts'
import { int8 } from '../quant/options.ts'
import { quantise } from '../quant/quantise.ts'
import { mostMagnitudeBits } from '../quant/ranges.ts'

/**
 * What of a network no hardware runs, layer by layer. It follows from the layers alone, so that weights and ranges, which nobody may have
 * yet, are of no matter. Whether the rest fits in an array and its memories is told when a design is made.
 */
export function hardwareRefusals(network: Network): readonly Refusal[] {
  const range = { largest: 1, clips: Array.from({ length: mostMagnitudeBits }, () => 1) }
  const ranges = new Map(network.layers.map(({ name }) => [name, range]))
  return refusals(quantise(network, noWeights(network), ranges, int8))
}

/** Weights of 0, sharing memory: the largest tensor alone is made. */
function noWeights(network: Network): Weights {
  const shapes = layerShapes(network).flatMap((shaped) => {
    const own = weightShape(shaped)
    return own === undefined ? [] : [{ name: shaped.layer.name, own, state: recurrentShape(shaped) }]
  })
  const sizes = shapes.flatMap(({ own, state }) => [own, ...(state === undefined ? [] : [state])].map(sizeOf))
  const zeros = new Float32Array(Math.max(0, ...sizes))
  const part = (shape: readonly number[]) => ({
    weight: zeros.subarray(0, sizeOf(shape)),
    bias: zeros.subarray(0, shape[0]!),
  })
  return new Map(
    shapes.map(({ name, own, state }): [string, LayerWeights] => [
      name,
      { ...part(own), ...(state === undefined ? {} : { recurrent: part(state) }) },
    ]),
  )
}

const sizeOf = (shape: readonly number[]) => shape.reduce((product, n) => product * n, 1)
