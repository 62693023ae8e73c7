import { addCells } from '../array.ts'
import { compress, emptyColumns } from '../compressor.ts'
import type { Family } from '../family.ts'
import { byMagnitudes } from '../sign-magnitude.ts'
import { reductionOf, reductionParameters } from './exact.ts'

/** Partial products left out (G. Zervakis et al., "Design-efficient approximate multiplication circuits through partial product perforation", 2016). */
export const perforate: Family = {
  id: 'perforate',
  summary: 'rows of the partial products left out',
  definition: 'A * (B with bits j..j+k-1 cleared)',
  domains: 'u x u; signed operands by sign and magnitude; 2..16 bits each',
  parameters: [
    { kind: 'integer', name: 'j', summary: 'first row left out', range: ({ nB }) => [0, nB - 1] },
    { kind: 'integer', name: 'k', summary: 'rows left out', range: ({ nB }) => [1, nB - 1] },
    ...reductionParameters,
  ],
  supports: () => true,
  conflict: ({ j, k }, _given, { nB }) =>
    Number(j) + Number(k) > nB
      ? `rows ${j}..${Number(j) + Number(k) - 1} are not all there: B has ${nB} bits`
      : undefined,
  define(domain, values) {
    const [j, k] = [Number(values['j']), Number(values['k'])]
    const dropped = (row: number) => row >= j && row < j + k
    return byMagnitudes(domain, {
      product(c, x, y) {
        const columns = emptyColumns<typeof x>(c.width(x) + c.width(y))
        addCells(c, columns, x, y, { signedA: false, signedB: false }, (_, row) => !dropped(row))
        return compress(c, columns, reductionOf(values))
      },
      zeroExact: true,
      exact: false,
      factors: [{ ofA: (a) => a, ofB: (b) => b - 2 ** j * (Math.floor(b / 2 ** j) % 2 ** k) }],
    })
  },
}
