import { usageError } from '../base/errors.ts'

/** A choice of filters or kernels: both ends included. */
export interface IndexRange {
  readonly first: number
  readonly last: number
}

/** Which products an entry is for: a layer, some of its filters, some kernels (input channels) of those. */
export interface Selector {
  /** As written, without white space: what messages and the resolved configuration show. */
  readonly text: string
  /** A layer's name, or a pattern with `*` and `?`; `default` is every layer. */
  readonly name: string
  readonly wild: boolean
  readonly filters: IndexRange | undefined
  readonly kernels: IndexRange | undefined
}

/** `conv2`, `conv*`, `conv1[0-2]`, `conv1[0-2][1]`, `default`. */
export function parseSelector(text: string, where?: string): Selector {
  const compact = text.replace(/\s+/g, '')
  const match = /^([^[\]]+)(?:\[([^[\]]*)\])?(?:\[([^[\]]*)\])?$/.exec(compact)
  if (match === null || !/^[\w*?]+$/.test(match[1]!)) {
    throw usageError(`"${text}" selects nothing`, {
      where,
      hint: 'Write a layer, then filters and kernels: conv2, conv*, conv1[0-2], conv1[0-2][1], default.',
    })
  }
  const name = match[1]!
  const selector = {
    text: compact,
    name,
    wild: /[*?]/.test(name),
    filters: match[2] === undefined ? undefined : parseRange(match[2], text, where),
    kernels: match[3] === undefined ? undefined : parseRange(match[3], text, where),
  }
  if (name === 'default' && selector.filters !== undefined)
    throw usageError(`"${text}": "default" has no filters to choose from`, { where })
  return selector
}

function parseRange(text: string, selector: string, where?: string): IndexRange {
  const match = /^(\d{1,9})(?:-(\d{1,9}))?$/.exec(text)
  if (match === null)
    throw usageError(`"[${text}]" in "${selector}" is no range`, {
      where,
      hint: 'Write an index from 0, or two with a dash: [3], [0-7].',
    })
  const first = Number(match[1])
  const last = Number(match[2] ?? match[1])
  if (last < first) throw usageError(`"[${text}]" in "${selector}" runs backwards`, { where })
  return { first, last }
}

/** How specific a selector is: kernel over filter over layer over default, and at each of these an exact name over a wild one. */
export function rank(selector: Selector): number {
  if (selector.name === 'default') return 0
  const level = selector.kernels !== undefined ? 3 : selector.filters !== undefined ? 2 : 1
  return 2 * level + (selector.wild ? 0 : 1)
}

export function matchesLayer(selector: Selector, layer: string): boolean {
  if (selector.name === 'default') return true
  if (!selector.wild) return selector.name === layer
  const pattern = selector.name.replace(/[*?]/g, (c) => (c === '*' ? '.*' : '.'))
  return new RegExp(`^${pattern}$`).test(layer)
}
