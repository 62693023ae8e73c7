import * as job from './job'

/** The positions that one piece of work computes, and the part of the padded input that they read. */
export let image0: i32 = 0
export let images: i32 = 0
export let row0: i32 = 0
export let rows: i32 = 0
export let column0: i32 = 0
export let columns: i32 = 0
export let group: i32 = 0
/** The first filter, counted from 0 over all groups, and how many. */
export let filter0: i32 = 0
export let filters: i32 = 0
/** Rows and columns of a plane: what the positions' windows cover. */
export let planeRows: i32 = 0
export let planeColumns: i32 = 0
export let positions: i32 = 0

/** Pieces are numbered filters first, so that neighbours read the same input. */
export function select(at: usize, piece: i32): void {
  const perGroup = job.word(at, job.filters) / job.word(at, job.groups)
  const pieceFilters = job.word(at, job.pieceFilters)
  const blocks = (perGroup + pieceFilters - 1) / pieceFilters
  let rest = piece
  const block = rest % blocks
  rest /= blocks
  group = rest % job.word(at, job.groups)
  rest /= job.word(at, job.groups)
  filter0 = group * perGroup + block * pieceFilters
  filters = min(pieceFilters, perGroup - block * pieceFilters)
  const allColumns = job.word(at, job.columns)
  const pieceColumns = job.word(at, job.pieceColumns)
  const columnBlocks = (allColumns + pieceColumns - 1) / pieceColumns
  column0 = (rest % columnBlocks) * pieceColumns
  columns = min(pieceColumns, allColumns - column0)
  rest /= columnBlocks
  const allRows = job.word(at, job.rows)
  const pieceRows = job.word(at, job.pieceRows)
  const rowBlocks = (allRows + pieceRows - 1) / pieceRows
  row0 = (rest % rowBlocks) * pieceRows
  rows = min(pieceRows, allRows - row0)
  rest /= rowBlocks
  image0 = rest * job.word(at, job.pieceImages)
  images = min(job.word(at, job.pieceImages), job.word(at, job.images) - image0)
  planeRows =
    (rows - 1) * job.word(at, job.strideY) +
    (job.word(at, job.kernelHeight) - 1) * job.word(at, job.dilationY) +
    1
  planeColumns =
    (columns - 1) * job.word(at, job.strideX) +
    (job.word(at, job.kernelWidth) - 1) * job.word(at, job.dilationX) +
    1
  positions = images * rows * columns
}

/** Planes go on to whole tiles of so many rows: what lies below the windows is read, and does not count. Stride and dilation are 1. */
export function coverRows(tile: i32): void {
  planeRows += ((rows + tile - 1) / tile) * tile - rows
}

/** Where the piece's first sum of an image and filter lies in the result. */
export function placeOf(at: usize, image: i32, filter: i32): usize {
  const allColumns = job.word(at, job.columns)
  const plane = <usize>((image0 + image) * job.word(at, job.filters) + filter) * job.word(at, job.rows)
  return <usize>job.word(at, job.output) + ((plane * allColumns + <usize>(row0 * allColumns + column0)) << 2)
}
