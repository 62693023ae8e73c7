import type { Comb } from '../../comb/comb.ts'
import { numbers } from '../../comb/numbers.ts'
import {
  type ApproximateTree,
  type CompressorDesign,
  type PlacedCompressor,
  reduceApproximately,
} from '../approximate-compressor.ts'
import { addCells, plainReduction } from '../array.ts'
import { compress, emptyColumns } from '../compressor.ts'
import { type Domain, domainName } from '../domain.ts'
import type { Family, ParameterValues } from '../family.ts'
import { byMagnitudes, type MagnitudeDefinition, productsOfMagnitudes } from '../sign-magnitude.ts'
import { hasZeroGate, zeroGated, zeroGateParameter } from '../zero-gate.ts'

/** An array whose compressor tree has Momeni's approximate 4:2 compressors in its low columns. */
export const compressor: Family = {
  id: 'compressor',
  summary: 'approximate 4:2 compressors in the tree (Momeni)',
  definition: [
    'Dadda tree with an approximate compressor in the columns below `columns`;',
    'design 2: carry = (x1|x2)&(x3|x4), sum = ~(x1^x2) | ~(x3^x4);',
    'design 1: carry = cin, cout = (x1|x2)&(x3|x4), sum = ~cin & (~(x1^x2) | ~(x3^x4))',
  ].join('\n'),
  domains: 'u x u; signed operands by sign and magnitude; 2..16 bits each',
  parameters: [
    { kind: 'integer', name: 'design', summary: "Momeni's design", range: () => [1, 2] },
    {
      kind: 'integer',
      name: 'columns',
      summary: 'columns with approximate compressors, from the lowest',
      range: ({ nA, nB }) => [0, nA + nB],
      default: ({ nA, nB }) => nA + nB,
    },
    zeroGateParameter,
  ],
  supports: () => true,
  define(domain, values) {
    const tree = treeOf(values)
    const gated = hasZeroGate(values)
    const exact = placement(domain, tree).length === 0
    const product = <T>(c: Comb<T>, x: T, y: T): T => {
      const sum = compressorProduct(c, x, y, tree)
      return gated ? zeroGated(c, sum, x, y) : sum
    }
    return byMagnitudes(domain, {
      product,
      exact,
      // four zeros make 1
      zeroExact: exact || gated,
      largest: largestProduct(domain, `${domainName(domain)} ${JSON.stringify(values)}`, product),
    })
  },
  details: (domain, values) => {
    const list = placement(domain, treeOf(values))
    const text = ({ stage, column, carryIn }: PlacedCompressor) =>
      `stage ${stage}, column ${column}${carryIn ? ', with carry in' : ''}`
    return [`${list.length} approximate compressors`, ...list.map(text)]
  },
}

const treeOf = (values: ParameterValues): ApproximateTree => ({
  design: Number(values['design']) as CompressorDesign,
  columns: Number(values['columns']),
})

function compressorProduct<T>(c: Comb<T>, x: T, y: T, tree: ApproximateTree): T {
  const columns = emptyColumns<T>(c.width(x) + c.width(y))
  addCells(c, columns, x, y, { signedA: false, signedB: false })
  const reduced = reduceApproximately(c, columns.columns, tree)
  return compress(c, { ...columns, columns: reduced }, plainReduction)
}

/** Where the tree has approximate compressors. */
function placement({ nA, nB }: Domain, tree: ApproximateTree): PlacedCompressor[] {
  const list: PlacedCompressor[] = []
  const place = (one: PlacedCompressor) => list.push(one)
  compressorProduct(numbers, numbers.constant(0, nA), numbers.constant(0, nB), { ...tree, place })
  return list
}

const known = new Map<string, number>()

/**
 * Largest product of magnitudes up to x and y: tried up to 8x8 bits, once for a multiplier. Above, the largest number that the tree's columns
 * hold; a carry out of the last one would be lost, and none was found in any tree up to 8x8 bits or sampled above.
 */
function largestProduct(
  { nA, nB }: Domain,
  id: string,
  product: MagnitudeDefinition['product'],
): (x: number, y: number) => number {
  if (nA > 8 || nB > 8) return () => 2 ** (nA + nB) - 1
  return (x, y) => {
    const key = `${id} ${x} ${y}`
    let largest = known.get(key)
    if (largest === undefined) {
      const pairs = Array.from(
        { length: (x + 1) * (y + 1) },
        (_, i) => [i % (x + 1), Math.floor(i / (x + 1))] as const,
      )
      largest = productsOfMagnitudes(product, nA, nB, pairs).reduce((most, one) => Math.max(most, one), 0)
      known.set(key, largest)
    }
    return largest
  }
}
