import { usageError } from '../../base/errors.ts'
import type { Layer, LayerWeights } from '../../net/network.ts'
import type { Shape } from '../../net/shapes.ts'
import { imageName } from '../../net/wiring.ts'
import type { Model, ModelNode, ModelTensor } from '../model.ts'
import { Call, standardBudget } from '../operators/operator.ts'
import { elementsOf } from '../tensors.ts'
import type { Codes } from './onnx/codes.ts'
import type { Trace } from './trace.ts'

/** What keeps a node from becoming a layer. */
export class Obstacle extends Error {
  readonly hint: string

  constructor(reason: string, hint: string) {
    super(reason)
    this.hint = hint
  }
}

/**
 * A tensor that depends on the image. For one image the axes of size 1 mean nothing, so that it is a row of values which may be seen
 * in any shape: reshaping costs no layer until a layer needs another view.
 */
export interface Value {
  /** The layer that makes it, or the image. */
  readonly source: string
  readonly shape: Shape
  /** Whether nothing else reads what that layer makes. */
  readonly alone: boolean
  /** Zeros around the map that no layer has added yet: top, left, bottom, right. */
  readonly padding?: readonly [number, number, number, number]
}

/** Weights of all layers: as many as a network may have. */
const mostWeights = 2 ** 28

/** What putting layers together may cost, as finding shapes may. */
const mostWork = 2 ** 31

type Unnamed<L> = L extends unknown ? Omit<L, 'name'> : never
type Mutable<T> = { -readonly [K in keyof T]: T[K] }

/** A network while its layers are put together. */
export class Lowering {
  readonly layers: Layer[] = []
  readonly weights = new Map<string, LayerWeights>()
  /** What the tensors of whole numbers that depend on the image stand for. */
  readonly codes = new Map<string, Codes>()
  private readonly trace: Trace
  private readonly values = new Map<string, Value>()
  private readonly readers = new Map<string, number>()
  private readonly names = new Set(['default', imageName])
  private readonly places = new Map<string, number>()
  private readonly nonNegative = new Set([imageName])
  private weightsHeld = 0
  private spent = 0

  constructor(model: Model, trace: Trace) {
    this.trace = trace
    const read = [...model.nodes.flatMap(({ inputs }) => inputs), ...model.outputs.map(({ name }) => name)]
    // '' stands for an input that is left out
    for (const name of read) if (name !== '') this.readers.set(name, (this.readers.get(name) ?? 0) + 1)
  }

  /** A node's settings, with the inputs that no image changes. */
  call(node: ModelNode): Call {
    return new Call(
      node,
      node.inputs.map((name) => this.trace.fixed.get(name)),
      standardBudget(),
    )
  }

  /** How often a tensor is read. */
  readCount(name: string): number {
    return this.readers.get(name) ?? 0
  }

  /** The shape of a tensor in the model, for one image. */
  modelShape(name: string): readonly number[] {
    return this.trace.shapes.get(name)!
  }

  fixed(name: string | undefined): ModelTensor | undefined {
    return name === undefined ? undefined : this.trace.fixed.get(name)
  }

  /** An input that a layer keeps as weights. */
  weight(node: ModelNode, index: number): ModelTensor {
    const tensor = this.fixed(node.inputs[index])
    if (tensor === undefined)
      throw new Obstacle(
        `reads "${node.inputs[index] ?? ''}" as a constant, but it depends on the image`,
        'Products of two computed tensors have no layer, but for those of one value with another (Mul).',
      )
    return tensor
  }

  /** Whole numbers that a node reads, which no image may change; undefined where it leaves them out. */
  integers(node: ModelNode, index: number): readonly number[] | undefined {
    if ((node.inputs[index] ?? '') === '') return undefined
    this.weight(node, index)
    return this.call(node).integers(index)
  }

  /** An input that depends on the image. */
  value(node: ModelNode, index = 0): Value {
    const name = node.inputs[index] ?? ''
    const value = this.values.get(name)
    if (value === undefined)
      throw new Obstacle(
        `reads "${name}", which no image changes, as its input ${index + 1}`,
        'Fold constants when exporting.',
      )
    return value
  }

  /** A tensor that depends on the image, by name. */
  result(name: string): Value {
    return this.values.get(name)!
  }

  isValue(name: string | undefined): boolean {
    return name !== undefined && this.values.has(name)
  }

  define(name: string, value: Value): void {
    this.values.set(name, value)
  }

  /** The node's result is what it reads, seen in another shape. */
  alias(node: ModelNode, value: Value): void {
    const name = node.outputs[0]!
    this.define(name, { ...value, alone: value.alone && this.readCount(name) === 1 })
  }

  /** What stands for the results of a node that cannot be lowered, so that those behind it are looked at too. */
  standIn(node: ModelNode): void {
    for (const name of node.outputs) {
      const shape = stripped(this.trace.shapes.get(name) ?? [1])
      if (name !== '')
        this.define(name, {
          source: imageName,
          shape: shape ?? [elementsOf(this.trace.shapes.get(name) ?? [1])],
          alone: false,
        })
    }
  }

  /** Adds a layer for a node that makes its output `index`. */
  layer(
    node: ModelNode,
    layer: Unnamed<Layer>,
    inputs: readonly Value[],
    shape: Shape,
    weights?: LayerWeights,
    index = 0,
  ): Value {
    const value = this.insert(node.name, layer, inputs, shape, weights)
    const output = node.outputs[index]!
    const named = { ...value, alone: this.readCount(output) === 1 }
    this.define(output, named)
    return named
  }

