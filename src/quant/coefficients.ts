import { z } from 'zod'
import { readDocument, type Source } from '../base/document.ts'
import { usageError, XgenError } from '../base/errors.ts'
import { readInput } from '../base/files.ts'
import { hashOf } from '../base/hash.ts'
import { parseSource } from '../base/schema.ts'
import { didYouMean } from '../base/suggest.ts'
import { type Degree, groupsOf } from './curve.ts'
import { type GivenCoefficients, longestGroup } from './curve-layer.ts'

/** Fewest and most bits of a coefficient. */
export const coefficientBits = [4, 16] as const

const layerSchema = z.strictObject({
  curve: z.enum(['linear', 'quadratic']),
  /** Taps of a group. */
  group: z.int().min(1).max(longestGroup),
  bits: z.int().min(coefficientBits[0]).max(coefficientBits[1]),
  /** What a coefficient counts, for each filter. */
  scales: z.array(z.number().positive()),
  /** [filter][group][order]: b, a of a*i + b; c, b, a of a*i^2 + b*i + c; order k in units of 2^-(spread k). */
  coefficients: z.array(z.array(z.array(z.int()))),
})

/** A file of coefficients: what takes the place of weights, layer by layer (docs/numerics.md). */
export const coefficientsSchema = z.strictObject({
  format: z.literal('xgen-coefficients-1'),
  layers: z.record(z.string(), layerSchema),
})

export type CoefficientsFile = z.output<typeof coefficientsSchema>

/** The coefficients of one layer, with the shape that they are for. */
export interface LayerCoefficients extends GivenCoefficients {
  readonly degree: Degree
  readonly length: number
  readonly bits: number
}

export interface Coefficients {
  readonly layers: ReadonlyMap<string, LayerCoefficients>
  /** SHA-256 of what the file says. */
  readonly hash: string
}

/** What the file is checked against: filters and taps of each layer with weights. */
export type LayerTaps = ReadonlyMap<string, { readonly filters: number; readonly taps: number }>

/** Reads a file of coefficients and checks it against the network's layers. */
export function readCoefficients(path: string, layers: LayerTaps): Coefficients {
  const source = readDocument(readInput(path, 'coefficient file').toString('utf8'), path)
  const file = parseSource(coefficientsSchema, source, 'data')
  const names = [...layers.keys()]
  const found = Object.entries(file.layers).map(([name, layer]): [string, LayerCoefficients] => {
    const shape = layers.get(name)
    if (shape === undefined)
      throw usageError(`the network has no layer "${name}" with weights.${didYouMean(name, names)}`, {
        where: source.where(['layers', name]),
        hint: `Its layers with weights: ${names.join(', ')}.`,
      })
    return [name, checkLayer(source, name, layer, shape)]
  })
  return { layers: new Map(found), hash: hashOf(file) }
}

function checkLayer(
  source: Source,
  name: string,
  layer: CoefficientsFile['layers'][string],
  { filters, taps }: { readonly filters: number; readonly taps: number },
): LayerCoefficients {
  const path = ['layers', name] as const
  const fail = (below: readonly (string | number)[], message: string, hint: string): never => {
    throw new XgenError('data', message, { where: source.where([...path, ...below]), hint })
  }
  const degree = layer.curve === 'linear' ? 1 : 2
  const groups = groupsOf({ length: layer.group }, taps)
  const levels = 2 ** (layer.bits - 1) - 1
  const counted = (
    what: string,
    at: readonly (string | number)[],
    got: number,
    wanted: number,
    hint: string,
  ) => {
    if (got !== wanted) fail(at, `layer "${name}": ${got} ${what}, but ${wanted} are needed`, hint)
  }
  counted('scales', ['scales'], layer.scales.length, filters, `The layer has ${filters} filters.`)
  counted(
    'filters',
    ['coefficients'],
    layer.coefficients.length,
    filters,
    `The layer has ${filters} filters.`,
  )
  for (const [n, filter] of layer.coefficients.entries()) {
    const at = ['coefficients', n]
    const split = `Its ${taps} taps in groups of ${layer.group} make ${groups}; is "group" the length that the coefficients are for?`
    counted(`groups in filter ${n}`, at, filter.length, groups, split)
    for (const [g, group] of filter.entries()) {
      const orders = `A ${layer.curve} curve has ${degree + 1}.`
      counted(`coefficients in filter ${n}, group ${g}`, [...at, g], group.length, degree + 1, orders)
      const bad = group.findIndex((value) => Math.abs(value) > levels)
      if (bad >= 0)
        fail(
          [...at, g, bad],
          `layer "${name}", filter ${n}, group ${g}: the coefficient ${group[bad]} is out of range; ${layer.bits} bits hold -${levels} to ${levels}`,
          'Scale the coefficients of this filter down, and their scale up, or give more bits.',
        )
    }
  }
  return {
    degree,
    length: layer.group,
    bits: layer.bits,
    scales: layer.scales,
    coefficients: Int16Array.from(layer.coefficients.flat(2)),
    where: source.where([...path]),
  }
}
