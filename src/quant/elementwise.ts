import { usageError } from '../base/errors.ts'
import { realFunction } from '../float/activation.ts'
import { multiplied, softmaxLines } from '../float/forward.ts'
import type { Link } from './links.ts'
import type { QMultiply, QSoftmax, QTable, QTensor } from './qgraph.ts'
import { codeRange, fixedPoint, quantiseValue } from './rules.ts'

type LinkOf<K extends Link['kind']> = Link & { readonly kind: K }

/** The codes of a function of each of the input's codes: round half up of the real value in the output's scale. */
export function functionTable(real: (x: number) => number, input: QTensor, output: QTensor): Int16Array {
  const [first, last] = codeRange(input.bits, input.signed)
  const [low, high] = codeRange(output.bits, output.signed)
  return Int16Array.from({ length: last - first + 1 }, (_, i) =>
    quantiseValue(real((first + i) * input.scale), output.scale, low, high),
  )
}

export function tableNode({ layer, inputs, why }: LinkOf<'table'>, input: QTensor, output: QTensor): QTable {
  const relu = layer.kind === 'relu'
  const real = relu ? (x: number) => Math.max(0, x) : realFunction(layer.function)
  return {
    kind: 'table',
    name: layer.name,
    does: relu ? 'relu' : layer.function.name,
    ...(why === undefined ? {} : { why }),
    input: inputs[0]!,
    output: layer.name,
    table: functionTable(real, input, output),
  }
}

export function multiplyNode(
  { layer, shaped, inputs }: LinkOf<'mul'>,
  tensors: Readonly<Record<string, QTensor>>,
  clamp: Pick<QMultiply, 'low' | 'high'>,
): QMultiply {
  const [first, second] = multiplied(shaped).map(({ input }) => inputs[input]!) as [string, string]
  const { name } = layer
  const factor = fixedPoint((tensors[first]!.scale * tensors[second]!.scale) / tensors[name]!.scale)
  if (factor === undefined)
    throw usageError(
      `layer "${name}": its calibrated range and that of what it multiplies differ by more than 2^15`,
      { where: name, hint: 'The ranges do not belong to these weights: calibrate again.' },
    )
  return { kind: 'mul', name, inputs: [first, second], output: name, ...factor, ...clamp }
}

/** Bits behind the point of a softmax's exponentials. */
const softmaxBits = 16

export function softmaxNode(
  { layer, shaped, inputs }: LinkOf<'softmax'>,
  input: QTensor,
  output: QTensor,
): QSoftmax {
  const [, high] = codeRange(output.bits, output.signed)
  const one = high + 1
  if (output.scale !== 1 / one)
    throw usageError(
      `layer "${layer.name}": the result of a softmax is joined with values of another range`,
      {
        where: layer.name,
        hint: 'Join values before the softmax, or leave it out: the class is the same.',
      },
    )
  return {
    kind: 'softmax',
    name: layer.name,
    input: inputs[0]!,
    output: layer.name,
    ...softmaxLines(shaped),
    table: softmaxTable(input.scale, 2 ** input.bits),
    one,
    high,
  }
}

/** round(2^16 * e^(-d * scale)) for d = 0 .. differences - 1. */
export function softmaxTable(scale: number, differences: number): Int32Array {
  return Int32Array.from({ length: differences }, (_, d) =>
    Math.floor(2 ** softmaxBits * Math.exp(-d * scale) + 0.5),
  )
}
