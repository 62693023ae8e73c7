import { multiplierCore } from '../arch/multiplier-core.ts'
import { type Domain, domainName, operandRange } from '../arith/domain.ts'
import { dataError, usageError } from '../base/errors.ts'
import { readInput } from '../base/files.ts'
import { decodeNpy } from '../base/npy.ts'
import type { Progress } from '../base/progress.ts'
import { didYouMean } from '../base/suggest.ts'
import { dataDirectory } from '../net/data/store.ts'
import type { ActivityMethod } from '../synth/activity.ts'
import { type Characterisation, characterise, standardPeriod } from '../synth/characterise.ts'
import type { CellCount } from '../synth/gate-netlist.ts'
import { openLibrary, withWires } from '../synth/libraries.ts'
import { circuitOf } from '../synth/mapping.ts'
import { type MappingScript, mappingScripts } from '../synth/scripts.ts'
import { type Stream, uniformStream } from '../synth/stream.ts'
import { openYosys } from '../tools/yosys.ts'
import { multiplierOf } from './user-multipliers.ts'

export interface SynthOptions {
  readonly library: string
  readonly script: string
  /** A wire load model of the library, or `none`; without it the library's default. */
  readonly wires?: string
  /** `uniform`, or a .npy file of operand pairs. */
  readonly stream: string
  /** Pairs of a uniform stream. */
  readonly operations: number
  readonly seed: number
  readonly zeroDelay: boolean
  /** ns, for the share of the leakage. */
  readonly period: number
  /** A Yosys program; without one, that of the packages. */
  readonly yosys?: string
  readonly signal: AbortSignal
  readonly progress: Progress
}

/** What `xgen synth --json` prints. Energies in pJ of an operation. */
export interface SynthReport {
  readonly target: string
  readonly domain: string
  readonly library: string
  readonly engine: string
  readonly script: MappingScript
  readonly area: number
  readonly areaUnit: 'um2' | 'GE'
  readonly cells: number
  /** By OpenSTA where it is installed, else by xgen's own tables; null for the generic library, whose delays are no times. */
  readonly delayNs: number | null
  readonly delay: Characterisation['delay']
  readonly wires: string | null
  readonly energyPj: {
    readonly total: number
    readonly internal: number
    readonly switching: number
    readonly leakage: number
    readonly inputs: number
  } | null
  /** Transitions of an operation. */
  readonly toggles: number | null
  readonly method: ActivityMethod | null
  readonly periodNs: number
  readonly stream: string | null
  readonly histogram: readonly CellCount[]
}

/** Synthesises a multiplier for a cell library: area, longest path, energy of an operation. */
export async function synthesiseMultiplier(
  spec: string,
  domain: Domain,
  options: SynthOptions,
): Promise<SynthReport> {
  const { progress, signal, period } = options
  const script = scriptOf(options.script)
  if (!(period > 0 && Number.isFinite(period)))
    throw usageError('a time above 0 ns is needed', { where: '--period' })
  const multiplier = multiplierOf(spec, domain)
  const stream = operandStream(domain, options)
  progress.step(`read the library ${options.library}`)
  const opened = await openLibrary(options.library, { data: dataDirectory(), signal })
  const library = options.wires === undefined ? opened : withWires(opened, options.wires)
  progress.done(`${library.content.cells.size} cells`)
  progress.step(`synthesise ${multiplier.spec}`)
  const found = await characterise(circuitOf(multiplierCore(multiplier)), library, {
    script,
    yosys: openYosys(options.yosys),
    signal,
    stream,
    method: options.zeroDelay ? 'zero-delay' : 'events',
    period,
    sta: library.content.hasPower,
  })
  progress.done(`${found.cells} cells, ${found.engine}`)
  return reportOf(multiplier.spec, domain, found, period)
}

function reportOf(target: string, domain: Domain, found: Characterisation, period: number): SynthReport {
  const { energy, delay } = found
  return {
    target,
    domain: domainName(domain),
    library: found.library,
    engine: found.engine,
    script: found.script,
    area: found.area,
    areaUnit: found.areaUnit,
    cells: found.cells,
    delayNs: delay.unit === 'ns' ? (delay.sta?.delay ?? delay.own) : null,
    delay,
    wires: found.wires,
    energyPj:
      energy === null
        ? null
        : {
            total: energy.total,
            internal: energy.internal,
            switching: energy.switching,
            leakage: energy.leakage,
            inputs: energy.inputs,
          },
    toggles: energy?.toggles ?? null,
    method: energy?.method ?? null,
    periodNs: period,
    stream: found.stream,
    histogram: found.histogram,
  }
}

/** A script by its name. */
export function scriptOf(name: string): MappingScript {
  const found = mappingScripts.find((script) => script === name)
  if (found !== undefined) return found
  throw usageError(`"${name}" is no script.${didYouMean(name, mappingScripts)}`, {
    where: '--script',
    hint: `Possible: ${mappingScripts.join(', ')}.`,
  })
}

const mostOperations = 1_000_000

function operandStream(domain: Domain, { stream, operations, seed }: SynthOptions): Stream {
  if (stream !== 'uniform') return pairsOf(stream, domain)
  if (!Number.isSafeInteger(operations) || operations < 2 || operations > mostOperations)
    throw usageError(`a whole number from 2 to ${mostOperations} is needed`, { where: '--operations' })
  return uniformStream(
    [
      { name: 'a', bits: domain.nA },
      { name: 'b', bits: domain.nB },
    ],
    operations,
    seed,
  )
}

/** Operand pairs of a file: integers of shape (n, 2), activation and weight, as values. */
function pairsOf(file: string, domain: Domain): Stream {
  const { shape, data, type } = decodeNpy(readInput(file, 'the operand stream'), file)
  const [length, two] = shape
  if (shape.length !== 2 || two !== 2 || type.startsWith('f'))
    throw dataError(
      `holds ${type} of shape (${shape.join(', ')}); operand pairs are integers of shape (n, 2)`,
      {
        where: file,
      },
    )
  if (length! < 2 || length! > mostOperations)
    throw dataError(`has ${length} pairs; from 2 to ${mostOperations} are measured`, { where: file })
  const operand = (column: number, bits: number, signed: boolean): Float64Array => {
    const [low, high] = operandRange(bits, signed)
    return Float64Array.from({ length: length! }, (_, i) => {
      const value = Number(data[2 * i + column])
      if (value < low || value > high)
        throw dataError(`pair ${i} has the operand ${value}, which ${domainName(domain)} cannot hold`, {
          where: file,
        })
      return value
    })
  }
  const ports = { a: operand(0, domain.nA, domain.signedA), b: operand(1, domain.nB, domain.signedB) }
  return { name: `${file}, ${length} operations`, length: length!, ports }
}

export { standardPeriod }
