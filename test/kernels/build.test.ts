import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, expect, test } from 'vitest'
import { compileKernels, kernelFile } from '../../scripts/kernels/compile.ts'
import { cellWords } from '../../src/kernels/cells.ts'
import { jobWords } from '../../src/kernels/convolution.ts'
import { additionWords, poolingWords } from '../../src/kernels/elementwise.ts'
import { floatWords } from '../../src/kernels/floats.ts'
import { lookupWords, softmaxWords } from '../../src/kernels/lookup.ts'
import { transposeWords } from '../../src/kernels/transpose.ts'

const assembly = resolve(import.meta.dirname, '../../src/kernels/assembly')

describe('the kernels', () => {
  test('are what their sources give', async () => {
    expect((await compileKernels()).equals(readFileSync(kernelFile))).toBe(true)
  })

  test.each([
    ['job', jobWords],
    ['add', additionWords],
    ['pool', poolingWords],
    ['cells', cellWords],
    ['floats', floatWords],
    ['lookup', lookupWords],
    ['softmax', softmaxWords],
    ['transpose', transposeWords],
  ])('read the words of a job where they are written: %s.ts', (file, written) => {
    const text = readFileSync(join(assembly, `${file}.ts`), 'utf8')
    const words = [...text.matchAll(/^(?:export )?const (\w+): usize = (\d+)$/gm)]
    expect(words.map(([, name, at]) => [name, Number(at)])).toEqual(
      written.map((name, index) => [name, 4 * index]),
    )
  })
})
