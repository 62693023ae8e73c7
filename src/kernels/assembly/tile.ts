export const filtersOfTile: i32 = 4
export const positionsOfPanel: i32 = 8

/** Bytes between panels of so many: an odd number of cache lines, so that a column of panels does not fall into a few sets. */
export function panelStepOf(bytes: usize): usize {
  return (((bytes + 63) >> 6) | 1) << 6
}

/**
 * Panels [pairs][8 positions][2] of int16 by four filters' weights [pairs][4][2], which may differ from
 * panel to panel: sums[4 filters][8 positions] of each, every sum of two products one instruction.
 */
export function multiplyPanels(
  first: usize,
  panelStep: usize,
  panels: i32,
  pairs: i32,
  weights: usize,
  weightStep: usize,
  sums: usize,
  sumsStep: usize,
  filterStep: usize,
): void {
  for (let p = 0; p < panels; p++, first += panelStep, weights += weightStep, sums += sumsStep) {
    let x0 = v128.load(first)
    let x1 = v128.load(first, 16)
    let w = v128.load_splat<i32>(weights)
    let a0 = i32x4.dot_i16x8_s(x0, w)
    let a1 = i32x4.dot_i16x8_s(x1, w)
    w = v128.load_splat<i32>(weights, 4)
    let b0 = i32x4.dot_i16x8_s(x0, w)
    let b1 = i32x4.dot_i16x8_s(x1, w)
    w = v128.load_splat<i32>(weights, 8)
    let c0 = i32x4.dot_i16x8_s(x0, w)
    let c1 = i32x4.dot_i16x8_s(x1, w)
    w = v128.load_splat<i32>(weights, 12)
    let d0 = i32x4.dot_i16x8_s(x0, w)
    let d1 = i32x4.dot_i16x8_s(x1, w)
    let pair = weights + 16
    const end = first + ((<usize>pairs) << 5)
    for (let panel = first + 32; panel < end; panel += 32, pair += 16) {
      x0 = v128.load(panel)
      x1 = v128.load(panel, 16)
      w = v128.load_splat<i32>(pair)
      a0 = i32x4.add(a0, i32x4.dot_i16x8_s(x0, w))
      a1 = i32x4.add(a1, i32x4.dot_i16x8_s(x1, w))
      w = v128.load_splat<i32>(pair, 4)
      b0 = i32x4.add(b0, i32x4.dot_i16x8_s(x0, w))
      b1 = i32x4.add(b1, i32x4.dot_i16x8_s(x1, w))
      w = v128.load_splat<i32>(pair, 8)
      c0 = i32x4.add(c0, i32x4.dot_i16x8_s(x0, w))
      c1 = i32x4.add(c1, i32x4.dot_i16x8_s(x1, w))
      w = v128.load_splat<i32>(pair, 12)
      d0 = i32x4.add(d0, i32x4.dot_i16x8_s(x0, w))
      d1 = i32x4.add(d1, i32x4.dot_i16x8_s(x1, w))
    }
    let to = sums
    v128.store(to, a0)
    v128.store(to, a1, 16)
    to += filterStep
    v128.store(to, b0)
    v128.store(to, b1, 16)
    to += filterStep
    v128.store(to, c0)
    v128.store(to, c1, 16)
    to += filterStep
    v128.store(to, d0)
    v128.store(to, d1, 16)
  }
}
