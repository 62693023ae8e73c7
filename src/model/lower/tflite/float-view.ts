import { usageError, XgenError } from '../../../base/errors.ts'
import type { Model, ModelAttribute, ModelNode, ModelTensor, ModelValue } from '../../model.ts'
import { type Weighted, weightedOf } from '../../operators/tflite/convolve.ts'
import { paddingsOf } from '../../operators/tflite/move.ts'
import { poolWindow } from '../../operators/tflite/pool.ts'
import {
  codeLimits,
  inputAt,
  integersAt,
  isCode,
  numberSetting,
  type Site,
  shapeOf,
  siteOf,
  textSetting,
} from '../../operators/tflite/site.ts'
import { reachable } from '../../reachable.ts'
import { refuseUnsupported, type Unsupported } from '../../supported.ts'
import { elementsOf } from '../../tensors.ts'
import { unsupportedTfliteNodes } from '../../tflite/evaluate.ts'
import { channelsFirst } from '../channels-first.ts'
import { Held } from '../held.ts'

/** A model of TensorFlow Lite in float, in the operators and the layout of ONNX: what makes networks of those makes one of it too. */
export interface FloatView {
  readonly model: Model
  /** The real values of the smallest and the largest code of the input; undefined where it is float. */
  readonly inputRange: readonly [low: number, high: number] | undefined
}

/**
 * The float view: maps [n, channels, height, width], weights of codes as the real values that they stand for, fused activations as
 * nodes of their own, layers numbered as in docs/networks.md. All nodes that have no such view are listed in one error.
 */
export function floatView(whole: Model): FloatView {
  const model = reachable(whole)
  refuseUnsupported(model.name, unsupportedTfliteNodes(model))
  const view = new View(model)
  const refused: Unsupported[] = []
  for (const node of model.nodes) {
    try {
      view.add(siteOf(model, node))
    } catch (error) {
      if (!(error instanceof XgenError) || error.kind === 'internal' || view.held.full) throw error
      const hint = error.hint ?? 'Evaluate the file itself, with eval and infer.'
      refused.push({ node: node.name, operator: node.operator, reason: error.message, hint })
    }
  }
  refuseUnsupported(model.name, refused)
  return { model: view.finish(), inputRange: rangeOf(model.inputs[0]) }
}

function rangeOf(input: ModelValue | undefined): FloatView['inputRange'] {
  if (input === undefined || !isCode(input.type) || input.quantisation === undefined) return undefined
  const { scale, zeroPoint } = input.quantisation
  const [low, high] = codeLimits(input.type)
  return [scale[0]! * (low - zeroPoint[0]!), scale[0]! * (high - zeroPoint[0]!)]
}

/** Names of layers, by operator. */
const stems: Readonly<Record<string, string>> = {
  CONV_2D: 'conv',
  DEPTHWISE_CONV_2D: 'conv',
  FULLY_CONNECTED: 'fc',
  AVERAGE_POOL_2D: 'pool',
  MAX_POOL_2D: 'pool',
  MEAN: 'pool',
}

/** Operators of one input and one result, which have a namesake. */
const plain: Readonly<Record<string, string>> = {
  ADD: 'Add',
  SUB: 'Sub',
  MUL: 'Mul',
  RELU: 'Relu',
  LOGISTIC: 'Sigmoid',
  TANH: 'Tanh',
  HARD_SWISH: 'HardSwish',
  QUANTIZE: 'Identity',
  DIV: 'Div',
  DEQUANTIZE: 'Identity',
}

const int = (value: number): ModelAttribute => ({ kind: 'int', value })
const ints = (value: readonly number[]): ModelAttribute => ({ kind: 'ints', value })

class View {
  readonly held = new Held()
  private readonly source: Model
  private readonly nodes: ModelNode[] = []
  private readonly constants = new Map<string, ModelTensor>()
  private readonly count = new Map<string, number>()
  /** Flattened maps of more than one position and channel, whose values lie in another order here: their shapes. */
  private readonly reordered = new Map<string, readonly [number, number, number]>()

  constructor(model: Model) {
    this.source = model
  }

