import type { ModelTensor } from '../../model.ts'
import { isNarrow } from '../../narrow.ts'
import { isFloat, isWide } from '../../tensors.ts'
import type { Call, Operator } from '../operator.ts'
import { broadcastShape, broadcastTo, elements } from '../strided.ts'

/** What two elements give: as real numbers, as integers of up to 32 bits (the store wraps), and as 64-bit integers. */
interface Operation {
  readonly real: (a: number, b: number) => number
  readonly integer: (a: number, b: number) => number
  readonly wide: (a: bigint, b: bigint) => bigint
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
): ModelTensor {
  if (a.type !== b.type) throw call.error(`reads ${a.type} and ${b.type}: both need one type`)
  if (a.type === 'bool' || a.type === 'string' || isNarrow(a.type))
    throw call.error(`does not take ${a.type}`)
  const shape = broadcastShape(a.shape, b.shape)
  if (shape === undefined)
    throw call.error(
      `reads shapes [${a.shape.join(', ')}] and [${b.shape.join(', ')}], which do not fit together`,
    )
  const result = call.make(a.type, shape)
  if (call.dry) return result
  const [x, y, z] = [elements(broadcastTo(a, shape)), elements(broadcastTo(b, shape)), elements(result.data)]
  if (divides && !isFloat(a.type)) {
    for (let i = 0; i < z.length; i++) if (!y[i]) throw call.error('divides a whole number by 0')
  }
  const of = (isFloat(a.type) ? real : isWide(a.type) ? wide : integer) as (a: number, b: number) => number
  for (let i = 0; i < z.length; i++) z[i] = of(x[i]!, y[i]!)
  return result
}

export const arithmetic: Readonly<Record<string, Operator>> = {
  Add: elementwise(add),
  Sub: elementwise({ real: (a, b) => a - b, integer: (a, b) => a - b, wide: (a, b) => a - b }),
  Mul: elementwise({ real: (a, b) => a * b, integer: Math.imul, wide: (a, b) => a * b }),
  Div: elementwise(
    { real: (a, b) => a / b, integer: (a, b) => Math.trunc(a / b), wide: (a, b) => a / b },
    true,
  ),
  Sum: {
    inputs: [1, 10_000],
    attributes: {},
    evaluate: (call) => {
      let sum = call.typed(0, 'float32', 'float64')
      for (let i = 1; i < call.count; i++) sum = combine(call, sum, call.input(i), add, false)
      return [sum]
    },
  },
}
