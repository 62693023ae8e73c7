/** Two figures of a design, both the better the smaller they are. */
export type Figures = readonly [x: number, y: number]

/**
 * Which points no other one beats: none is at most as large in both figures and smaller in one. Equal points stand or fall together.
 */
export function paretoMembers(points: readonly Figures[]): readonly boolean[] {
  const order = points
    .map((_, i) => i)
    .sort((i, j) => compare(points[i]![0], points[j]![0]) || compare(points[i]![1], points[j]![1]))
  const members = new Array<boolean>(points.length).fill(false)
  let lowest: number | undefined // y of the points left of this one
  for (let first = 0; first < order.length; ) {
    const [x, y] = points[order[first]!]!
    let next = first
    for (; next < order.length && points[order[next]!]![0] === x; next++)
      members[order[next]!] = (lowest === undefined || y < lowest) && points[order[next]!]![1] === y
    lowest = Math.min(lowest ?? y, y)
    first = next
  }
  return members
}

/** Infinite figures have an order too, but no difference. */
const compare = (a: number, b: number) => (a < b ? -1 : a > b ? 1 : 0)