  /** A layer that a node needs beside its own. */
  insert(
    wished: string,
    layer: Unnamed<Layer>,
    inputs: readonly Value[],
    shape: Shape,
    weights?: LayerWeights,
  ): Value {
    const name = layerName(wished, this.names)
    const sources = inputs.map((value) => value.source)
    const before = this.layers.at(-1)?.name ?? imageName
    const wired = sources.length === 1 && sources[0] === before ? {} : { inputs: sources }
    this.hold(weights)
    this.places.set(name, this.layers.length)
    this.layers.push({ ...layer, name, ...wired } as Layer)
    if (isNonNegativeLayer(layer, sources, this.nonNegative)) this.nonNegative.add(name)
    if (weights !== undefined) this.weights.set(name, weights)
    return { source: name, shape, alone: true }
  }

  /** Counts weights that are held: nodes that share a constant have each a copy of it. */
  private hold(weights: LayerWeights | undefined): void {
    if (weights === undefined) return
    const { weight, bias, recurrent } = weights
    for (const each of [weight, bias, recurrent?.weight, recurrent?.bias])
      this.weightsHeld += each?.length ?? 0
    this.checkFull()
  }

  /** Counts values that are looked at to put layers together. */
  spend(work: number): void {
    this.spent += work
    this.checkFull()
  }

  private checkFull(): void {
    if (this.full)
      throw usageError(
        `the layers of the model have more than ${mostWeights} weights together, or take more than ${mostWork} steps to make`,
      )
  }

  /** Whether the model asks for more than it may: then it is not looked at any further. */
  get full(): boolean {
    return this.weightsHeld > mostWeights || this.spent > mostWork
  }

  /** The layer that makes a value; undefined for the image. */
  layerOf({ source }: Value): Layer | undefined {
    const place = this.places.get(source)
    return place === undefined ? undefined : this.layers[place]
  }

  /** Whether a value comes from a ReLU, a clip from 0 on or a softmax, or is the image's: 0 to 1, however moved, compared or added. */
  isNonNegative({ source }: Value): boolean {
    return this.nonNegative.has(source)
  }

  /** A value in the shape that a layer needs. */
  view(value: Value, shape: Shape): Value {
    const whole = this.padded(value)
    if (elementsOf(whole.shape) !== elementsOf(shape))
      throw new Obstacle(
        `reads [${whole.shape.join(', ')}] as [${shape.join(', ')}]`,
        'Export the model for single images.',
      )
    if (whole.shape.join() === shape.join()) return whole
    const flattens = shape.length === 1 && whole.shape.length === 3
    const layer = flattens ? ({ kind: 'flatten' } as const) : ({ kind: 'reshape', shape } as const)
    return this.insert(layer.kind, layer, [whole], shape)
  }

  /** A value whose padding a layer of its own has added. */
  private padded(value: Value): Value {
    if (value.padding === undefined) return value
    const [channels, height, width] = value.shape as readonly [number, number, number]
    const [top, left, bottom, right] = value.padding
    const inner = [channels, height - top - bottom, width - left - right] as const
    const { padding: edges, ...whole } = value
    const layer = { kind: 'pad', channels: [0, 0], edges } as const
    return this.insert('padded', layer, [{ ...whole, shape: inner }], value.shape)
  }

  /** The layer whose weights may be scaled because nobody else reads its result. */
  scalable(value: Value): { readonly layer: Layer; readonly weights: LayerWeights } | undefined {
    if (!value.alone || value.padding !== undefined) return undefined
    const layer = this.layerOf(value)
    if (layer?.kind !== 'conv2d' && layer?.kind !== 'dense') return undefined
    return { layer, weights: this.weights.get(layer.name)! }
  }

  /** Changes a layer in its place. */
  replace(layer: Layer, change: Partial<Mutable<Layer>>): void {
    this.layers[this.places.get(layer.name)!] = { ...layer, ...change } as Layer
  }
}

/** An unused name of a layer for a node's: a letter, then letters, digits and underscores. */
export function layerName(wished: string, used: Set<string>): string {
  const plain = wished.replace(/[^A-Za-z0-9_]+/g, '_').replace(/^[^A-Za-z]+|_+$/g, '')
  const stem = (plain === '' ? 'layer' : plain).slice(-48).replace(/^[^A-Za-z]+/, '') || 'layer'
  let name = stem
  for (let n = 2; used.has(name); n++) name = `${stem}_${n}`
  used.add(name)
  return name
}

const moving = /^(pool|flatten|reshape|transpose|subsample|concat|pad|add)$/

function isNonNegativeLayer(
  layer: Unnamed<Layer>,
  sources: readonly string[],
  nonNegative: ReadonlySet<string>,
): boolean {
  if (layer.kind === 'relu' || layer.kind === 'softmax') return true
  if (layer.kind === 'activation' && layer.function.name === 'clip') return layer.function.low >= 0
  return moving.test(layer.kind) && sources.every((source) => nonNegative.has(source))
}

/** A convolution of 1x1 that takes each channel by itself. */
export function copy(channels: number) {
  return {
    kind: 'conv2d',
    filters: channels,
    kernel: [1, 1],
    stride: [1, 1],
    padding: [0, 0, 0, 0],
    groups: channels,
  } as const
}

/**
 * A shape in the model, for one image, as a layer's: without the axis that counts images, which stands first if not behind the steps
 * of a sequence. Undefined where more than three axes are left.
 */
export function stripped(shape: readonly number[]): Shape | undefined {
  let rest = shape[0] === 1 ? shape.slice(1) : shape.filter((n) => n !== 1)
  while (rest.length > 3 && rest.includes(1)) rest = rest.toSpliced(rest.indexOf(1), 1)
  if (rest.length === 0) return [1]
  return rest.length <= 3 ? (rest as unknown as Shape) : undefined
}
