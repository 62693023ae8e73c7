import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { basename, join, relative, resolve } from 'node:path'
import { dataError, usageError } from '../../base/errors.ts'
import { readInput } from '../../base/files.ts'
import { hashOf } from '../../base/hash.ts'
import type { FolderSet, ImageShape, SplitName } from './catalogue.ts'
import type { ImageSource } from './load.ts'
import { decodePicture, pictureName } from './picture.ts'
import { fitPicture } from './resize.ts'
import { setDirectory } from './store.ts'
import { byTurns } from './turns.ts'

interface Labelled {
  readonly file: string
  readonly label: number
}

interface Listing {
  readonly classes: readonly string[]
  readonly pictures: readonly Labelled[]
}

/** Pictures in directories of classes, each scaled to `shape` as it is read. */
export function openFolders(
  set: FolderSet,
  split: SplitName,
  directory: string,
  shape: ImageShape | undefined,
): ImageSource {
  const wanted = shape ?? set.shape
  if (wanted === undefined)
    throw usageError(`the pictures of ${set.name} have no size of their own: a network says what they become`)
  if (wanted[0] !== 3 && wanted[0] !== 1)
    throw dataError(`the network takes ${wanted[0]} channels; pictures have 3, or 1 of grey`, {
      where: '--data',
    })
  const setOf = (images: Uint8Array, chosen: readonly Labelled[]) => ({
    shape: wanted,
    count: chosen.length,
    images,
    labels: Uint16Array.from(chosen, ({ label }) => label),
  })
  const root = setDirectory(set, directory)
  const { classes, pictures: found } =
    set.layout === 'tiny' ? tiny(set, split, root) : plain(set, split, root)
  const pictures = byTurns(found)
  if (pictures.length === 0) throw dataError(`holds no pictures for ${split}`, { where: root })
  return {
    shape: wanted,
    count: pictures.length,
    classes,
    read: (from, until) => {
      const chosen = pictures.slice(from, until)
      return setOf(
        readPictures(
          chosen.map(({ file }) => file),
          wanted,
        ),
        chosen,
      )
    },
    pictures: {
      files: (from, until) => pictures.slice(from, until).map(({ file }) => file),
      assemble: (images, from, until) => setOf(images, pictures.slice(from, until)),
    },
    fingerprint: () =>
      hashOf(pictures.map(({ file, label }) => [relative(root, file), statSync(file).size, label])),
  }
}

const layoutHint =
  'Name a directory that holds one of pictures for each class, such as folder:photos with photos/cat and photos/dog.'

/** Pictures as images of a shape, one behind the other. */
export function readPictures(files: readonly string[], shape: ImageShape): Uint8Array {
  const size = shape[0] * shape[1] * shape[2]
  const images = new Uint8Array(files.length * size)
  for (const [i, file] of files.entries())
    images.set(fitPicture(decodePicture(readInput(file, 'picture'), file), shape), i * size)
  return images
}

/** The data set that a directory of the user's is: `folder:PATH`. */
export function folderSet(path: string): FolderSet {
  if (path === '')
    throw usageError('no directory is named', { where: '--data', hint: 'For example: folder:photos.' })
  const root = resolve(path)
  const found = statSync(root, { throwIfNoEntry: false })
  if (found?.isDirectory() !== true)
    throw dataError(
      found === undefined
        ? 'there is no such directory of pictures'
        : 'is a file, and no directory of pictures',
      {
        where: `folder:${path}`,
        hint: layoutHint,
      },
    )
  const classes = namesOfDirectories(splitDirectory(root, 'test') ?? splitDirectory(root, 'train') ?? root)
  if (classes.length < 2)
    throw dataError(`holds ${classes.length} directories of pictures; classes are two or more`, {
      where: `folder:${path}`,
      hint: layoutHint,
    })
  return {
    kind: 'folders',
    name: `folder:${basename(root)}`,
    summary: '',
    classes: classes.length,
    directory: root,
    layout: 'plain',
    home: path,
    validationOf: 20,
    source: path,
  }
}

/** Where a split's classes lie: `val` or `test` for the test set, `train` for both others. */
function splitDirectory(root: string, split: SplitName): string | undefined {
  const names = split === 'test' ? ['val', 'test'] : ['train']
  return names.map((name) => join(root, name)).find((path) => existsSync(path))
}

/** `val/<class>/` and `train/<class>/`; a directory that has neither holds the classes of a test set itself. */
function plain(set: FolderSet, split: SplitName, root: string): Listing {
  const unsplit = splitDirectory(root, 'test') === undefined && splitDirectory(root, 'train') === undefined
  const at = splitDirectory(root, split) ?? (unsplit && split === 'test' ? root : undefined)
  if (at === undefined || !existsSync(at))
    throw dataError(`there are no pictures for ${split}`, {
      where: root,
      hint: `They lie in ${split === 'test' ? 'val' : 'train'}/<class>/. ${set.name} comes from ${set.home}.`,
    })
  const classes = namesOfDirectories(at)
  if (classes.length !== set.classes)
    throw dataError(`has ${classes.length} directories of classes; ${set.name} has ${set.classes}`, {
      where: at,
    })
  return {
    classes,
    pictures: classes.flatMap((name, label) =>
      chosenOf(picturesIn(join(at, name)), split, set.validationOf).map((file) => ({ file, label })),
    ),
  }
}

/** As Stanford's archive has them: `train/<class>/images/`, and `val/images/` whose classes stand in a table. */
function tiny(set: FolderSet, split: SplitName, root: string): Listing {
  const list = join(root, 'wnids.txt')
  if (!existsSync(list))
    throw dataError('does not exist', {
      where: list,
      hint: `Fetch it with "xgen data fetch ${set.name}", or set XGEN_DATA_DIR to the directory that holds ${set.directory}.`,
    })
  const classes = linesOf(list).sort()
  if (new Set(classes).size !== set.classes)
    throw dataError(`names ${new Set(classes).size} classes; ${set.name} has ${set.classes}`, { where: list })
  if (split !== 'test')
    return {
      classes,
      pictures: classes.flatMap((name, label) =>
        chosenOf(picturesIn(join(root, 'train', name, 'images')), split, set.validationOf).map((file) => ({
          file,
          label,
        })),
      ),
    }
  const table = join(root, 'val', 'val_annotations.txt')
  const pictures = linesOf(table).map((line): Labelled => {
    const [name = '', className = ''] = line.split('\t')
    const label = classes.indexOf(className)
    if (label < 0 || !/^[\w.-]+$/.test(name))
      throw dataError(`has the line "${line.slice(0, 80)}", which names no picture of a known class`, {
        where: table,
      })
    return { file: join(root, 'val', 'images', name), label }
  })
  return { classes, pictures }
}

/** Of every so many pictures of a class the last is for validation; the others are the training set. */
function chosenOf(files: readonly string[], split: SplitName, validationOf: number): readonly string[] {
  if (split === 'test') return files
  return files.filter((_, i) => (i % validationOf === validationOf - 1) === (split === 'validation'))
}

/** Sorted, so that the order does not depend on the file system. */
function picturesIn(directory: string): string[] {
  if (!existsSync(directory)) throw dataError('does not exist', { where: directory })
  return readdirSync(directory)
    .filter((name) => pictureName.test(name))
    .sort()
    .map((name) => join(directory, name))
}

function namesOfDirectories(path: string): string[] {
  return readdirSync(path, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && !entry.name.startsWith('.'))
    .map(({ name }) => name)
    .sort()
}

const linesOf = (file: string): string[] =>
  readFileSync(file, 'utf8')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
