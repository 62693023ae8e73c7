import { invariant } from '../src/base/errors.ts'
import { type Convolution, codesOf, createConvolution } from '../src/kernels/convolution.ts'
import { bytesAt, hold, wordsAt } from '../src/kernels/memory.ts'
import type { Products } from '../src/kernels/products.ts'
import { placeRows } from '../src/kernels/rows.ts'
import { useThreads } from '../src/kernels/threads.ts'
import { outputSize, type Problem, tableOfFilter, tapsOf } from './problems.ts'

/** Codes as behind a ReLU. */
const format = { bits: 8, signed: true, padding: 0, least: 0 }

/** The products of a problem as the kernels take them: rows of its tables, or one factor of each operand. */
export type Preparation = 'rows' | 'exact' | 'truncated'

/** A kernel on a problem: from codes to sums, both in its own memory. */
export function kernelRun(problem: Problem, preparation: Preparation) {
  const { shape, images, activations } = problem
  const { rows, columns, positions } = outputSize(shape)
  const { kernel, stride, padding } = shape
  const convolution: Convolution = createConvolution(
    {
      ...shape,
      ...{ rows, columns, groups: 1, dilation: [1, 1] },
      ...{ kernel: [kernel, kernel], stride: [stride, stride], padding: [padding, padding] },
    },
    format,
    productsOf(problem, preparation),
    new Int32Array(shape.filters),
    { kind: 'sums' },
  )
  const holder = {}
  const input = hold(holder, activations.length)
  bytesAt(input, activations.length).set(new Uint8Array(activations.buffer))
  const count = images * shape.filters * positions
  const output = hold(holder, 4 * count)
  return {
    holder,
    run: (threads: number) => {
      useThreads(threads)
      convolution.run(input, output, images)
    },
    sums: () => wordsAt(output, count).slice(),
  }
}

function productsOf({ shape, weights, tables }: Problem, preparation: Preparation): Products {
  if (preparation === 'rows') {
    const taps = tapsOf(shape)
    return {
      kind: 'table',
      rows: tables.map(({ name, products }) => {
        const rows = placeRows(products, 8, 8, codesOf(format))
        invariant(rows !== undefined, `the table "${name}" spans more than 16 bits`)
        return rows
      }),
      index: Uint16Array.from(
        weights,
        (w, i) => tableOfFilter(tables, Math.floor(i / taps)) * 256 + (w & 255),
      ),
    }
  }
  if (preparation === 'exact')
    return { kind: 'dot', terms: 1, values: undefined, weights: Int16Array.from(weights) }
  const even = (code: number) => code & ~1
  return {
    kind: 'dot',
    terms: 1,
    values: Int16Array.from({ length: 256 }, (_, raw) => even((raw << 24) >> 24)),
    weights: Int16Array.from(weights, even),
  }
}
