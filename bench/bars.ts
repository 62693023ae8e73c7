import type { ConvolutionFigure } from './convolutions.ts'
import type { Footprint } from './footprint.ts'
import type { NetworkFigure } from './networks.ts'

/** What the emulator is measured by. */
export interface Bar {
  readonly name: string
  readonly bound: number
  /** Whether figures are to be at least the bound, or at most. */
  readonly at: 'least' | 'most'
  /** The figure in each case, by the clock and by processor time: they differ where other programs had the processor. */
  readonly measured: readonly { readonly where: string; readonly value: number; readonly busy: number }[]
  readonly met: 'all' | 'some' | 'none'
}

/** The bars of which this run has figures. */
export function barsOf(
  convolutions: readonly ConvolutionFigure[],
  networks: readonly NetworkFigure[],
  footprint: Footprint | undefined,
): Bar[] {
  const bars = [
    faster('any table, against the C++ table loop', 'kernel-table', 'cpp-table', 5.5, convolutions),
    faster('any table, against that loop in WebAssembly', 'kernel-table', 'wasm-table', 10, convolutions),
    faster('exact products, against the C++ table loop', 'kernel-exact', 'cpp-table', 14, convolutions),
    faster('rank 1, against the C++ table loop', 'kernel-rank-1', 'cpp-table', 14, convolutions),
    images('ResNet-8, any table, two threads: images/s', 'table', 1800, networks),
    images('ResNet-8, rank 1, two threads: images/s', 'rank-1', 3500, networks),
    images('ResNet-8, exact, two threads: images/s', 'exact', 3500, networks),
    slower('any table, times as long as exact', 'table', 3, networks),
    slower('rank 1, times as long as exact', 'rank-1', 1.2, networks),
    ...(footprint === undefined ? [] : [started(footprint), taken(footprint)]),
  ]
  return bars.filter(({ measured }) => measured.length > 0)
}

function faster(
  name: string,
  who: string,
  whom: string,
  bound: number,
  figures: readonly ConvolutionFigure[],
): Bar {
  const measured = figures
    .filter(({ entrant }) => entrant === who)
    .flatMap(({ shape, threads, gmacs, gmacsPerBusySecond }) => {
      const other = figures.find(
        (one) => one.entrant === whom && one.shape === shape && one.threads === threads,
      )
      if (other === undefined) return []
      const busy = gmacsPerBusySecond.median / other.gmacsPerBusySecond.median
      return [{ where: `${shape}, ${threads}`, value: gmacs.median / other.gmacs.median, busy }]
    })
  return barOf(name, bound, 'least', measured)
}

function images(name: string, choice: string, bound: number, figures: readonly NetworkFigure[]): Bar {
  const measured = figures
    .filter((one) => one.network === 'resnet8' && one.threads === 2 && one.choice === choice)
    .map(({ network, threads, imagesPerSecond, imagesPerBusySecond }) => ({
      where: network,
      value: imagesPerSecond.median,
      busy: threads * imagesPerBusySecond.median,
    }))
  return barOf(name, bound, 'least', measured)
}

function slower(name: string, choice: string, bound: number, figures: readonly NetworkFigure[]): Bar {
  const measured = figures
    .filter((one) => one.choice === choice)
    .map(({ network, threads, overhead, busyOverhead }) => ({
      where: `${network}, ${threads}`,
      value: overhead.median,
      busy: busyOverhead.median,
    }))
  return barOf(name, bound, 'most', measured)
}

function started({ start }: Footprint): Bar {
  const measured =
    'notRun' in start
      ? []
      : [{ where: 'lenet5', value: start.seconds.median, busy: start.busySeconds.median }]
  return barOf('xgen eval of one image: seconds', 1, 'most', measured)
}

function taken({ memory }: Footprint): Bar {
  const measured = memory
    .filter(({ network }) => network === 'resnet8')
    .map(({ choice, peakMegabytes: value }) => ({ where: choice, value, busy: value }))
  return barOf('ResNet-8, 10,000 images: MB', 1000, 'most', measured)
}

function barOf(name: string, bound: number, at: Bar['at'], measured: Bar['measured']): Bar {
  const passed = measured.filter(({ value }) => (at === 'least' ? value >= bound : value <= bound))
  const met = passed.length === measured.length ? 'all' : passed.length > 0 ? 'some' : 'none'
  return { name, bound, at, measured, met }
}
