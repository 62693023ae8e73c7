import { usageError } from '../base/errors.ts'
import { inputsOf, type QConv, type QGraph, type QPool, type QTensor } from '../quant/qgraph.ts'

/**
 * What one pass over the array computes: a convolution with the pooling that follows it. A dense layer behind a flatten is
 * the convolution whose kernel covers the whole map, so flattening moves no data.
 */
export interface FusedLayer {
  readonly conv: QConv
  readonly pool: QPool | undefined
  readonly kernel: readonly [height: number, width: number]
  /** The map that the array reads, as [channels, height, width], before any flatten. */
  readonly input: QTensor
  /** The map that is stored: after pooling. */
  readonly output: QTensor
  readonly outputId: string
}

/** Groups the nodes of a chain into fused layers; what the row-stationary array cannot run is refused by name. */
export function fuseLayers(graph: QGraph): readonly FusedLayer[] {
  const layers: FusedLayer[] = []
  let map = graph.tensors[graph.input]!
  let current = graph.input
  let at = 0
  while (at < graph.nodes.length) {
    const node = graph.nodes[at]!
    if (node.kind !== 'conv' && node.kind !== 'pool' && node.kind !== 'reshape')
      throw unsupported(node.name, `is a layer of the kind ${node.kind}`)
    if (inputsOf(node).join() !== current)
      throw unsupported(node.name, 'reads a tensor other than the one before it')
    current = node.output
    at++
    if (node.kind === 'reshape') continue
    if (node.kind === 'pool')
      throw unsupported(node.name, 'is a pooling layer that does not follow a convolution or dense layer')
    const stored = graph.tensors[node.input]!
    if (stored.zeroPoint !== 0 || graph.tensors[node.output]!.zeroPoint !== 0)
      throw unsupported(node.name, 'has a zero point other than 0')
    if (!node.dense && stored.shape.some((size, axis) => size !== map.shape[axis]))
      throw unsupported(node.name, 'is a convolution behind a flatten')
    if (node.curve !== undefined) throw unsupported(node.name, 'has weights that are curves')
    const next = graph.nodes[at]
    const pool = next?.kind === 'pool' && next.input === current ? next : undefined
    if (pool !== undefined) {
      const why = whyNotPooled(pool)
      if (why !== undefined) throw unsupported(pool.name, why)
      current = pool.output
      at++
    }
    const output = graph.tensors[current]!
    const kernel = node.dense ? ([map.shape[1], map.shape[2]] as const) : node.kernel
    layers.push({ conv: node, pool, kernel, input: map, output, outputId: current })
    map = output
  }
  if (layers.length === 0)
    throw usageError(`the network "${graph.name}" has no convolution or dense layer`, {
      hint: 'An accelerator needs at least one.',
    })
  if (current !== graph.output) throw unsupported(graph.output, 'is not the last tensor of the chain')
  return layers
}

/** Why a grid cannot pool so behind a convolution; undefined where it can. */
export function whyNotPooled(pool: QPool): string | undefined {
  const [height, width] = pool.window
  if (pool.stride[0] !== height || pool.stride[1] !== width)
    return `has windows that overlap or leave gaps (window ${height}x${width}, stride ${pool.stride.join('x')})`
  if (pool.padding.some((p) => p !== 0)) return `has padding (${pool.padding.join(', ')})`
  if (pool.mode === 'average' && !Number.isInteger(Math.log2(height * width)))
    return `averages ${height * width} values, which is no power of two`
  return undefined
}

function unsupported(name: string, why: string) {
  return usageError(`"${name}" ${why}: the row-stationary array cannot run it`, {
    where: name,
    hint: 'Supported: a chain of convolutions, grouped ones too, and dense layers, each with ReLU and then a pooling of stride = window over a power of two, and flatten. The weight-stationary array runs any graph.',
  })
}
