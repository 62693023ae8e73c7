import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { FileModel } from '../../fixtures/tflite.ts'
import { run } from '../../fixtures/tflite-run.ts'

/**
 * Random models of one operator, and what TensorFlow Lite's own interpreter makes of them: a WebAssembly build of it (the package
 * @tensorflow/tfjs-tflite 0.0.1-alpha.10) with its built-in kernels alone. A reshape to a computed shape beside each operator kept
 * the XNNPACK library away, which rounds otherwise. Among them are scales whose ratio in float32 gives another code than in double.
 */
interface Recorded {
  readonly model: FileModel
  readonly inputs: readonly (readonly number[])[]
  readonly outputs: readonly (readonly number[])[]
}

const file = join(import.meta.dirname, '../../fixtures/tflite-interpreter.jsonl')
const recorded = readFileSync(file, 'utf8')
  .trim()
  .split('\n')
  .map((line): Recorded => JSON.parse(line))
const named = recorded.map((record) => {
  const { tensors, operators } = record.model
  return [`${operators[0]!.operator} of ${tensors[0]!.type}`, record] as const
})
const names = [...new Set(named.map(([name]) => name))]

test.each(names)('%s gives what the interpreter gave', (name) => {
  for (const [, { model, inputs, outputs }] of named.filter(([own]) => own === name))
    expect(run(model, inputs)).toEqual(outputs[0])
})
