import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { silent } from '../../src/base/progress.ts'
import { readMetrics } from '../../src/flow/compare.ts'
import { resolveConfiguration } from '../../src/flow/configuration.ts'
import { evaluate } from '../../src/flow/eval.ts'
import { prepare } from '../../src/flow/preparation.ts'
import { generate, writeDesign } from '../../src/flow/rtl.ts'
import { evaluateRun, readAccuracy } from '../../src/flow/run-accuracy.ts'
import { dataSet } from '../../src/net/data/catalogue.ts'
import { isPresent } from '../../src/net/data/store.ts'

const root = mkdtempSync(join(tmpdir(), 'xgen-run-accuracy-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))

const run = join(root, 'run')
const coarse = 'trunc:ka=5,kb=5'
const configure = (mult: string, ...set: string[]) =>
  resolveConfiguration({ net: 'lenet5', environment: {}, mult: [mult], set: ['array.rows=2', ...set] })
const configuration = configure(coarse)
const { signal } = new AbortController()
const request = { data: 'mnist', images: 200, precision: 'int' } as const
const write = () => {
  const prepared = prepare(configuration)
  const design = generate(configuration, prepared)
  writeDesign(run, design, configuration, prepared, false)
  return design.plan.hash
}
let plan: string
beforeAll(() => {
  plan = write()
})

describe('the accuracy of a run', () => {
  test('stands in its metrics beside that of exact multipliers, for as long as the design does', async (context) => {
    if (!isPresent(dataSet('mnist'))) {
      if (process.env['XGEN_DATA_DIR'] !== undefined) throw new Error('XGEN_DATA_DIR has no mnist')
      context.skip('not run: no data (set XGEN_DATA_DIR, or run "xgen data fetch mnist")')
    }
    const measured = await evaluateRun(run, configuration, request, silent, signal)
    const exact = await evaluate(configure('exact'), request, silent, signal)
    expect(measured.exact).toEqual({ top1: exact.top1, top5: exact.top5, interval: exact.interval })
    expect(measured.top1).toBeLessThan(exact.top1)
    const metrics = {
      accuracy__image__count: 200,
      accuracy__top1: measured.top1,
      accuracy__top1__low: measured.interval[0],
      accuracy__top1__high: measured.interval[1],
      accuracy__top5: measured.top5,
      'accuracy__top1__baseline:exact': exact.top1,
      'accuracy__top5__baseline:exact': exact.top5,
    }
    const own = readMetrics(run)
    expect(own).toMatchObject(metrics)
    expect(own).toHaveProperty('cycles__total')
    write()
    expect(readMetrics(run)).toEqual(own)
    expect(readAccuracy(run, plan)).toMatchObject({ plan, data: 'mnist', images: 200, top1: measured.top1 })

    // another array gives the same results
    const wider = await evaluateRun(run, configure(coarse, 'array.cols=3'), request, silent, signal)
    expect(wider.top1).toBe(measured.top1)
  })

  test.each([
    ['other multipliers', configure('exact')],
    ['other bits', configure(coarse, 'quant.weights=7')],
    ['other curves', configure(coarse, 'weights.curve=linear')],
  ])('is refused of %s, before anything is measured', async (_what, other) => {
    await expect(evaluateRun(run, other, request, silent, signal)).rejects.toMatchObject({
      kind: 'usage',
      where: '--out',
      message: expect.stringContaining('another network, other weights or other multipliers'),
    })
  })

  test('needs a run, and integers', async () => {
    const empty = join(root, 'empty')
    await expect(evaluateRun(empty, configuration, request, silent, signal)).rejects.toMatchObject({
      kind: 'usage',
      message: `${empty} holds no complete xgen run`,
    })
    expect(existsSync(empty)).toBe(false)
    const float = { ...request, precision: 'float' } as const
    await expect(evaluateRun(run, configuration, float, silent, signal)).rejects.toMatchObject({
      kind: 'usage',
      where: '--precision',
    })
  })
})
