import type { Operator } from '../operator.ts'
import { activation } from './activation.ts'
import { arithmetic } from './arithmetic.ts'
import { constant } from './constant.ts'
import { convolution } from './convolution.ts'
import { matmul } from './matmul.ts'
import { movement } from './movement.ts'
import { pool } from './pool.ts'
import { quantisation } from './quantise.ts'
import { recurrence } from './recurrent.ts'
import { reduce } from './reduce.ts'
import { shape } from './shape.ts'
import { softmax } from './softmax.ts'

/** The standard operators of ONNX that are evaluated, by name. */
export const onnxOperators: Readonly<Record<string, Operator>> = {
  ...activation,
  ...arithmetic,
  ...constant,
  ...convolution,
  ...matmul,
  ...movement,
  ...pool,
  ...quantisation,
  ...recurrence,
  ...reduce,
  ...shape,
  ...softmax,
}
