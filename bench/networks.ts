import type { Assignment } from '../src/approx/assignment.ts'
import { buildAssignment, multiplyingNodes } from '../src/approx/build.ts'
import type { Entry } from '../src/approx/entries.ts'
import { seededRandom } from '../src/base/random.ts'
import { createEmulator, type Emulator, emptyCodes, tensorElements } from '../src/emu/emulator.ts'
import { seededRanges, seededWeights } from '../src/flow/seeded.ts'
import { useThreads } from '../src/kernels/threads.ts'
import { loadNetwork } from '../src/net/zoo.ts'
import { int8 } from '../src/quant/options.ts'
import type { QGraph } from '../src/quant/qgraph.ts'
import { quantise } from '../src/quant/quantise.ts'
import { type Codes, codeRange } from '../src/quant/rules.ts'
import { type OracleProduct, oracleGraph } from '../test/oracles/graph.ts'
import { specOf, tables } from './multipliers.ts'
import { checkResult } from './reference.ts'
import { inTurn, type Rounds, timed } from './rounds.ts'
import { ratioOf, type Spread, spreadOf } from './statistics.ts'

/** A network with seeded weights: times do not depend on what it has learned. */
export interface Subject {
  readonly name: string
  readonly graph: QGraph
  /** Products of one image. */
  readonly macs: number
}

/** A choice of multipliers. */
export interface Choice {
  readonly name: string
  readonly what: string
  readonly entries: (graph: QGraph) => readonly Entry[]
}

const all = (spec: string) => () => [{ selector: 'default', spec }]
const anyTable = specOf(tables.drawn)
const rankOne = specOf(tables.truncated)

export const choices: readonly Choice[] = [
  { name: 'exact', what: 'exact products', entries: all('exact') },
  { name: 'rank-1', what: rankOne, entries: all(rankOne) },
  { name: 'table', what: 'a table with drawn errors', entries: all(anyTable) },
  {
    name: 'mixed',
    what: `by filter: the table, ${rankOne}, roup:p=1,r=2 and exact products in turn`,
    entries: (graph) => {
      const specs = [anyTable, rankOne, 'roup:p=1,r=2', 'exact']
      return multiplyingNodes(graph).flatMap((node) =>
        Array.from(node.bias, (_, n) => ({ selector: `${node.name}[${n}]`, spec: specs[n % specs.length]! })),
      )
    },
  },
]

export function subjectOf(name: string): Subject {
  const network = loadNetwork(name)
  const weights = seededWeights(network)
  const graph = quantise(network, weights, seededRanges(network, weights), int8)
  const macs = multiplyingNodes(graph).reduce((sum, node) => {
    const [, rows, columns] = graph.tensors[node.output]!.shape
    return sum + node.weights.length * rows * columns
  }, 0)
  return { name, graph, macs }
}

export interface NetworkFigure {
  readonly network: string
  readonly choice: string
  readonly threads: number
  readonly images: number
  readonly imagesPerSecond: Spread
  readonly imagesPerBusySecond: Spread
  readonly gmacs: Spread
  /** Times as long as with exact products, in the same round; and by processor time. */
  readonly overhead: Spread
  readonly busyOverhead: Spread
}

/** Images a second of the emulator, which also packs, requantises, pools and adds. Each choice is compared with the naive oracle first. */
export async function networkFigures(
  { name, graph, macs }: Subject,
  images: number,
  threads: number,
  rounds: Rounds,
): Promise<NetworkFigure[]> {
  useThreads(threads)
  const codes = drawnCodes(graph, images)
  const contestants = choices.map((choice) => {
    const assignment = buildAssignment(graph, choice.entries(graph))
    const emulator = createEmulator(graph, assignment)
    checkImages(`${name}, ${choice.name}`, emulator, assignment, codes)
    return {
      name: choice.name,
      run: (repeats: number) => timed(() => void emulator.result(codes, images), repeats),
    }
  })
  const series = await inTurn(contestants, rounds)
  const exact = series[0]!
  return series.map((one, i) => ({
    network: name,
    choice: choices[i]!.name,
    threads,
    images,
    imagesPerSecond: spreadOf(one.seconds.map((seconds) => images / seconds)),
    imagesPerBusySecond: spreadOf(one.busy.map((seconds) => images / seconds)),
    gmacs: spreadOf(one.seconds.map((seconds) => (images * macs) / seconds / 1e9)),
    overhead: ratioOf(one.seconds, exact.seconds),
    busyOverhead: ratioOf(one.busy, exact.busy),
  }))
}

/** Codes over the input's whole range. */
export function drawnCodes(graph: QGraph, images: number): Codes {
  const random = seededRandom(5)
  const input = graph.tensors[graph.input]!
  const [low, high] = codeRange(input.bits, input.signed)
  return emptyCodes(input, images).map(() => random.integer(low, high))
}

/** All images as the emulator computes each alone, and the last one as the naive oracle does. */
function checkImages(who: string, emulator: Emulator, assignment: Assignment, codes: Codes): void {
  const { graph } = emulator
  const size = tensorElements(graph.tensors[graph.input]!)
  const images = codes.length / size
  const imageOf = (image: number) => codes.subarray(image * size, (image + 1) * size)
  const result = emulator.result(codes, images)
  const alone = Array.from({ length: images }, (_, image) => [
    ...emulator.runImage(imageOf(image)).get(graph.output)!,
  ])
  checkResult(who, result, alone.flat())
  const oracle = oracleGraph(graph, Array.from(imageOf(images - 1)), productOf(graph, assignment))
  checkResult(who, alone[images - 1]!, oracle.get(graph.output)!)
}

function productOf(graph: QGraph, assignment: Assignment): OracleProduct {
  const layers = new Map(
    multiplyingNodes(graph).map((node) => {
      const { multipliers, ofKernel } = assignment.get(node.name)!
      const own = { tables: multipliers.map((one) => one.table()), ofKernel }
      return [node.name, { ...own, channels: ofKernel.length / node.bias.length }]
    }),
  )
  return (layer, x, w, filter, channel) => {
    const { tables: products, ofKernel, channels } = layers.get(layer)!
    return products[ofKernel[filter * channels + channel]!]![(x & 255) * 256 + (w & 255)]!
  }
}
