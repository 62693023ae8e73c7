import { z } from 'zod'
import { readDocumentFile, type Source } from '../base/document.ts'
import { usageError, XgenError } from '../base/errors.ts'
import { parseSource } from '../base/schema.ts'
import type { ActivationFunction, Layer, Network } from './network.ts'
import { layerShapes, type Shape, shapesSoFar } from './shapes.ts'
import { checkUsed, imageName, sourcesOf, type Wired } from './wiring.ts'

const count = z.int().min(1).max(65536)
const extent = z.int().min(0).max(1024)
const both = <T extends z.ZodType>(item: T) => z.union([item, z.tuple([item, item])])
const name = z
  .string()
  .regex(/^[A-Za-z][A-Za-z0-9_]*$/, 'a layer name is a letter, then letters, digits and underscores')
  .max(64)
  .optional()
const inputs = z.array(z.string().max(64)).min(1).max(1000).optional()
const padding = z.union([extent, z.tuple([extent, extent]), z.tuple([extent, extent, extent, extent])])

/** Of a shape that is written out: it may have all values of a map along one axis. */
const size = z
  .int()
  .min(1)
  .max(2 ** 28)
const resultShape = z.union([z.tuple([size, size, size]), z.tuple([size, size]), z.tuple([size])])

const recurrent = {
  name,
  inputs,
  units: count,
  direction: z.enum(['forward', 'backward', 'bidirectional']).default('forward'),
  returns: z.enum(['all', 'last']).default('last'),
}

/** A function alone is a name; one with settings has them beside its name. */
const plainFunctions = [
  'hard-swish',
  'swish',
  'sigmoid',
  'tanh',
  'relu6',
  'hard-sigmoid',
  'leaky-relu',
  'elu',
] as const
const real = z.number().min(-1e30).max(1e30)
const activationSchema = z.union([
  z.enum(plainFunctions),
  z.discriminatedUnion('name', [
    z.strictObject({ name: z.literal('clip'), low: real, high: real }),
    z.strictObject({ name: z.literal('leaky-relu'), slope: real }),
    z.strictObject({ name: z.literal('elu'), alpha: real }),
    z.strictObject({ name: z.literal('hard-sigmoid'), slope: real, offset: real }),
    z.strictObject({ name: z.enum(['hard-swish', 'swish', 'sigmoid', 'tanh']) }),
  ]),
])

/** What a function's name alone stands for. */
function functionOf(written: z.output<typeof activationSchema>): ActivationFunction {
  switch (written) {
    case 'relu6':
      return { name: 'clip', low: 0, high: 6 }
    case 'leaky-relu':
      return { name: written, slope: 0.01 }
    case 'elu':
      return { name: written, alpha: 1 }
    case 'hard-sigmoid':
      return { name: written, slope: 1 / 6, offset: 0.5 }
    default:
      return typeof written === 'string' ? { name: written } : written
  }
}

const layerSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('conv2d'),
    name,
    inputs,
    filters: count,
    kernel: both(count),
    stride: both(count).default(1),
    padding: padding.default(0),
    groups: count.default(1),
    dilation: both(count).optional(),
  }),
  z.strictObject({ kind: z.literal('dense'), name, inputs, units: count }),
  z.strictObject({ kind: z.literal('relu'), name, inputs }),
  z.strictObject({
    kind: z.literal('pool'),
    name,
    inputs,
    mode: z.enum(['max', 'average']),
    window: both(count).optional(),
    stride: both(count).optional(),
    padding: padding.optional(),
    ceil: z.boolean().optional(),
    countPadding: z.boolean().optional(),
    global: z.boolean().default(false),
  }),
  z.strictObject({ kind: z.literal('activation'), name, inputs, function: activationSchema }),
  z.strictObject({ kind: z.literal('mul'), name, inputs }),
  z.strictObject({ kind: z.literal('reshape'), name, inputs, shape: resultShape }),
  z.strictObject({
    kind: z.literal('transpose'),
    name,
    inputs,
    order: z.array(z.int().min(0).max(7)).min(1).max(8),
    from: z.array(size).min(1).max(8).optional(),
    to: resultShape.optional(),
  }),
  z.strictObject({ kind: z.literal('softmax'), name, inputs }),
  z.strictObject({ kind: z.literal('rnn'), ...recurrent }),
  z.strictObject({ kind: z.literal('gru'), ...recurrent, reset: z.enum(['before', 'after']).optional() }),
  z.strictObject({ kind: z.literal('lstm'), ...recurrent }),
  z.strictObject({ kind: z.literal('flatten'), name, inputs }),
  z.strictObject({ kind: z.literal('add'), name, inputs }),
  z.strictObject({ kind: z.literal('concat'), name, inputs }),
  z.strictObject({
    kind: z.literal('pad'),
    name,
    inputs,
    channels: z.tuple([extent, extent]).default([0, 0]),
    edges: padding.optional(),
  }),
  z.strictObject({ kind: z.literal('subsample'), name, inputs, stride: both(count) }),
])

/**
 * A network file. One number stands for both directions (kernel, stride, window); padding is one number, [vertical,
 * horizontal] or [top, left, bottom, right]; a pooling's stride is its window unless given, and a global pooling's window the whole
 * map; a layer without a name is numbered by kind.
 */
export const networkSchema = z.strictObject({
  name: z
    .string()
    .regex(/^[a-z0-9][a-z0-9_-]*$/, 'a network name is lower-case letters, digits, "-" and "_"')
    .max(64),
  input: z.strictObject({ shape: z.tuple([count, count, count]) }),
  layers: z.array(layerSchema).min(1).max(1000),
})

/** Names that selectors and tensors use already. */
const reserved = ['default', imageName]

