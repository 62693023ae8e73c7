import { weighted } from './convolve.ts'
import { curve } from './curve.ts'
import { pairwise } from './elementwise.ts'
import { concatenation, padding, reshape, transpose } from './move.ts'
import { pooling } from './pool.ts'
import { dequantise, quantise } from './quantise.ts'
import { mean } from './reduce.ts'
import type { Operator } from './site.ts'
import { softmax } from './softmax.ts'

/** The operators of TensorFlow Lite that are evaluated. */
export const operators: ReadonlyMap<string, Operator> = new Map<string, Operator>([
  ['ADD', pairwise],
  ['AVERAGE_POOL_2D', pooling],
  ['CONCATENATION', concatenation],
  ['CONV_2D', weighted],
  ['DEPTHWISE_CONV_2D', weighted],
  ['DEQUANTIZE', dequantise],
  ['DIV', pairwise],
  ['EXPAND_DIMS', reshape],
  ['FULLY_CONNECTED', weighted],
  ['HARD_SWISH', curve],
  ['LEAKY_RELU', curve],
  ['LOGISTIC', curve],
  ['MAXIMUM', pairwise],
  ['MAX_POOL_2D', pooling],
  ['MEAN', mean],
  ['MINIMUM', pairwise],
  ['MUL', pairwise],
  ['PAD', padding],
  ['PADV2', padding],
  ['PRELU', pairwise],
  ['QUANTIZE', quantise],
  ['RELU', curve],
  ['RELU6', curve],
  ['RELU_N1_TO_1', curve],
  ['RESHAPE', reshape],
  ['SOFTMAX', softmax],
  ['SQUEEZE', reshape],
  ['SUB', pairwise],
  ['TANH', curve],
  ['TRANSPOSE', transpose],
])