  add(site: Site): void {
    const { operator } = site.node
    const own = this.number(stems[operator] ?? operator.toLowerCase().replace(/_\w*$/, ''))
    const read = () => this.input(site, 0)
    switch (operator) {
      case 'CONV_2D':
      case 'DEPTHWISE_CONV_2D':
      case 'FULLY_CONNECTED':
        this.weighted(site, own)
        break
      case 'AVERAGE_POOL_2D':
      case 'MAX_POOL_2D':
        this.pool(site, own)
        break
      case 'MEAN':
        this.mean(site, own)
        break
      case 'RELU6':
      case 'RELU_N1_TO_1':
        this.node(own, 'Clip', [read(), ...this.bounds(operator)], site.output.name)
        break
      case 'LEAKY_RELU':
        this.node(own, 'LeakyRelu', [read()], site.output.name, {
          alpha: { kind: 'float', value: numberSetting(site, 'alpha') },
        })
        break
      case 'SOFTMAX':
        if (numberSetting(site, 'beta') !== 1 || shapeOf(site.output).length !== 2)
          throw site.refuse('is no plain softmax over classes')
        this.node(own, 'Softmax', [read()], site.output.name, { axis: int(-1) })
        break
      case 'RESHAPE':
      case 'SQUEEZE':
      case 'EXPAND_DIMS':
        this.reshape(site, own)
        break
      case 'PAD':
        this.pad(site, own)
        break
      case 'CONCATENATION':
        this.concatenation(site, own)
        break
      default: {
        const namesake = plain[operator]
        if (namesake === undefined) throw site.refuse('has no place in a network')
        const inputs = site.node.inputs.map((_, i) => this.spread(site, i))
        this.activated(site, own, (output) => this.node(own, namesake, inputs, output))
      }
    }
  }

  finish(): Model {
    const { name, inputs, outputs } = this.source
    const turned = outputs.find((output) => this.reordered.has(output.name))
    if (turned !== undefined)
      throw usageError(
        `the output "${turned.name}" of the model is a flattened map, whose values lie in another order in a network`,
        { where: turned.name },
      )
    const values = new Map(
      [...this.source.values.values()].map((value) => [value.name, viewOf(value)] as const),
    )
    return {
      format: 'onnx',
      name,
      inputs: inputs.map(viewOf),
      outputs: outputs.map(viewOf),
      values,
      constants: this.constants,
      nodes: this.nodes,
    }
  }

  private weighted(site: Site, own: string): void {
    const layer = weightedOf(site)
    this.held.add(layer.weights.length)
    const dense = site.node.operator === 'FULLY_CONNECTED'
    const name = inputAt(site, 0).name
    if (layer.input[0] !== 1) throw site.refuse(`works on ${layer.input[0]} images at a time`)
    const map = dense ? shapeOf(inputAt(site, 0)) : []
    const flat = map.length === 4 ? `${own}:features` : name
    if (flat !== name) this.node(this.number('flatten'), 'Flatten', [this.input(site, 0)], flat)
    const shaped = flat === name ? undefined : ([map[3]!, map[1]!, map[2]!] as const)
    const from = this.reordered.get(name) ?? shaped
    const scales = weightScales(site, layer)
    const taps = layer.weights.length / layer.filters
    const weight = Float32Array.from(
      channelsFirst(layer, dense ? from : undefined),
      (w, i) => w * scales[Math.floor(i / taps)]!,
    )
    const inputScale = inputAt(site, 0).quantisation?.scale[0] ?? 1
    const codes = layer.bias instanceof Int32Array
    const bias = Float32Array.from({ length: layer.filters }, (_, n) => {
      const value = layer.bias?.[n] ?? 0
      return codes ? value * inputScale * scales[n]! : value
    })
    const shape = dense ? [layer.filters, taps] : [layer.filters, layer.channels, ...layer.kernel]
    const inputs = [
      dense ? flat : this.input(site, 0),
      this.constant(`${own}.weight`, shape, weight),
      this.constant(`${own}.bias`, [layer.filters], bias),
    ]
    const settings: Record<string, ModelAttribute> = dense
      ? { transB: int(1) }
      : {
          kernel_shape: ints(layer.kernel),
          strides: ints(layer.stride),
          dilations: ints(layer.dilation),
          pads: ints(layer.padding),
          group: int(layer.groups),
        }
    this.activated(site, own, (output) => this.node(own, dense ? 'Gemm' : 'Conv', inputs, output, settings))
  }

