import type { Multiplier } from '../arith/multiplier.ts'
import { parseMultiplier } from '../arith/registry.ts'
import { usageError } from '../base/errors.ts'
import { didYouMean } from '../base/suggest.ts'
import type { ArraySpec, Size } from './array.ts'
import type { Plan, PlanLayer, Tile } from './plan.ts'

// Tiles may be smaller than the array, which is their envelope. Small tiles stand at its bottom left: row r of a tile of R' rows is fed by
// row r + R - R' of the array, so that the sums of all tiles leave at the same time.

/** The key of `array.tiles` that stands for a tile with run-time modes. */
const modesKey = 'modes'

/** The size of each tile: the array's, or what `array.tiles` says of its multiplier. */
export function tileSizes(array: ArraySpec, tiles: readonly (readonly Multiplier[])[]): readonly Size[] {
  const sizes = tiles.map(() => ({ rows: array.rows, columns: array.columns }))
  const named = new Map<number, string>()
  for (const [key, size] of Object.entries(array.tiles ?? {})) {
    const where = size.where ?? `array.tiles.${key}`
    checkSize(array, size, where)
    const found = tiles.flatMap((multipliers, index) => (isTile(key, multipliers, where) ? [index] : []))
    if (found.length === 0) throw noTile(key, tiles, where)
    for (const index of found) {
      const other = named.get(index)
      if (other !== undefined) throw usageError(`"${key}" and "${other}" are the same tile`, { where })
      named.set(index, key)
      sizes[index] = { rows: size.rows, columns: size.columns }
    }
  }
  return sizes
}

function isTile(key: string, multipliers: readonly Multiplier[], where: string): boolean {
  if (key === modesKey || multipliers.length > 1) return key === modesKey && multipliers.length > 1
  const [multiplier] = multipliers
  return parseMultiplier(key, multiplier!.domain, where).spec === multiplier!.spec
}

function noTile(key: string, tiles: readonly (readonly Multiplier[])[], where: string) {
  const specs = tiles.map((multipliers) => (multipliers.length > 1 ? modesKey : multipliers[0]!.spec))
  const shared = tiles.find((multipliers) => multipliers.length > 1) ?? []
  if (
    key !== modesKey &&
    shared.some(({ spec, domain }) => parseMultiplier(key, domain, where).spec === spec)
  )
    return usageError(`"${key}" is a mode of the tile with run-time modes`, {
      where,
      hint: `That tile is named "${modesKey}".`,
    })
  return usageError(
    key === modesKey
      ? 'no tile has run-time modes'
      : `no tile has the multiplier "${key}".${didYouMean(key, specs)}`,
    { where, hint: `Tiles of this design: ${[...new Set(specs)].join('; ')}.` },
  )
}

function checkSize(array: ArraySpec, { rows, columns }: Size, where: string): void {
  if (![rows, columns].every((size) => Number.isSafeInteger(size) && size >= 1))
    throw usageError(`${rows}x${columns} is no size: a tile has at least 1 row and 1 column`, { where })
  if (rows > array.rows || columns > array.columns)
    throw usageError(
      `a tile of ${rows}x${columns} is larger than the array of ${array.rows}x${array.columns}`,
      { where, hint: 'array.rows and array.cols hold all tiles: make them larger, or the tile smaller.' },
    )
}

/** The size at which a layer runs: the least of the rows, and of the columns, of the tiles that it uses. */
export function sizeOfTiles(sizes: readonly Size[]): Size {
  return {
    rows: Math.min(...sizes.map(({ rows }) => rows)),
    columns: Math.min(...sizes.map(({ columns }) => columns)),
  }
}

type Sized = Partial<Size>
type Envelope = Pick<Plan, 'array'>

const sizeOf = ({ array }: Envelope, { rows = array.rows, columns = array.columns }: Sized): Size => ({
  rows,
  columns,
})

export const tileSize = (plan: Envelope, tile: Tile): Size => sizeOf(plan, tile)

/** Rows and columns that a layer's folds may use. */
export const layerSize = (plan: Envelope, layer: PlanLayer): Size => sizeOf(plan, layer)

/** The array's row that feeds a tile's row 0. */
export const tileTop = (plan: Envelope, tile: Tile): number => plan.array.rows - tileSize(plan, tile).rows

/** The array's row that a layer's row 0 is. */
export const layerTop = (plan: Envelope, layer: PlanLayer): number =>
  plan.array.rows - layerSize(plan, layer).rows

/** Rows at which layers begin, ascending: [0] where all have the whole array. */
export const layerTops = (plan: Pick<Plan, 'array' | 'layers'>): readonly number[] =>
  [...new Set(plan.layers.map((layer) => layerTop(plan, layer)))].sort((a, b) => a - b)

/** Whether some layer has fewer rows, or fewer columns, than the array: the program then says which. */
export const rowsVary = ({ layers }: Pick<Plan, 'layers'>): boolean =>
  layers.some(({ rows }) => rows !== undefined)
export const columnsVary = ({ layers }: Pick<Plan, 'layers'>): boolean =>
  layers.some(({ columns }) => columns !== undefined)

/** The fields of a tile or a layer that is smaller than the array. */
export const smaller = (array: Size, { rows, columns }: Size): Sized => ({
  ...(rows < array.rows ? { rows } : {}),
  ...(columns < array.columns ? { columns } : {}),
})
