import { usageError } from '../../../base/errors.ts'
import type { QGraph, QNode, QTensor } from '../../../quant/qgraph.ts'
import type { Model, ModelValue } from '../../model.ts'
import { codeLimits, inputAt, isCode, type Site } from '../../operators/tflite/site.ts'
import { mapOf } from '../channels-first.ts'
import { Held } from '../held.ts'

/** A tensor of the file in the graph. */
export interface Place {
  readonly id: string
  /** Of features that were a map of more than one position: its shape, since they lie in another order in the graph. */
  readonly from?: MapShape
  /** Rows and columns of zeros around it, which the convolutions that read it put there. */
  readonly around?: readonly [top: number, left: number, bottom: number, right: number]
}

export type MapShape = QTensor['shape']

/** The graph as far as it is made, and where the file's tensors lie in it. */
export class CodeGraph {
  readonly tensors: Record<string, QTensor> = {}
  readonly held = new Held()
  private readonly model: Model
  private readonly unsigned: boolean
  private readonly places = new Map<string, Place>()
  private readonly tensorOf = new Map<string, string>()
  private readonly nodes: QNode[] = []
  private readonly count = new Map<string, number>()

  constructor(model: Model, input: ModelValue, unsigned: boolean) {
    this.model = model
    this.unsigned = unsigned
    if (model.inputs.length === 1 && isCode(input.type)) this.define('input', input, mapOf(input))
  }

  /** The graph with this tensor of the file as its result, whose codes lie as in the file but for the order of a map's axes. */
  finish(output: string): { readonly graph: QGraph; readonly tensorOf: ReadonlyMap<string, string> } {
    const { name, outputs } = this.model
    const value = this.model.values.get(output)!
    const refuse = (what: string) =>
      usageError(`the output "${output}" of the model ${what}`, { where: output })
    if (outputs.length > 1) throw refuse('is not its only one: an integer graph has one result')
    const place = this.places.get(output)
    if (place === undefined || place.id === 'input') throw refuse('is computed by no layer')
    const id = this.orderedPlace(value, place)
    const { tensors, nodes, tensorOf } = this
    return { graph: { name: name || 'imported', input: 'input', output: id, tensors, nodes }, tensorOf }
  }

  /** The next name of a kind: `conv1`, `conv2`. */
  number(kind: string): string {
    const next = (this.count.get(kind) ?? 0) + 1
    this.count.set(kind, next)
    return `${kind}${next}`
  }

  /** Where an input lies, as it lies. */
  placeOf(site: Site, index: number): Place {
    const value = inputAt(site, index)
    const place = this.places.get(value.name)
    if (place !== undefined) return place
    throw site.refuse(
      this.model.constants.has(value.name)
        ? `reads the constant "${value.name}", which has no place in the integer graph`
        : `reads "${value.name}", which has no place in the integer graph`,
    )
  }

  /** An input that lies as in the file, but for the order of a map's axes and the zeros around it. */
  unpadded(site: Site, index: number): Place {
    const place = this.placeOf(site, index)
    return place.from === undefined ? place : { id: this.ordered(site, index) }
  }

  /** An input with the zeros around it, where it has any. */
  padded(site: Site, index: number): Place {
    return this.paddedPlace(inputAt(site, index), this.placeOf(site, index))
  }

  /** An input whose codes lie as in the file, but for the order of a map's axes. */
  ordered(site: Site, index: number): string {
    return this.orderedPlace(inputAt(site, index), this.placeOf(site, index))
  }

  private paddedPlace(value: ModelValue, place: Place): Place {
    if (place.around === undefined) return place
    const { id, around } = place
    const tensor = this.tensors[id]!
    const [channels, height, width] = tensor.shape
    const name = this.number('pad')
    const zeros = { before: 0, after: 0, edges: around, fill: tensor.zeroPoint }
    const [top, left, bottom, right] = around
    this.step({ kind: 'pad', name, input: id, output: name, ...zeros }, id, [
      channels,
      height + top + bottom,
      width + left + right,
    ])
    return this.keep(value, { id: name })
  }

  private orderedPlace(value: ModelValue, place: Place): string {
    const { id, from } = this.paddedPlace(value, place)
    return from === undefined ? id : this.keep(value, { id: this.inFileOrder(id, from) }).id
  }

  /** The codes of a map of this shape in the file's order, as features. */
  inFileOrder(id: string, [channels, height, width]: MapShape): string {
    const name = this.number('transpose')
    const area = height * width
    const seen = { from: [channels, area], order: [1, 0] }
    return this.step({ kind: 'transpose', name, input: id, output: name, ...seen }, id, [
      channels * area,
      1,
      1,
    ])
  }

  /** A step between two nodes of the file: codes of `like` under another shape. */
  step(node: QNode, like: string, shape: MapShape): string {
    this.nodes.push(node)
    this.tensors[node.output] = { ...this.tensors[like]!, shape }
    return node.output
  }

  /** The node that makes a site's result. */
  push(site: Site, node: QNode, shape: MapShape, from?: Place['from']): void {
    this.nodes.push(node)
    this.define(node.output, site.output, shape, from)
  }

  /** The result of a site is what lies there already. */
  alias(site: Site, place: Place): void {
    this.keep(site.output, place)
  }

  /** What the graph's codes of a tensor are above the file's. */
  offsetOf({ type, quantisation }: ModelValue): number {
    return this.unsigned && type === 'int8' && quantisation!.zeroPoint[0] === -128 ? 128 : 0
  }

  private keep(value: ModelValue, place: Place): Place {
    this.places.set(value.name, place)
    return place
  }

  private define(id: string, value: ModelValue, shape: MapShape, from?: Place['from']): void {
    const { scale, zeroPoint } = value.quantisation ?? { scale: [], zeroPoint: [] }
    const [low, high] = codeLimits(value.type)
    if (scale.length !== 1 || zeroPoint[0]! < low || zeroPoint[0]! > high)
      throw usageError(`tensor "${value.name}" has no single scale with a zero point of ${value.type}`, {
        where: value.name,
      })
    const offset = this.offsetOf(value)
    this.tensors[id] = {
      shape,
      bits: 8,
      signed: value.type === 'int8' && offset === 0,
      scale: scale[0]!,
      zeroPoint: zeroPoint[0]! + offset,
    }
    this.keep(value, { id, ...(from === undefined ? {} : { from }) })
    this.tensorOf.set(id, value.name)
  }
}

/** Whether features of a map of this shape lie in another order in the graph than in the file. */
export const reorders = ([channels, height, width]: MapShape): boolean => channels > 1 && height * width > 1
