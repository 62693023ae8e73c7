import { dataError, XgenError } from '../base/errors.ts'
import { readInput } from '../base/files.ts'
import { sha256 } from '../base/hash.ts'
import { readNpz } from '../base/npz.ts'
import { seededRandom } from '../base/random.ts'
import { readSafetensors, writeSafetensors } from '../base/safetensors.ts'
import { didYouMean } from '../base/suggest.ts'
import type { NamedTensor } from '../base/tensor.ts'
import type { LayerWeights, Network, Weights } from './network.ts'
import { elements, layerShapes, weightShape } from './shapes.ts'

/** Reads .safetensors or .npz with the tensors `<layer>.weight` and `<layer>.bias`. */
export function readWeights(path: string, network: Network): Weights {
  const bytes = readInput(path, 'weight file')
  if (/\.safetensors$/i.test(path)) return checkWeights(readSafetensors(bytes, path), network, path)
  if (/\.npz$/i.test(path)) return checkWeights(readNpz(bytes, path), network, path)
  throw new XgenError('usage', `is no weight file that xgen reads`, {
    where: path,
    hint: 'Use .safetensors or .npz.',
  })
}

/** Every tensor of the network once, of the right shape, and only finite numbers. */
export function checkWeights(tensors: readonly NamedTensor[], network: Network, file: string): Weights {
  const found = new Map(tensors.map((tensor) => [tensor.name, tensor]))
  const expected = expectedTensors(network)
  const take = (name: string, shape: readonly number[]): Float32Array => {
    const tensor = found.get(name)
    if (tensor === undefined) {
      throw dataError(
        `has no tensor "${name}" of shape [${shape.join(', ')}].${didYouMean(name, [...found.keys()])}`,
        {
          where: file,
          hint: `The network "${network.name}" needs: ${expected.map((e) => e.name).join(', ')}.`,
        },
      )
    }
    if (tensor.shape.length !== shape.length || tensor.shape.some((n, i) => n !== shape[i])) {
      throw dataError(
        `tensor "${name}" has the shape [${tensor.shape.join(', ')}]; expected is [${shape.join(', ')}]`,
        { where: file },
      )
    }
    const bad = tensor.data.findIndex((value) => !Number.isFinite(value))
    if (bad >= 0)
      throw dataError(`tensor "${name}" holds ${tensor.data[bad]} at element ${bad}`, {
        where: file,
        hint: 'Only finite numbers are possible. Train again?',
      })
    return tensor.data
  }
  const weights = new Map<string, LayerWeights>()
  for (const shaped of layerShapes(network)) {
    const shape = weightShape(shaped)
    if (shape === undefined) continue
    const { name } = shaped.layer
    weights.set(name, {
      weight: take(`${name}.weight`, shape),
      bias: take(`${name}.bias`, shape.slice(0, 1)),
    })
  }
  const known = new Set(expected.map((e) => e.name))
  const extra = tensors.find(({ name }) => !known.has(name))
  if (extra !== undefined) {
    throw dataError(
      `holds a tensor "${extra.name}" that the network "${network.name}" has no place for.${didYouMean(extra.name, [...known])}`,
      { where: file },
    )
  }
  return weights
}

function expectedTensors(network: Network): { name: string; shape: readonly number[] }[] {
  return layerShapes(network).flatMap((shaped) => {
    const shape = weightShape(shaped)
    const { name } = shaped.layer
    return shape === undefined
      ? []
      : [
          { name: `${name}.weight`, shape },
          { name: `${name}.bias`, shape: shape.slice(0, 1) },
        ]
  })
}

/** The weights as a .safetensors file. */
export function serialiseWeights(weights: Weights, network: Network): Uint8Array {
  return writeSafetensors(
    expectedTensors(network).map(({ name, shape }) => {
      const [layer, part] = name.split('.') as [string, 'weight' | 'bias']
      return { name, shape, data: weights.get(layer)![part] }
    }),
  )
}

/** SHA-256 of the weights' values, whatever file they came from. */
export function hashWeights(weights: Weights, network: Network): string {
  return sha256(serialiseWeights(weights, network))
}

/** He initialisation: normal with variance 2 / fan-in, biases 0. What training starts from. */
export function initialWeights(network: Network, seed: number): Weights {
  const random = seededRandom(seed)
  const weights = new Map<string, LayerWeights>()
  for (const shaped of layerShapes(network)) {
    const shape = weightShape(shaped)
    if (shape === undefined) continue
    const fanIn = shape.slice(1).reduce((a, b) => a * b, 1)
    const deviation = Math.sqrt(2 / fanIn)
    const weight = new Float32Array(elements([shape[0]!]) * fanIn).map(() => deviation * random.normal())
    weights.set(shaped.layer.name, { weight, bias: new Float32Array(shape[0]!) })
  }
  return weights
}
