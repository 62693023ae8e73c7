import { usageError } from '../../base/errors.ts'
import { didYouMean } from '../../base/suggest.ts'
import { folderSet } from './folders.ts'
import type { FrontEnd } from './mfcc.ts'
import { cifar10, cifar100 } from './sets/cifar.ts'
import { fashionMnist, mnist } from './sets/idx.ts'
import { imageNet, tinyImageNet } from './sets/imagenet.ts'
import { keywordClips, speechCommands, spokenDigits } from './sets/speech.ts'

/** One file as it is published: gzipped where its name ends in .gz; size and digest are of the decompressed contents. */
export interface DataFile {
  readonly name: string
  readonly bytes: number
  /** Absent where no digest of this file is published: then its archive has one, or its contents are checked as they are read. */
  readonly sha256?: string
}

/** Files that are published in one directory, and kept in one of this name. */
export interface FileSet {
  readonly name: string
  /** With a slash at the end. */
  readonly url: string
  readonly files: readonly DataFile[]
}

/** One archive of many files. */
export interface Archive {
  readonly url: string
  readonly format: 'tar.gz' | 'zip'
  /** As published; absent where the server makes the archive anew and its bytes may change. */
  readonly published?: {
    readonly bytes: number
    readonly algorithm: 'md5' | 'sha256'
    readonly digest: string
  }
  /** Directories at the beginning of every path that are left out. */
  readonly strip: number
  /** Which paths are kept, after that; others are not unpacked. */
  readonly keep: RegExp
  /** Bounds of what is unpacked. */
  readonly mostFiles: number
  readonly mostBytes: number
}

export type SplitName = 'train' | 'validation' | 'test'

export type ImageShape = readonly [channels: number, height: number, width: number]

/** Images by split. */
export type SplitCounts = Readonly<Record<SplitName, number>>

interface AnyDataSet {
  readonly name: string
  readonly summary: string
  readonly source: string
  /** Of one image; absent where images are scaled to what the network takes. */
  readonly shape?: ImageShape
  /** Names in the order of the labels; their number where the files name them. */
  readonly classes: readonly string[] | number
}

export interface DataSplit {
  readonly images: DataFile
  readonly labels: DataFile
  readonly count: number
}

/** Images with one label each, in idx files. */
export interface IdxSet extends AnyDataSet {
  readonly kind: 'idx'
  readonly shape: ImageShape
  readonly classes: readonly string[]
  /** Directory that the files are published in, with a slash at the end. */
  readonly url: string
  readonly train: DataSplit
  readonly test: DataSplit
  /** The last images of the training set, kept for choosing (best epoch, settings). */
  readonly validation: number
}

/** Records of a label and the planes of one image each, behind one another in several files. */
export interface RecordSet extends AnyDataSet {
  readonly kind: 'records'
  readonly shape: ImageShape
  readonly directory: string
  readonly archive: Archive
  /** Bytes before each image, and which of them is the label. */
  readonly labels: { readonly bytes: number; readonly at: number }
  readonly train: readonly DataFile[]
  readonly test: readonly DataFile[]
  readonly validation: number
}

/** Features that are quantised already: int8 codes, and a byte a label. They are test data alone. */
export interface ClipSet extends AnyDataSet {
  readonly kind: 'clips'
  readonly shape: ImageShape
  readonly directory: string
  readonly count: number
  readonly images: DataFile
  readonly labels: DataFile
  /** real = (code - zeroPoint) * scale */
  readonly scale: number
  readonly zeroPoint: number
  /** Where the files come from. */
  readonly home: string
}

/** Recordings (wav), of which features are made. `layout` says how labels and splits are found. */
export interface RecordingSet extends AnyDataSet {
  readonly kind: 'recordings'
  readonly shape: ImageShape
  readonly classes: readonly string[]
  readonly directory: string
  readonly layout: 'digits' | 'commands'
  readonly archive: Archive
  readonly frontEnd: FrontEnd
  /** Absent where only the files say. */
  readonly counts?: SplitCounts
}

/** Directories of pictures, one a class. */
export interface FolderSet extends AnyDataSet {
  readonly kind: 'folders'
  readonly classes: number
  readonly directory: string
  readonly layout: 'tiny' | 'plain'
  /** Absent where nobody may pass it on: then `home` says where it is had. */
  readonly archive?: Archive
  readonly home: string
  /** Of every so many pictures of a class, the last is for validation. */
  readonly validationOf: number
  /** Absent where only the files say. */
  readonly counts?: SplitCounts
}

export type DataSet = IdxSet | RecordSet | ClipSet | RecordingSet | FolderSet

export const dataSets: readonly DataSet[] = [
  mnist,
  fashionMnist,
  cifar10,
  cifar100,
  spokenDigits,
  speechCommands,
  keywordClips,
  tinyImageNet,
  imageNet,
]

/** A data set by its name; `folder:PATH` is a directory of the user's with a directory of pictures for each class. */
export function dataSet(name: string): DataSet {
  if (name.startsWith('folder:')) return folderSet(name.slice('folder:'.length))
  const found = dataSets.find((set) => set.name === name)
  if (found !== undefined) return found
  const names = dataSets.map((set) => set.name)
  throw usageError(`there is no data set "${name}".${didYouMean(name, names)}`, {
    hint: `Known: ${names.join(', ')}; and folder:PATH, a directory of pictures.`,
  })
}

/** The files whose names are known; recordings and pictures are known by their directories alone. */
export function filesOf(set: DataSet): readonly DataFile[] {
  switch (set.kind) {
    case 'idx':
      return [set.train.images, set.train.labels, set.test.images, set.test.labels]
    case 'records':
      return [...set.train, ...set.test]
    case 'clips':
      return [set.images, set.labels]
    case 'recordings':
    case 'folders':
      return []
  }
}

/** Images by split; null where only the files say. */
export function countsOf(set: DataSet): SplitCounts | null {
  const without = (train: number, test: number, validation: number): SplitCounts => ({
    train: train - validation,
    validation,
    test,
  })
  switch (set.kind) {
    case 'idx':
      return without(set.train.count, set.test.count, set.validation)
    case 'records': {
      const [train, test] = [set.train, set.test].map((files) =>
        files.reduce((sum, { bytes }) => sum + bytes / recordBytes(set), 0),
      )
      return without(train!, test!, set.validation)
    }
    case 'clips':
      return { train: 0, validation: 0, test: set.count }
    case 'recordings':
    case 'folders':
      return set.counts ?? null
  }
}

/** Bytes of a label and its image. */
export const recordBytes = ({ shape, labels }: RecordSet): number =>
  shape[0] * shape[1] * shape[2] + labels.bytes

export const directoryNameOf = (set: DataSet): string => (set.kind === 'idx' ? set.name : set.directory)

export const classCount = ({ classes }: Pick<DataSet, 'classes'>): number =>
  typeof classes === 'number' ? classes : classes.length
