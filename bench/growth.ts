import { buildAssignment } from '../src/approx/build.ts'
import { createEmulator } from '../src/emu/emulator.ts'
import { expectedCodes, layerEmulator } from './layer.ts'
import { tables } from './multipliers.ts'
import { choices, drawnCodes, type Subject } from './networks.ts'
import { macsOf, problemOf, square } from './problems.ts'
import { checkResult, referenceSums } from './reference.ts'
import { inTurn, type Rounds, type Series, timed } from './rounds.ts'
import { type Spread, spreadOf } from './statistics.ts'

/** How the time of one thing grows with one number. */
export interface Growth {
  readonly what: string
  /** What is counted: images, channels. */
  readonly by: 'images' | 'channels'
  readonly points: readonly {
    readonly at: number
    readonly seconds: Spread
    readonly busySeconds: Spread
    /** Seconds by what there is to do, over those of the last point: 1 where time grows as the work does. */
    readonly costToLast: number
  }[]
}

/** Of a network with any table, by images in a batch. */
export async function growthByImages(
  { name, graph }: Subject,
  counts: readonly number[],
  rounds: Rounds,
): Promise<Growth> {
  const choice = choices.find((one) => one.name === 'table')!
  const emulator = createEmulator(graph, buildAssignment(graph, choice.entries(graph)))
  const contestants = counts.map((images) => {
    const codes = drawnCodes(graph, images)
    return {
      name: `${images}`,
      run: (repeats: number) => timed(() => void emulator.runBatch(codes, images), repeats),
    }
  })
  return growthOf(`${name}, any table`, 'images', counts, counts, await inTurn(contestants, rounds))
}

/** Of a 16x16 convolution with as many filters as channels. */
export async function growthByChannels(
  counts: readonly number[],
  images: number,
  rounds: Rounds,
): Promise<Growth[]> {
  const growths: Growth[] = []
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
