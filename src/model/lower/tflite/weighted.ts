import type { QConv } from '../../../quant/qgraph.ts'
import { weightedCodes, weightedOf } from '../../operators/tflite/convolve.ts'
import type { Site } from '../../operators/tflite/site.ts'
import { channelsFirst, mapOf } from '../channels-first.ts'
import { type CodeGraph, type Place, reorders } from './code-graph.ts'

/** CONV_2D, DEPTHWISE_CONV_2D or FULLY_CONNECTED. */
export function lowerWeighted(graph: CodeGraph, site: Site): void {
  const layer = weightedOf(site)
  if (layer.input[0] !== 1) throw site.refuse(`works on ${layer.input[0]} images at a time`)
  graph.held.add(layer.weights.length)
  const dense = site.node.operator === 'FULLY_CONNECTED'
  const name = graph.number(dense ? 'fc' : 'conv')
  const place = dense ? features(graph, site) : graph.unpadded(site, 0)
  const { outputZeroPoint, factors, low, high } = weightedCodes(site, layer)
  const { zeroPoint } = graph.tensors[place.id]!
  const offset = graph.offsetOf(site.output)
  const weights = codesOfWeights(site, channelsFirst(layer, dense ? place.from : undefined))
  const taps = weights.length / layer.filters
  const bias = Int32Array.from({ length: layer.filters }, (_, n) => {
    let sum = 0
    for (let k = 0; k < taps; k++) sum += weights[n * taps + k]!
    return (layer.bias?.[n] ?? 0) - zeroPoint * sum
  })
  const around = place.around ?? [0, 0, 0, 0]
  const conv: QConv = {
    kind: 'conv',
    name,
    dense,
    input: place.id,
    output: name,
    kernel: layer.kernel,
    stride: layer.stride,
    padding: layer.padding.map((n, i) => n + around[i]!) as unknown as QConv['padding'],
    groups: layer.groups,
    ...(layer.dilation.some((d) => d !== 1) ? { dilation: layer.dilation } : {}),
    weightBits: 8,
    weights,
    bias,
    multiplier: new Uint16Array(0),
    shift: new Uint8Array(0),
    rule: {
      kind: 'tflite',
      multiplier: Int32Array.from(factors, ({ multiplier }) => multiplier),
      exponent: Int8Array.from(factors, ({ exponent }) => exponent),
      zeroPoint: outputZeroPoint + offset,
    },
    low: low + offset,
    high: high + offset,
  }
  graph.push(site, conv, dense ? [layer.filters, 1, 1] : mapOf(site.output))
}

/** Weights less their zero point, which multipliers take where they fit 8 bits. */
function codesOfWeights(site: Site, weights: readonly number[]): Int8Array {
  if (weights.some((code) => code < -128 || code > 127))
    throw site.refuse(
      'has weights that need 9 bits, less their zero point: multipliers take 8',
      'Quantise the model to int8, whose weights have the zero point 0.',
    )
  return Int8Array.from(weights)
}

/** What a dense layer reads, as features: it may read a map as it is. */
function features(graph: CodeGraph, site: Site): Place {
  const place = graph.padded(site, 0)
  const { shape } = graph.tensors[place.id]!
  if (shape[1] === 1 && shape[2] === 1) return place
  const name = graph.number('flatten')
  graph.step({ kind: 'reshape', name, input: place.id, output: name }, place.id, [
    shape[0] * shape[1] * shape[2],
    1,
    1,
  ])
  return { id: name, ...(reorders(shape) ? { from: shape } : {}) }
}
