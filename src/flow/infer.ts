import { existsSync, realpathSync } from 'node:fs'
import { dataError, usageError } from '../base/errors.ts'
import { readInput, writeFileAtomically } from '../base/files.ts'
import { decodeNpy, encodeNpy, type NpyArray } from '../base/npy.ts'
import { writeZip } from '../base/zip.ts'
import { createEmulator, type Emulator, emptyCodes } from '../emu/emulator.ts'
import { floatNetwork } from '../float/forward.ts'
import { isModelFile } from '../model/files.ts'
import { elements, layerShapes } from '../net/shapes.ts'
import { quantiseReals } from '../quant/input.ts'
import type { QTensor } from '../quant/qgraph.ts'
import { type Codes, codeRange } from '../quant/rules.ts'
import type { Configuration } from './configuration.ts'
import { inferModel } from './model-infer.ts'
import { networkPath } from './named-files.ts'
import { networkOf, prepare, weightsOf } from './preparation.ts'

export interface InferRequest {
  readonly input: string
  /** .npy gets the result; .npz gets every tensor by its name. */
  readonly output: string
  /** Undefined: int, or for a model file what it computes in itself. */
  readonly precision: 'int' | 'float' | undefined
  /** Integer codes in and out instead of real values. */
  readonly codes: boolean
}

export interface InferResult {
  readonly net: string
  readonly precision: 'int' | 'float'
  readonly images: number
  readonly input: string
  readonly output: string
  readonly shape: readonly number[]
}

/** Values of every tensor in order, [image][...]; the last is the result. */
type Tensors = ReadonlyMap<string, NpyArray>

/** Runs the network on the images of a .npy file: [c, h, w] or [n, c, h, w]. The result has the same leading dimension. */
export function infer(configuration: Configuration, request: InferRequest): InferResult {
  const { precision = 'int', codes } = request
  if (!/\.np[yz]$/.test(request.output))
    throw usageError(`--output ${request.output}: results are written as .npy or .npz`, { where: '--output' })
  if (
    existsSync(request.output) &&
    existsSync(request.input) &&
    realpathSync(request.output) === realpathSync(request.input)
  )
    throw usageError(`--output ${request.output} is the input file`, { where: '--output' })
  if (codes && precision === 'float') throw usageError('--codes are integers: they need --precision int')
  if (isModelFile(configuration.net) && configuration.weights.file === undefined) {
    if (Object.values(configuration.multipliers).some((spec) => !/^exact\b/.test(spec)))
      throw usageError('the operators of a model file are evaluated as they are: with exact multipliers', {
        where: '--mult',
        hint: '"xgen eval" takes multipliers for quantised files; other files become networks by "xgen net import".',
      })
    return inferModel(networkPath(configuration), request)
  }
  const network = networkOf(configuration)
  const array = decodeNpy(readInput(request.input, 'input file'), request.input)
  const images = countImages(array, network.input.shape, request.input)
  const batched = array.shape.length === 4
  const tensors =
    precision === 'float'
      ? runFloat(configuration, array, images, request.input)
      : runInteger(configuration, array, images, request)
  const shaped = new Map(
    [...tensors].map(([name, t]) => [name, batched ? t : { ...t, shape: t.shape.slice(1) }]),
  )
  const result = [...shaped.values()].at(-1)!
  if (request.output.endsWith('.npz')) {
    writeFileAtomically(
      request.output,
      writeZip([...shaped].map(([name, t]) => ({ name: `${name}.npy`, contents: encodeNpy(t) }))),
    )
  } else {
    writeFileAtomically(request.output, encodeNpy(result))
  }
  return {
    net: network.name,
    precision,
    images,
    input: request.input,
    output: request.output,
    shape: result.shape,
  }
}

