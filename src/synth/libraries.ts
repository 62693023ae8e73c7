import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { usageError, XgenError } from '../base/errors.ts'
import { didYouMean } from '../base/suggest.ts'
import { genericLibrary } from './generic.ts'
import type { Library } from './liberty/library.ts'
import { mostCharacters, readLibrary, readLibraryFile } from './liberty/read.ts'

/** A library by the name that the user gave, and its text for Yosys. */
export interface OpenLibrary {
  readonly name: string
  readonly content: Library
  text(): Promise<string>
}

/** A library that xgen knows by name. */
interface KnownLibrary {
  readonly name: string
  readonly summary: string
  /** Where it may lie; `data` is the directory of data sets. */
  readonly files: (data: string) => readonly string[]
  readonly install: string
}

const debian = (name: string, summary: string): KnownLibrary => ({
  name,
  summary,
  files: () => [`/usr/share/qflow/tech/${name}/${name}_stdcells.lib`],
  install: `On Debian or Ubuntu: apt-get install -y --no-install-recommends qflow-tech-${name}`,
})

const fetched = (name: string, summary: string): KnownLibrary => ({
  name,
  summary,
  files: (data) => [join(data, name, `${name}.lib.gz`), join(data, name, `${name}.lib`)],
  install: `Fetch it: xgen data fetch ${name}`,
})

export const knownLibraries: readonly KnownLibrary[] = [
  debian('osu018', 'OSU cells, 180 nm, 1.8 V'),
  debian('osu035', 'OSU cells, 350 nm, 3.3 V'),
  fetched('sg13g2', 'IHP SG13G2, 130 nm, typical, 1.2 V, 25 C'),
  fetched('sky130hd', 'SkyWater SKY130 high density, tt, 1.8 V, 25 C'),
]

export const genericName = 'generic'

/** Opens a library by its name or the path of a .lib or .lib.gz file. */
export async function openLibrary(
  nameOrPath: string,
  { data, signal }: { readonly data: string; readonly signal?: AbortSignal },
): Promise<OpenLibrary> {
  if (nameOrPath === genericName) {
    const text = genericLibrary()
    return { name: genericName, content: readLibrary(text, genericName), text: async () => text }
  }
  const known = knownLibraries.find(({ name }) => name === nameOrPath)
  const file = known === undefined ? pathOf(nameOrPath) : installed(known, data)
  return {
    name: known?.name ?? nameOrPath,
    content: await readLibraryFile(file, signal),
    text: async () => textOf(file),
  }
}

function installed({ name, files, install }: KnownLibrary, data: string): string {
  const places = files(data)
  const found = places.find((file) => existsSync(file))
  if (found !== undefined) return found
  throw new XgenError('tool-missing', `the cell library ${name} was not found`, {
    where: places[0],
    hint: `${install}. Or name another: --lib generic needs nothing, --lib FILE.lib is one of your own.`,
  })
}

function pathOf(path: string): string {
  if (/\.lib(\.gz)?$/.test(path) || path.includes('/')) return path
  const names = [genericName, ...knownLibraries.map(({ name }) => name)]
  throw usageError(`"${path}" is no cell library.${didYouMean(path, names)}`, {
    where: '--lib',
    hint: `Possible: ${names.join(', ')}, or the path of a .lib or .lib.gz file.`,
  })
}

const textOf = (file: string): string => {
  const bytes = readFileSync(file)
  return (file.endsWith('.gz') ? gunzipSync(bytes, { maxOutputLength: mostCharacters }) : bytes).toString(
    'latin1',
  )
}
