import { usageError, XgenError } from '../../base/errors.ts'
import { scaledAddition } from '../../quant/imported-rules.ts'
import type { QConv, QGraph, QNode, QTensor } from '../../quant/qgraph.ts'
import type { Model, ModelNode, ModelValue } from '../model.ts'
import { codeClamp } from '../operators/tflite/activation.ts'
import { weightedCodes, weightedOf } from '../operators/tflite/convolve.ts'
import { checkSameCodes, paddingsOf } from '../operators/tflite/move.ts'
import { poolWindow } from '../operators/tflite/pool.ts'
import { meanRule } from '../operators/tflite/reduce.ts'
import { operators } from '../operators/tflite/registry.ts'
import {
  type CodeScale,
  codeScale,
  inputAt,
  integerSetting,
  integersAt,
  type Site,
  shapeOf,
  siteOf,
} from '../operators/tflite/site.ts'
import { refuseUnsupported, type Unsupported } from '../supported.ts'
import { unsupportedTfliteNodes } from '../tflite/evaluate.ts'
import { channelsFirst, mapOf } from './channels-first.ts'
import { reachable } from './reachable.ts'

/** An int8 model as a graph of the emulator, whose codes are the file's own. */
export interface LoweredGraph {
  readonly graph: QGraph
  /** The file's tensor that a tensor of the graph holds, channels first. */
  readonly tensorOf: ReadonlyMap<string, string>
  /** Nodes at the end that are left to the host: a softmax, which does not change the order of the classes. */
  readonly host: readonly string[]
  /** What makes the graph's input of the model's, in float. Absent: the model takes the graph's codes. */
  readonly head?: Model
  /** What makes the model's result of the graph's, in float. Absent: the graph's is the model's. */
  readonly tail?: Model
}

export interface LoweringOptions {
  /**
   * Tensors whose zero point is -128, as behind a ReLU, are stored as uint8: codes 128 higher, with zero point 0. Exact products give
   * the same values; multipliers see small codes for small values.
   */
  readonly unsigned?: boolean
}

/**
 * The integer graph of an int8 model, with the file's own rules: maps channels first, zero points of inputs folded into the biases,
 * layers numbered as in docs/networks.md. All nodes that have no place in such a graph are listed in one error.
 */
export function lowerTflite(whole: Model, { unsigned = false }: LoweringOptions = {}): LoweredGraph {
  const model = reachable(whole)
  refuseUnsupported(model.name, unsupportedTfliteNodes(model))
  const lowering = new Lowering(model, unsigned)
  const refused: Unsupported[] = []
  for (const node of model.nodes) {
    try {
      lowering.add(node)
    } catch (error) {
      if (!(error instanceof XgenError) || error.kind === 'internal') throw error
      const hint = error.hint ?? 'Evaluate the file itself: --precision float.'
      refused.push({ node: node.name, operator: node.operator, reason: error.message, hint })
    }
  }
  refuseUnsupported(model.name, refused)
  return lowering.finish()
}

/** A tensor of the file in the graph. */
interface Place {
  readonly id: string
  /** Of features that were a map of more than one position: its shape, since they lie in another order in the graph. */
  readonly from?: readonly [channels: number, height: number, width: number]
  /** Rows and columns of zeros around it, which the convolutions that read it put there. */
  readonly around?: readonly [top: number, left: number, bottom: number, right: number]
}

/** Operators that make a code of one code. */
const pointwise = new Set(['LOGISTIC', 'QUANTIZE', 'RELU', 'RELU6', 'RELU_N1_TO_1', 'TANH'])

class Lowering {
  private readonly model: Model
  private readonly unsigned: boolean
  private readonly places = new Map<string, Place>()
  private readonly tensorOf = new Map<string, string>()
  private readonly tensors: Record<string, QTensor> = {}
  private readonly nodes: QNode[] = []
  private readonly host: string[] = []
  private readonly count = new Map<string, number>()

  constructor(model: Model, unsigned: boolean) {
    this.model = model
    this.unsigned = unsigned
    const [value] = model.inputs
    if (model.inputs.length === 1 && value!.type === 'int8') this.define('input', value!, mapOf(value!))
  }

