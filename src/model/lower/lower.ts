import { usageError, XgenError } from '../../base/errors.ts'
import type { Network, Weights } from '../../net/network.ts'
import { layerShapes } from '../../net/shapes.ts'
import { imageName } from '../../net/wiring.ts'
import type { ElementType, Model, ModelNode } from '../model.ts'
import { onnxOperators } from '../operators/onnx/registry.ts'
import { reachable } from '../reachable.ts'
import { refuseUnsupported, type Unsupported, unsupportedNodes } from '../supported.ts'
import { isFloat } from '../tensors.ts'
import { copy, Lowering, Obstacle, stripped, type Value } from './lowering.ts'
import { followCodes, raw } from './onnx/codes.ts'
import { withoutDynamicScales } from './onnx/dynamic.ts'
import { rules } from './onnx/registry.ts'
import { shapeOfOne, traceOnnx } from './trace.ts'

/** A model as a network of layers, in float, with its weights. */
export interface Lowered {
  readonly network: Network
  readonly weights: Weights
}

export interface LoweringOptions {
  /** The network's name. */
  readonly name: string
  /** What 0 and 1 of the network's images are for the model: the network takes images in [0, 1]. */
  readonly inputRange?: readonly [low: number, high: number]
}

/** Makes a network of an ONNX model: batch normalisation and constants folded, maps as [channels, height, width]. */
export function lowerOnnx(model: Model, options: LoweringOptions): Lowered {
  const { lowered, unsupported } = tryLowering(model, options)
  refuseUnsupported(model.name, unsupported)
  return lowered!
}

/** The network of an ONNX model, or all nodes that keep it from being one. */
export function tryLowering(
  whole: Model,
  options: LoweringOptions,
): { readonly lowered?: Lowered; readonly unsupported: readonly Unsupported[] } {
  const model = reachable(withoutDynamicScales(whole))
  const known = unknownNodes(model)
  if (known.length > 0) return { unsupported: known }
  const [input, ...others] = model.inputs
  const [output, ...more] = model.outputs
  const ends: Unsupported[] = [
    ...others.map(({ name }) =>
      end(name, 'input', 'is a second input', 'A network takes one image: make the others constants.'),
    ),
    ...more.map(({ name }) =>
      end(
        name,
        'output',
        'is a second output',
        'A network has one result: export the model with one output.',
      ),
    ),
  ]
  if (input === undefined)
    return { unsupported: [end(model.name, 'model', 'has no input', 'A network takes an image.')] }
  const image = imageShape(shapeOfOne(input))
  const lowering = new Lowering(model, traceOnnx(model))
  for (const { name } of model.inputs)
    lowering.define(name, { source: imageName, shape: image, alone: false })
  if (!isFloat(input.type)) lowering.codes.set(input.name, raw)
  const range = options.inputRange ?? standardRange(input.type)
  const scale = others.length === 0 ? scaleImage(lowering, input.name, image, range) : undefined
  const unsupported = [...ends, ...model.nodes.flatMap((node) => lowerNode(lowering, node))]
  if (unsupported.length > 0) return { unsupported }
  const network = finish(lowering, output!.name, options.name, image, scale)
  return { lowered: { network, weights: lowering.weights }, unsupported }
}

const end = (node: string, operator: string, reason: string, hint: string): Unsupported => ({
  node,
  operator,
  reason,
  hint,
})

/** Nodes whose operator is not evaluated, or depends on the image and has no rule: known before any shape is. */
function unknownNodes(model: Model): readonly Unsupported[] {
  const unevaluated = unsupportedNodes(model, onnxOperators)
  const found = new Map(unevaluated.map((each) => [each.node, each]))
  const computed = new Set(model.inputs.map(({ name }) => name))
  for (const { name, operator, inputs, outputs } of model.nodes) {
    if (operator === 'Shape' || !inputs.some((input) => computed.has(input))) continue
    for (const output of outputs) computed.add(output)
    if (!found.has(name) && !Object.hasOwn(rules, operator))
      found.set(name, end(name, operator, ...noLayer(operator)))
  }
  return unevaluated.length > 0 ? model.nodes.flatMap(({ name }) => found.get(name) ?? []) : []
}

