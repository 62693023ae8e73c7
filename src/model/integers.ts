import type { Model } from './model.ts'

/** Operators of ONNX that compute on codes, or make codes and real values of each other. */
const quantised = /^(QLinear|QuantizeLinear|DequantizeLinear|DynamicQuantizeLinear|ConvInteger|MatMulInteger)/

/** Whether a file itself says how its layers compute in integers. */
export function computesIntegers(model: Model): boolean {
  if (model.format === 'tflite')
    return (
      [...model.inputs, ...model.outputs].some(
        ({ quantisation, type }) => quantisation !== undefined && type !== 'float32',
      ) || model.nodes.some(({ operator }) => operator === 'QUANTIZE')
    )
  return model.nodes.some(({ operator }) => quantised.test(operator))
}
