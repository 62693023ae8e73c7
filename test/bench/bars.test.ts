import { describe, expect, test } from 'vitest'
import { barsOf } from '../../bench/bars.ts'
import type { ConvolutionFigure } from '../../bench/convolutions.ts'
import type { NetworkFigure } from '../../bench/networks.ts'

const even = (median: number) => ({ median, low: median, high: median })

const convolution = (entrant: string, shape: string, gmacs: number): ConvolutionFigure => ({
  shape,
  images: 1,
  entrant,
  threads: 1,
  gmacs: even(gmacs),
  gmacsPerBusySecond: even(gmacs),
  limit: 100,
  ratio: even(1),
  busyRatio: even(1),
})

const network = (choice: string, threads: number, images: number, overhead: number): NetworkFigure => ({
  network: 'resnet8',
  choice,
  threads,
  images: 64,
  imagesPerSecond: even(images),
  imagesPerBusySecond: even(images / threads),
  gmacs: even(1),
  overhead: even(overhead),
  busyOverhead: even(overhead),
})

describe('bars', () => {
  test('are met by all figures, by some or by none, and are left out where nothing was measured', () => {
    const bars = barsOf(
      [
        convolution('cpp-table', 'a', 2),
        convolution('kernel-table', 'a', 12),
        convolution('cpp-table', 'b', 2),
        convolution('kernel-table', 'b', 10),
        convolution('kernel-exact', 'b', 30),
      ],
      [network('exact', 2, 4000, 1), network('table', 2, 1000, 4), network('rank-1', 1, 5000, 1.1)],
      {
        start: { seconds: even(1.2), busySeconds: even(0.9) },
        memory: [
          { network: 'resnet8', choice: 'table', images: 10_000, peakMegabytes: 900, imagesPerSecond: 1 },
          { network: 'lenet5', choice: 'table', images: 10_000, peakMegabytes: 1900, imagesPerSecond: 1 },
        ],
      },
    )
    expect(bars.map(({ name, met, measured }) => [name, met, measured.map(({ value }) => value)])).toEqual([
      ['any table, against the C++ table loop', 'some', [6, 5]],
      ['exact products, against the C++ table loop', 'all', [15]],
      ['ResNet-8, any table, two threads: images/s', 'none', [1000]],
      ['ResNet-8, exact, two threads: images/s', 'all', [4000]],
      ['any table, times as long as exact', 'none', [4]],
      ['rank 1, times as long as exact', 'all', [1.1]],
      ['xgen eval of one image: seconds', 'none', [1.2]],
      ['ResNet-8, 10,000 images: MB', 'all', [900]],
    ])
    expect(barsOf([], [], { start: { notRun: 'no dist' }, memory: [] })).toEqual([])
    expect(barsOf([], [], undefined)).toEqual([])
  })
})
