import { existsSync, renameSync, rmSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { dataError } from '../../base/errors.ts'
import { fetchArchive } from './archive.ts'
import { type DataFile, type DataSet, type FileSet, filesOf } from './catalogue.ts'
import { download, type FetchOptions, prepareDirectory } from './download.ts'
import { dataDirectory, filePath, isPresent, readChecked, setDirectory } from './store.ts'

/** Bytes of a file on the line above those of its contents: what gzip adds where it cannot compress. */
const mostOverhead = 2 ** 16

/** Fetches what of a data set is not there yet, and checks its contents. Returns the names of what was fetched. */
export async function fetchDataSet(set: DataSet, options: FetchOptions): Promise<readonly string[]> {
  if (set.kind === 'idx') return fetchFiles({ name: set.name, url: set.url, files: filesOf(set) }, options)
  const directory = options.directory ?? dataDirectory()
  if (isPresent(set, directory)) return []
  const archive = set.kind === 'clips' ? undefined : set.archive
  if (archive === undefined)
    throw dataError(`xgen cannot fetch ${set.name}: it is not in ${setDirectory(set, directory)}`, {
      hint: `It comes from ${set.kind === 'clips' || set.kind === 'folders' ? set.home : set.source}. Put its files there.`,
    })
  if (options.offline) throw incomplete(set.name, directory, 'its archive')
  return fetchArchive(archive, setDirectory(set, directory), options)
}

/** The same for any files. */
export async function fetchFiles(set: FileSet, options: FetchOptions): Promise<readonly string[]> {
  const directory = options.directory ?? dataDirectory()
  const missing = set.files.filter((file) => !existsSync(filePath(set, file, directory)))
  if (missing.length > 0 && options.offline) {
    throw incomplete(set.name, directory, missing.map((file) => file.name).join(', '))
  }
  for (const file of missing) await fetchFile(set, file, directory, options)
  return missing.map((file) => file.name)
}

const incomplete = (name: string, directory: string, what: string) =>
  dataError(`${name} is not complete in ${directory}: ${what} missing`, {
    hint: 'Run without --offline, or set XGEN_DATA_DIR to a directory that has it.',
  })

/** Nothing stands at its place that is not whole and checked: until then it is a `.part` beside it. */
async function fetchFile(
  set: FileSet,
  file: DataFile,
  directory: string,
  options: FetchOptions,
): Promise<void> {
  const { progress } = options
  const path = filePath(set, file, directory)
  const part = `${path}.part`
  prepareDirectory(dirname(path))
  progress.step(`fetching ${set.name}/${file.name}`)
  const url = `${set.url}${file.name}`
  await download({ url, part, most: file.bytes + mostOverhead }, options)
  try {
    readChecked(part, file, `It was not kept. What ${url} gives is not what xgen knows: try again later.`)
  } catch (error) {
    rmSync(part, { force: true })
    throw error
  }
  renameSync(part, path)
  progress.done(`${statSync(path).size} bytes, contents checked`)
}
