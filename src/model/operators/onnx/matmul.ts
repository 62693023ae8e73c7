import { multiplyMatrices, rowMajor, type Strided, transposed } from '../../../float/matmul.ts'
import type { ModelTensor } from '../../model.ts'
import { isNarrow } from '../../narrow.ts'
import { elementsOf, isFloat, isWide } from '../../tensors.ts'
import type { Call, Operator } from '../operator.ts'
import { broadcastShape, broadcastTo, elements } from '../strided.ts'

/** A product of stacks of matrices as NumPy's matmul has it. */
interface Stacks {
  readonly m: number
  readonly n: number
  readonly k: number
  /** Of the result, without the axes that vectors do not have. */
  readonly shape: readonly number[]
  /** For each matrix of the result, the number of the matrix of a and of b. */
  readonly pairs: readonly (readonly [a: number, b: number])[]
}

export function stacksOf(call: Call, a: readonly number[], b: readonly number[]): Stacks {
  const fail = () => call.error(`multiplies shapes [${a.join(', ')}] and [${b.join(', ')}]`)
  if (a.length === 0 || b.length === 0) throw fail()
  const [x, y] = [a.length === 1 ? [1, ...a] : a, b.length === 1 ? [...b, 1] : b]
  const [m, k] = x.slice(-2) as [number, number]
  const [l, n] = y.slice(-2) as [number, number]
  const stack = broadcastShape(x.slice(0, -2), y.slice(0, -2))
  if (k !== l || stack === undefined) throw fail()
  const shape = [...stack, ...(a.length === 1 ? [] : [m]), ...(b.length === 1 ? [] : [n])]
  call.reserve(shape)
  call.spend(elementsOf(shape) * k)
  const numbers = (shape: readonly number[]): Int32Array => {
    const data = Int32Array.from({ length: elementsOf(shape) }, (_, i) => i)
    return broadcastTo({ type: 'int32', shape, data }, stack) as Int32Array
  }
  const [ofA, ofB] = [numbers(x.slice(0, -2)), numbers(y.slice(0, -2))]
  return { m, n, k, shape, pairs: Array.from(ofA, (index, i): [number, number] => [index, ofB[i]!]) }
}

function matMul(call: Call): readonly ModelTensor[] {
  const [a, b] = [call.input(0), call.input(1)]
  if (a.type !== b.type || a.type === 'bool' || a.type === 'string' || isWide(a.type) || isNarrow(a.type))
    throw call.error(`multiplies ${a.type} by ${b.type}`)
  const { m, n, k, shape, pairs } = stacksOf(call, a.shape, b.shape)
  const result = call.make(a.type, shape)
  if (call.dry) return [result]
  for (const [i, [ofA, ofB]] of pairs.entries()) {
    if (a.type === 'float32') {
      if (k === 0) continue
      multiplyMatrices(
        [m, n, k],
        rowMajor(a.data as Float32Array, k, ofA * m * k),
        rowMajor(b.data as Float32Array, n, ofB * k * n),
        { data: result.data as Float32Array, offset: i * m * n, row: n, accumulate: false },
      )
    } else {
      const product = isFloat(a.type) ? (x: number, y: number) => x * y : Math.imul
      products(
        [m, n, k],
        elements(a.data),
        ofA * m * k,
        elements(b.data),
        ofB * k * n,
        elements(result.data),
        i * m * n,
        product,
      )
    }
  }
  return [result]
}

/** c[m][n] = sum of a[m][k] * b[k][n] in plain loops. */
export function products(
  [m, n, k]: readonly [number, number, number],
  a: ArrayLike<number>,
  fromA: number,
  b: ArrayLike<number>,
  fromB: number,
  c: { [index: number]: number },
  to: number,
  product: (x: number, y: number) => number,
): void {
  for (let i = 0; i < m; i++)
    for (let j = 0; j < n; j++) {
      let sum = 0
      for (let s = 0; s < k; s++) sum += product(a[fromA + i * k + s]!, b[fromB + s * n + j]!)
      c[to + i * n + j] = sum
    }
}

/** alpha * A' * B' + beta * C, with A' and B' transposed or not. */
function gemm(call: Call): readonly ModelTensor[] {
  const a = call.typed(0, 'float32', 'float64')
  const b = call.typed(1, a.type)
  if (a.shape.length !== 2 || b.shape.length !== 2)
    throw call.error(
      `multiplies shapes [${a.shape.join(', ')}] and [${b.shape.join(', ')}]: two matrices are needed`,
    )
  const [first, second] = [call.int('transA', 0) !== 0, call.int('transB', 0) !== 0]
  const oriented = ({ shape }: ModelTensor, turned: boolean) => (turned ? [...shape].reverse() : shape)
  const { m, n, k, shape } = stacksOf(call, oriented(a, first), oriented(b, second))
  const [alpha, beta] = [call.float('alpha', 1), call.float('beta', 1)]
  const result = call.make(a.type, shape)
  const to = elements(result.data)
  if (k > 0 && !call.dry) {
    const view = ({ data, shape }: ModelTensor, turned: boolean): Strided => {
      const plain = rowMajor(data as Float32Array, shape[1]!)
      return turned ? transposed(plain) : plain
    }
    const [x, y] = [view(a, first), view(b, second)]
    if (a.type === 'float32') {
      multiplyMatrices([m, n, k], x, y, {
        data: result.data as Float32Array,
        offset: 0,
        row: n,
        accumulate: false,
      })
    } else multiplyDoubles([m, n, k], x, y, to)
  }
  const c = call.optional(2)
  const added = c === undefined ? undefined : elements(addend(call, c, a.type, shape))
  for (let i = 0; i < to.length; i++) to[i] = alpha * to[i]! + (added === undefined ? 0 : beta * added[i]!)
  return [result]
}

function addend(call: Call, c: ModelTensor, type: ModelTensor['type'], shape: readonly number[]) {
  if (c.type !== type || broadcastShape(c.shape, shape)?.join() !== shape.join())
    throw call.error(`adds ${c.type} of shape [${c.shape.join(', ')}] to ${type} of [${shape.join(', ')}]`)
  return broadcastTo(c, shape)
}

function multiplyDoubles(
  [m, n, k]: readonly [number, number, number],
  a: Strided,
  b: Strided,
  to: { [index: number]: number },
): void {
  for (let i = 0; i < m; i++)
    for (let j = 0; j < n; j++) {
      let sum = 0
      for (let s = 0; s < k; s++) sum += a.data[i * a.row + s * a.column]! * b.data[s * b.row + j * b.column]!
      to[i * n + j] = sum
    }
}

export const matmul: Readonly<Record<string, Operator>> = {
  MatMul: { inputs: [2, 2], attributes: {}, evaluate: matMul },
  Gemm: {
    inputs: [2, 3],
    attributes: { alpha: 'float', beta: 'float', transA: 'int', transB: 'int' },
    evaluate: gemm,
  },
}
