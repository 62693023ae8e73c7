import { createOnnxEvaluator, type Evaluator } from './evaluate.ts'
import type { Model } from './model.ts'
import { onnxOperators } from './operators/onnx/registry.ts'
import { type Unsupported, unsupportedNodes } from './supported.ts'
import { createTfliteEvaluator, unsupportedTfliteNodes } from './tflite/evaluate.ts'

/** A model that runs, by the operators of its format. Those that are not there are listed in one error. */
export function createEvaluator(model: Model): Evaluator {
  return model.format === 'onnx' ? createOnnxEvaluator(model) : createTfliteEvaluator(model)
}

/** Every node that cannot be evaluated. */
export function unsupportedBy(model: Model): readonly Unsupported[] {
  return model.format === 'onnx' ? unsupportedNodes(model, onnxOperators) : unsupportedTfliteNodes(model)
}
