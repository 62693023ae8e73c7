import { codeOfReal } from '../../../quant/onnx-rules.ts'
import type { QNode, QTensor } from '../../../quant/qgraph.ts'
import type { Model, ModelNode, ModelTensor } from '../../model.ts'
import { Call, standardBudget } from '../../operators/operator.ts'
import { elements } from '../../operators/strided.ts'
import { elementsOf } from '../../tensors.ts'
import { Held } from '../held.ts'
import { layerName, Obstacle, stripped } from '../lowering.ts'
import type { Trace } from '../trace.ts'
import {
  type CodesValue,
  type CodeType,
  leastCode,
  type Products,
  type RealValue,
  type Value,
} from './values.ts'
import { usableScale } from './weights.ts'

export type MapShape = QTensor['shape']

/** One scale and zero point of codes, as the file has them. */
export interface CodeScale {
  readonly type: CodeType
  readonly scale: number
  readonly zeroPoint: number
}

/** An integer graph while its nodes are put together, with what stands in it for the tensors of the model. */
export class CodeGraph {
  readonly tensors: Record<string, QTensor> = {}
  readonly nodes: QNode[] = []
  /** The tensor of the model that a tensor of the graph holds. */
  readonly tensorOf = new Map<string, string>()
  readonly held = new Held()
  private readonly model: Model
  private readonly trace: Trace
  private readonly unsigned: boolean
  private readonly values = new Map<string, Value>()
  private readonly offsets = new Map<string, number>()
  private readonly used = new Set<Products>()
  private readonly names = new Set(['default', 'input'])

  constructor(model: Model, trace: Trace, unsigned: boolean) {
    this.model = model
    this.trace = trace
    this.unsigned = unsigned
  }

  call(node: ModelNode): Call {
    const fixed = node.inputs.map((name) => this.trace.fixed.get(name))
    return new Call(node, fixed, standardBudget())
  }

  /** The shape of a tensor in the model, for one image. */
  modelShape(name: string): readonly number[] {
    return this.trace.shapes.get(name)!
  }

  /** A tensor that no image changes. */
  fixed(name: string | undefined): ModelTensor | undefined {
    return name === undefined || name === '' ? undefined : this.trace.fixed.get(name)
  }

  constant(node: ModelNode, index: number): ModelTensor {
    const tensor = this.fixed(node.inputs[index])
    if (tensor !== undefined) return tensor
    throw new Obstacle(
      `reads "${node.inputs[index] ?? ''}" as a constant, but it depends on the image`,
      'Export with constant weights and scales.',
    )
  }

  /** The node that makes a tensor. */
  maker(name: string): ModelNode | undefined {
    return this.model.nodes.find(({ outputs }) => outputs.includes(name))
  }

  value(name: string | undefined): Value | undefined {
    return name === undefined ? undefined : this.values.get(name)
  }

  define(node: ModelNode, value: Value): void {
    this.values.set(node.outputs[0]!, value)
    // a tensor that is still to be padded is not yet the file's
    if (value.kind === 'codes' && value.around === undefined && !this.tensorOf.has(value.id))
      this.tensorOf.set(value.id, node.outputs[0]!)
  }

  defineAs(name: string, value: Value): void {
    this.values.set(name, value)
  }

  codes(node: ModelNode, index: number): CodesValue {
    const value = this.values.get(node.inputs[index] ?? '')
    if (value?.kind === 'codes') return value
    throw new Obstacle(
      `reads "${node.inputs[index] ?? ''}", which is not quantised`,
      'Put a QuantizeLinear before it.',
    )
  }

  /** An input that is a function of codes. */
  real(node: ModelNode, index: number): RealValue {
    const value = this.values.get(node.inputs[index] ?? '')
    if (value?.kind === 'real') return value
    throw new Obstacle(
      `reads "${node.inputs[index] ?? ''}", which is not quantised`,
      'Put a QuantizeLinear and a DequantizeLinear before it.',
    )
  }

  /** The scale and zero point that stand at two inputs of a node: one pair for all codes. */
  codeScale(node: ModelNode, scaleAt: number, zeroAt: number): CodeScale {
    const scale = this.constant(node, scaleAt)
    const zero = (node.inputs[zeroAt] ?? '') === '' ? undefined : this.constant(node, zeroAt)
    const codes = node.operator === 'DequantizeLinear' ? node.inputs[0]! : node.outputs[0]!
    const type = zero?.type ?? this.trace.types.get(codes)!
    if (type !== 'int8' && type !== 'uint8')
      throw new Obstacle(`has codes of ${type}`, 'Quantise to int8 or uint8.')
    if (scale.data.length !== 1 || (zero !== undefined && zero.data.length !== 1))
      throw new Obstacle(
        `has ${scale.data.length} scales for activations`,
        'Quantise activations by tensor; weights may have a scale for each filter.',
      )
    return {
      type,
      scale: usableScale(Number(scale.data[0])),
      zeroPoint: zero === undefined ? 0 : Number(elements(zero.data)[0]),
    }
  }

  /** What the graph's codes are above the file's. */
  offset(id: string): number {
    return this.offsets.get(id) ?? 0
  }

  typeOf(id: string): CodeType {
    const { signed } = this.tensors[id]!
    return signed || this.offset(id) !== 0 ? 'int8' : 'uint8'
  }