function noLayer(operator: string): [reason: string, hint: string] {
  const dynamic = /^(ConvInteger|MatMulInteger|DynamicQuantizeLinear)$/.test(operator)
  return [
    'is evaluated by infer and eval, but no layer of a network does it',
    dynamic
      ? 'Quantise with fixed scales (QuantizeLinear and DequantizeLinear), or import the float model.'
      : operator === 'LogSoftmax'
        ? 'Export the scores before it, or a Softmax.'
        : 'Rewrite this part with layers that docs/networks.md has, or leave it to the host.',
  ]
}

function lowerNode(lowering: Lowering, node: ModelNode): Unsupported[] {
  if (node.outputs.every((name) => name === '' || lowering.fixed(name) !== undefined)) return []
  const stopped = (reason: string, hint: string): Unsupported[] => {
    lowering.standIn(node)
    return [{ node: node.name, operator: node.operator, reason, hint }]
  }
  const rule = Object.hasOwn(rules, node.operator) ? rules[node.operator] : undefined
  if (rule === undefined) return stopped(...noLayer(node.operator))
  try {
    followCodes(lowering, node)
    rule(lowering, node)
    return []
  } catch (error) {
    if (lowering.full) throw error
    if (error instanceof Obstacle) return stopped(error.message, error.hint)
    if (error instanceof XgenError && error.kind !== 'internal')
      return stopped(error.message, error.hint ?? '')
    throw error
  }
}

/** An input for one image as a map: fewer axes are those of a sequence [1, steps, features], or features [n, 1, 1]. */
function imageShape(shape: readonly number[]): Network['input']['shape'] {
  const own = stripped(shape)
  if (own === undefined)
    throw usageError(`the input of the model has the shape [${shape.join(', ')}]: images have three axes`, {
      where: 'input',
    })
  if (own.length === 3) return own
  return own.length === 2 ? [1, own[0], own[1]] : [own[0], 1, 1]
}

/** What 0 and 1 of an image are where the caller does not say: bytes as they are, or less 128. */
const standardRange = (type: ElementType): readonly [low: number, high: number] =>
  type === 'uint8' ? [0, 255] : type === 'int8' ? [-128, 127] : [0, 1]

/**
 * The network's images are in [0, 1]; a model that takes another range gets it from a first layer, or from its first weights. Returns
 * that layer's name.
 */
function scaleImage(
  lowering: Lowering,
  input: string,
  image: Network['input']['shape'],
  [low, high]: readonly [number, number],
): string | undefined {
  if (low === 0 && high === 1) return undefined
  const channels = image[0]
  const value: Value = { source: imageName, shape: image, alone: false }
  const fill = (of: number) => new Float32Array(channels).fill(of)
  const weights = { weight: fill(high - low), bias: fill(low) }
  const scaled = lowering.insert('scale', copy(channels), [value], image, weights)
  lowering.define(input, { ...scaled, alone: lowering.readCount(input) === 1 })
  return scaled.source
}

/** The network, its result in the shape that the model gives. */
function finish(
  lowering: Lowering,
  output: string,
  name: string,
  image: Network['input']['shape'],
  scale: string | undefined,
): Network {
  if (!lowering.isValue(output))
    throw usageError(`the output "${output}" of the model does not depend on its image`, { where: output })
  const result = lowering.result(output)
  const shape = stripped(lowering.modelShape(output))
  if (shape !== undefined && shape.length < result.shape.length) lowering.view(result, shape)
  else lowering.view(result, result.shape)
  if (scale !== undefined) absorbScale(lowering, scale)
  const network: Network = { name, input: { shape: image }, layers: lowering.layers }
  if (network.layers.length === 0) throw usageError(`the model "${name}" computes nothing`, { where: name })
  layerShapes(network)
  return network
}

/** A scale of the image, the same for all channels and without a shift, goes into the weights of the one layer that reads it. */
function absorbScale(lowering: Lowering, name: string): void {
  const [, next] = lowering.layers
  if ((next?.kind !== 'conv2d' && next?.kind !== 'dense') || next.inputs !== undefined) return
  if (lowering.layers.slice(2).some(({ inputs }) => inputs?.includes(name))) return
  const { weight, bias } = lowering.weights.get(name)!
  const [by] = weight
  if (bias.some((b) => b !== 0) || weight.some((w) => w !== by)) return
  const own = lowering.weights.get(next.name)!
  lowering.weights.set(next.name, { ...own, weight: own.weight.map((w) => w * by!) })
  lowering.weights.delete(name)
  lowering.layers.shift()
}
