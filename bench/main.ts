/** The emulator's kernels beside other ways of computing the same: see scripts/bench and docs/speed.md. */
import { existsSync, readFileSync } from 'node:fs'
import { XgenError } from '../src/base/errors.ts'
import { barsOf } from './bars.ts'
import { type ConvolutionFigure, type ConvolutionNotRun, convolutionFigures } from './convolutions.ts'
import {
  type Entrant,
  kernelEntrant,
  layerEntrant,
  nativeEntrant,
  plainEntrant,
  webAssemblyEntrant,
} from './entrants.ts'
import { footprintOf } from './footprint.ts'
import { type Growth, growthByChannels, growthByImages, growthByThreads } from './growth.ts'
import { machineOf } from './machine.ts'
import { tables } from './multipliers.ts'
import { type Native, nativeFlags, openNative } from './native.ts'
import { type NetworkFigure, networkFigures, subjectOf } from './networks.ts'
import type { NotRun } from './not-run.ts'
import { shapes } from './problems.ts'
import {
  barLines,
  convolutionLines,
  footprintLines,
  growthLines,
  machineLines,
  networkLines,
} from './report.ts'
import { type Request, requestOf } from './request.ts'
import { assembleLoops, type Loops, measuredClock } from './webassembly.ts'

const say = (lines: readonly string[]) => process.stderr.write(`${[...lines, ''].join('\n')}\n`)

/** All ways of computing a convolution; the first is what ratios are to. */
function entrantsOf(native: Native | NotRun, loops: Loops): Entrant[] {
  const { drawn, wide, exact, truncated } = tables
  return [
    nativeEntrant('cpp-table', 'table loop in C++', drawn, 'table', native),
    webAssemblyEntrant('wasm-table', 'the same loop in WebAssembly', drawn, loops),
    plainEntrant('js-table', 'table loop in JavaScript', drawn),
    nativeEntrant('cpp-exact', 'int8 loop in C++, vectorised by the compiler', exact, 'exact', native),
    kernelEntrant('kernel-table', 'rows of products, any table', [drawn], 'rows', 'rows'),
    kernelEntrant(
      'kernel-mixed',
      'four tables in turn, by filter',
      [drawn, truncated, exact, wide],
      'rows',
      'rows',
    ),
    kernelEntrant('kernel-wide', 'rows of products of any 16 bits', [wide], 'rows', 'wideRows'),
    kernelEntrant('kernel-exact', 'int16 dot products', [exact], 'exact', 'filteredDot'),
    kernelEntrant('kernel-rank-1', 'the same of truncated operands', [truncated], 'truncated', 'filteredDot'),
    layerEntrant('xgen-table', 'the emulator, any table', drawn, 'rows'),
    layerEntrant('xgen-wide', 'the emulator, products of any 16 bits', wide, 'wideRows'),
    layerEntrant('xgen-exact', 'the emulator, exact products', exact, 'filteredDot'),
    layerEntrant('xgen-rank-1', 'the emulator, operands truncated', truncated, 'filteredDot'),
  ]
}

async function convolutions(request: Request, native: Native | NotRun, loops: Loops, gigahertz: number) {
  const figures: ConvolutionFigure[] = []
  const notRun: ConvolutionNotRun[] = []
  const entrants = entrantsOf(native, loops)
  for (const shape of request.quick ? shapes.slice(0, 2) : shapes) {
    for (const threads of request.threads) {
      const found = await convolutionFigures({ ...request, shape, threads, entrants, gigahertz })
      for (const one of found) 'notRun' in one ? notRun.push(one) : figures.push(one)
      say(convolutionLines(found))
    }
  }
  return { figures, notRun }
}

/** As many images at once as xgen eval takes. */
const batch = 256

async function networks({ quick, rounds, threads }: Request): Promise<NetworkFigure[]> {
  const figures: NetworkFigure[] = []
  for (const name of quick ? ['lenet5'] : ['resnet8', 'lenet5', 'dscnn-kws']) {
    const subject = subjectOf(name)
    for (const count of threads) {
      const found = await networkFigures(subject, quick ? 4 : batch, count, rounds)
      figures.push(...found)
      say(networkLines(found))
    }
  }
  return figures
}

async function growth({ quick, rounds, threads }: Request): Promise<Growth[]> {
  const subject = subjectOf(quick ? 'lenet5' : 'resnet8')
  const found = quick
    ? [
        await growthByImages(subject, [1, 4], rounds),
        await growthByThreads(subject, threads, 4, rounds),
        ...(await growthByChannels([4, 8], 1, rounds)),
      ]
    : [
        await growthByImages(subject, [1, 4, 16, 64, 256], rounds),
        await growthByThreads(subject, threads, batch, rounds),
        ...(await growthByChannels([8, 16, 32, 64, 128], 16, rounds)),
      ]
  say(growthLines(found))
  return found
}

async function main(): Promise<void> {
  const request = requestOf(process.argv.slice(2))
  const loops = await assembleLoops()
  const native = await openNative()
  try {
    const file = '/proc/cpuinfo'
    const machine = machineOf(
      existsSync(file) ? readFileSync(file, 'utf8') : '',
      measuredClock(loops),
      'notRun' in native ? `not run: ${native.notRun}` : native.compiler,
      nativeFlags,
    )
    say(machineLines(machine))
    const wanted = (part: Request['parts'][number]) => request.parts.includes(part)
    const ofConvolutions = wanted('convolutions')
      ? await convolutions(request, native, loops, machine.gigahertz)
      : { figures: [], notRun: [] }
    const ofNetworks = wanted('networks') ? await networks(request) : []
    const ofGrowth = wanted('growth') ? await growth(request) : []
    const footprint = wanted('footprint') ? await footprintOf(request.quick) : undefined
    if (footprint !== undefined) say(footprintLines(footprint))
    const bars = barsOf(ofConvolutions.figures, ofNetworks, footprint)
    say(barLines(bars))
    const result = {
      format: 1,
      machine,
      request,
      baseline: ofConvolutions.figures[0]?.entrant,
      convolutions: ofConvolutions.figures,
      notRun: ofConvolutions.notRun,
      networks: ofNetworks,
      growth: ofGrowth,
      footprint,
      bars,
    }
    process.stdout.write(`${JSON.stringify(result, undefined, 2)}\n`)
  } finally {
    if (!('notRun' in native)) await native.close()
  }
}

try {
  await main()
} catch (error) {
  if (!(error instanceof XgenError)) throw error
  process.stderr.write(`bench: ${error.message}\n${error.hint === undefined ? '' : `${error.hint}\n`}`)
  process.exitCode = error.exitCode
}