function countImages(array: NpyArray, shape: readonly number[], file: string): number {
  const own = array.shape.length === 4 ? array.shape.slice(1) : array.shape
  if (own.length !== 3 || own.some((n, i) => n !== shape[i])) {
    throw dataError(
      `has the shape [${array.shape.join(', ')}]; expected is [${shape.join(', ')}] or [n, ${shape.join(', ')}]`,
      { where: file },
    )
  }
  const images = array.shape.length === 4 ? array.shape[0]! : 1
  if (images < 1) throw dataError('holds no image', { where: file })
  return images
}

function realValues(array: NpyArray, file: string): Float32Array | Float64Array {
  const { data } = array
  if (!(data instanceof Float32Array || data instanceof Float64Array)) {
    throw dataError(`holds ${array.type} values; expected are float32 in [0, 1]`, {
      where: file,
      hint: 'For integer codes give --codes.',
    })
  }
  const bad = data.findIndex((value) => !Number.isFinite(value))
  if (bad >= 0)
    throw dataError(`holds ${data[bad]} at element ${bad}: only finite numbers are possible`, {
      where: file,
    })
  const outside = data.findIndex((value) => value < -tolerance || value > 1 + tolerance)
  if (outside >= 0)
    throw dataError(`holds ${data[outside]} at element ${outside}: inputs lie in [0, 1]`, {
      where: file,
      hint: 'Divide bytes by 255, or give integer codes with --codes.',
    })
  return data
}

/** Room for values that were computed in float. */
const tolerance = 1e-3

function runFloat(configuration: Configuration, array: NpyArray, images: number, file: string): Tensors {
  const network = networkOf(configuration)
  const float = floatNetwork(network, weightsOf(configuration, network))
  const values = Float32Array.from(realValues(array, file))
  const size = values.length / images
  const tensors = new Map(
    layerShapes(network).map(({ layer, output }): [string, NpyArray] => [
      layer.name,
      { type: 'f4', shape: [images, ...output], data: new Float32Array(images * elements(output)) },
    ]),
  )
  for (let i = 0; i < images; i++) {
    float.trace(values.subarray(i * size, (i + 1) * size), (layer, result) =>
      (tensors.get(layer)!.data as Float32Array).set(result, i * result.length),
    )
  }
  return tensors
}

function runInteger(
  configuration: Configuration,
  array: NpyArray,
  images: number,
  { input, codes }: InferRequest,
): Tensors {
  const { network, graph, assignment } = prepare(configuration)
  const sequences = new Set(
    layerShapes(network).flatMap(({ layer, output }) => (output.length === 2 ? [layer.name] : [])),
  )
  const emulator: Emulator = createEmulator(graph, assignment)
  const tensor = graph.tensors[graph.input]!
  const trace = emulator.runBatch(
    codes
      ? checkedCodes(array, tensor, images, input)
      : quantiseReals(tensor, realValues(array, input), emptyCodes(tensor, images)),
    images,
  )
  return new Map(
    [...trace].map(([id, values]): [string, NpyArray] => {
      const { shape, scale, signed } = graph.tensors[id]!
      const own = sequences.has(id) ? shape.slice(0, 2) : shape
      const flat = shape[1] === 1 && shape[2] === 1 ? [images, shape[0]] : [images, ...own]
      if (codes) return [id, { type: signed ? 'i1' : 'u1', shape: flat, data: values }]
      return [id, { type: 'f4', shape: flat, data: Float32Array.from(values, (code) => code * scale) }]
    }),
  )
}

function checkedCodes(array: NpyArray, tensor: QTensor, images: number, file: string): Codes {
  const [low, high] = codeRange(tensor.bits, tensor.signed)
  const codes = emptyCodes(tensor, images)
  for (let i = 0; i < codes.length; i++) {
    const code = Number(array.data[i])
    if (!Number.isInteger(code) || code < low || code > high) {
      throw dataError(`holds ${code} at element ${i}: codes are whole numbers from ${low} to ${high}`, {
        where: file,
      })
    }
    codes[i] = code
  }
  return codes
}
