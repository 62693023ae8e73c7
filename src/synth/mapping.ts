import { join } from 'node:path'
import { hashOf } from '../base/hash.ts'
import type { Module } from '../hdl/module.ts'
import { memoryImages, printVerilog } from '../hdl/verilog.ts'
import { cacheDirectory, keep, readKept } from '../tools/cache.ts'
import type { Yosys } from '../tools/yosys.ts'
import {
  bindCells,
  type CellCount,
  cellHistogram,
  type GateNetlist,
  netlistArea,
  readYosysJson,
  type StoredNetlist,
} from './gate-netlist.ts'
import type { OpenLibrary } from './libraries.ts'
import { abcScriptFile, abcScripts, type MappingScript, yosysScript } from './scripts.ts'

/** Verilog and what its memories are loaded from, by file name. */
export interface Circuit {
  readonly top: string
  readonly verilog: ReadonlyMap<string, string>
  readonly memories: ReadonlyMap<string, string>
}

export const circuitOf = (module: Module): Circuit => ({
  top: module.name,
  verilog: printVerilog(module, []),
  memories: memoryImages(module),
})

export interface MappingOptions {
  readonly script: MappingScript
  readonly yosys: Yosys
  readonly signal: AbortSignal
  /** Where netlists are kept; the user's cache unless given. */
  readonly cache?: string
}

/** A circuit in cells. */
export interface Mapping {
  readonly netlist: GateNetlist
  /** Such as `Yosys 0.55`. */
  readonly engine: string
  readonly script: MappingScript
  readonly library: string
  /** In the library's unit. */
  readonly area: number
  readonly histogram: readonly CellCount[]
  /** Whether an earlier run had made it. */
  readonly cached: boolean
}

/** Changes when what is kept does. */
const format = 1

/** A circuit in cells by name, as the cache keeps it. */
export interface StoredMapping {
  /** What it was made from. */
  readonly key: string
  readonly netlist: StoredNetlist
  /** Whether an earlier run had made it. */
  readonly cached: boolean
}

/** Maps a circuit to the cells of a library. The same circuit, library, script and Yosys are mapped once. */
export async function mapCircuit(
  circuit: Circuit,
  library: OpenLibrary,
  options: MappingOptions,
): Promise<Mapping> {
  return bindMapping(await storedMapping(circuit, library, options), library, options.script)
}

/** The same without the library's figures: all that Yosys does. */
export async function storedMapping(
  circuit: Circuit,
  library: OpenLibrary,
  { script, yosys, signal, cache = cacheDirectory() }: MappingOptions,
): Promise<StoredMapping> {
  const text = (files: ReadonlyMap<string, string>) => Object.fromEntries(files)
  const key = hashOf({
    format,
    top: circuit.top,
    verilog: text(circuit.verilog),
    memories: text(circuit.memories),
    library: library.content.hash,
    script: yosysScript(script, names(circuit)),
    abc: abcScripts[script] ?? '',
    engine: await yosys.version(signal),
  })
  const file = join(cache, 'netlists', `${key}.json`)
  const kept = readKept<StoredNetlist>(file)
  const netlist = kept ?? (await synthesise(circuit, library, script, yosys, signal, cache))
  if (kept === undefined) keep(file, netlist)
  return { key, netlist, cached: kept !== undefined }
}

/** What was stored, with the library's cells. */
export function bindMapping(
  { netlist: stored, cached }: StoredMapping,
  library: OpenLibrary,
  script: MappingScript,
): Mapping {
  const netlist = bindCells(stored, library.content)
  return {
    netlist,
    engine: /^Yosys \S+/.exec(stored.creator)?.[0] ?? stored.creator,
    script,
    library: library.name,
    area: netlistArea(netlist),
    histogram: cellHistogram(netlist),
    cached,
  }
}

const names = ({ top, verilog }: Circuit) => ({
  top,
  sources: [...verilog.keys()].map((name) => `rtl/${name}`),
  library: 'library.lib',
  output: 'netlist.json',
})

async function synthesise(
  circuit: Circuit,
  library: OpenLibrary,
  script: MappingScript,
  yosys: Yosys,
  signal: AbortSignal,
  cache: string,
): Promise<StoredNetlist> {
  const below = (directory: string, files: ReadonlyMap<string, string>) =>
    [...files].map(([name, text]) => [`${directory}/${name}`, text] as const)
  const abc = abcScripts[script]
  const chosen = names(circuit)
  const text = await yosys({
    script: yosysScript(script, chosen),
    files: new Map([
      ...below('rtl', circuit.verilog),
      ...below('mem', circuit.memories),
      [chosen.library, await library.text()],
      ...(abc === undefined ? [] : [[abcScriptFile, abc] as const]),
    ]),
    output: chosen.output,
    signal,
    cache,
  })
  return readYosysJson(text, circuit.top)
}
