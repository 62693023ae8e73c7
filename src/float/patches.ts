/** The windows that a convolution reads from one map. */
export interface Windows {
  /** Channels, height and width of the map. */
  readonly input: readonly [number, number, number]
  readonly kernel: readonly [number, number]
  readonly stride: readonly [number, number]
  readonly dilation: readonly [number, number]
  readonly padding: readonly [top: number, left: number, bottom: number, right: number]
  /** Height and width of the result. */
  readonly output: readonly [number, number]
}

/**
 * The windows over `count` channels from `first` on: patches[(c * kh + ky) * kw + kx][position], where position =
 * oy * width + ox. Padding is 0.
 */
export function gatherPatches(
  w: Windows,
  map: Float32Array,
  first: number,
  count: number,
  patches: Float32Array,
): void {
  patches.fill(0)
  for (const { patch, corner, rows, columns } of planes(w, first, count)) {
    gatherPlane(
      patches,
      patch,
      w.output[1],
      map,
      corner,
      w.stride[0] * w.input[2],
      w.stride[1],
      rows,
      columns,
    )
  }
}

/** The transpose of `gatherPatches`: adds each patch element to the map element that it came from. */
export function scatterPatches(
  w: Windows,
  patches: Float32Array,
  first: number,
  count: number,
  map: Float32Array,
): void {
  for (const { patch, corner, rows, columns } of planes(w, first, count)) {
    scatterPlane(
      patches,
      patch,
      w.output[1],
      map,
      corner,
      w.stride[0] * w.input[2],
      w.stride[1],
      rows,
      columns,
    )
  }
}

/** One tap over all positions: the rectangle of positions where it lies inside the map. */
interface Plane {
  /** Index of the rectangle's first element in the patches, and of what it reads in the map. */
  readonly patch: number
  readonly corner: number
  readonly rows: number
  readonly columns: number
}

function planes(w: Windows, first: number, count: number): Plane[] {
  const [, height, width] = w.input
  const [rows, columns] = w.output
  const found: Plane[] = []
  let base = 0
  for (let c = first; c < first + count; c++) {
    for (let ky = 0; ky < w.kernel[0]; ky++) {
      const [y0, y1] = insideRange(ky * w.dilation[0] - w.padding[0], w.stride[0], height, rows)
      for (let kx = 0; kx < w.kernel[1]; kx++, base += rows * columns) {
        const [x0, x1] = insideRange(kx * w.dilation[1] - w.padding[1], w.stride[1], width, columns)
        if (y1 <= y0 || x1 <= x0) continue
        const y = y0 * w.stride[0] - w.padding[0] + ky * w.dilation[0]
        const x = x0 * w.stride[1] - w.padding[1] + kx * w.dilation[1]
        found.push({
          patch: base + y0 * columns + x0,
          corner: (c * height + y) * width + x,
          rows: y1 - y0,
          columns: x1 - x0,
        })
      }
    }
  }
  return found
}

/** The positions o (from, until) of 0..count-1 for which 0 <= offset + o * stride < size. */
function insideRange(offset: number, stride: number, size: number, count: number): readonly [number, number] {
  return [
    Math.max(0, Math.ceil(-offset / stride)),
    Math.min(count, Math.floor((size - 1 - offset) / stride) + 1),
  ]
}

function gatherPlane(
  patches: Float32Array,
  patch: number,
  patchStep: number,
  map: Float32Array,
  corner: number,
  rowStep: number,
  step: number,
  rows: number,
  columns: number,
): void {
  for (let r = 0; r < rows; r++, patch += patchStep, corner += rowStep) {
    for (let i = 0, from = corner; i < columns; i++, from += step) patches[patch + i] = map[from]!
  }
}

function scatterPlane(
  patches: Float32Array,
  patch: number,
  patchStep: number,
  map: Float32Array,
  corner: number,
  rowStep: number,
  step: number,
  rows: number,
  columns: number,
): void {
  for (let r = 0; r < rows; r++, patch += patchStep, corner += rowStep) {
    for (let i = 0, to = corner; i < columns; i++, to += step) map[to] = map[to]! + patches[patch + i]!
  }
}
