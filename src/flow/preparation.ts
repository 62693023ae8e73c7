import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Assignment } from '../approx/assignment.ts'
import { buildAssignment } from '../approx/build.ts'
import { dataError, usageError } from '../base/errors.ts'
import { packageRoot } from '../base/files.ts'
import { hashOf } from '../base/hash.ts'
import { seededRandom } from '../base/random.ts'
import { emptyCodes } from '../emu/emulator.ts'
import { isModelFile } from '../model/files.ts'
import { dataSets, type IdxSet, type RecordSet } from '../net/data/catalogue.ts'
import { loadSplit } from '../net/data/load.ts'
import { bytesAt, isPresent } from '../net/data/store.ts'
import { syntheticDigits } from '../net/data/synthetic.ts'
import type { Network, Weights } from '../net/network.ts'
import { elements } from '../net/shapes.ts'
import { hashWeights, readWeights } from '../net/weights.ts'
import { zooEntry } from '../net/zoo.ts'
import { quantiseBytes } from '../quant/input.ts'
import type { QGraph } from '../quant/qgraph.ts'
import { quantise } from '../quant/quantise.ts'
import type { Ranges } from '../quant/ranges.ts'
import { calibratedOn, rangesOf, readRecord } from '../quant/record.ts'
import type { Codes } from '../quant/rules.ts'
import { type Configuration, entriesOf, multiplierHashesOf, quantOptionsOf } from './configuration.ts'
import { curvesOf } from './curves.ts'
import { fits, hasShape } from './fit.ts'
import { anyNetwork, importedNetwork } from './imported.ts'
import {
  checkRecorded,
  hasSeededWeights,
  networkPath,
  seededName,
  weightsBeside,
  weightsPath,
} from './named-files.ts'
import { seededRanges, seededWeights } from './seeded.ts'

/** A network ready for emulator and hardware. Needs no data set, so its bytes do not depend on one. */
export interface Prepared {
  readonly network: Network
  readonly weights: Weights
  /** SHA-256 of the float weights' values, and of the network's description. */
  readonly weightsHash: string
  readonly networkHash: string
  /** SHA-256 of the file of coefficients, where there is one. */
  readonly coefficientsHash?: string
  /** The same of the files that multipliers name, by name, where there are such. */
  readonly multiplierHashes?: Readonly<Record<string, string>>
  readonly ranges: Ranges
  /** The data set that the ranges were found on; absent where none is named. */
  readonly data?: string
  readonly graph: QGraph
  readonly assignment: Assignment
}

/** Network, weights and ranges as files give them, quantised, with the multiplier of every product. */
export function prepare(configuration: Configuration): Prepared {
  const network = networkOf(configuration)
  const weights = weightsOf(configuration, network)
  const weightsHash = hashWeights(weights, network)
  const record = hasSeededWeights(configuration)
    ? undefined
    : readRecord(weightFile(configuration, network), weightsHash)
  const ranges = record === undefined ? seededRanges(network, weights) : rangesOf(record)
  const curves = curvesOf(configuration, network)
  const multiplierHashes = multiplierHashesOf(configuration)
  const graph = quantise(network, weights, ranges, quantOptionsOf(configuration), curves.choices)
  return {
    network,
    weights,
    weightsHash,
    networkHash: hashOf(network),
    ...(curves.hash === undefined ? {} : { coefficientsHash: curves.hash }),
    ...(Object.keys(multiplierHashes).length === 0 ? {} : { multiplierHashes }),
    ranges,
    ...(record === undefined ? {} : { data: record.calibration.data }),
    graph,
    assignment: buildAssignment(graph, entriesOf(configuration)),
  }
}

/** The network of a configuration, built in or from its file. */
export function networkOf(configuration: Configuration): Network {
  const network = anyNetwork(networkPath(configuration))
  checkRecorded(configuration, 'network', () => hashOf(network))
  return network
}

/** The weights of a configuration. */
export function weightsOf(configuration: Configuration, network: Network): Weights {
  const weights = hasSeededWeights(configuration)
    ? seededWeights(network)
    : hasOwnWeights(configuration)
      ? importedNetwork(networkPath(configuration)).weights
      : readWeights(weightFile(configuration, network), network)
  checkRecorded(configuration, 'weights', () => hashWeights(weights, network))
  return weights
}

/** Whether the weights come from the model file that the network comes from. */
const hasOwnWeights = (configuration: Configuration) =>
  isModelFile(configuration.net) && configuration.weights.file === undefined

