import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { XgenError } from '../base/errors.ts'
import type { Progress } from '../base/progress.ts'
import { type DataSet, dataSet, dataSets, filesOf } from '../net/data/catalogue.ts'
import { fetchDataSet } from '../net/data/fetch.ts'
import { dataDirectory, filePath, isPresent, readDataFile } from '../net/data/store.ts'

export interface DataSummary {
  readonly name: string
  readonly summary: string
  readonly source: string
  readonly images: { readonly train: number; readonly validation: number; readonly test: number }
  readonly directory: string
  readonly present: boolean
}

export function listData(): readonly DataSummary[] {
  return dataSets.map(summarise)
}

export function dataPath(name: string | undefined): string {
  return name === undefined ? dataDirectory() : summarise(dataSet(name)).directory
}

export async function fetchData(
  name: string,
  options: { readonly progress: Progress; readonly signal: AbortSignal; readonly offline: boolean },
): Promise<DataSummary & { readonly fetched: readonly string[] }> {
  const set = dataSet(name)
  const fetched = await fetchDataSet(set, options)
  return { ...summarise(set), fetched }
}

export interface FileVerdict {
  readonly file: string
  readonly ok: boolean
  readonly problem?: string
}

/** Checks the contents of every file of the named data set (of all that are there, without a name). */
export function verifyData(name: string | undefined, progress: Progress): readonly FileVerdict[] {
  const sets =
    name === undefined
      ? dataSets.filter((set) => filesOf(set).some((file) => existsSync(filePath(set, file))))
      : [dataSet(name)]
  return sets.flatMap((set) =>
    filesOf(set).map((file): FileVerdict => {
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
