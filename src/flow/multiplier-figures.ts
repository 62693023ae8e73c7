import { join } from 'node:path'
import { multiplierCore } from '../arch/multiplier-core.ts'
import { type Domain, domainName } from '../arith/domain.ts'
import { type ErrorMetrics, errorMetrics, type Sampling } from '../arith/metrics.ts'
import type { Multiplier } from '../arith/multiplier.ts'
import { dataError } from '../base/errors.ts'
import { hashOf } from '../base/hash.ts'
import { dataDirectory } from '../net/data/store.ts'
import { type Characterisation, measureMapping, standardPeriod } from '../synth/characterise.ts'
import { type OpenLibrary, openLibrary } from '../synth/libraries.ts'
import { bindMapping, circuitOf, type StoredMapping, storedMapping } from '../synth/mapping.ts'
import type { MappingScript } from '../synth/scripts.ts'
import { type Stream, uniformStream } from '../synth/stream.ts'
import { cacheDirectory, keep, readKept } from '../tools/cache.ts'
import { openThreads } from '../tools/threads.ts'
import { openYosys } from '../tools/yosys.ts'
import { multiplierOf } from './user-multipliers.ts'

/** What is measured of a design. */
export interface Figures {
  readonly metrics: ErrorMetrics
  readonly cost: Cost
}

type Cost = Pick<Characterisation, 'engine' | 'area' | 'cells' | 'delay' | 'energy'>

/** What a thread does: the errors of a multiplier, or what its cells cost. */
export type FigureTask =
  | { readonly what: 'errors'; readonly spec: string; readonly domain: Domain; readonly sampling: Sampling }
  | {
      readonly what: 'cost'
      readonly target: string
      readonly mapping: StoredMapping
      readonly library: string
      readonly libraryHash: string
      readonly script: MappingScript
      readonly stream: Stream
    }

/** Changes when figures do, with the same Verilog or cells. */
const formats = { errors: 1, cost: 1 }
/** Pairs of the uniform stream that energy is measured with. */
const operations = 2000

export interface BenchOptions {
  readonly script: MappingScript
  readonly sampling: Sampling
  /** A Yosys program; without one, that of the packages. */
  readonly yosys?: string
  /** Where figures are kept; the user's cache unless given. */
  readonly cache?: string
}

/** Measures designs, or finds what was measured. */
export interface Bench {
  readonly stream: Stream
  /** `kept`: nothing had to be done. */
  figures(
    design: Multiplier,
    signal: AbortSignal,
  ): Promise<{ readonly figures: Figures; readonly kept: boolean }>
  close(): void
}

/**
 * Each design has three stages: cells, errors, cost. Each is kept as soon as it is done, by the hash of what it follows from, so that
 * an interrupted run loses no more than the stages at work; and each is done in a thread of its own.
 */
export function openBench(
  domain: Domain,
  library: OpenLibrary,
  { script, sampling, yosys: program, cache = cacheDirectory() }: BenchOptions,
): Bench {
  const yosys = openYosys(program)
  const ports = [
    { name: 'a', bits: domain.nA },
    { name: 'b', bits: domain.nB },
  ]
  const stream = uniformStream(ports, operations, sampling.seed)
  const threads = openThreads<FigureTask, unknown>(new URL('multiplier-thread', import.meta.url))
  const stage = async <T>(what: 'errors' | 'cost', from: object, task: FigureTask, signal: AbortSignal) => {
    const file = join(cache, what, `${hashOf({ format: formats[what], ...from })}.json`)
    const found = readKept<T>(file)
    if (found !== undefined) return { value: found, kept: true }
    const value = (await threads.run(task, signal)) as T
    keep(file, value)
    return { value, kept: false }
  }
  return {
    stream,
    async figures(design, signal) {
      const circuit = circuitOf(multiplierCore(design))
      const mapping = await storedMapping(circuit, library, { script, yosys, signal, cache })
      const errors = await stage<ErrorMetrics>(
        'errors',
        { domain: domainName(domain), verilog: Object.fromEntries(circuit.verilog), sampling },
        { what: 'errors', spec: design.spec, domain, sampling },
        signal,
      )
      const cost = await stage<Cost>(
        'cost',
        { mapping: mapping.key, stream: stream.ports, period: standardPeriod },
        {
          what: 'cost',
          target: circuit.top,
          mapping,
          library: library.name,
          libraryHash: library.content.hash,
          script,
          stream,
        },
        signal,
      )
      const kept = mapping.cached && errors.kept && cost.kept
      return { figures: { metrics: errors.value, cost: cost.value }, kept }
    },
    close: threads.close,
  }
}

/** The library of this thread: all tasks of a bench have the same. */
let opened: Promise<OpenLibrary> | undefined

/** A task, in its thread. */
export async function figuresOf(task: FigureTask): Promise<ErrorMetrics | Cost> {
  if (task.what === 'errors') return errorMetrics(multiplierOf(task.spec, task.domain), task.sampling)
  opened ??= openLibrary(task.library, { data: dataDirectory() })
  const library = await opened
  if (library.content.hash !== task.libraryHash)
    throw dataError('has changed while it was used', { where: `the library ${task.library}` })
  const mapping = bindMapping(task.mapping, library, task.script)
  // Ctrl-C ends the thread
  const { signal } = new AbortController()
  const found = await measureMapping(task.target, mapping, library, { stream: task.stream, signal })
  const { engine, area, cells, delay, energy } = found
  return { engine, area, cells, delay, energy }
}
