import { dataError, XgenError } from '../base/errors.ts'
import { readInput } from '../base/files.ts'
import { sha256 } from '../base/hash.ts'
import { readNpz } from '../base/npz.ts'
import { seededRandom } from '../base/random.ts'
import { readSafetensors, writeSafetensors } from '../base/safetensors.ts'
import { checkNames, checkShape, type ExpectedTensors, type NamedTensor } from '../base/tensor.ts'
import type { LayerWeights, Network, Weights } from './network.ts'
import { elements, layerShapes, recurrentShape, weightShape } from './shapes.ts'

/**
 * Reads .safetensors or .npz with the tensors `<layer>.weight` and `<layer>.bias`, of recurrent layers `<layer>.recurrent_weight` and
 * `<layer>.recurrent_bias` too. Names and shapes are checked before values are
 * decoded, so that the network bounds the memory that its weights take.
 */
export function readWeights(path: string, network: Network): Weights {
  const bytes = readInput(path, 'weight file')
  const expected = expectedTensors(network)
  if (/\.safetensors$/i.test(path)) return asWeights(readSafetensors(bytes, path, expected), network, path)
  if (/\.npz$/i.test(path)) return asWeights(readNpz(bytes, path, expected), network, path)
  throw new XgenError('usage', `is no weight file that xgen reads`, {
    where: path,
    hint: 'Use .safetensors or .npz.',
  })
}

/** Every tensor of the network once, of the right shape, and only finite numbers. */
export function checkWeights(tensors: readonly NamedTensor[], network: Network, file: string): Weights {
  const expected = expectedTensors(network)
  checkNames(
    tensors.map(({ name }) => name),
    expected,
    file,
  )
  for (const { name, shape } of tensors) checkShape(name, shape, expected, file)
  return asWeights(tensors, network, file)
}

/** Tensors whose names and shapes are the network's. */
function asWeights(tensors: readonly NamedTensor[], network: Network, file: string): Weights {
  for (const { name, data } of tensors) {
    const bad = data.findIndex((value) => !Number.isFinite(value))
    if (bad >= 0)
      throw dataError(`tensor "${name}" holds ${data[bad]} at element ${bad}`, {
        where: file,
        hint: 'Only finite numbers are possible. Train again?',
      })
  }
  const found = new Map(tensors.map(({ name, data }) => [name, data]))
  return new Map(
    layerShapes(network)
      .filter((shaped) => weightShape(shaped) !== undefined)
      .map((shaped): [string, LayerWeights] => {
        const { name } = shaped.layer
        const own = { weight: found.get(`${name}.weight`)!, bias: found.get(`${name}.bias`)! }
        if (recurrentShape(shaped) === undefined) return [name, own]
        const weight = found.get(`${name}.recurrent_weight`)!
        return [name, { ...own, recurrent: { weight, bias: found.get(`${name}.recurrent_bias`)! } }]
      }),
  )
}

function expectedTensors(network: Network): ExpectedTensors {
  const shapes = new Map<string, readonly number[]>()
  for (const shaped of layerShapes(network)) {
    const shape = weightShape(shaped)
    if (shape === undefined) continue
    shapes.set(`${shaped.layer.name}.weight`, shape)
    shapes.set(`${shaped.layer.name}.bias`, shape.slice(0, 1))
    const recurrent = recurrentShape(shaped)
    if (recurrent === undefined) continue
    shapes.set(`${shaped.layer.name}.recurrent_weight`, recurrent)
    shapes.set(`${shaped.layer.name}.recurrent_bias`, shape.slice(0, 1))
  }
  return {
    owner: `the network "${network.name}"`,
    shapes,
    hint: `The network "${network.name}" needs: ${[...shapes.keys()].join(', ')}.`,
  }
}

/** The weights as a .safetensors file. */
export function serialiseWeights(weights: Weights, network: Network): Uint8Array {
  return writeSafetensors(
    [...expectedTensors(network).shapes].map(([name, shape]) => {
      const dot = name.lastIndexOf('.')
      const [part, recurrent] = name
        .slice(dot + 1)
        .split('_')
        .reverse() as ['weight' | 'bias', string?]
      const own = weights.get(name.slice(0, dot))!
      return { name, shape, data: (recurrent === undefined ? own : own.recurrent!)[part] }
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
    const bias = () => new Float32Array(shape[0]!)
    const state = recurrentShape(shaped)
    if (state === undefined) weights.set(shaped.layer.name, { weight, bias: bias() })
    else {
      // what comes back every step must not grow: rows of length 1
      const row = Math.sqrt(1 / state[1])
      const values = new Float32Array(state[0] * state[1]).map(() => row * random.normal())
      weights.set(shaped.layer.name, { weight, bias: bias(), recurrent: { weight: values, bias: bias() } })
    }
  }
  return weights
}
