import { addCells } from '../array.ts'
import { compress, emptyColumns } from '../compressor.ts'
import { type Domain, operandRange } from '../domain.ts'
import { type Family, truncateAt } from '../family.ts'
import type { Factor } from '../multiplier.ts'
import { reductionOf, reductionParameters } from './exact.ts'

/** Broken-array multiplier (H. R. Mahdiani et al., "Bio-inspired imprecise computational blocks", 2010): cells of the array left out. */
export const bam: Family = {
  id: 'bam',
  summary: 'cells of the array left out (broken array)',
  definition: [
    'sum over the cells of +-a_i b_j 2^(i+j), those with i < h or i + j < v left out;',
    "a cell is negative where one of its bits is a signed operand's top bit",
  ].join('\n'),
  domains: 'u x u, s x s, u x s, s x u; 2..16 bits each',
  parameters: [
    { kind: 'integer', name: 'h', summary: 'low bits of A left out', range: ({ nA }) => [0, nA - 1] },
    { kind: 'integer', name: 'v', summary: 'low columns left out', range: ({ nA, nB }) => [0, nA + nB - 2] },
    ...reductionParameters,
  ],
  supports: () => true,
  define(domain, values) {
    const [h, v] = [Number(values['h']), Number(values['v'])]
    const rows = rowsOf(domain, h, v)
    return {
      product(c, a, b, width) {
        const columns = emptyColumns<typeof a>(width)
        addCells(c, columns, a, b, domain, (i, j) => i >= h && i + j >= v)
        return compress(c, columns, reductionOf(values))
      },
      range: rowsRange(domain, rows),
      exact: h === 0 && v === 0,
      zeroExact: true,
      factors: rowsFactors(domain, rows),
    }
  },
}

/** A row j of the array that has cells: A without its low `cut` bits, times b_j * weight. */
interface Row {
  readonly j: number
  readonly cut: number
  readonly weight: number
}

function rowsOf({ nA, nB, signedB }: Domain, h: number, v: number): Row[] {
  return Array.from({ length: nB }, (_, j) => ({
    j,
    cut: Math.max(h, v - j),
    weight: signedB && j === nB - 1 ? -(2 ** j) : 2 ** j,
  })).filter(({ cut }) => cut < nA)
}

/** Each row rises or falls with A all the way, and each bit of B is free: the extremes are at those of A, with the rows of one sign. */
function rowsRange({ nA, signedA }: Domain, rows: readonly Row[]): readonly [number, number] {
  const terms = operandRange(nA, signedA).map((a) =>
    rows.map(({ cut, weight }) => truncateAt(a, cut) * weight),
  )
  const sums = (sign: number) =>
    terms.map((list) => list.reduce((sum, term) => (term * sign > 0 ? sum + term : sum), 0))
  return [Math.min(...sums(-1)), Math.max(...sums(1))]
}

/** Rows that keep the same bits of A are one factor. */
function rowsFactors({ nB, signedB }: Domain, rows: readonly Row[]): Factor[] {
  const bitOf = (b: number, j: number) => Math.floor((signedB && b < 0 ? b + 2 ** nB : b) / 2 ** j) % 2
  return [...new Set(rows.map(({ cut }) => cut))].map((cut) => {
    const members = rows.filter((row) => row.cut === cut)
    return {
      ofA: (a) => truncateAt(a, cut),
      ofB: (b) => members.reduce((sum, { j, weight }) => sum + bitOf(b, j) * weight, 0),
    }
  })
}
