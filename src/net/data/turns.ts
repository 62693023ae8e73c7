/**
 * The first item of each class, then the second of each, and so on. Files lie class by class: taken so, the first of them would be of one
 * class alone, and neither an accuracy nor the ranges of activations could be found on them.
 */
export function byTurns<T extends { readonly label: number }>(items: readonly T[]): T[] {
  const seen = new Map<number, number>()
  const placed = items.map((item) => {
    const turn = seen.get(item.label) ?? 0
    seen.set(item.label, turn + 1)
    return { item, turn }
  })
  return placed.sort((a, b) => a.turn - b.turn || a.item.label - b.item.label).map(({ item }) => item)
}
