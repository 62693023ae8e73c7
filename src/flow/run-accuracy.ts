import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { dataError, usageError } from '../base/errors.ts'
import type { Progress } from '../base/progress.ts'
import { recordOfRun } from '../emit/run-directory.ts'
import { exactOf } from './accelerator/baselines.ts'
import type { Configuration } from './configuration.ts'
import { type EvalRequest, type EvalResult, evaluate } from './eval.ts'
import type { Metrics } from './metrics.ts'
import { type Prepared, prepare } from './preparation.ts'
import { inputsOf } from './rtl.ts'
import { replaceMetrics } from './run-metrics.ts'
import { readStored, type StoredFile, writeStored } from './stored.ts'

export type Rates = Pick<EvalResult, 'top1' | 'top5' | 'interval'>

/** What `xgen eval --out` leaves in a run's directory for `xgen report`: eval.json, and `accuracy__` in metrics.json. */
export interface RunAccuracy extends Rates {
  /** The hash of the run's plan. */
  readonly plan: string
  readonly data: string
  readonly images: number
  /** The same integer network on the same images with exact multipliers; null where the run has no others. */
  readonly exact: Rates | null
}

const fileOf = (directory: string): StoredFile => ({
  path: join(directory, 'eval.json'),
  format: 'xgen-accuracy-1',
  command: 'xgen eval --out',
})

/** Measures the accuracy of the design in a run's directory, and of the exact integer network beside it. */
export async function evaluateRun(
  directory: string,
  configuration: Configuration,
  request: EvalRequest,
  progress: Progress,
  signal: AbortSignal,
): Promise<EvalResult & RunAccuracy> {
  if (request.precision === 'float')
    throw usageError('the accuracy of a design is that of its integers', {
      where: '--precision',
      hint: 'Leave --out or --precision float away.',
    })
  if (request.split !== undefined && request.split !== 'test')
    throw usageError('the accuracy of a design is that on the test images', {
      where: '--split',
      hint: 'Leave --out or --split away.',
    })
  const prepared = prepare(configuration)
  const plan = planOfSameNetwork(directory, configuration, prepared)
  const result = await evaluate(configuration, request, progress, signal)
  const exact = isExact(prepared)
    ? null
    : ratesOf(
        await evaluate(exactOf(configuration), { ...request, layerImages: undefined }, progress, signal),
      )
  const { data, images } = result
  const accuracy: RunAccuracy = { plan, data, images, ...ratesOf(result), exact }
  writeAccuracy(directory, accuracy)
  replaceMetrics(directory, 'accuracy', accuracyMetrics(accuracy))
  return { ...result, ...accuracy }
}

export const writeAccuracy = (directory: string, accuracy: RunAccuracy): void =>
  writeStored(fileOf(directory), accuracy)

/** What was measured of the run's plan; undefined where nothing was. */
export function readAccuracy(directory: string, plan: string): RunAccuracy | undefined {
  const accuracy = readStored(fileOf(directory)) as RunAccuracy | undefined
  if (accuracy === undefined || accuracy.plan === plan) return accuracy
  throw dataError('is the accuracy of another design than the one that stands there', {
    where: fileOf(directory).path,
    hint: `Measure it: xgen eval --config ${join(directory, 'run.json')} --out ${directory}`,
  })
}

export const ratesOf = ({ top1, top5, interval }: Rates): Rates => ({ top1, top5, interval })

const isExact = ({ assignment }: Prepared): boolean =>
  [...assignment.values()].every(({ multipliers }) => multipliers.every(({ exact }) => exact))

function accuracyMetrics({ top1, top5, interval: [low, high], images, exact }: RunAccuracy): Metrics {
  return {
    accuracy__image__count: images,
    accuracy__top1: top1,
    accuracy__top1__low: low,
    accuracy__top1__high: high,
    accuracy__top5: top5,
    ...(exact === null
      ? {}
      : { 'accuracy__top1__baseline:exact': exact.top1, 'accuracy__top5__baseline:exact': exact.top5 }),
  }
}

/** The plan of the run, which must be of the same integer network and multipliers; its array and interface change no result. */
function planOfSameNetwork(directory: string, configuration: Configuration, prepared: Prepared): string {
  const record = recordOfRun(directory)
  if (typeof record?.plan !== 'string')
    throw usageError(`${directory} holds no complete xgen run`, {
      where: '--out',
      hint: `First: xgen rtl --net NETWORK --out ${directory}`,
    })
  const { quant, multipliers, weights } = (record.configuration ?? {}) as Partial<Configuration>
  const run = { quant, multipliers, curves: curvesOf(weights), inputs: record.inputs }
  const given = {
    quant: configuration.quant,
    multipliers: configuration.multipliers,
    curves: curvesOf(configuration.weights),
    inputs: inputsOf(prepared),
  }
  if (!isDeepStrictEqual(plain(run), plain(given)))
    throw usageError(`${directory} holds a run of another network, other weights or other multipliers`, {
      where: '--out',
      hint: `Take the run's own configuration: xgen eval --config ${join(directory, 'run.json')} --out ${directory}`,
    })
  return record.plan
}

/** Files stand by their hashes in a run's inputs. */
function curvesOf(weights: Partial<Configuration['weights']> = {}) {
  const { file: _file, coefficients: _coefficients, ...curves } = weights
  return curves
}

/** As it is read back: what is undefined is absent. */
const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value))
