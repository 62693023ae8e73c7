import { usageError } from '../base/errors.ts'
import { didYouMean } from '../base/suggest.ts'
import type { Network } from '../net/network.ts'
import { isRecurrent, type LayerShape, layerShapes, weightShape } from '../net/shapes.ts'
import {
  type Coefficients,
  type LayerCoefficients,
  type LayerTaps,
  readCoefficients,
} from '../quant/coefficients.ts'
import { type CurveChoice, longestGroup } from '../quant/curve-layer.ts'
import type { Configuration } from './configuration.ts'
import { checkRecorded, coefficientsPath } from './named-files.ts'

/** Which layers have curves for weights, and the hash of the file that their coefficients came from. */
export interface Curves {
  readonly choices: ReadonlyMap<string, CurveChoice>
  readonly hash: string | undefined
}

/** The curves that a configuration asks for. What a file of coefficients says must agree with it. */
export function curvesOf(configuration: Configuration, network: Network): Curves {
  const shapes = layerShapes(network).filter((shaped) => weightShape(shaped) !== undefined)
  checkNames(configuration, shapes)
  const file = coefficientsOf(configuration, shapes)
  const choices = shapes.flatMap((shaped): [string, CurveChoice][] => {
    const { name } = shaped.layer
    const asked = choiceOf(configuration, shaped)
    const given = file?.layers.get(name)
    if (given === undefined) return asked === undefined ? [] : [[name, asked]]
    if (asked !== undefined) checkAgreement(name, asked, given)
    const { degree, length, bits } = given
    return [[name, { degree, length, bits, given }]]
  })
  return { choices: new Map(choices), hash: file?.hash }
}

function checkNames({ weights }: Configuration, shapes: readonly LayerShape[]): void {
  const names = shapes.map(({ layer }) => layer.name)
  const unknown = Object.keys(weights.layers).find((name) => !names.includes(name))
  if (unknown === undefined) return
  throw usageError(`there is no layer "${unknown}" with weights.${didYouMean(unknown, names)}`, {
    where: `weights.layers.${unknown}`,
    hint: `Layers with weights: ${names.join(', ')}.`,
  })
}

function coefficientsOf(
  configuration: Configuration,
  shapes: readonly LayerShape[],
): Coefficients | undefined {
  const path = coefficientsPath(configuration)
  if (path === undefined) return undefined
  const layers: LayerTaps = new Map(
    shapes.map((shaped) => {
      const [filters, ...rest] = weightShape(shaped)!
      return [
        shaped.layer.name,
        { filters: filters!, taps: rest.reduce((product, size) => product * size, 1) },
      ]
    }),
  )
  const file = readCoefficients(path, layers)
  checkRecorded(configuration, 'coefficients', () => file.hash)
  return file
}

/**
 * The curve of a layer. A choice for all layers goes to convolutions, and of these to those whose groups have more taps than
 * coefficients; a layer that is named must be able to follow it.
 */
export function choiceOf(
  { weights }: Pick<Configuration, 'weights'>,
  shaped: LayerShape,
): CurveChoice | undefined {
  const { layer } = shaped
  const own = Object.hasOwn(weights.layers, layer.name) ? weights.layers[layer.name] : undefined
  if (own === undefined && layer.kind !== 'conv2d') return undefined
  const curve = own?.curve ?? weights.curve
  if (curve === 'none') return undefined
  if (isRecurrent(layer))
    throw usageError(`layer "${layer.name}" (${layer.kind}) cannot have curves for weights`, {
      where: `weights.layers.${layer.name}`,
      hint: 'Convolutions and dense layers can.',
    })
  const degree = curve === 'linear' ? 1 : 2
  const kernel = layer.kind === 'conv2d' ? layer.kernel : ([1, 1] as const)
  const group = own?.group ?? weights.group
  const area = kernel[0] * kernel[1]
  const length = group === 'row' ? kernel[1] : group === 'kernel' ? area : group * area
  if (length > degree + 1 && length <= longestGroup)
    return { degree, length, bits: own?.bits ?? weights.bits }
  if (own === undefined && length <= degree + 1) return undefined
  const where = own === undefined ? 'weights.group' : `weights.layers.${layer.name}`
  throw usageError(
    length > longestGroup
      ? `layer "${layer.name}": a group of ${length} taps is too long; at most ${longestGroup} share a curve`
      : `layer "${layer.name}": a group of ${length} taps is no longer than the ${degree + 1} coefficients of a ${curve} curve`,
    {
      where,
      hint: `Choose another group (row: ${kernel[1]} taps, kernel: ${area}, n kernels: n * ${area}), or curve: none.`,
    },
  )
}

function checkAgreement(name: string, asked: CurveChoice, given: LayerCoefficients): void {
  const differs = (what: string, a: number | string, b: number | string) => {
    if (a !== b)
      throw usageError(
        `layer "${name}": the file of coefficients has ${what} ${b}, but the configuration asks for ${a}`,
        {
          where: given.where,
          hint: 'Give the file of such coefficients, or leave out weights.curve, group and bits: the file says them.',
        },
      )
  }
  differs('curves of degree', asked.degree, given.degree)
  differs('groups of taps of length', asked.length, given.length)
  differs('coefficients of so many bits:', asked.bits, given.bits)
}
