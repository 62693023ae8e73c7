/**
 * A characterisation table over the slew of the input and the load of the output: `values[slew * loads.length + load]`. A table that
 * does not depend on one of them has a single entry there. Slews in ns, loads in pF, values in ns or pJ.
 */
export interface Table {
  readonly slews: Float64Array
  readonly loads: Float64Array
  readonly values: Float64Array
}

/** The value between the four neighbours, bilinear; beyond the table the outermost cells go on (as in OpenSTA). */
export function lookUp({ slews, loads, values }: Table, slew: number, load: number): number {
  const columns = loads.length
  const i = segment(slews, slew)
  const j = segment(loads, load)
  const x = fraction(slews, i, slew)
  const y = fraction(loads, j, load)
  const at = i * columns + j
  const down = slews.length > 1 ? columns : 0
  const right = columns > 1 ? 1 : 0
  return (
    (1 - x) * ((1 - y) * values[at]! + y * values[at + right]!) +
    x * ((1 - y) * values[at + down]! + y * values[at + down + right]!)
  )
}

function segment(axis: Float64Array, value: number): number {
  const last = axis.length - 2
  let i = 0
  while (i < last && value >= axis[i + 1]!) i++
  return i
}

function fraction(axis: Float64Array, i: number, value: number): number {
  return axis.length > 1 ? (value - axis[i]!) / (axis[i + 1]! - axis[i]!) : 0
}
