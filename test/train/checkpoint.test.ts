import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { writeSafetensors } from '../../src/base/safetensors.ts'
import { readCheckpoint, type TrainingProgress, writeCheckpoint } from '../../src/train/checkpoint.ts'

const directory = mkdtempSync(join(tmpdir(), 'xgen-checkpoint-'))
afterAll(() => rmSync(directory, { recursive: true, force: true }))

const path = join(directory, 'c')
const progress: TrainingProgress = {
  settings: 's',
  epoch: 1,
  batch: 2,
  lossSum: 0.5,
  bestEpoch: 1,
  bestAccuracy: 0.75,
}
const tensors = () =>
  new Map([
    ['a', Float32Array.of(1, 2)],
    ['b', Float32Array.of(3)],
  ])
const zeros = () => new Map([...tensors()].map(([name, { length }]) => [name, new Float32Array(length)]))

test('what is written is read back', () => {
  writeCheckpoint(path, progress, tensors())
  const read = zeros()
  expect(readCheckpoint(path, 's', read)).toEqual(progress)
  expect(read).toEqual(tensors())
})

test.each([
  ['progress that is no JSON', { progress: '{"epoch":' }],
  ['progress of other fields', { progress: '{"epoch":1}' }],
  ['no progress', {}],
])('%s is a data error that names the file', (_name, metadata: Record<string, string>) => {
  writeFileSync(path, writeSafetensors([], metadata))
  expect(() => readCheckpoint(path, 's', zeros())).toThrow(
    expect.objectContaining({
      kind: 'data',
      where: path,
      message: 'is no checkpoint of a training',
      hint: 'Start again without --resume.',
    }),
  )
})

test.each([
  ['a missing tensor', [['a', 2]], 'has no tensor "b" of shape [1]'],
  [
    'a tensor of another length',
    [
      ['a', 2],
      ['b', 2],
    ],
    'tensor "b" has the shape [2]; expected is [1]',
  ],
  [
    'a surplus tensor',
    [
      ['a', 2],
      ['b', 1],
      ['z', 1],
    ],
    'holds a tensor "z"',
  ],
] as [string, [string, number][], string][])('%s changes no value', (_name, stored, message) => {
  writeCheckpoint(path, progress, new Map(stored.map(([name, n]) => [name, new Float32Array(n).fill(9)])))
  const read = zeros()
  expect(() => readCheckpoint(path, 's', read)).toThrow(message)
  expect(read).toEqual(zeros())
})

test('a checkpoint of other settings is a usage error', () => {
  writeCheckpoint(path, progress, tensors())
  expect(() => readCheckpoint(path, 'other', zeros())).toThrow(
    expect.objectContaining({ kind: 'usage', where: path }),
  )
})
