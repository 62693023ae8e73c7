import { isWide, repeatedOperands } from './javascript.ts'
import type { NetNode } from './netlist.ts'

/** A statement that ends in an effect or a result, over the values of some nodes. */
export interface Action {
  readonly needs: readonly NetNode[]
  readonly text: (value: (node: NetNode) => string) => string
}

/** V8 does not optimise functions of more than 60 KB bytecode: larger ones are divided. */
const partWeight = 700
const inlineSize = 8

export interface Meaning {
  /** The text of a value that is there without computing. */
  direct(node: NetNode): string | undefined
  /** What a computed value needs. */
  below(node: NetNode): readonly NetNode[]
  compute(node: NetNode, value: (node: NetNode) => string): string
}

/** A function that does the actions in order, computing each value once; in parts where it would be too large. */
export function functionText(
  name: string,
  parameters: string,
  actions: readonly Action[],
  meaning: Meaning,
  scratch: { narrow: number; wide: number },
): string {
  const uses = new Map<NetNode, number>()
  const items: { node: NetNode | undefined; action: Action | undefined; weight: number }[] = []
  const order: NetNode[] = []
  const computed = new Map<NetNode, readonly NetNode[]>()

  // The values in the order in which the actions need them.
  const ends: number[] = []
  for (const action of actions) {
    const path: { node: NetNode; next: number }[] = []
    const enter = (node: NetNode) => {
      uses.set(node, (uses.get(node) ?? 0) + 1)
      if (computed.has(node) || meaning.direct(node) !== undefined) return
      computed.set(node, meaning.below(node))
      path.push({ node, next: 0 })
    }
    for (const need of action.needs) {
      enter(need)
      while (path.length > 0) {
        const top = path.at(-1)!
        const below = computed.get(top.node)![top.next++]
        if (below !== undefined) enter(below)
        else {
          order.push(top.node)
          path.pop()
        }
      }
    }
    ends.push(order.length)
  }
  for (const node of order)
    for (const operand of repeatedOperands(node)) uses.set(operand, (uses.get(operand) ?? 0) + 1)

  // A value used once is written where it is used, as long as the expression stays small.
  const size = new Map<NetNode, number>()
  const inPlace = (node: NetNode) => size.has(node)
  let at = 0
  actions.forEach((action, index) => {
    for (; at < ends[index]!; at++) {
      const node = order[at]!
      let weight = 1
      for (const below of computed.get(node)!) weight += size.get(below) ?? 0
      if (uses.get(node) === 1 && node.kind !== 'instance' && weight <= inlineSize) size.set(node, weight)
      else
        items.push({
          node,
          action: undefined,
          weight: weight + (node.kind === 'instance' ? computed.get(node)!.length : 0),
        })
    }
    items.push({
      node: undefined,
      action,
      weight: 1 + action.needs.length + action.needs.reduce((sum, need) => sum + (size.get(need) ?? 0), 0),
    })
  })

  const local = (node: NetNode) => `v${node.id}`
  const value = (node: NetNode): string =>
    meaning.direct(node) ?? (inPlace(node) ? meaning.compute(node, value) : local(node))
  const textOf = ({ node, action }: (typeof items)[number]) =>
    node === undefined ? action!.text(value) : `const ${local(node)} = ${meaning.compute(node, value)}`

  const total = items.reduce((sum, item) => sum + item.weight, 0)
  if (total <= 2 * partWeight)
    return `function ${name}(${parameters}) {\n${items.map((item) => `  ${textOf(item)};\n`).join('')}}`
  return partedFunction(
    name,
    parameters,
    items,
    { textOf, local, below: (node) => computed.get(node)!, inPlace, direct: meaning.direct },
    scratch,
  )
}

interface Parts {
  textOf(item: { node: NetNode | undefined; action: Action | undefined; weight: number }): string
  local(node: NetNode): string
  below(node: NetNode): readonly NetNode[]
  inPlace(node: NetNode): boolean
  direct(node: NetNode): string | undefined
}

function partedFunction(
  name: string,
  parameters: string,
  items: readonly { node: NetNode | undefined; action: Action | undefined; weight: number }[],
  { textOf, local, below, inPlace, direct }: Parts,
  scratch: { narrow: number; wide: number },
): string {
  const partOf = new Map<NetNode, number>()
  const parts: { lines: string[]; loaded: Set<NetNode> }[] = []
  const shared = new Map<NetNode, string>()
  const lineOf = new Map<NetNode, { part: number; line: number }>()
  let weight = Number.POSITIVE_INFINITY
  for (const item of items) {
    if (weight >= partWeight) {
      parts.push({ lines: [], loaded: new Set() })
      weight = 0
    }
    weight += item.weight
    const part = parts.at(-1)!
    // The values of earlier parts that this statement reads, also through expressions in place.
    const pending = [...(item.node === undefined ? item.action!.needs : below(item.node))]
    for (let node = pending.pop(); node !== undefined; node = pending.pop()) {
      if (direct(node) !== undefined) continue
      if (inPlace(node)) pending.push(...below(node))
      else if (partOf.get(node) !== parts.length - 1 && !part.loaded.has(node)) {
        let place = shared.get(node)
        if (place === undefined) {
          place = isWide(node.width) ? `U[${scratch.wide++}]` : `T[${scratch.narrow++}]`
          shared.set(node, place)
          const { part: home, line } = lineOf.get(node)!
          parts[home]!.lines[line] += `; ${place} = ${local(node)}`
        }
        part.loaded.add(node)
        part.lines.push(`const ${local(node)} = ${place}`)
      }
    }
    if (item.node !== undefined) {
      partOf.set(item.node, parts.length - 1)
      lineOf.set(item.node, { part: parts.length - 1, line: part.lines.length })
    }
    part.lines.push(textOf(item))
  }
  const functions = parts.map(
    ({ lines }, i) =>
      `function ${name}_part${i}(${parameters}) {\n${lines.map((line) => `  ${line};\n`).join('')}}`,
  )
  const calls = parts.map(
    (_, i) => `  ${i === parts.length - 1 ? 'return ' : ''}${name}_part${i}(${parameters});\n`,
  )
  return [...functions, `function ${name}(${parameters}) {\n${calls.join('')}}`].join('\n')
}
