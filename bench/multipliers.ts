import { provideUserMultiplier } from '../src/arith/user-multipliers.ts'
import { drawnTable, exactTable, type Table, truncatedTable, wideTable } from './problems.ts'

/** Tables that entrants multiply by, and the specs of the multipliers that have the same products. */
export const tables = {
  exact: exactTable,
  truncated: truncatedTable,
  drawn: drawnTable(),
  wide: wideTable(),
} as const

const specs = new Map<Table, string>([
  [tables.exact, 'exact'],
  [tables.truncated, 'trunc:ka=1,kb=1'],
])

export const specOf = (table: Table): string => specs.get(table) ?? `lut:file=${table.name}`

for (const table of [tables.drawn, tables.wide]) {
  const { name: file, products } = table
  provideUserMultiplier(
    'lut',
    { file, transpose: 'no' },
    { kind: 'table', file, digest: file, products: () => products },
  )
}
