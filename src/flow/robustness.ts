import { join } from 'node:path'
import { usageError, XgenError } from '../base/errors.ts'
import { readInput } from '../base/files.ts'
import { hashOf, sha256 } from '../base/hash.ts'
import type { Progress } from '../base/progress.ts'
import { version } from '../base/version.ts'
import { checkMarkedDirectory } from '../emit/run-directory.ts'
import type { Emulator } from '../emu/emulator.ts'
import { isModelFile } from '../model/files.ts'
import type { Model } from '../model/model.ts'
import { readModel } from '../model/read.ts'
import { dataSet, type SplitName } from '../net/data/catalogue.ts'
import { type ImageSource, openSplit } from '../net/data/load.ts'
import { type Configuration, entriesOf, multiplierHashesOf } from './configuration.ts'
import { type Emulation, modelEmulation, networkEmulation } from './emulation.ts'
import { inParts, refuseInputRange } from './eval.ts'
import { checkFit, checkShape } from './fit.ts'
import { exactEmulator, type LayerError, layerErrors } from './layer-errors.ts'
import type { InputRange } from './model-accuracy.ts'
import { type EmulatedModel, emulatedModel, storageOf } from './model-emulation.ts'
import { hasSeededWeights, networkPath } from './named-files.ts'
import { evaluatedSet, prepare } from './preparation.ts'
import { logName, openLog, type StudyIdentity } from './robustness-log.ts'

/** How accuracy depends on the bits of weights and activations and on the multipliers: every combination is measured. */
export interface RobustnessRequest {
  readonly data: string | undefined
  readonly split: SplitName
  /** The first so many images; all where undefined. */
  readonly images: number | undefined
  /** Bits, each from 2 to 8; undefined: those of the configuration. */
  readonly weights: readonly number[] | undefined
  readonly activations: readonly number[] | undefined
  /** Entries `[WHERE=]SPEC`, several of which may make one choice; none is exact. Undefined: the multipliers of the configuration. */
  readonly multipliers: readonly (readonly string[])[] | undefined
  /** Images that the errors of layers are measured on. */
  readonly layerImages: number
  readonly directory: string
  /** What bytes 0 and 255 of an image are for a model file that takes real values; 0 and 1 where undefined. */
  readonly inputRange?: InputRange | undefined
  /** Begin anew where the directory holds something else, or the study of something else. */
  readonly force?: boolean
}

/** The configuration with other bits (`a.b=c`) and multipliers; undefined: its own. */
export type Variant = (set: readonly string[], mult: readonly string[] | undefined) => Configuration

export interface Point {
  readonly weights: number
  readonly activations: number
  /** As on the command line, `; ` between several entries; `exact` where there are none. */
  readonly multipliers: string
  /** SHA-256 of the files that the multipliers name, where there are such. */
  readonly files?: Readonly<Record<string, string>>
}

export interface MeasuredPoint extends Point {
  readonly images: number
  readonly top1: number
  readonly top5: number
  readonly interval: readonly [low: number, high: number]
  /** Codes of each layer minus those of the run with exact multipliers of the same bits. */
  readonly layers: readonly LayerError[]
}

/** Where a multiplier does not exist for such operands, or a layer for such bits. */
export interface RefusedPoint extends Point {
  readonly refused: string
}

export type StudiedPoint = MeasuredPoint | RefusedPoint

export interface RobustnessStudy {
  readonly net: string
  readonly data: string
  readonly split: SplitName
  readonly images: number
  readonly layerImages: number
  readonly weights: readonly number[]
  readonly activations: readonly number[]
  readonly multipliers: readonly string[]
  readonly points: readonly StudiedPoint[]
}