  /** Declares a tensor of the graph; int8 codes that count from -128 may be stored as uint8. */
  declare(id: string, shape: MapShape, { type, scale, zeroPoint }: CodeScale): void {
    const offset = this.unsigned && type === 'int8' && zeroPoint === -128 ? 128 : 0
    const signed = type === 'int8' && offset === 0
    this.tensors[id] = { shape, bits: 8, signed, scale, zeroPoint: zeroPoint + offset }
    this.offsets.set(id, offset)
  }

  /** Adds a node whose result has the quantisation and storage of another tensor. */
  move(node: QNode, of: string, change: Partial<QTensor>): string {
    this.nodes.push(node)
    this.tensors[node.output] = { ...this.tensors[of]!, ...change }
    this.offsets.set(node.output, this.offset(of))
    return node.output
  }

  /** A tensor in another shape. */
  shaped(id: string, shape: MapShape): string {
    const own = this.tensors[id]!.shape
    if (own.join() === shape.join()) return id
    if (elementsOf(own) !== elementsOf(shape))
      throw new Obstacle(
        `reads [${own.join(', ')}] as [${shape.join(', ')}]`,
        'Export the model for single images.',
      )
    const name = this.name(shape[1] === 1 && shape[2] === 1 ? 'flatten' : 'reshape')
    return this.move({ kind: 'reshape', name, input: id, output: name }, id, { shape })
  }

  /** A tensor whose codes are read with a scale and zero point, which need not be those that they were made with. */
  read(id: string, { scale, zeroPoint }: Pick<CodeScale, 'scale' | 'zeroPoint'>): string {
    const own = this.tensors[id]!
    const zero = zeroPoint + this.offset(id)
    if (own.scale === scale && own.zeroPoint === zero) return id
    const name = this.name('read')
    return this.move({ kind: 'reshape', name, input: id, output: name }, id, { scale, zeroPoint: zero })
  }

  /** A tensor whose codes lie so much above the file's. */
  stored(id: string, offset: number): string {
    const own = this.offset(id)
    if (own === offset) return id
    const name = this.name('stored')
    const { zeroPoint } = this.tensors[id]!
    const table = Int16Array.from({ length: 256 }, (_, i) => i - 128 + offset)
    const node = { kind: 'table', name, does: 'store', input: id, output: name, table } as const
    this.move(node, id, { signed: offset === 0, zeroPoint: zeroPoint - own + offset })
    this.offsets.set(name, offset)
    return name
  }

  /** The file's code of a real value. */
  codeOf(real: number, { type, scale, zeroPoint }: CodeScale): number {
    const low = leastCode[type]
    return codeOfReal(real, { scale, zeroPoint, low, high: low + 255 })
  }

  /** The least and the largest code of a tensor of the graph. */
  bounds(id: string): { readonly low: number; readonly high: number } {
    const low = this.tensors[id]!.signed ? -128 : 0
    return { low, high: low + 255 }
  }

  /** That products become one layer. */
  once(products: Products): void {
    if (this.used.has(products))
      throw new Obstacle('is quantised twice', 'One quantiser behind a layer is possible.')
    this.used.add(products)
  }

  /** Whole numbers that a node reads, which no image may change; undefined where it leaves them out. */
  integers(node: ModelNode, index: number): readonly number[] | undefined {
    if ((node.inputs[index] ?? '') === '') return undefined
    this.constant(node, index)
    return this.call(node).integers(index)
  }

  /** A name for a layer: that of a node of the file, or a kind. */
  name(wished: string): string {
    return layerName(wished, this.names)
  }

  /** The place of a tensor of the model as a map: [1, channels, height, width] or what has fewer axes. */
  mapShape(name: string): MapShape {
    return asMap(this.modelShape(name))
  }

  /** What stands around a padded value: what its tensor's zero point stands for, or the zero point of codes. */
  around(value: CodesValue | RealValue): number {
    const zero = this.tensors[value.id]!.zeroPoint - this.offset(value.id)
    return value.kind === 'codes' ? zero : value.table[zero - leastCode[this.typeOf(value.id)]]!
  }

  /** Codes that are to be read with a zero point: what stands around them is a zero of that reader, or is put there first. */
  readable(value: CodesValue, { zeroPoint }: Pick<CodeScale, 'zeroPoint'>): CodesValue {
    return this.around(value) === zeroPoint ? value : this.whole(value)
  }

  /** A value with the zeros around it, which a layer of their own has put there. */
  whole<V extends CodesValue | RealValue>(value: V): V {
    const { around, ...rest } = value
    if (around === undefined) return value
    const [top, left, bottom, right] = around
    const [channels, height, width] = this.tensors[value.id]!.shape
    const shape = [channels, height + top + bottom, width + left + right] as const
    const name = this.name('padded')
    const edges = { before: 0, after: 0, edges: around, fill: this.tensors[value.id]!.zeroPoint }
    const id = this.move({ kind: 'pad', name, input: value.id, output: name, ...edges }, value.id, { shape })
    return { ...rest, id } as V
  }
}

/** For one image: [channels, height, width], [channels, 1, length], or features. */
export function asMap(shape: readonly number[]): MapShape {
  const own = stripped(shape)
  if (own?.length === 3) return own
  if (own?.length === 2) return [own[0], 1, own[1]]
  return [elementsOf(shape), 1, 1]
}
