import { z } from 'zod'
import { readDocumentFile, type Source } from '../base/document.ts'
import { usageError, XgenError } from '../base/errors.ts'
import { parseSource } from '../base/schema.ts'
import type { Layer, Network } from './network.ts'
import { layerShapes } from './shapes.ts'

const count = z.int().min(1).max(65536)
const extent = z.int().min(0).max(1024)
const both = <T extends z.ZodType>(item: T) => z.union([item, z.tuple([item, item])])
const name = z
  .string()
  .regex(/^[A-Za-z][A-Za-z0-9_]*$/, 'a layer name is a letter, then letters, digits and underscores')
  .max(64)
  .optional()

const layerSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('conv2d'),
    name,
    filters: count,
    kernel: both(count),
    stride: both(count).default(1),
    padding: z
      .union([extent, z.tuple([extent, extent]), z.tuple([extent, extent, extent, extent])])
      .default(0),
    groups: count.default(1),
  }),
  z.strictObject({ kind: z.literal('dense'), name, units: count }),
  z.strictObject({ kind: z.literal('relu'), name }),
  z.strictObject({
    kind: z.literal('pool'),
    name,
    mode: z.enum(['max', 'average']),
    window: both(count),
    stride: both(count).optional(),
  }),
  z.strictObject({ kind: z.literal('flatten'), name }),
])

/**
 * A network file. One number stands for both directions (kernel, stride, window); padding is one number, [vertical,
 * horizontal] or [top, left, bottom, right]; a pooling's stride is its window unless given; a layer without a name is numbered by kind.
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
const reserved = ['default', 'input']

export function readNetworkFile(path: string): Network {
  return parseNetwork(readDocumentFile(path, 'network file'))
}

/** A checked network: names unique, every shape possible. */
export function parseNetwork(source: Source): Network {
  const file = parseSource(networkSchema, source)
  const counted = new Map<string, number>()
  const layers = file.layers.map((layer): Layer => {
    const stem = stems[layer.kind]
    const number = (counted.get(stem) ?? 0) + 1
    counted.set(stem, number)
    return expand({ ...layer, name: layer.name ?? `${stem}${number}` })
  })
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
  const network: Network = { name: file.name, input: file.input, layers }
  try {
    layerShapes(network)
  } catch (error) {
    if (!(error instanceof XgenError)) throw error
    const at = places.get(error.where ?? '')
    const where = at === undefined ? source.where(['input']) : source.where(['layers', at])
    throw new XgenError(error.kind, error.message, { where, hint: error.hint, cause: error })
  }
  return network
}

const stems = { conv2d: 'conv', dense: 'fc', relu: 'relu', pool: 'pool', flatten: 'flatten' } as const

type Named<L> = L extends unknown ? Omit<L, 'name'> & { name: string } : never

function expand(layer: Named<z.output<typeof layerSchema>>): Layer {
  switch (layer.kind) {
    case 'conv2d': {
      const { padding: p } = layer
      const padding =
        typeof p === 'number'
          ? ([p, p, p, p] as const)
          : p.length === 2
            ? ([p[0], p[1], p[0], p[1]] as const)
            : p
      return { ...layer, kernel: pair(layer.kernel), stride: pair(layer.stride), padding }
    }
    case 'pool':
      return { ...layer, window: pair(layer.window), stride: pair(layer.stride ?? layer.window) }
    default:
      return layer
  }
}

function pair(value: number | [number, number]): readonly [number, number] {
  return typeof value === 'number' ? [value, value] : value
}