/** Measures what the log in `directory` does not have yet, point by point. Interrupted, the same request goes on. */
export async function studyRobustness(
  variant: Variant,
  request: RobustnessRequest,
  progress: Progress,
  signal: AbortSignal,
): Promise<RobustnessStudy> {
  const { force = false } = request
  checkMarkedDirectory(request.directory, logName, 'study', force)
  const files: Files = { read: modelReader(), inputRange: request.inputRange }
  const own = variant([], undefined)
  const grid = gridOf(own, request)
  const { source, name, identity, net } = subjectOf(own, request, files)
  const images = Math.min(source.count, request.images ?? source.count)
  const layerImages = Math.min(images, request.layerImages)
  const choices = grid.multipliers.map((entries) => nameOf(entries ?? entriesOfConfiguration(own)))
  checkChoices(variant, grid, files)
  const studied = {
    version,
    net,
    ...identity,
    data: name,
    pictures: source.fingerprint(),
    split: request.split,
    images,
    layerImages,
  }
  const log = openLog(join(request.directory, logName), studied, force)
  const todo = grid.weights.flatMap((weights) =>
    grid.activations.flatMap((activations) =>
      grid.multipliers.map((entries, i) => {
        const configuration = variant(grid.settings(weights, activations), entries)
        const hashes = multiplierHashesOf(configuration)
        const named = Object.keys(hashes).length === 0 ? {} : { files: hashes }
        return { configuration, point: { weights, activations, multipliers: choices[i]!, ...named } }
      }),
    ),
  )
  const exact = exactEmulators()
  const points: StudiedPoint[] = []
  for (const [index, { configuration, point }] of todo.entries()) {
    const label = `${index + 1} of ${todo.length}: weights ${point.weights}, activations ${point.activations}, ${point.multipliers}`
    const known = log.find(point)
    if (known !== undefined) {
      points.push(known)
      continue
    }
    progress.step(label, images)
    const measured = await refusable(point, async () => {
      const { emulator, run, codes } = emulationOf(configuration, files)
      const accuracy = await inParts(run, source, images, signal, (done) => progress.update(done))
      const layers = layerErrors(emulator, exact(point, emulator), source.read(0, layerImages), codes)
      const { top1, top5, interval } = accuracy
      return { ...point, images, top1, top5, interval, layers }
    })
    log.add(measured)
    points.push(measured)
    progress.done('refused' in measured ? measured.refused : `${(100 * measured.top1).toFixed(2)} %`)
  }
  return {
    net,
    data: name,
    split: request.split,
    images,
    layerImages,
    weights: grid.weights,
    activations: grid.activations,
    multipliers: choices,
    points,
  }
}

const nameOf = (entries: readonly string[]): string => (entries.length === 0 ? 'exact' : entries.join('; '))

const entriesOfConfiguration = ({ multipliers }: Configuration): readonly string[] =>
  Object.entries(multipliers).map(([selector, spec]) =>
    selector === 'default' ? spec : `${selector}=${spec}`,
  )

type Grid = ReturnType<typeof gridOf>

/** A choice that cannot be built at the widest operands is a mistake, not a result. */
function checkChoices(
  variant: Variant,
  { weights, activations, multipliers, settings }: Grid,
  files: Files,
): void {
  for (const entries of multipliers)
    emulationOf(variant(settings(Math.max(...weights), Math.max(...activations)), entries), files)
}

interface Subject {
  readonly source: ImageSource
  readonly net: string
  /** Name of the data set. */
  readonly name: string
  /** Hashes of what the network computes. */
  readonly identity: StudyIdentity
}

function subjectOf(configuration: Configuration, { data, split }: RobustnessRequest, files: Files): Subject {
  if (hasSeededWeights(configuration))
    throw usageError('seeded weights are untrained: they have no accuracy to measure', { where: '--weights' })
  const set = dataSet(evaluatedSet(configuration, data, 'int'))
  if (isModelAsItIs(configuration)) {
    const file = networkPath(configuration)
    const { shape, taken } = modelOf(configuration, files)
    const model = files.read(file)
    checkShape(model.name, shape, set)
    const { unsigned } = storageOf(configuration)
    const identity = { model: hashOfModel(file, model), unsigned: String(unsigned), taken }
    return { source: openSplit(set, split, { shape }), net: model.name, name: set.name, identity }
  }
  refuseInputRange(files.inputRange)
  const { network, networkHash, weightsHash, coefficientsHash = '', ranges } = prepare(configuration)
  checkFit(network, set)
  return {
    source: openSplit(set, split, { shape: network.input.shape }),
    net: network.name,
    name: set.name,
    identity: {
      network: networkHash,
      weights: weightsHash,
      ranges: hashOf(Object.fromEntries(ranges)),
      settings: hashOf([settingsOf(configuration), coefficientsHash]),
    },
  }
}

