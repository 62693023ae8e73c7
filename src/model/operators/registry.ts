import type { Model } from '../model.ts'
import { onnxOperators } from './onnx/registry.ts'
import type { Operator } from './operator.ts'

/** The operators of each format, by name. */
export const operatorsOf: Readonly<Record<Model['format'], Readonly<Record<string, Operator>>>> = {
  onnx: onnxOperators,
  tflite: {},
}
