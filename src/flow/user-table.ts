import { extname } from 'node:path'
import type { UserTable } from '../arith/user-multipliers.ts'
import { dataError } from '../base/errors.ts'
import { sha256 } from '../base/hash.ts'
import { decodeNpy } from '../base/npy.ts'

/** Reads a table of products: .npy, .csv, or raw .bin. Its shape and range are checked where the domain is known. */
export function readUserTable(bytes: Uint8Array, file: string): UserTable {
  return {
    kind: 'table',
    file,
    digest: sha256(bytes).slice(0, 12),
    products: productsOf(bytes, file),
  }
}

function productsOf(bytes: Uint8Array, file: string): UserTable['products'] {
  switch (extname(file).toLowerCase()) {
    case '.npy':
      return npyProducts(bytes, file)
    case '.csv':
      return csvProducts(Buffer.from(bytes).toString('utf8'), file)
    case '.bin':
      return binaryProducts(bytes, file)
    default:
      throw dataError('is no table that can be read', { where: file, hint: 'Name it .npy, .csv or .bin.' })
  }
}

const shapeError = (file: string, has: string, rows: number, columns: number) =>
  dataError(`has ${has}, but these operands need ${rows} x ${columns}`, {
    where: file,
    hint: 'One entry for each pair of codes: row = activation, column = weight (or transpose=yes).',
  })

/** A product as a whole number of 32 bits. */
function checked(value: number, where: () => string): number {
  if (Number.isInteger(value) && value >= -(2 ** 31) && value < 2 ** 31) return value
  throw dataError(`${value} is no product: a whole number of 32 bits`, { where: where() })
}

function npyProducts(bytes: Uint8Array, file: string): UserTable['products'] {
  const { shape, data } = decodeNpy(bytes, file)
  return (rows, columns) => {
    if (shape.length !== 2 || shape[0] !== rows || shape[1] !== columns)
      throw shapeError(file, `the shape (${shape.join(', ')})`, rows, columns)
    return Array.from(data as ArrayLike<number | bigint>, (value, i) =>
      checked(Number(value), () => `${file}[${Math.floor(i / columns)}, ${i % columns}]`),
    )
  }
}

function csvProducts(text: string, file: string): UserTable['products'] {
  const lines = text
    .split(/\r?\n/)
    .map((line, i) => ({ cells: line.split('#')[0]!.trim(), number: i + 1 }))
    .filter(({ cells }) => cells !== '')
  return (rows, columns) => {
    if (lines.length !== rows) throw shapeError(file, `${lines.length} rows`, rows, columns)
    return lines.flatMap(({ cells, number }) => {
      const values = cells.split(/\s*[,;]\s*|\s+/)
      if (values.length !== columns)
        throw shapeError(`${file}:${number}`, `${values.length} numbers in a row`, rows, columns)
      return values.map((value, i) => {
        const where = () => `${file}:${number}, number ${i + 1}`
        if (!/^[+-]?\d+$/.test(value)) throw dataError(`"${value}" is no whole number`, { where: where() })
        return checked(Number(value), where)
      })
    })
  }
}

/** 2 bytes an entry are unsigned, 4 are signed. */
function binaryProducts(bytes: Uint8Array, file: string): UserTable['products'] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return (rows, columns, negative) => {
    const entries = rows * columns
    if (bytes.length === 4 * entries)
      return Int32Array.from({ length: entries }, (_, i) => view.getInt32(4 * i, true))
    if (bytes.length !== 2 * entries)
      throw shapeError(file, `${bytes.length} bytes (2 an entry: unsigned; 4: signed)`, rows, columns)
    if (negative)
      throw dataError('has 2 bytes an entry, which are unsigned; products of signed operands need 4', {
        where: file,
      })
    return Int32Array.from({ length: entries }, (_, i) => view.getUint16(2 * i, true))
  }
}