/** Of the file and its constants, which may stand in other files. */
function hashOfModel(file: string, { constants }: Model): string {
  const tensors = [...constants].map(([name, { data }]) => [
    name,
    sha256(new Uint8Array(data.buffer, data.byteOffset, data.byteLength)),
  ])
  return hashOf([sha256(readInput(file, 'model file')), tensors])
}

/** What the integers of a network depend on, but for its bits and files. */
function settingsOf({ quant, weights }: Configuration) {
  const { weights: _weights, activations: _activations, ...others } = quant
  const { file: _file, coefficients: _coefficients, ...curves } = weights
  return { ...others, ...curves }
}

const isModelAsItIs = ({ net, weights }: Configuration): boolean =>
  isModelFile(net) && weights.file === undefined

/** Reads a model file the first time that it is asked for: all points of a study are of what stood there then. */
type ModelReader = (path: string) => Model

/** How model files are read, and what bytes 0 and 255 of an image are for those that take real values. */
interface Files {
  readonly read: ModelReader
  readonly inputRange: InputRange | undefined
}

function modelReader(): ModelReader {
  const known = new Map<string, Model>()
  return (path) => {
    const model = known.get(path) ?? readModel(path)
    known.set(path, model)
    return model
  }
}

/** A model file on the emulator, with the multipliers of the configuration. */
function modelOf(configuration: Configuration, { read, inputRange }: Files): EmulatedModel {
  const model = read(networkPath(configuration))
  const emulated = emulatedModel(model, entriesOf(configuration), {
    ...storageOf(configuration),
    inputRange,
  })
  if (emulated !== undefined) return emulated
  throw usageError('the model has no integer graph to study', {
    where: '--net',
    hint: 'Import it first: "xgen net import FILE --data SET --out DIR". Quantised files are taken as they are.',
  })
}

/** What measures one point. */
const emulationOf = (configuration: Configuration, { read, inputRange }: Files): Emulation =>
  isModelAsItIs(configuration)
    ? modelEmulation(modelOf(configuration, { read, inputRange }))
    : networkEmulation(configuration)

function gridOf(configuration: Configuration, request: RobustnessRequest) {
  const { quant, multipliers: own } = configuration
  const { weights, activations, multipliers } = request
  if (multipliers !== undefined && Object.keys(own).length > 0)
    throw usageError(
      `multipliers are swept, and the configuration has others: ${Object.keys(own).join(', ')}`,
      {
        where: '--sweep mult',
        hint: 'Leave --mult and the multipliers of the configuration file away.',
      },
    )
  const choices = multipliers ?? [undefined]
  if (isModelAsItIs(configuration)) {
    if ((weights ?? activations) !== undefined)
      throw usageError('a model file has its own bits: only multipliers can be swept', {
        where: '--sweep',
        hint: 'Import it first: "xgen net import FILE --data SET --out DIR".',
      })
    return { weights: [8], activations: [8], multipliers: choices, settings: () => [] }
  }
  if (activations === undefined && typeof quant.activations !== 'number')
    throw usageError(`activations are ${quant.activations}: a sweep has signed ones`, {
      where: 'quant.activations',
      hint: 'Give a number of bits, or --sweep activations=8.',
    })
  return {
    weights: weights ?? [quant.weights],
    activations: activations ?? [Number(quant.activations)],
    multipliers: choices,
    /** What makes the configuration have so many bits. */
    settings: (w: number, a: number): readonly string[] => [`quant.weights=${w}`, `quant.activations=${a}`],
  }
}

/** What cannot be built is a result too: the study goes on. */
async function refusable(point: Point, run: () => Promise<MeasuredPoint>): Promise<StudiedPoint> {
  try {
    return await run()
  } catch (error) {
    if (!(error instanceof XgenError) || error.kind !== 'usage') throw error
    return { ...point, refused: error.message }
  }
}

/** The emulator with exact multipliers of the same bits; the last one is kept, since all multipliers of a pair of bits come one after another. */
function exactEmulators(): (point: Point, of: Emulator) => Emulator {
  let last: { readonly bits: string; readonly emulator: Emulator } | undefined
  return ({ weights, activations }, emulator) => {
    const key = `${weights} ${activations}`
    if (last?.bits !== key) last = { bits: key, emulator: exactEmulator(emulator) }
    return last.emulator
  }
}
