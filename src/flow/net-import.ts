import { existsSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { Document, isScalar, visit } from 'yaml'
import { usageError } from '../base/errors.ts'
import { checkWritable, writeFileAtomically } from '../base/files.ts'
import type { Progress } from '../base/progress.ts'
import { isModelFile } from '../model/files.ts'
import { dataSet } from '../net/data/catalogue.ts'
import { type LoadOptions, openSplit } from '../net/data/load.ts'
import { realImageAt } from '../net/data/store.ts'
import type { Network } from '../net/network.ts'
import { outputShape } from '../net/shapes.ts'
import { hashWeights, serialiseWeights } from '../net/weights.ts'
import { recordPath, serialiseRecord } from '../quant/record.ts'
import { findRanges } from './calibration.ts'
import { checkFit } from './fit.ts'
import { importedNetwork } from './imported.ts'
import type { InputRange } from './model-accuracy.ts'

export interface ImportRequest {
  readonly file: string
  /** The directory to write to. */
  readonly out: string
  /** What bytes 0 and 255 of an image are for the model; 0 and 1 where undefined. */
  readonly inputRange: InputRange | undefined
  /** The data set whose training images the ranges are found on; without it there are none. */
  readonly data: string | undefined
  /** How many of them. */
  readonly images: number
  /** Replace the files of another network, or of other weights. */
  readonly force?: boolean
}

export interface ImportResult {
  readonly net: string
  readonly layers: number
  readonly input: readonly number[]
  readonly output: readonly number[]
  /** The files written; `record` has the ranges. */
  readonly network: string
  readonly weights: string
  readonly record: string | null
  /** The softmax at the model's end, which is left to the host; null where there is none. */
  readonly leftOut: string | null
}

/** Writes a model file as a network file and its weights; with a data set, their ranges too, which integers and hardware need. */
export async function importNetwork(
  request: ImportRequest,
  progress: Progress,
  signal: AbortSignal,
): Promise<ImportResult> {
  if (!isModelFile(request.file))
    throw usageError(`${request.file} is no model file`, {
      where: 'net',
      hint: 'Model files are named .onnx or .tflite.',
    })
  const { network: whole, weights } = importedNetwork(request.file, request.inputRange)
  const { network, leftOut } = withoutSoftmax(whole)
  const paths = {
    network: join(request.out, `${network.name}.yaml`),
    weights: join(request.out, `${network.name}.safetensors`),
  }
  const [text, values] = [networkText(network), serialiseWeights(weights, network)]
  if (request.force !== true) {
    checkSame(paths.network, Buffer.from(text), 'another network')
    checkSame(paths.weights, values, 'other weights')
  }
  const { data } = request
  const ranges = data === undefined ? undefined : await rangesOn(network, data)
  writeFileAtomically(paths.network, text)
  writeFileAtomically(paths.weights, values)
  const record = ranges === undefined ? null : recordPath(paths.weights)
  if (ranges !== undefined)
    writeFileAtomically(
      record!,
      serialiseRecord({
        network: network.name,
        weights: hashWeights(weights, network),
        calibration: { data: data!, images: ranges.images },
        ranges: Object.fromEntries(ranges.found),
      }),
    )
  return {
    net: network.name,
    layers: network.layers.length,
    input: network.input.shape,
    output: outputShape(network),
    ...paths,
    record,
    leftOut,
  }

  async function rangesOn(of: Network, name: string) {
    const set = dataSet(name)
    checkFit(of, set)
    const options: LoadOptions = { shape: of.input.shape }
    progress.step(`reading ${set.name}`)
    const train = openSplit(set, 'train', options)
    const images = train.read(0, Math.min(request.images, train.count))
    progress.done()
    checkWritable(paths.network)
    const real = Array.from({ length: images.count }, (_, i) => realImageAt(images, i))
    const found = await findRanges(of, weights, real, request.file, progress, signal)
    return { found, images: images.count }
  }
}

/** A softmax at the end keeps the order of the classes and is nothing that hardware has: a network is as good without it. */
function withoutSoftmax(network: Network): { readonly network: Network; readonly leftOut: string | null } {
  const last = network.layers.at(-1)!
  if (last.kind !== 'softmax' || network.layers.length === 1) return { network, leftOut: null }
  const before = network.layers.at(-2)!.name
  // it may read another layer than the one before it
  if (last.inputs !== undefined && last.inputs[0] !== before) return { network, leftOut: null }
  return { network: { ...network, layers: network.layers.slice(0, -1) }, leftOut: last.name }
}

/** Refuses to write over a file that holds something else. */
function checkSame(path: string, contents: Uint8Array, what: string): void {
  if (!existsSync(path) || statSync(path).isDirectory() || readFileSync(path).equals(contents)) return
  throw usageError(`${path} is there already, and holds ${what}`, {
    where: '--out',
    hint: 'Name another directory with --out, or replace the file with --force.',
  })
}

/** A network as a file of layers. */
export function networkText({ name, input, layers }: Network): string {
  const described = layers.map(({ name, kind, ...rest }) => ({ name, kind, ...rest }))
  const document = new Document({ name, input, layers: described })
  // short lists, such as a kernel, stand on one line
  visit(document, {
    Seq: (_, node) => {
      node.flow = node.items.every(isScalar)
    },
  })
  return document.toString({ lineWidth: 0 })
}
