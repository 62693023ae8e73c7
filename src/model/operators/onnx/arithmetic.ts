import type { ElementType, ModelTensor } from '../../model.ts'
import { isNarrow } from '../../narrow.ts'
import { isFloat, isWide } from '../../tensors.ts'
import type { Call, Operator } from '../operator.ts'
import { broadcastShape, broadcastTo, elements } from '../strided.ts'

/** What two elements give: as real numbers, as integers of up to 32 bits (the store wraps), and as 64-bit integers. */
interface Operation {
  readonly real: (a: number, b: number) => number | boolean
  readonly integer: (a: number, b: number) => number | boolean
  readonly wide: (a: bigint, b: bigint) => bigint | boolean
}

const add: Operation = { real: (a, b) => a + b, integer: (a, b) => a + b, wide: (a, b) => a + b }

const elementwise = (operation: Operation, divides = false): Operator => ({
  inputs: [2, 2],
  attributes: {},
  evaluate: (call) => [combine(call, call.input(0), call.input(1), operation, divides)],
})

function combine(
  call: Call,
  a: ModelTensor,
  b: ModelTensor,
  { real, integer, wide }: Operation,
  divides: boolean,
  made: ElementType = a.type,
): ModelTensor {
  if (a.type !== b.type) throw call.error(`reads ${a.type} and ${b.type}: both need one type`)
  if (a.type === 'bool' || a.type === 'string' || isNarrow(a.type))
    throw call.error(`does not take ${a.type}`)
  const shape = broadcastShape(a.shape, b.shape)
  if (shape === undefined)
    throw call.error(
      `reads shapes [${a.shape.join(', ')}] and [${b.shape.join(', ')}], which do not fit together`,
    )
  const result = call.make(made, shape)
  if (call.dry) return result
  const [x, y, z] = [elements(broadcastTo(a, shape)), elements(broadcastTo(b, shape)), elements(result.data)]
  if (divides && !isFloat(a.type)) {
    for (let i = 0; i < z.length; i++) if (!y[i]) throw call.error('divides a whole number by 0')
  }
  const of = (isFloat(a.type) ? real : isWide(a.type) ? wide : integer) as (a: number, b: number) => number
  for (let i = 0; i < z.length; i++) z[i] = of(x[i]!, y[i]!)
  return result
}

/** The sum, the largest or the smallest of any number of tensors, element by element. */
const ofMany = (operation: Operation, ...types: readonly ElementType[]): Operator => ({
  inputs: [1, 10_000],
  attributes: {},
  evaluate: (call) => {
    let joined = call.typed(0, ...types)
    for (let i = 1; i < call.count; i++) joined = combine(call, joined, call.input(i), operation, false)
    return [joined]
  },
})

const less = (a: number | bigint, b: number | bigint): boolean => a < b

const numbers = [
  'float32',
  'float64',
  'int8',
  'uint8',
  'int16',
  'uint16',
  'int32',
  'uint32',
  'int64',
  'uint64',
] as const

/** The elements of one tensor where a third is true, else those of another. */
function chosen(call: Call): readonly ModelTensor[] {
  const [condition, a, b] = [call.typed(0, 'bool'), call.input(1), call.input(2)]
  const both = broadcastShape(a.shape, b.shape)
  const shape = both && broadcastShape(both, condition.shape)
  if (a.type !== b.type || a.type === 'string' || shape === undefined)
    throw call.error(
      `chooses between ${a.type} [${a.shape.join(', ')}] and ${b.type} [${b.shape.join(', ')}] by [${condition.shape.join(', ')}]`,
    )
  const result = call.make(a.type, shape)
  if (call.dry) return [result]
  const [first, x, y] = [condition, a, b].map((tensor) => elements(broadcastTo(tensor, shape)))
  const to = elements(result.data)
  for (let i = 0; i < to.length; i++) to[i] = (first![i] ? x : y)![i]!
  return [result]
}

export const arithmetic: Readonly<Record<string, Operator>> = {
  Add: elementwise(add),
  Sub: elementwise({ real: (a, b) => a - b, integer: (a, b) => a - b, wide: (a, b) => a - b }),
  Mul: elementwise({ real: (a, b) => a * b, integer: Math.imul, wide: (a, b) => a * b }),
  Div: elementwise(
    { real: (a, b) => a / b, integer: (a, b) => Math.trunc(a / b), wide: (a, b) => a / b },
    true,
  ),
  Sum: ofMany(add, 'float32', 'float64'),
  Max: ofMany({ real: Math.max, integer: Math.max, wide: (a, b) => (less(a, b) ? b : a) }, ...numbers),
  Min: ofMany({ real: Math.min, integer: Math.min, wide: (a, b) => (less(a, b) ? a : b) }, ...numbers),
  Less: {
    inputs: [2, 2],
    attributes: {},
    evaluate: (call) => [
      combine(call, call.input(0), call.input(1), { real: less, integer: less, wide: less }, false, 'bool'),
    ],
  },
  Where: { inputs: [3, 3], attributes: {}, evaluate: chosen },
}
