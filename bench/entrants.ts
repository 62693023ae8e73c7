import { useThreads } from '../src/kernels/threads.ts'
import type { Codes } from '../src/quant/rules.ts'
import { plainConvolution } from './baseline.ts'
import { kernelRun, type Preparation } from './kernels.ts'
import { layerEmulator } from './layer.ts'
import type { Way } from './limits.ts'
import type { Native, NativeLoop } from './native.ts'
import type { NotRun } from './not-run.ts'
import type { Problem, Table } from './problems.ts'
import { type Contestant, timed } from './rounds.ts'
import { type Loops, webAssemblyLoop } from './webassembly.ts'

/** What takes part in a convolution: who computes it, with which products. */
export interface Entrant {
  readonly name: string
  readonly what: string
  /** Filter n has the table n modulo their number. */
  readonly tables: readonly Table[]
  readonly way: Way
  /** Threads that it can have; any where undefined. */
  readonly threads?: number
  /** Sets the problem up, whose sums are known; or says why it is not run. */
  open(problem: Problem, threads: number, sums: Int32Array): Promise<Opened | NotRun>
}

export interface Opened {
  run: Contestant['run']
  /** The last run's sums [image][filter][y][x], or the codes that the layer makes of them. */
  result(): Result | Promise<Result>
  close(): void | Promise<void>
}

export type Result =
  | { readonly kind: 'sums'; readonly values: Int32Array }
  | { readonly kind: 'codes'; readonly values: Codes }

const sumsOf = (values: Int32Array): Result => ({ kind: 'sums', values })

/** The C++ loops, where they could be built. */
export function nativeEntrant(
  name: string,
  what: string,
  table: Table,
  loop: NativeLoop,
  native: Native | NotRun,
): Entrant {
  return {
    name,
    what,
    tables: [table],
    way: loop === 'table' ? 'table' : 'vectorised',
    async open(problem, threads) {
      if ('notRun' in native) return native
      await native.take(name, problem)
      return {
        run: (repeats) => native.run(loop, name, threads, repeats),
        result: async () => ({ kind: 'sums', values: await native.sums(name) }),
        close: () => {},
      }
    },
  }
}

export const webAssemblyEntrant = (name: string, what: string, table: Table, module: Loops): Entrant => ({
  name,
  what,
  tables: [table],
  way: 'table',
  async open(problem, threads) {
    const loop = webAssemblyLoop(module, problem, threads)
    return { run: (repeats) => timed(loop.run, repeats), result: () => sumsOf(loop.sums), close: loop.close }
  },
})

export const plainEntrant = (name: string, what: string, table: Table): Entrant => ({
  name,
  what,
  tables: [table],
  way: 'table',
  threads: 1,
  async open(problem) {
    const { run, sums } = plainConvolution(problem)
    return { run: (repeats) => timed(run, repeats), result: () => sumsOf(sums), close: () => {} }
  },
})

/** The emulator on a network of this layer alone: also codes to and from where it keeps them, and requantisation. */
export const layerEntrant = (name: string, what: string, table: Table, way: Way): Entrant => ({
  name,
  what,
  tables: [table],
  way,
  async open(problem, threads, sums) {
    const run = layerEmulator(problem, sums)
    let values: Codes = new Int8Array(0)
    return {
      run: (repeats) =>
        timed(() => {
          useThreads(threads)
          values = run()
        }, repeats),
      result: () => ({ kind: 'codes', values }),
      close: () => {},
    }
  },
})

/** A kernel alone: from codes to sums, as the loops do it. */
export const kernelEntrant = (
  name: string,
  what: string,
  used: readonly Table[],
  preparation: Preparation,
  way: Way,
): Entrant => ({
  name,
  what,
  tables: used,
  way,
  async open(problem, threads) {
    const kernel = kernelRun(problem, preparation)
    return {
      run: (repeats) => timed(() => kernel.run(threads), repeats),
      result: () => sumsOf(kernel.sums()),
      close: () => {},
    }
  },
})