  private pool(site: Site, own: string): void {
    const { kernel, stride, padding } = poolWindow(site)
    const average = site.node.operator === 'AVERAGE_POOL_2D'
    const settings = {
      kernel_shape: ints(kernel),
      strides: ints(stride),
      pads: ints(padding),
      ...(average ? { count_include_pad: int(0) } : {}),
    }
    const operator = average ? 'AveragePool' : 'MaxPool'
    this.activated(site, own, (output) => this.node(own, operator, [this.input(site, 0)], output, settings))
  }

  private mean(site: Site, own: string): void {
    const shape = shapeOf(inputAt(site, 0))
    const axes = integersAt(site, 1, 'axes').map((axis) => (axis < 0 ? axis + shape.length : axis))
    if (shape.length !== 4 || [...new Set(axes)].sort().join() !== '1,2')
      throw site.refuse('takes a mean over something else than the positions of a map')
    const keep = shapeOf(site.output).length === 4
    const output = keep ? site.output.name : `${site.output.name}:map`
    this.node(own, 'GlobalAveragePool', [this.input(site, 0)], output)
    if (!keep) this.node(this.number('flatten'), 'Flatten', [output], site.output.name)
  }

  /** Values keep their order where they are one row of channels, or one channel. */
  private reshape(site: Site, own: string): void {
    const value = inputAt(site, 0)
    const [from, to] = [shapeOf(value), shapeOf(site.output)]
    const same = from.length === 4 && to.length === 4 && from.join() === to.join()
    const reorders = (shape: readonly number[]) =>
      shape.length === 4 && shape[3]! > 1 && shape[1]! * shape[2]! > 1
    if (!same && reorders(to)) throw site.refuse('makes a map of something else')
    if (!same && reorders(from)) {
      if (to.length !== 2) throw site.refuse('reshapes a map to something else than features')
      this.reordered.set(site.output.name, [from[3]!, from[1]!, from[2]!])
    } else if (this.reordered.has(value.name)) {
      this.reordered.set(site.output.name, this.reordered.get(value.name)!)
    }
    const shape = channelsFirstShape(to)
    const target = `${own}.shape`
    this.constants.set(target, {
      type: 'int64',
      shape: [shape.length],
      data: BigInt64Array.from(shape, BigInt),
    })
    this.node(own, 'Reshape', [value.name, target], site.output.name)
  }

  private pad(site: Site, own: string): void {
    const paddings = paddingsOf(site)
    if (paddings.length !== 4) throw site.refuse('pads something else than a map')
    const [batch, rows, columns, channels] = paddings as readonly [Pad, Pad, Pad, Pad]
    const order = [batch, channels, rows, columns]
    const numbers = [...order.map(([before]) => before), ...order.map(([, after]) => after)]
    const target = `${own}.paddings`
    this.constants.set(target, { type: 'int64', shape: [8], data: BigInt64Array.from(numbers, BigInt) })
    this.node(own, 'Pad', [this.input(site, 0), target], site.output.name)
  }

  private concatenation(site: Site, own: string): void {
    const rank = shapeOf(site.output).length
    const given = numberSetting(site, 'axis')
    const axis = given < 0 ? given + rank : given
    const inputs = site.node.inputs.map((_, i) => this.input(site, i))
    const own4 = [0, 2, 3, 1]
    const settings = { axis: int(rank === 4 ? own4[axis]! : axis) }
    this.activated(site, own, (output) => this.node(own, 'Concat', inputs, output, settings))
  }

  /** A node with its fused activation behind it. */
  private activated(site: Site, own: string, make: (output: string) => void): void {
    const activation = textSetting(site, 'activation')
    if (activation === '' || activation === 'NONE') {
      make(site.output.name)
      return
    }
    const before = `${own}:sum`
    make(before)
    const name = this.number('relu')
    if (activation === 'RELU') this.node(name, 'Relu', [before], site.output.name)
    else this.node(name, 'Clip', [before, ...this.bounds(activation)], site.output.name)
  }

