import {
  type Activation,
  directionsOf,
  gatesOf,
  type LayerWeights,
  type Network,
  type Recurrent,
  type Weights,
} from '../../net/network.ts'
import {
  isRecurrent,
  type LayerShape,
  layerShapes,
  noPadding,
  type Shape,
  undilated,
  weightShape,
} from '../../net/shapes.ts'
import { imageName } from '../../net/wiring.ts'
import type { Model, ModelAttribute, ModelNode, ModelTensor } from '../model.ts'
import { integersTensor } from '../tensors.ts'

const version = 17

type Setting = number | string | readonly number[] | ModelAttribute

/**
 * A network as an ONNX model of any number of images, `[n, channels, height, width]` or `[n, steps, features]`. A layer's result, and
 * the node that makes it, have the layer's name.
 */
export function modelOf(network: Network, weights: Weights): Model {
  const writer = new NetworkWriter()
  for (const shaped of layerShapes(network)) writer.layer(shaped, weights.get(shaped.layer.name))
  const last = layerShapes(network).at(-1)!
  return {
    format: 'onnx',
    name: network.name,
    inputs: [{ name: imageName, type: 'float32', shape: [undefined, ...network.input.shape] }],
    outputs: [{ name: last.layer.name, type: 'float32', shape: [undefined, ...last.output] }],
    values: new Map(),
    constants: writer.constants,
    nodes: writer.nodes,
  }
}

class NetworkWriter {
  readonly nodes: ModelNode[] = []
  readonly constants = new Map<string, ModelTensor>()

  layer(shaped: LayerShape, weights: LayerWeights | undefined): void {
    const { layer, sources, input, output } = shaped
    const [first] = sources as [string]
    const name = layer.name
    switch (layer.kind) {
      case 'conv2d': {
        const { kernel, stride, padding, groups, dilation = undilated } = layer
        const w = this.constant(`${name}.weight`, weightShape(shaped)!, weights!.weight)
        const b = this.constant(`${name}.bias`, [layer.filters], weights!.bias)
        this.node('Conv', [first, w, b], name, {
          kernel_shape: kernel,
          strides: stride,
          pads: padding,
          group: groups,
          dilations: dilation,
        })
        break
      }
      case 'dense':
        this.dense(shaped, weights!)
        break
      case 'pool': {
        const average = layer.mode === 'average'
        this.node(average ? 'AveragePool' : 'MaxPool', [first], name, {
          kernel_shape: layer.window,
          strides: layer.stride,
          pads: layer.padding ?? noPadding,
          ceil_mode: layer.ceil === true ? 1 : 0,
          ...(average ? { count_include_pad: layer.countPadding === false ? 0 : 1 } : {}),
        })
        break
      }
      case 'relu':
        this.node('Relu', [first], name)
        break
      case 'activation':
        this.activation(layer, first)
        break
      case 'flatten':
        this.node('Flatten', [first], name)
        break
      case 'reshape':
        this.reshape(first, layer.shape, name)
        break
      case 'transpose': {
        const from = layer.from === undefined ? first : this.reshape(first, layer.from, `${name}.from`)
        const turned = layer.to === undefined ? name : `${name}.turned`
        this.node('Transpose', [from], turned, { perm: [0, ...layer.order.map((axis) => axis + 1)] })
        if (layer.to !== undefined) this.reshape(turned, layer.to, name)
        break
      }
      case 'add':
        this.node('Add', sources, name)
        break
      case 'mul':
        this.node(
          'Mul',
          sources.map((source, i) => this.gate(source, shaped.inputs[i]!, output, `${name}.gate`)),
          name,
        )
        break
      case 'concat':
        this.node('Concat', sources, name, { axis: 1 })
        break
      case 'pad': {
        const [top, left, bottom, right] = layer.edges ?? noPadding
        const pads = [0, layer.channels[0], top, left, 0, layer.channels[1], bottom, right]
        this.node('Pad', [first, this.integers(`${name}.pads`, pads)], name)
        break
      }
      case 'subsample': {
        const list = (part: string, values: readonly number[]) => this.integers(`${name}.${part}`, values)
        const [, height, width] = input as readonly [number, number, number]
        const parts = [
          list('from', [0, 0]),
          list('to', [height, width]),
          list('axes', [2, 3]),
          list('steps', layer.stride),
        ]
        this.node('Slice', [first, ...parts], name)
        break
      }
      case 'softmax':
        this.node('Softmax', [first], name, { axis: input.length === 2 ? 2 : 1 })
        break
      default:
        if (isRecurrent(layer)) this.recurrent(layer, shaped, weights!)
    }
  }

