import { buildAssignment } from '../src/approx/build.ts'
import { createEmulator } from '../src/emu/emulator.ts'
import { useThreads } from '../src/kernels/threads.ts'
import { expectedCodes, layerEmulator } from './layer.ts'
import { tables } from './multipliers.ts'
import { choices, drawnCodes, type Subject } from './networks.ts'
import { macsOf, problemOf, square } from './problems.ts'
import { checkResult, referenceSums } from './reference.ts'
import { type Contestant, inTurn, type Rounds, type Series, timed } from './rounds.ts'
import { type Spread, spreadOf } from './statistics.ts'

/** How the time of one thing grows with one number. */
export interface Growth {
  readonly what: string
  readonly by: 'images' | 'threads' | 'channels'
  readonly points: readonly {
    readonly at: number
    readonly seconds: Spread
    readonly busySeconds: Spread
    /** Seconds by what there is to do, over those of the last point: 1 where time grows as the work does. */
    readonly costToLast: number
  }[]
}

/** Of a network with any table on one thread, by images in a batch. */
export async function growthByImages(
  subject: Subject,
  counts: readonly number[],
  rounds: Rounds,
): Promise<Growth> {
  const contestants = counts.map((images) => contestant(subject, images, 1))
  const series = await inTurn(contestants, rounds)
  return growthOf(`${subject.name}, any table, one thread`, 'images', counts, counts, series)
}

/** Of a network with any table, by threads. */
export async function growthByThreads(
  subject: Subject,
  counts: readonly number[],
  images: number,
  rounds: Rounds,
): Promise<Growth> {
  const contestants = counts.map((threads) => contestant(subject, images, threads))
  const same = counts.map(() => 1)
  const series = await inTurn(contestants, rounds)
  return growthOf(`${subject.name}, any table, ${images} images`, 'threads', counts, same, series)
}

function contestant({ graph }: Subject, images: number, threads: number): Contestant {
  const choice = choices.find((one) => one.name === 'table')!
  const emulator = createEmulator(graph, buildAssignment(graph, choice.entries(graph)))
  const codes = drawnCodes(graph, images)
  const run = () => {
    useThreads(threads)
    emulator.result(codes, images)
  }
  return { name: `${images} images, ${threads} threads`, run: (repeats) => timed(run, repeats) }
}

/** Of a 16x16 convolution with as many filters as channels, on one thread. */
export async function growthByChannels(
  counts: readonly number[],
  images: number,
  rounds: Rounds,
): Promise<Growth[]> {
  const growths: Growth[] = []
  useThreads(1)
  for (const table of [tables.drawn, tables.exact]) {
    const contestants = counts.map((channels) => {
      const problem = problemOf(square(16, channels), images, [table])
      const sums = referenceSums(problem)
      const run = layerEmulator(problem, sums)
      checkResult(`${channels} channels, ${table.name}`, run(), expectedCodes(sums))
      return { name: `${channels}`, run: (repeats: number) => timed(() => void run(), repeats) }
    })
    const work = counts.map((channels) => macsOf(square(16, channels), images))
    const what = `16x16, 3x3, ${images} images, ${table.name} products`
    growths.push(growthOf(what, 'channels', counts, work, await inTurn(contestants, rounds)))
  }
  return growths
}

function growthOf(
  what: string,
  by: Growth['by'],
  counts: readonly number[],
  work: readonly number[],
  series: readonly Series[],
): Growth {
  const costs = series.map(({ busy }, i) => spreadOf(busy).median / work[i]!)
  return {
    what,
    by,
    points: counts.map((at, i) => ({
      at,
      seconds: spreadOf(series[i]!.seconds),
      busySeconds: spreadOf(series[i]!.busy),
      costToLast: costs[i]! / costs.at(-1)!,
    })),
  }
}
