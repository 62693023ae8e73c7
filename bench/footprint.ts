import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { execa } from 'execa'
import { dataSet } from '../src/net/data/catalogue.ts'
import { isPresent } from '../src/net/data/store.ts'
import type { NotRun } from './not-run.ts'
import { type Spread, spreadOf } from './statistics.ts'

/** What the emulator takes besides the time of its products, each measured in a process of its own. */
export interface Footprint {
  /** `xgen eval` of LeNet-5 and one image, from its start to its end. */
  readonly start: StartUp | NotRun
  readonly memory: readonly Memory[]
}

export interface StartUp {
  readonly seconds: Spread
  /** Of all processors. */
  readonly busySeconds: Spread
}

export interface Memory {
  readonly network: string
  readonly choice: string
  readonly images: number
  /** Largest resident set of the process, in MB of 10^6 bytes: with Node's, tsx's and that of the images. */
  readonly peakMegabytes: number
  readonly imagesPerSecond: number
}

const root = join(import.meta.dirname, '..')

async function startUp(runs: number): Promise<StartUp | NotRun> {
  const program = join(root, 'dist/src/cli/main.js')
  if (!existsSync(program)) return { notRun: 'no dist (./scripts/setup builds it)' }
  if (!isPresent(dataSet('mnist'))) return { notRun: 'no MNIST (xgen data fetch mnist)' }
  const times: number[][] = []
  for (let run = 0; run < runs; run++) {
    const { stderr } = await execa('bash', ['-c', timedByShell, process.execPath, program, ...evaluation])
    times.push(stderr.trim().split('\n').at(-1)!.split(' ').map(Number))
  }
  return {
    seconds: spreadOf(times.map(([real]) => real!)),
    busySeconds: spreadOf(times.map(([, user, system]) => user! + system!)),
  }
}

const evaluation = 'eval --net lenet5 --images 1 --mult roup:p=1,r=2 --json --no-progress'.split(' ')
const timedByShell = 'TIMEFORMAT="%R %U %S"; time "$0" "$@" >/dev/null'

async function memoryOf(network: string, choice: string, images: number): Promise<Memory> {
  const program = join(import.meta.dirname, 'evaluation.ts')
  const { stdout } = await execa(
    process.execPath,
    ['--import', 'tsx', program, network, choice, String(images)],
    { cwd: root },
  )
  return {
    network,
    choice,
    images,
    ...(JSON.parse(stdout) as Pick<Memory, 'peakMegabytes' | 'imagesPerSecond'>),
  }
}

export async function footprintOf(quick: boolean): Promise<Footprint> {
  const start = await startUp(quick ? 1 : 5)
  const memory: Memory[] = []
  if (quick) memory.push(await memoryOf('lenet5', 'table', 16))
  else for (const choice of ['table', 'exact']) memory.push(await memoryOf('resnet8', choice, 10_000))
  return { start, memory }
}
