import { existsSync } from 'node:fs'
import { basename, join } from 'node:path'
import { dataError, XgenError } from '../base/errors.ts'
import type { Progress } from '../base/progress.ts'
import {
  countsOf,
  type DataSet,
  dataSet,
  dataSets,
  filesOf,
  type SplitCounts,
  type SplitName,
} from '../net/data/catalogue.ts'
import { fetchDataSet, fetchFiles } from '../net/data/fetch.ts'
import { openSplit } from '../net/data/load.ts'
import { dataDirectory, filePath, isPresent, readDataFile, setDirectory } from '../net/data/store.ts'
import { type KnownLibrary, knownLibraries, type PublishedFile } from '../synth/libraries.ts'

export interface DataSummary {
  readonly name: string
  readonly summary: string
  readonly source: string
  /** null where it is no set of images, or where only the files say. */
  readonly images: SplitCounts | null
  readonly directory: string
  readonly present: boolean
}

export function listData(): readonly DataSummary[] {
  return [...dataSets.map(summarise), ...publishedLibraries.map(summariseLibrary)]
}

export function dataPath(name: string | undefined): string {
  return name === undefined ? dataDirectory() : directoryOf(name)
}

const directoryOf = (name: string): string =>
  publishedLibraries.some((library) => library.name === name)
    ? join(dataDirectory(), name)
    : summarise(dataSet(name)).directory

export async function fetchData(
  name: string,
  options: { readonly progress: Progress; readonly signal: AbortSignal; readonly offline: boolean },
): Promise<DataSummary & { readonly fetched: readonly string[] }> {
  const library = publishedLibraries.find((known) => known.name === name)
  if (library !== undefined) {
    const { url, ...file } = library.published
    const present = presentFile(library) !== undefined
    const fetched = present ? [] : await fetchFiles({ name, url, files: [file] }, options)
    return { ...summariseLibrary(library), fetched }
  }
  const set = dataSet(name)
  const fetched = await fetchDataSet(set, options)
  return { ...summarise(set), fetched }
}

type PublishedLibrary = KnownLibrary & { readonly published: PublishedFile }

/** Cell libraries that are fetched as data sets are, since no package has them. */
const publishedLibraries = knownLibraries.filter(
  (library): library is PublishedLibrary => library.published !== undefined,
)

/** Where a library lies, unpacked or as .gz. */
const presentFile = ({ files }: KnownLibrary): string | undefined =>
  files(dataDirectory()).find((file) => existsSync(file))

function summariseLibrary(library: KnownLibrary): DataSummary {
  const { name, summary, source } = library
  return {
    name,
    summary,
    source,
    images: null,
    directory: join(dataDirectory(), name),
    present: presentFile(library) !== undefined,
  }
}

export interface FileVerdict {
  readonly file: string
  readonly ok: boolean
  readonly problem?: string
}

/** Checks the contents of every file of the named data set (of all that are there, without a name). */
export function verifyData(name: string | undefined, progress: Progress): readonly FileVerdict[] {
  const every = [...dataSets.map(checksOf), ...publishedLibraries.map(libraryChecks)]
  const sets =
    name === undefined ? every.filter(({ present }) => present) : every.filter((set) => set.name === name)
  // a name that is none is refused with the nearest one
  if (name !== undefined && sets.length === 0) dataSet(name)
  return sets.flatMap((set) =>
    set.checks.map(({ what, run }): FileVerdict => {
      const file = `${set.name}/${what}`
      progress.step(`checking ${file}`)
      try {
        run()
        progress.done('ok')
        return { file, ok: true }
      } catch (error) {
        if (!(error instanceof XgenError)) throw error
        progress.done('not ok')
        return { file, ok: false, problem: error.message }
      }
    }),
  )
}

interface Checks {
  readonly name: string
  /** Whether anything of it is there. */
  readonly present: boolean
  readonly checks: readonly { readonly what: string; run(): void }[]
}

/** Files are checked by their digests; recordings by making their features; pictures are counted, not opened. */
function checksOf(set: DataSet): Checks {
  const { name } = set
  if (set.kind === 'recordings' || set.kind === 'folders')
    return {
      name,
      present: isPresent(set),
      checks: (['train', 'validation', 'test'] as const).map((split) => ({
        what: split,
        run: () => checkSplit(set, split),
      })),
    }
  const files = filesOf(set)
  return {
    name,
    present: files.some((file) => existsSync(filePath(set, file))),
    checks: files.map((file) => ({ what: file.name, run: () => void readDataFile(set, file) })),
  }
}

/** What pictures would become; any size does where they are only counted. */
const anyShape = [3, 32, 32] as const

function checkSplit(set: DataSet, split: SplitName): void {
  const { count } = openSplit(set, split, { shape: anyShape })
  const expected = countsOf(set)?.[split]
  if (expected !== undefined && count !== expected)
    throw dataError(`has ${count} ${split} images; ${set.name} has ${expected}`, { where: setDirectory(set) })
}

function libraryChecks(library: PublishedLibrary): Checks {
  const file = { ...library.published, name: basename(presentFile(library) ?? library.published.name) }
  return {
    name: library.name,
    present: existsSync(filePath(library, file)),
    checks: [{ what: file.name, run: () => void readDataFile(library, file) }],
  }
}

function summarise(set: DataSet): DataSummary {
  return {
    name: set.name,
    summary: set.summary,
    source: set.source,
    images: countsOf(set),
    directory: setDirectory(set),
    present: isPresent(set),
  }
}