  private dense({ layer, input, sources }: LayerShape, { weight, bias }: LayerWeights): void {
    const { name } = layer
    const units = bias.length
    const features = weight.length / units
    const b = this.constant(`${name}.bias`, [units], bias)
    if (input.length !== 2) {
      const w = this.constant(`${name}.weight`, [units, features], weight)
      const read = input.length === 3 ? this.node('Flatten', [sources[0]!], `${name}.features`) : sources[0]!
      this.node('Gemm', [read, w, b], name, { transB: 1 })
      return
    }
    const columns = Float32Array.from(
      { length: weight.length },
      (_, i) => weight[(i % units) * features + Math.floor(i / units)]!,
    )
    const w = this.constant(`${name}.weight`, [features, units], columns)
    this.node('Add', [this.node('MatMul', [sources[0]!, w], `${name}.product`), b], name)
  }

  private activation({ name, function: of }: Activation, input: string): void {
    const float = (value: number): ModelAttribute => ({ kind: 'float', value })
    switch (of.name) {
      case 'clip': {
        const bound = (part: string, value: number) =>
          this.constant(`${name}.${part}`, [], Float32Array.of(value))
        this.node('Clip', [input, bound('low', of.low), bound('high', of.high)], name)
        break
      }
      case 'leaky-relu':
        this.node('LeakyRelu', [input], name, { alpha: float(of.slope) })
        break
      case 'elu':
        this.node('Elu', [input], name, { alpha: float(of.alpha) })
        break
      case 'hard-sigmoid':
        this.node('HardSigmoid', [input], name, { alpha: float(of.slope), beta: float(of.offset) })
        break
      case 'swish':
        this.node('Mul', [input, this.node('Sigmoid', [input], `${name}.gate`)], name)
        break
      case 'hard-swish':
        this.node('HardSwish', [input], name)
        break
      case 'sigmoid':
        this.node('Sigmoid', [input], name)
        break
      case 'tanh':
        this.node('Tanh', [input], name)
        break
    }
  }

  /** ONNX has the steps before the images, and the directions apart. */
  private recurrent(layer: Recurrent, { input, output, sources }: LayerShape, weights: LayerWeights): void {
    const { name, units, kind, direction, returns } = layer
    const [count, rows, features] = [directionsOf(layer), gatesOf[kind].length * units, input[1]!]
    const steps = this.node('Transpose', [sources[0]!], `${name}.steps`, { perm: [1, 0, 2] })
    const biases = new Float32Array(2 * count * rows)
    for (let d = 0; d < count; d++) {
      biases.set(weights.bias.subarray(d * rows, (d + 1) * rows), 2 * d * rows)
      biases.set(weights.recurrent!.bias.subarray(d * rows, (d + 1) * rows), (2 * d + 1) * rows)
    }
    const w = this.constant(`${name}.weight`, [count, rows, features], weights.weight)
    const r = this.constant(`${name}.recurrent_weight`, [count, rows, units], weights.recurrent!.weight)
    const b = this.constant(`${name}.bias`, [count, 2 * rows], biases)
    const result = `${name}.states`
    this.push(kind.toUpperCase(), [steps, w, r, b], returns === 'all' ? [result] : ['', result], {
      hidden_size: units,
      direction: direction === 'backward' ? 'reverse' : direction,
      ...(kind === 'gru' ? { linear_before_reset: layer.reset === 'before' ? 0 : 1 } : {}),
    })
    const perm = returns === 'all' ? [2, 0, 1, 3] : [1, 0, 2]
    this.reshape(this.node('Transpose', [result], `${name}.turned`, { perm }), output, name)
  }

  /** A value for each channel is spread over a map as [c, 1, 1]. */
  private gate(source: string, shape: Shape, output: Shape, name: string): string {
    return shape.length === 1 && output.length === 3 ? this.reshape(source, [shape[0], 1, 1], name) : source
  }

  private reshape(source: string, shape: readonly number[], name: string): string {
    return this.node('Reshape', [source, this.integers(`${name}.shape`, [-1, ...shape])], name)
  }

  private node(
    operator: string,
    inputs: readonly string[],
    output: string,
    settings: Readonly<Record<string, Setting>> = {},
  ): string {
    this.push(operator, inputs, [output], settings)
    return output
  }

  private push(
    operator: string,
    inputs: readonly string[],
    outputs: readonly string[],
    settings: Readonly<Record<string, Setting>>,
  ): void {
    const attributes = new Map(Object.entries(settings).map(([key, value]) => [key, attributeOf(value)]))
    this.nodes.push({ name: outputs.at(-1)!, operator, domain: '', version, inputs, outputs, attributes })
  }

  private constant(name: string, shape: readonly number[], data: Float32Array): string {
    this.constants.set(name, { type: 'float32', shape, data })
    return name
  }

  private integers(name: string, values: readonly number[]): string {
    this.constants.set(name, integersTensor(values))
    return name
  }
}

function attributeOf(value: Setting): ModelAttribute {
  if (typeof value === 'number') return { kind: 'int', value }
  if (typeof value === 'string') return { kind: 'string', value }
  return 'kind' in value ? value : { kind: 'ints', value }
}
