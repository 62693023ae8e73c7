import { dataError } from '../../base/errors.ts'
import { hashOf, sha256 } from '../../base/hash.ts'
import {
  type ClipSet,
  classCount,
  type DataFile,
  type DataSet,
  type DataSplit,
  type IdxSet,
  type ImageShape,
  type RecordSet,
  recordBytes,
  type SplitName,
} from './catalogue.ts'
import { openFolders } from './folders.ts'
import { parseIdx } from './idx.ts'
import { loadRecordings } from './recordings.ts'
import { dataDirectory, filePath, type ImageSet, readDataFile, slice } from './store.ts'

/** Images that are read part by part, so that a set may be larger than memory. */
export interface ImageSource {
  readonly shape: ImageShape
  readonly count: number
  /** In the order of the labels. */
  readonly classes: readonly string[]
  /** Images from..until-1. */
  read(from: number, until: number): ImageSet
  /** Where images are made of picture files, for those who make them in other threads: `readPictures` of the files, put together. */
  readonly pictures?: {
    files(from: number, until: number): readonly string[]
    assemble(images: Uint8Array, from: number, until: number): ImageSet
  }
  /** SHA-256 of images and labels; of pictures that are read in parts, of their names and sizes. */
  fingerprint(): string
}

export interface LoadOptions {
  readonly directory?: string
  /** What pictures are scaled to where the set has no shape of its own. */
  readonly shape?: ImageShape
}

/** Above this a split is read in parts, or not at all. */
const mostBytesAtOnce = 2 ** 31

/** A split of a data set, whole. `train` is what is left without the validation images. */
export function loadSplit(set: DataSet, split: SplitName, options: LoadOptions = {}): ImageSet {
  const source = openSplit(set, split, options)
  const bytes = source.count * source.shape.reduce((a, b) => a * b, 1)
  if (bytes > mostBytesAtOnce)
    throw dataError(`the ${split} images of ${set.name} take ${bytes} bytes: too many to be kept at once`, {
      where: '--data',
      hint: 'Take a smaller data set, or a network for smaller images.',
    })
  return source.read(0, source.count)
}

/** The same, for reading in parts. */
export function openSplit(
  set: DataSet,
  split: SplitName,
  { directory = dataDirectory(), shape }: LoadOptions = {},
): ImageSource {
  switch (set.kind) {
    case 'idx':
      return inMemory(set, idxSplit(set, split, directory))
    case 'records':
      return inMemory(set, recordSplit(set, split, directory))
    case 'clips':
      return inMemory(set, clips(set, split, directory))
    case 'recordings':
      return inMemory(set, loadRecordings(set, split, directory))
    case 'folders':
      return openFolders(set, split, directory, shape)
  }
}

function inMemory(set: DataSet, images: ImageSet): ImageSource {
  const { classes } = set
  return {
    shape: images.shape,
    count: images.count,
    classes: typeof classes === 'number' ? Array.from({ length: classes }, (_, i) => `${i}`) : classes,
    read: (from, until) => slice(images, from, until),
    fingerprint: () => hashOf([bytesOf(images.images), bytesOf(images.labels)].map(sha256)),
  }
}

const bytesOf = ({ buffer, byteOffset, byteLength }: ArrayBufferView) =>
  new Uint8Array(buffer, byteOffset, byteLength)

/** The part of a training set that a split is; the test set is one of its own. */
function partOf(whole: ImageSet, split: SplitName, validation: number): ImageSet {
  if (split === 'test') return whole
  const boundary = whole.count - validation
  return split === 'train' ? slice(whole, 0, boundary) : slice(whole, boundary, whole.count)
}

function idxSplit(set: IdxSet, split: SplitName, directory: string): ImageSet {
  return partOf(idxFiles(set, split === 'test' ? set.test : set.train, directory), split, set.validation)
}

function idxFiles(set: IdxSet, files: DataSplit, directory: string): ImageSet {
  const read = (file: DataFile) =>
    parseIdx(readDataFile(set, file, directory), filePath(set, file, directory))
  return {
    shape: set.shape,
    count: files.count,
    images: read(files.images).data,
    labels: read(files.labels).data,
  }
}

function recordSplit(set: RecordSet, split: SplitName, directory: string): ImageSet {
  const files = split === 'test' ? set.test : set.train
  const size = set.shape[0] * set.shape[1] * set.shape[2]
  const record = recordBytes(set)
  const count = files.reduce((sum, { bytes }) => sum + bytes / record, 0)
  const images = new Uint8Array(count * size)
  const labels = new Uint8Array(count)
  let index = 0
  for (const file of files) {
    const contents = readDataFile(set, file, directory)
    for (let at = 0; at < contents.length; at += record, index++) {
      labels[index] = contents[at + set.labels.at]!
      images.set(contents.subarray(at + set.labels.bytes, at + record), index * size)
    }
    checkLabels(set, labels.subarray(0, index), filePath(set, file, directory))
  }
  return partOf({ shape: set.shape, count, images, labels }, split, set.validation)
}

function clips(set: ClipSet, split: SplitName, directory: string): ImageSet {
  if (split !== 'test')
    throw dataError(`${set.name} has test clips alone: nothing can be trained or calibrated on it`, {
      where: '--data',
      hint: 'speech-commands is the set that they come from.',
    })
  const codes = readDataFile(set, set.images, directory)
  const labels = readDataFile(set, set.labels, directory)
  checkLabels(set, labels, filePath(set, set.labels, directory))
  return {
    shape: set.shape,
    count: set.count,
    images: new Int8Array(codes.buffer, codes.byteOffset, codes.length),
    labels,
    encoding: { scale: [set.scale], offset: [-set.zeroPoint * set.scale] },
  }
}

function checkLabels(set: DataSet, labels: Uint8Array, where: string): void {
  const bad = labels.findIndex((label) => label >= classCount(set))
  if (bad >= 0)
    throw dataError(
      `has the label ${labels[bad]} at image ${bad}; ${set.name} has ${classCount(set)} classes`,
      {
        where,
      },
    )
}
