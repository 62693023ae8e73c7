import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { packageRoot } from '../../src/base/files.ts'
import { resolveConfiguration } from '../../src/flow/configuration.ts'
import { evaluatedSet, ownDataSet } from '../../src/flow/preparation.ts'

const directory = mkdtempSync(join(tmpdir(), 'xgen-set-'))
afterAll(() => rmSync(directory, { recursive: true }))
const path = (name: string) => join(directory, name)

test('a network is evaluated on what its weights were calibrated on, unless another set is named', () => {
  expect(ownDataSet(resolveConfiguration({ net: 'lenet5', environment: {} }))).toBe('mnist')
  const weights = path('own.safetensors')
  const own = resolveConfiguration({ net: 'lenet5', weights, environment: {} })
  expect(ownDataSet(own)).toBeUndefined()
  const record = readFileSync(join(packageRoot, 'nets', 'lenet5.json'), 'utf8')
  const calibratedOn = (data: string) =>
    writeFileSync(
      path('own.json'),
      JSON.stringify({ ...JSON.parse(record), calibration: { data, images: 3 } }),
    )
  calibratedOn('fashion-mnist')
  expect(ownDataSet(own)).toBe('fashion-mnist')
  for (const unknown of ['drawn', 'folder:photos']) {
    calibratedOn(unknown)
    expect(ownDataSet(own)).toBeUndefined()
  }
  writeFileSync(path('own.json'), '{')
  expect(ownDataSet(own)).toBeUndefined()
  // what is wrong with the weights, which would name it, is told first
  for (const precision of ['int', 'float'] as const)
    expect(() => evaluatedSet(own, undefined, precision)).toThrow(`${weights} does not exist`)
  copyFileSync(join(packageRoot, 'nets', 'lenet5.safetensors'), weights)
  expect(() => evaluatedSet(own, undefined, 'int')).toThrow('is no valid JSON')
  expect(() => evaluatedSet(own, undefined, 'float')).toThrow('name the data set')
  expect(evaluatedSet(own, 'mnist', 'int')).toBe('mnist')
})