  private bounds(activation: string): readonly [low: string, high: string] {
    const [low, high] = activation === 'RELU6' ? [0, 6] : [-1, 1]
    return [
      this.constant(`bound ${low}`, [], Float32Array.of(low!)),
      this.constant(`bound ${high}`, [], Float32Array.of(high!)),
    ]
  }

  /** An input whose values lie as its shape says; constants are the real values of their codes. */
  private input(site: Site, index: number): string {
    const value = inputAt(site, index)
    if (this.reordered.has(value.name) && !/^(FULLY_CONNECTED|RESHAPE)$/.test(site.node.operator))
      throw site.refuse('reads a flattened map in another order')
    const constant = site.constant(index)
    if (constant !== undefined && !this.constants.has(value.name)) this.realConstant(site, value, constant)
    return value.name
  }

  /** An input that is spread over the result. What has fewer axes than a map has channels as its last one here, which stand second there. */
  private spread(site: Site, index: number): string {
    const name = this.input(site, index)
    const shape = shapeOf(inputAt(site, index))
    if (shapeOf(site.output).length !== 4 || shape.length === 4 || elementsOf(shape) === 1) return name
    const channels = shape.at(-1)!
    if (elementsOf(shape) !== channels)
      throw site.refuse(`spreads a tensor of [${shape.join(', ')}] over a map`)
    const [own, wanted] = [`${name}:channels`, `${name}:channels.shape`]
    if (this.constants.has(wanted)) return own
    this.constants.set(wanted, {
      type: 'int64',
      shape: [4],
      data: BigInt64Array.from([1, channels, 1, 1], BigInt),
    })
    this.node(own, 'Reshape', [name, wanted], own)
    return own
  }

  private realConstant(site: Site, value: ModelValue, constant: ModelTensor): void {
    const { scale, zeroPoint } = value.quantisation ?? { scale: [1], zeroPoint: [0] }
    if (
      scale.length !== 1 ||
      constant.data instanceof BigInt64Array ||
      constant.data instanceof BigUint64Array
    )
      throw site.refuse(`reads the constant "${value.name}", which has no real values`)
    if (constant.shape.length === 4 && elementsOf(constant.shape) !== constant.shape[3])
      throw site.refuse(`reads the constant "${value.name}", which is a map`)
    const codes: ArrayLike<number> = constant.data
    const reals = Float32Array.from(codes, (code) => scale[0]! * (code - zeroPoint[0]!))
    this.constant(value.name, channelsFirstShape(constant.shape), reals)
  }

  private constant(name: string, shape: readonly number[], data: Float32Array): string {
    this.constants.set(name, { type: 'float32', shape, data })
    return name
  }

  private node(
    name: string,
    operator: string,
    inputs: readonly string[],
    output: string,
    attributes: Readonly<Record<string, ModelAttribute>> = {},
  ): void {
    const given = new Map(Object.entries(attributes))
    this.nodes.push({ name, operator, domain: '', version: 13, inputs, outputs: [output], attributes: given })
  }

  private number(stem: string): string {
    const next = (this.count.get(stem) ?? 0) + 1
    this.count.set(stem, next)
    return `${stem}${next}`
  }
}

type Pad = readonly [before: number, after: number]

const channelsFirstShape = (shape: readonly number[]): readonly number[] =>
  shape.length === 4 ? [shape[0]!, shape[3]!, shape[1]!, shape[2]!] : shape

const viewOf = ({ name, shape }: ModelValue): ModelValue => ({
  name,
  type: 'float32',
  shape: channelsFirstShape(shape as readonly number[]),
})

/** What a weight code of each filter counts; 1 where weights are real. */
function weightScales(site: Site, { filters, weights }: Weighted): readonly number[] {
  const real = weights instanceof Float32Array
  const scale = real ? [1] : inputAt(site, 1).quantisation!.scale
  return Array.from({ length: filters }, (_, n) => scale[scale.length === 1 ? 0 : n]!)
}
