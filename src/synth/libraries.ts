import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { dataError, usageError, XgenError } from '../base/errors.ts'
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
export interface KnownLibrary {
  readonly name: string
  readonly summary: string
  readonly source: string
  /** Where it is fetched from; undefined where Debian has it. Size and digest are of its contents. */
  readonly published: PublishedFile | undefined
  /** Where it may lie; `data` is the directory of data sets. */
  readonly files: (data: string) => readonly string[]
  readonly install: string
}

export interface PublishedFile {
  /** The directory, with a slash at the end. */
  readonly url: string
  readonly name: string
  readonly bytes: number
  readonly sha256: string
}

const debian = (name: string, summary: string): KnownLibrary => ({
  name,
  summary,
  source: `Oklahoma State University; Debian's package qflow-tech-${name}`,
  published: undefined,
  files: () => [`/usr/share/qflow/tech/${name}/${name}_stdcells.lib`],
  install: `On Debian or Ubuntu: apt-get install -y --no-install-recommends qflow-tech-${name}`,
})

const fetched = (name: string, summary: string, source: string, published: PublishedFile): KnownLibrary => ({
  name,
  summary,
  source,
  published,
  files: (data) => [join(data, name, published.name), join(data, name, `${published.name}.gz`)],
  install: `Fetch it: xgen data fetch ${name}`,
})

export const knownLibraries: readonly KnownLibrary[] = [
  debian('osu018', 'cell library, 180 nm, 1.8 V'),
  debian('osu035', 'cell library, 350 nm, 3.3 V'),
  fetched('sg13g2', 'cell library, 130 nm, typical, 1.2 V, 25 C', 'IHP Open PDK, Apache-2.0', {
    url: 'https://raw.githubusercontent.com/IHP-GmbH/IHP-Open-PDK/main/ihp-sg13g2/libs.ref/sg13g2_stdcell/lib/',
    name: 'sg13g2_stdcell_typ_1p20V_25C.lib',
    bytes: 1_715_351,
    sha256: '968b0cfdcefc49a88d9a5c48874769eaad9aba3509e1240b5e14a821bb07a3c4',
  }),
  fetched('sky130hd', 'cell library, 130 nm, typical, 1.8 V, 25 C', 'SkyWater PDK, Apache-2.0', {
    url: 'https://raw.githubusercontent.com/The-OpenROAD-Project/OpenROAD-flow-scripts/master/flow/platforms/sky130hd/lib/',
    name: 'sky130_fd_sc_hd__tt_025C_1v80.lib',
    bytes: 12_800_126,
    sha256: '70a45bf9b5ea8f6a701dc34744b5c767b38e1af31b1d1f97309a97ec64603ecf',
  }),
]

export const genericName = 'generic'

/** Opens a library by its name or the path of a .lib or .lib.gz file. `where`: what named it. */
export async function openLibrary(
  nameOrPath: string,
  { data, signal, where }: { readonly data: string; readonly signal?: AbortSignal; readonly where?: string },
): Promise<OpenLibrary> {
  if (nameOrPath === genericName) {
    const text = genericLibrary()
    return { name: genericName, content: readLibrary(text, genericName), text: async () => text }
  }
  const known = knownLibraries.find(({ name }) => name === nameOrPath)
  const file = known === undefined ? pathOf(nameOrPath, where) : installed(known, data)
  const content = await readLibraryFile(file, signal)
  checkGates(content, file)
  return { name: known?.name ?? nameOrPath, content, text: async () => textOf(file) }
}

/** Mapping needs an inverter and a gate of two inputs; without them ABC gives up, and does not say why. */
function checkGates(library: Library, file: string): void {
  const gates = [...library.cells.values()].filter(
    ({ kind, dontUse }) => kind.kind === 'combinational' && !dontUse,
  )
  const has = (inputs: number) =>
    gates.some(
      ({ pins }) =>
        pins.filter(({ direction }) => direction === 'input').length === inputs &&
        pins.some(
          (pin) =>
            pin.function !== undefined && pin.function.kind !== 'constant' && pin.function.kind !== 'pin',
        ),
    )
  for (const [inputs, name] of [
    [1, 'inverter'],
    [2, 'gate of two inputs'],
  ] as const) {
    if (has(inputs)) continue
    throw dataError(`has no ${name} that may be used and whose output has a "function"`, {
      where: file,
      hint: 'Nothing can be mapped to it. Is it a library of standard cells?',
    })
  }
}

/** The library with other wires than its default: a model by its name, or `none`. */
export function withWires(library: OpenLibrary, name: string): OpenLibrary {
  const { wireLoads } = library.content
  const wireLoad = wireLoads.get(name)
  if (wireLoad === undefined && name !== 'none') {
    const names = ['none', ...wireLoads.keys()]
    throw usageError(`the library ${library.name} has no wires "${name}".${didYouMean(name, names)}`, {
      where: '--wires',
      hint: `Possible: ${names.join(', ')}.`,
    })
  }
  return { ...library, content: { ...library.content, wireLoad } }
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

/** Whether what names a library is a path. */
export const isLibraryFile = (name: string): boolean => /\.lib(\.gz)?$/.test(name) || name.includes('/')

function pathOf(path: string, where: string | undefined): string {
  if (isLibraryFile(path)) {
    if (existsSync(path)) return path
    throw dataError('does not exist', { where: where === undefined ? path : `${where}: ${path}` })
  }
  const names = [genericName, ...knownLibraries.map(({ name }) => name)]
  throw usageError(`"${path}" is no cell library.${didYouMean(path, names)}`, {
    where: where ?? '--lib',
    hint: `Possible: ${names.join(', ')}, or the path of a .lib or .lib.gz file.`,
  })
}

const textOf = (file: string): string => {
  const bytes = readFileSync(file)
  return (file.endsWith('.gz') ? gunzipSync(bytes, { maxOutputLength: mostCharacters }) : bytes).toString(
    'latin1',
  )
}
