import { table } from '../src/cli/table.ts'
import type { Bar } from './bars.ts'
import type { ConvolutionFigure, ConvolutionNotRun } from './convolutions.ts'
import type { Footprint } from './footprint.ts'
import type { Growth } from './growth.ts'
import type { Machine } from './machine.ts'
import type { NetworkFigure } from './networks.ts'
import type { Spread } from './statistics.ts'

const number = (value: number) => value.toFixed(value < 10 ? 2 : value < 1000 ? 1 : 0)
const spread = ({ median, low, high }: Spread) => `${number(median)} (${number(low)}..${number(high)})`

export function machineLines(machine: Machine): string[] {
  return [
    `${machine.processor}, ${machine.cores} cores at ${machine.gigahertz.toFixed(2)} GHz, load ${machine.load.toFixed(1)}`,
    `node ${machine.node}; ${machine.compiler}, ${machine.compilerFlags.join(' ')}`,
    `${machine.extensions.join(' ')}`,
  ]
}

export function convolutionLines(found: readonly (ConvolutionFigure | ConvolutionNotRun)[]): string[] {
  const { shape, threads } = found[0]!
  const images = found.flatMap((one) => ('notRun' in one ? [] : [one.images]))[0]
  const rows = found.map((one) =>
    'notRun' in one
      ? [one.entrant, `not run: ${one.notRun}`, '', '', '', '']
      : [
          one.entrant,
          spread(one.gmacs),
          number(one.gmacsPerBusySecond.median),
          spread(one.ratio),
          number(one.busyRatio.median),
          number(one.limit),
        ],
  )
  return [
    `convolution ${shape}, 3x3, ${images} images, ${threads} ${threads === 1 ? 'thread' : 'threads'}`,
    ...table([['', 'GMAC/s', 'a busy second', 'ratio', 'of busy time', 'limit'], ...rows], 1),
  ]
}

export function networkLines(found: readonly NetworkFigure[]): string[] {
  const { network, images, threads } = found[0]!
  const rows = found.map((one) => [
    one.choice,
    spread(one.imagesPerSecond),
    number(one.imagesPerBusySecond.median),
    number(one.gmacs.median),
    spread(one.overhead),
    number(one.busyOverhead.median),
  ])
  return [
    `${network}, ${images} images at once, ${threads} ${threads === 1 ? 'thread' : 'threads'}`,
    ...table([['', 'images/s', 'a busy second', 'GMAC/s', 'times exact', 'of busy time'], ...rows], 1),
  ]
}

export function growthLines(found: readonly Growth[]): string[] {
  return found.flatMap(({ what, by, points }) => [
    what,
    ...table(
      [
        [by, 'ms', 'cost of a product, last = 1'],
        ...points.map(({ at, seconds, costToLast }) => [
          `${at}`,
          number(1000 * seconds.median),
          number(costToLast),
        ]),
      ],
      0,
    ),
  ])
}

export function footprintLines({ start, memory }: Footprint): string[] {
  return [
    'notRun' in start
      ? `start: not run: ${start.notRun}`
      : `xgen eval of LeNet-5 and one image: ${spread(start.seconds)} s, ${number(start.busySeconds.median)} s of processors`,
    ...memory.map(
      ({ network, choice, images, peakMegabytes, imagesPerSecond }) =>
        `${network}, ${choice}, ${images} images: at most ${number(peakMegabytes)} MB, ${number(imagesPerSecond)} images/s`,
    ),
  ]
}

export function barLines(bars: readonly Bar[]): string[] {
  if (bars.length === 0) return []
  const rows = bars.map(({ name, bound, at, measured, met }) => [
    name,
    `at ${at} ${bound}`,
    measured.map(({ value }) => number(value)).join(' '),
    measured.map(({ busy }) => number(busy)).join(' '),
    met === 'all' ? 'met' : met === 'some' ? 'met in part' : 'missed',
  ])
  return table([['bar', 'bound', 'measured', 'of busy time', ''], ...rows], 2)
}
