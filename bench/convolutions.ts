import type { Entrant, Opened } from './entrants.ts'
import { expectedCodes } from './layer.ts'
import { limitOf } from './limits.ts'
import type { NotRun } from './not-run.ts'
import { macsOf, type Problem, problemOf, type Shape } from './problems.ts'
import { checkResult, referenceSums } from './reference.ts'
import { inTurn, type Rounds, type Series } from './rounds.ts'
import { ratioOf, type Spread, spreadOf } from './statistics.ts'

/** How fast one entrant computes one convolution. */
export interface ConvolutionFigure {
  readonly shape: string
  readonly images: number
  readonly entrant: string
  readonly threads: number
  /** GMAC/s by the clock on the wall. */
  readonly gmacs: Spread
  /** GMAC in a second of processor time: the same on one thread that nobody disturbs. */
  readonly gmacsPerBusySecond: Spread
  /** What the way of computing could reach at most. */
  readonly limit: number
  /** How many times as fast as the baseline in the same round, and the same by processor time. */
  readonly ratio: Spread
  readonly busyRatio: Spread
}

export interface ConvolutionNotRun extends NotRun {
  readonly shape: string
  readonly entrant: string
  readonly threads: number
}

export interface ConvolutionRequest {
  readonly shape: Shape
  readonly images: number
  readonly threads: number
  /** The first that runs is the baseline. */
  readonly entrants: readonly Entrant[]
  readonly rounds: Rounds
  readonly gigahertz: number
}

/** All entrants on one convolution, each compared with plain loops before it is timed. */
export async function convolutionFigures(
  request: ConvolutionRequest,
): Promise<(ConvolutionFigure | ConvolutionNotRun)[]> {
  const { shape, threads } = request
  const entrants = request.entrants.filter((one) => one.threads === undefined || one.threads === threads)
  const ready: { entrant: Entrant; opened: Opened }[] = []
  const out: (ConvolutionFigure | ConvolutionNotRun)[] = []
  try {
    for (const entrant of entrants) {
      const opened = await checked(entrant, request)
      if ('notRun' in opened) out.push({ shape: shape.name, entrant: entrant.name, threads, ...opened })
      else ready.push({ entrant, opened })
    }
    const contestants = ready.map(({ entrant, opened }) => ({ name: entrant.name, run: opened.run }))
    const series = await inTurn(contestants, request.rounds)
    return [...ready.map(({ entrant }, i) => figureOf(entrant, series[i]!, series[0]!, request)), ...out]
  } finally {
    for (const { opened } of ready) await opened.close()
  }
}

async function checked(
  entrant: Entrant,
  { shape, images, threads }: ConvolutionRequest,
): Promise<Opened | NotRun> {
  const problem = problemOf(shape, images, entrant.tables)
  const sums = expectedSums(problem)
  const opened = await entrant.open(problem, threads, sums)
  if ('notRun' in opened) return opened
  await opened.run(1)
  const { kind, values } = await opened.result()
  checkResult(`${entrant.name} (${shape.name})`, values, kind === 'sums' ? sums : expectedCodes(sums))
  return opened
}

const known = new Map<string, Int32Array>()

/** Kept: several entrants, with any number of threads, have the same problem. */
function expectedSums(problem: Problem): Int32Array {
  const key = `${problem.shape.name} ${problem.images} ${problem.tables.map(({ name }) => name)}`
  let sums = known.get(key)
  if (sums === undefined) known.set(key, (sums = referenceSums(problem)))
  return sums
}

function figureOf(
  entrant: Entrant,
  series: Series,
  baseline: Series,
  { shape, images, threads, gigahertz }: ConvolutionRequest,
): ConvolutionFigure {
  const billions = macsOf(shape, images) / 1e9
  const rates = (one: readonly number[]) => one.map((seconds) => billions / seconds)
  return {
    shape: shape.name,
    images,
    entrant: entrant.name,
    threads,
    gmacs: spreadOf(rates(series.seconds)),
    gmacsPerBusySecond: spreadOf(rates(series.busy)),
    limit: limitOf(entrant.way, gigahertz, threads),
    ratio: ratioOf(rates(series.seconds), rates(baseline.seconds)),
    busyRatio: ratioOf(rates(series.busy), rates(baseline.busy)),
  }
}