  add(node: ModelNode): void {
    const site = siteOf(this.model, node)
    if (site.output.type !== 'int8')
      throw site.refuse(`makes ${site.output.type}: only int8 codes have a place in the integer graph`)
    if (this.host.length > 0) throw site.refuse('follows the softmax, which is left to the host')
    this.lower(site)
  }

  private lower(site: Site): void {
    const { operator, name } = site.node
    if (operator === 'CONV_2D' || operator === 'DEPTHWISE_CONV_2D' || operator === 'FULLY_CONNECTED')
      this.weighted(site)
    else if (operator === 'AVERAGE_POOL_2D' || operator === 'MAX_POOL_2D') this.pool(site)
    else if (operator === 'MEAN') this.mean(site)
    else if (operator === 'ADD') this.addition(site)
    else if (operator === 'RESHAPE' || operator === 'SQUEEZE' || operator === 'EXPAND_DIMS')
      this.reshape(site)
    else if (operator === 'PAD') this.pad(site)
    else if (operator === 'CONCATENATION') this.concatenation(site)
    else if (operator === 'SOFTMAX') this.host.push(name)
    else if (pointwise.has(operator)) this.table(site)
    else throw site.refuse('has no integer rule in the graph')
  }

  finish(): LoweredGraph {
    const { name } = this.model
    const { tensors, nodes, tensorOf, host } = this
    return {
      graph: { name: name || 'imported', input: 'input', output: this.result(), tensors, nodes },
      tensorOf,
      host,
    }
  }

  /** The tensor that holds the model's result, before a softmax that is left to the host. */
  private result(): string {
    const [{ name }, ...more] = this.model.outputs as [ModelValue, ...ModelValue[]]
    const refuse = (what: string) => usageError(`the output "${name}" of the model ${what}`, { where: name })
    const softmax = this.model.nodes.find((node) => this.host.includes(node.name))
    const place = this.places.get(softmax?.inputs[0] ?? name)
    if (more.length > 0) throw refuse(`is not its only one: an integer graph has one result`)
    if (place === undefined || place.id === 'input') throw refuse('is computed by no layer')
    if (place.around !== undefined) throw refuse('is a padded map, which only convolutions can read')
    if (place.from !== undefined) throw refuse('is a flattened map, which lies in another order in the graph')
    return place.id
  }

  private weighted(site: Site): void {
    const layer = weightedOf(site)
    if (layer.input[0] !== 1) throw site.refuse(`works on ${layer.input[0]} images at a time`)
    const dense = site.node.operator === 'FULLY_CONNECTED'
    const name = this.number(dense ? 'fc' : 'conv')
    const place = dense ? this.features(site) : this.placeOf(site, 0)
    const { outputZeroPoint, factors, low, high } = weightedCodes(site, layer)
    const { zeroPoint } = this.tensors[place.id]!
    const offset = this.offsetOf(site.output)
    const weights = Int8Array.from(channelsFirst(layer, dense ? place.from : undefined))
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
      input: dense ? place.id : this.mapId(site, place, 'around'),
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
    this.push(site, conv, dense ? [layer.filters, 1, 1] : mapOf(site.output))
  }

  /** A function of one code: what its kernel makes of each. */
  private table(site: Site): void {
    const place = this.placeOf(site, 0)
    const value = inputAt(site, 0)
    const does = site.node.operator.toLowerCase().replaceAll('_', '-')
    const name = this.number(does)
    const input = this.mapId(site, place, 'order')
    const offset = this.offsetOf(site.output)
    const all = Int8Array.from({ length: 256 }, (_, i) => i - 128)
    const kernel = operators.get(site.node.operator)!({
      ...site,
      inputs: [{ ...value, shape: [256] }],
      output: { ...site.output, shape: [256] },
    })
    const made = kernel([{ type: 'int8', shape: [256], data: all }]).data as Int8Array
    const table = Int16Array.from(made, (code) => code + offset)
    this.push(
      site,
      { kind: 'table', name, does, input, output: name, table },
      this.tensors[place.id]!.shape,
      place.from,
    )
  }