/** The weight file of a configuration: the one it names, or the built-in one of a built-in network. */
export function weightFile(configuration: Configuration, network: Network): string {
  const file = weightsPath(configuration) ?? weightsBeside(configuration)
  if (file !== undefined) return file
  if (hasOwnWeights(configuration))
    throw dataError('a model file holds no ranges of its activations, which integers and hardware need', {
      where: configuration.net,
      hint: `Find them on a data set: "xgen net import ${networkPath(configuration)} --data SET --out DIR", then give --weights DIR/${network.name}.safetensors. For hardware alone, "--weights ${seededName}" makes random weights.`,
    })
  const builtIn = join(packageRoot, 'nets', `${network.name}.safetensors`)
  if (zooEntry(configuration.net) !== undefined && existsSync(builtIn)) return builtIn
  const fitting = dataSets.find((set) => set.kind !== 'clips' && fits(network, set))
  const train =
    fitting === undefined
      ? ' (.safetensors or .npz, with its ranges in a .json file beside it)'
      : `, or train: "xgen train --net ${networkPath(configuration)} --data ${fitting.name}"`
  throw dataError(`there are no trained weights for the network "${network.name}"`, {
    hint: `Name a weight file with --weights${train}. For hardware alone, "--weights ${seededName}" makes random ones.`,
  })
}

/**
 * The data set that a network is evaluated on where nobody names one: that which its weights were calibrated on, where a file of weights
 * is named or stands beside it, else that of a built-in network. Undefined where there is none that xgen knows.
 */
export function ownDataSet(configuration: Configuration): string | undefined {
  const file = weightsPath(configuration) ?? weightsBeside(configuration)
  const named = file === undefined ? zooEntry(configuration.net)?.data : calibratedOn(file)
  return dataSets.find(({ name }) => name === named)?.name
}

/** The data set to evaluate on. Where none is named and none known, what is wrong with the weights, which would tell it, comes first. */
export function evaluatedSet(
  configuration: Configuration,
  named: string | undefined,
  precision: 'int' | 'float',
): string {
  const name = named ?? ownDataSet(configuration)
  if (name !== undefined) return name
  if (precision === 'float') weightsOf(configuration, networkOf(configuration))
  else if (!hasOwnWeights(configuration)) prepare(configuration)
  throw usageError('name the data set to evaluate on', {
    where: '--data',
    hint: '"xgen data list" lists them.',
  })
}

/** Images for a comparison, a byte a pixel: real = byte / 255. */
export interface TestImages {
  readonly images: readonly Uint8Array[]
  readonly labels: readonly number[]
  /** `mnist test set`, or `synthetic digits` where no data is there or none fits. */
  readonly source: string
}

/** `count` images of the network's data set (`data`, or another that fits), drawn without repetition by seed. */
export function testImages(network: Network, count: number, seed: number, data?: string): TestImages {
  const set = imagesFor(network, data ?? zooEntry(network.name)?.data)
  const pool = set === undefined ? syntheticDigits(network.input.shape, count, seed) : loadSplit(set, 'test')
  const order =
    set === undefined
      ? Uint32Array.from({ length: count }, (_, i) => i)
      : seededRandom(seed).permutation(pool.count)
  const chosen = Array.from({ length: count }, (_, i) => order[i % order.length]!)
  return {
    images: chosen.map((index) => bytesAt(pool, index)),
    labels: chosen.map((index) => pool.labels[index]!),
    source: set === undefined ? 'synthetic digits' : `${set.name} test set`,
  }
}

/** The named set where its images are there and of the network's shape, else the first whose images and classes are the network's. */
function imagesFor(network: Network, data: string | undefined): IdxSet | RecordSet | undefined {
  // only bytes are sent to hardware as they are
  const usable = dataSets.filter(
    (set): set is IdxSet | RecordSet => (set.kind === 'idx' || set.kind === 'records') && isPresent(set),
  )
  return (
    usable.find((set) => set.name === data && hasShape(network.input.shape, set)) ??
    usable.find((set) => fits(network, set))
  )
}

/** An image's codes, [c, h, w]: see `quantiseBytes`. */
export function quantiseInput(graph: QGraph, image: Uint8Array): Codes {
  const tensor = graph.tensors[graph.input]!
  if (image.length !== elements(tensor.shape)) {
    throw dataError(
      `an image has ${image.length} values; the network "${graph.name}" takes ${tensor.shape.join('x')} = ${elements(tensor.shape)}`,
    )
  }
  return quantiseBytes(tensor, image, emptyCodes(tensor))
}
