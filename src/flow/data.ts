import { existsSync } from 'node:fs'
import { basename, join } from 'node:path'
import { XgenError } from '../base/errors.ts'
import type { Progress } from '../base/progress.ts'
import { type DataSet, dataSet, dataSets, filesOf } from '../net/data/catalogue.ts'
import { fetchDataSet, fetchFiles } from '../net/data/fetch.ts'
import { dataDirectory, filePath, isPresent, readDataFile } from '../net/data/store.ts'
import { type KnownLibrary, knownLibraries, type PublishedFile } from '../synth/libraries.ts'

export interface DataSummary {
  readonly name: string
  readonly summary: string
  readonly source: string
  /** null where it is no set of images. */
  readonly images: { readonly train: number; readonly validation: number; readonly test: number } | null
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
  const every = [
    ...dataSets.map((set) => ({ name: set.name, files: filesOf(set) })),
    ...publishedLibraries.map((library) => ({
      name: library.name,
      files: [{ ...library.published, name: basename(presentFile(library) ?? library.published.name) }],
    })),
  ]
  const sets =
    name === undefined
      ? every.filter((set) => set.files.some((file) => existsSync(filePath(set, file))))
      : every.filter((set) => set.name === name)
  // a name that is none is refused with the nearest one
  if (name !== undefined && sets.length === 0) dataSet(name)
  return sets.flatMap((set) =>
    set.files.map((file): FileVerdict => {
      progress.step(`checking ${set.name}/${file.name}`)
      const label = `${set.name}/${file.name}`
      try {
        readDataFile(set, file)
        progress.done('ok')
        return { file: label, ok: true }
      } catch (error) {
        if (!(error instanceof XgenError)) throw error
        progress.done('not ok')
        return { file: label, ok: false, problem: error.message }
      }
    }),
  )
}

function summarise(set: DataSet): DataSummary {
  return {
    name: set.name,
    summary: set.summary,
    source: set.source,
    images: { train: set.train.count - set.validation, validation: set.validation, test: set.test.count },
    directory: join(dataDirectory(), set.name),
    present: isPresent(set),
  }
}
