import { isModelFile } from '../model/files.ts'
import { computesIntegers } from '../model/integers.ts'
import { readModel } from '../model/read.ts'
import type { ActivationFunction, Layer } from '../net/network.ts'
import { type LayerShape, layerShapes, noPadding, outputShape, type Shape } from '../net/shapes.ts'
import { zoo } from '../net/zoo.ts'
import type { Refusal } from '../plan/supported.ts'
import { linksOf } from '../quant/links.ts'
import { hardwareRefusals } from './hardware-check.ts'
import { anyNetwork } from './imported.ts'
import { whyNotEmulated } from './model-emulation.ts'

export interface NetSummary {
  readonly name: string
  readonly summary: string
  /** The data set of its built-in weights; null where it has none. */
  readonly data: string | null
  readonly parameters: number
  readonly macs: number
}

export interface LayerReport {
  readonly name: string
  readonly kind: string
  /** How the layer is set, in words: `6 filters, 5x5, padding 2`. */
  readonly detail: string
  /** Names of the layers that it reads, or `input`. */
  readonly inputs: readonly string[]
  readonly input: Shape
  readonly output: Shape
  readonly parameters: number
  readonly macs: number
}

export interface NetReport {
  readonly net: string
  readonly parameters: number
  readonly macs: number
  readonly layers: readonly LayerReport[]
}

export function listNetworks(): readonly NetSummary[] {
  return zoo.map(({ network, data, summary }) => {
    const { parameters, macs } = showNetwork(network.name)
    return { name: network.name, summary, data: data ?? null, parameters, macs }
  })
}

export function showNetwork(net: string): NetReport {
  const network = anyNetwork(net)
  const layers = layerShapes(network).map((shaped): LayerReport => {
    const { layer, sources, input, output, parameters, macs } = shaped
    return {
      name: layer.name,
      kind: kindOf(layer),
      detail: detailOf(shaped),
      inputs: sources,
      input,
      output,
      parameters,
      macs,
    }
  })
  const total = (of: (layer: LayerReport) => number) => layers.reduce((sum, layer) => sum + of(layer), 0)
  return { net: network.name, parameters: total((l) => l.parameters), macs: total((l) => l.macs), layers }
}

export interface NetCheck {
  readonly net: string
  readonly ok: true
  readonly layers: number
  readonly input: readonly number[]
  readonly output: readonly number[]
  /** What the emulator computes, but no hardware does, by layer. */
  readonly hardware: readonly Refusal[]
  /** Of a quantised model file: every node for which the emulator cannot take its own integers, as text; null where it can. */
  readonly integers?: string | null
}

/** Whether a network can be read, shaped and quantised: what cannot is an error that says why. And what of it hardware lacks. */
export function checkNetwork(net: string): NetCheck {
  const network = anyNetwork(net)
  linksOf(network)
  return {
    net: network.name,
    ok: true,
    layers: network.layers.length,
    input: network.input.shape,
    output: outputShape(network),
    hardware: hardwareRefusals(network),
    ...integersOf(net),
  }
}

function integersOf(net: string): Pick<NetCheck, 'integers'> {
  if (!isModelFile(net)) return {}
  const model = readModel(net)
  return computesIntegers(model) ? { integers: whyNotEmulated(model) ?? null } : {}
}

function kindOf(layer: Layer): string {
  return layer.kind === 'pool' ? `${layer.mode}-pool` : layer.kind
}

function detailOf({ layer, input }: LayerShape): string {
  switch (layer.kind) {
    case 'conv2d':
      return parts(
        `${layer.filters} filters`,
        layer.kernel.join('x'),
        layer.stride.some((s) => s !== 1) && `stride ${layer.stride.join('x')}`,
        paddingOf(layer.padding),
        layer.groups !== 1 && `${layer.groups} groups`,
        layer.dilation !== undefined && `dilation ${layer.dilation.join('x')}`,
      )
    case 'dense':
      return `${layer.units} units of ${input.length === 2 ? input[1] : input[0]} features`
    case 'pool':
      return parts(
        layer.window.join('x'),
        layer.stride.some((s, i) => s !== layer.window[i]) && `stride ${layer.stride.join('x')}`,
        paddingOf(layer.padding ?? noPadding),
        layer.ceil === true && 'rounded up',
        layer.countPadding === false && 'padding not counted',
      )
    case 'activation':
      return functionText(layer.function)
    case 'reshape':
      return layer.shape.join('x')
    case 'transpose':
      return parts(
        layer.from !== undefined && `from ${layer.from.join('x')}`,
        `order ${layer.order.join(', ')}`,
        layer.to !== undefined && `to ${layer.to.join('x')}`,
      )
    case 'rnn':
    case 'gru':
    case 'lstm':
      return parts(
        `${layer.units} units`,
        layer.direction !== 'forward' && layer.direction,
        layer.returns === 'all' ? 'every step' : 'last step',
        layer.kind === 'gru' && `reset ${layer.reset ?? 'after'}`,
      )
    case 'pad':
      return parts(
        (layer.edges === undefined || layer.channels.some((count) => count !== 0)) &&
          `${layer.channels[0]} channels before, ${layer.channels[1]} after`,
        layer.edges !== undefined && `edges ${layer.edges.join(',')}`,
      )
    case 'subsample':
      return `stride ${layer.stride.join('x')}`
    case 'relu':
    case 'flatten':
    case 'add':
    case 'mul':
    case 'softmax':
    case 'concat':
      return ''
  }
}

function functionText({ name, ...settings }: ActivationFunction): string {
  return [
    name,
    ...Object.entries(settings).map(([key, value]) => `${key} ${Number(value.toPrecision(4))}`),
  ].join(', ')
}

function parts(...texts: readonly (string | false)[]): string {
  return texts.filter((text) => text !== false).join(', ')
}

function paddingOf(padding: readonly number[]): string | false {
  return (
    padding.some((p) => p !== 0) && `padding ${new Set(padding).size === 1 ? padding[0] : padding.join(',')}`
  )
}