  /** What a dense layer reads, as features: it may read a map as it is. */
  private features(site: Site): Place {
    const place = this.placeOf(site, 0)
    const id = this.mapId(site, place, 'order')
    const { shape, ...tensor } = this.tensors[id]!
    if (shape[1] === 1 && shape[2] === 1) return place
    const name = this.number('flatten')
    this.nodes.push({ kind: 'reshape', name, input: id, output: name })
    this.tensors[name] = { ...tensor, shape: [shape[0] * shape[1] * shape[2], 1, 1] }
    return { id: name, ...(shape[0] > 1 ? { from: shape } : {}) }
  }

  private pool(site: Site): void {
    const { kernel, stride, padding } = poolWindow(site)
    const [low, high] = codeClamp(site)
    if (low > -128 || high < 127) throw site.refuse('has a fused activation')
    const name = this.number('pool')
    const mode = site.node.operator === 'MAX_POOL_2D' ? 'max' : 'average'
    const input = this.mapId(site, this.placeOf(site, 0))
    const rule = { kind: 'tflite', offset: this.offsetOf(site.output) } as const
    this.push(
      site,
      { kind: 'pool', name, mode, input, output: name, window: kernel, stride, padding, rule },
      mapOf(site.output),
    )
  }

  /** A mean over all positions is a pooling with one window. */
  private mean(site: Site): void {
    const shape = shapeOf(inputAt(site, 0))
    const axes = integersAt(site, 1, 'axes').map((axis) => (axis < 0 ? axis + shape.length : axis))
    if (shape.length !== 4 || [...new Set(axes)].sort().join() !== '1,2')
      throw site.refuse('takes a mean over something else than the positions of a map')
    const name = this.number('pool')
    const input = this.mapId(site, this.placeOf(site, 0))
    const window = [shape[1]!, shape[2]!] as const
    const offset = this.offsetOf(site.output)
    const own = meanRule(site, window[0] * window[1])
    const rule = {
      ...own,
      inputZeroPoint: this.tensors[input]!.zeroPoint,
      outputZeroPoint: own.outputZeroPoint + offset,
      low: own.low + offset,
      high: own.high + offset,
    }
    const geometry = { window, stride: window, padding: [0, 0, 0, 0] as const }
    this.push(site, { kind: 'pool', name, mode: 'average', input, output: name, ...geometry, rule }, [
      shape[3]!,
      1,
      1,
    ])
  }

  private addition(site: Site): void {
    const values = [inputAt(site, 0), inputAt(site, 1)] as const
    if (elementsDiffer(values, site.output)) throw site.refuse('adds tensors of different shapes')
    const [first, second] = [this.placeOf(site, 0), this.placeOf(site, 1)]
    const from = first.from ?? second.from
    if (from !== undefined && first.from?.join() !== second.from?.join())
      throw site.refuse('adds features that lie in different orders')
    const name = this.number('add')
    const [low, high] = codeClamp(site)
    const offset = this.offsetOf(site.output)
    const [a, b, sum] = [values[0], values[1], site.output].map((value) => {
      const { scale, zeroPoint } = codeScale(site, value)
      return { scale, zeroPoint: zeroPoint + this.offsetOf(value) }
    }) as [CodeScale, CodeScale, CodeScale]
    this.push(
      site,
      {
        kind: 'add',
        name,
        inputs: [this.mapId(site, first, 'order'), this.mapId(site, second, 'order')],
        output: name,
        multipliers: [0, 0],
        shift: 0,
        rule: { kind: 'tflite', ...scaledAddition(a, b, sum) },
        low: low + offset,
        high: high + offset,
      },
      mapOf(site.output),
      from,
    )
  }