export function readNetworkFile(path: string): Network {
  return parseNetwork(readDocumentFile(path, 'network file'))
}

/** A checked network: names unique, every layer's inputs there and every result used, every shape possible. */
export function parseNetwork(source: Source): Network {
  const file = parseSource(networkSchema, source)
  const counted = new Map<string, number>()
  const described = file.layers.map((layer): Described => {
    const stem = stems[layer.kind]
    const number = (counted.get(stem) ?? 0) + 1
    counted.set(stem, number)
    return { ...layer, name: layer.name ?? `${stem}${number}` }
  })
  const places = placesByName(described, source)
  const wired = described as readonly Wired[]
  atLayer(places, source, ['inputs'], () => sourcesOf(wired))
  atLayer(places, source, [], () => checkUsed(wired))
  return atLayer(places, source, [], () => {
    const layers: Layer[] = []
    const input = (i: number) => {
      const shaped = shapesSoFar(file.input.shape, layers)
      const [name] = sourcesOf(wired)[i]!
      return shaped.find(({ layer }) => layer.name === name)?.output ?? file.input.shape
    }
    for (const [i, layer] of described.entries()) layers.push(expand(layer, () => input(i)))
    const network: Network = { name: file.name, input: file.input, layers }
    layerShapes(network)
    return network
  })
}

/** The index of each layer by its name. */
function placesByName(layers: readonly Described[], source: Source): ReadonlyMap<string, number> {
  const places = new Map<string, number>()
  for (const [i, { name }] of layers.entries()) {
    const where = source.where(['layers', i, 'name'])
    if (reserved.includes(name))
      throw usageError(`a layer cannot be named "${name}"`, {
        where,
        hint: `Reserved: ${reserved.join(', ')}.`,
      })
    if (places.has(name))
      throw usageError(`two layers are named "${name}"`, {
        where,
        hint: 'Selectors such as --mult need names of their own.',
      })
    places.set(name, i)
  }
  return places
}

/** What goes wrong in a layer is told with its place in the file, of the given key where the layer has it. */
function atLayer<T>(
  places: ReadonlyMap<string, number>,
  source: Source,
  key: readonly string[],
  run: () => T,
): T {
  try {
    return run()
  } catch (error) {
    if (!(error instanceof XgenError)) throw error
    const at = places.get(error.where ?? '')
    const where = at === undefined ? source.where(['input']) : source.where(['layers', at, ...key])
    throw new XgenError(error.kind, error.message, { where, hint: error.hint, cause: error })
  }
}

const stems = {
  conv2d: 'conv',
  dense: 'fc',
  relu: 'relu',
  pool: 'pool',
  flatten: 'flatten',
  add: 'add',
  concat: 'concat',
  pad: 'pad',
  subsample: 'subsample',
  activation: 'act',
  mul: 'mul',
  reshape: 'reshape',
  transpose: 'transpose',
  softmax: 'softmax',
  rnn: 'rnn',
  gru: 'gru',
  lstm: 'lstm',
} as const

type Named<L> = L extends unknown ? Omit<L, 'name'> & { name: string } : never

/** A layer as its file describes it, with its name. */
type Described = Named<z.output<typeof layerSchema>>

/** The layer in full. `input` is the shape of what it reads. */
function expand(layer: Described, input: () => Shape): Layer {
  switch (layer.kind) {
    case 'conv2d': {
      const { dilation, ...given } = layer
      const apart = pair(dilation ?? 1)
      return {
        ...given,
        kernel: pair(layer.kernel),
        stride: pair(layer.stride),
        padding: edges(layer.padding),
        ...(apart.some((d) => d !== 1) ? { dilation: apart } : {}),
      }
    }
    case 'activation':
      return { ...layer, function: functionOf(layer.function) }
    case 'pool': {
      const { global, window, stride, padding, ceil = false, countPadding = true, ...named } = layer
      const covered = global ? wholeMap(layer, input()) : window
      if (covered === undefined)
        throw usageError(`layer "${layer.name}" has no window`, {
          where: layer.name,
          hint: 'Write for example window: 2, or global: true for the whole map.',
        })
      const around = edges(padding ?? 0)
      return {
        ...named,
        window: pair(covered),
        stride: pair(stride ?? covered),
        ...(around.some((p) => p !== 0) ? { padding: around } : {}),
        ...(ceil ? { ceil } : {}),
        ...(countPadding ? {} : { countPadding }),
      }
    }
    case 'pad': {
      const { edges: given, ...rest } = layer
      const around = edges(given ?? 0)
      return { ...rest, ...(around.some((p) => p !== 0) ? { edges: around } : {}) }
    }
    case 'subsample':
      return { ...layer, stride: pair(layer.stride) }
    case 'add':
    case 'mul':
    case 'concat':
      // how many inputs they name was checked with the wiring
      return layer as Layer
    default:
      return layer
  }
}

function wholeMap(
  { name, window, stride, padding }: Described & { kind: 'pool' },
  shape: Shape,
): [number, number] {
  if (window !== undefined || stride !== undefined || padding !== undefined)
    throw usageError(`layer "${name}" is a global pooling and has a window, a stride or a padding too`, {
      where: name,
      hint: 'The window of a global pooling is the whole map: leave the others out, or global.',
    })
  return shape.length === 3 ? [shape[1], shape[2]] : [1, 1]
}

function edges(padding: number | readonly number[]): readonly [number, number, number, number] {
  if (typeof padding === 'number') return [padding, padding, padding, padding]
  const [vertical, horizontal] = padding as [number, number]
  return padding.length === 2
    ? [vertical, horizontal, vertical, horizontal]
    : (padding as unknown as readonly [number, number, number, number])
}

function pair(value: number | [number, number]): readonly [number, number] {
  return typeof value === 'number' ? [value, value] : value
}