  private reshape(site: Site): void {
    const value = inputAt(site, 0)
    const place = this.placeOf(site, 0)
    const from = place.from ?? this.tensors[place.id]!.shape
    const to = mapOf(site.output)
    const features = to[1] === 1 && to[2] === 1
    if (!features && to.some((n, i) => n !== from[i]))
      throw site.refuse(
        `makes a map of [${shapeOf(site.output).join(', ')}] of [${shapeOf(value).join(', ')}]`,
      )
    checkSameCodes(site, value)
    const name = this.number(features ? 'flatten' : 'reshape')
    const input = this.mapId(site, place, 'order')
    // in the graph features lie channel by channel, in the file position by position: alike where either is one
    const reordered = features && from[0] > 1 && from[1] * from[2] > 1
    this.push(site, { kind: 'reshape', name, input, output: name }, to, reordered ? from : undefined)
  }

  /** Zeros around a map become padding of the convolutions that read it. */
  private pad(site: Site): void {
    const place = this.placeOf(site, 0)
    const paddings = paddingsOf(site)
    const [batch, rows, columns, channels] = paddings
    if (paddings.length !== 4 || [...batch!, ...channels!].some((n) => n !== 0))
      throw site.refuse('pads something else than the rows and columns of a map')
    checkSameCodes(site, inputAt(site, 0))
    const [top, left, bottom, right] = place.around ?? [0, 0, 0, 0]
    this.places.set(site.output.name, {
      ...place,
      around: [top + rows![0], left + columns![0], bottom + rows![1], right + columns![1]],
    })
  }

  private concatenation(site: Site): void {
    const rank = shapeOf(site.output).length
    const axis = integerSetting(site, 'axis')
    if (rank !== 4 || (axis !== 3 && axis !== -1))
      throw site.refuse('joins tensors along another axis than channels')
    const [low, high] = codeClamp(site)
    if (low > -128 || high < 127) throw site.refuse('has a fused activation')
    const inputs = site.node.inputs.map((_, i) => {
      checkSameCodes(site, inputAt(site, i))
      return this.mapId(site, this.placeOf(site, i))
    })
    const name = this.number('concat')
    this.push(site, { kind: 'concat', name, inputs, output: name }, mapOf(site.output))
  }

  private number(kind: string): string {
    const next = (this.count.get(kind) ?? 0) + 1
    this.count.set(kind, next)
    return `${kind}${next}`
  }

  private placeOf(site: Site, index: number): Place {
    const value = inputAt(site, index)
    const place = this.places.get(value.name)
    if (place !== undefined) return place
    throw site.refuse(
      this.model.constants.has(value.name)
        ? `reads the constant "${value.name}", which has no place in the integer graph`
        : `reads "${value.name}", which has no place in the integer graph`,
    )
  }

  /** The tensor of a place, where the reader can take it as it lies. */
  private mapId(site: Site, { id, from, around }: Place, allowed?: 'around' | 'order'): string {
    if (around !== undefined && allowed !== 'around')
      throw site.refuse('reads a padded map, which only convolutions can')
    if (from !== undefined && allowed !== 'order') throw site.refuse('reads a flattened map in another order')
    return id
  }

  private push(site: Site, node: QNode, shape: QTensor['shape'], from?: Place['from']): void {
    this.nodes.push(node)
    this.define(node.output, site.output, shape, from)
  }

  /** What the graph's codes of a tensor are above the file's. */
  private offsetOf({ quantisation }: ModelValue): number {
    return this.unsigned && quantisation!.zeroPoint[0] === -128 ? 128 : 0
  }

  private define(id: string, value: ModelValue, shape: QTensor['shape'], from?: Place['from']): void {
    const { scale, zeroPoint } = value.quantisation ?? { scale: [], zeroPoint: [] }
    if (scale.length !== 1 || zeroPoint[0]! < -128 || zeroPoint[0]! > 127)
      throw usageError(`tensor "${value.name}" has no single scale with a zero point of int8`, {
        where: value.name,
      })
    const offset = this.offsetOf(value)
    this.tensors[id] = {
      shape,
      bits: 8,
      signed: offset === 0,
      scale: scale[0]!,
      zeroPoint: zeroPoint[0]! + offset,
    }
    this.places.set(value.name, { id, ...(from === undefined ? {} : { from }) })
    this.tensorOf.set(id, value.name)
  }
}

function elementsDiffer(values: readonly ModelValue[], output: ModelValue): boolean {
  return values.some((value) => shapeOf(value).join() !== shapeOf(output).join())
}
