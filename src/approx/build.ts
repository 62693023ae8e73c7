import { type Domain, domainName } from '../arith/domain.ts'
import type { Multiplier } from '../arith/multiplier.ts'
import { parseMultiplier } from '../arith/registry.ts'
import { usageError } from '../base/errors.ts'
import { didYouMean } from '../base/suggest.ts'
import type { QCurve } from '../quant/curve.ts'
import { channelsOf, filtersOf, type QConv, type QGraph } from '../quant/qgraph.ts'
import { checkAccumulator } from './accumulator.ts'
import type { Assignment, LayerAssignment } from './assignment.ts'
import type { Entry } from './entries.ts'
import { type IndexRange, matchesLayer, parseSelector, rank, type Selector } from './selector.ts'

interface Rule {
  readonly selector: Selector
  readonly rank: number
  readonly entry: Entry
}

/** The operands of a layer's products: its input tensor's codes and its weights. */
export function layerDomain(graph: QGraph, node: QConv): Domain {
  const { bits, signed } = graph.tensors[node.input]!
  return { nA: bits, signedA: signed, nB: node.weightBits, signedB: true }
}

/** The operands of a curve's products, by order: a moment and a coefficient. */
export function curveDomains(curve: QCurve): readonly Domain[] {
  return curve.moments.orders.map(({ bits, signed }) => ({
    nA: bits,
    signedA: signed,
    nB: curve.bits,
    signedB: true,
  }))
}

/** Convolutions, dense layers and the two sets of filters of each recurrent layer, in order: what multipliers are assigned to. */
export function multiplyingNodes(graph: QGraph): readonly QConv[] {
  return graph.nodes.flatMap(filtersOf)
}

/**
 * The multiplier of every product. The most specific entry decides (kernel, filter, layer, default; an exact name before
 * a wild one); what no entry names is `exact`. Unknown layers, indices out of range and entries that contradict each other are errors.
 */
export function buildAssignment(graph: QGraph, entries: readonly Entry[]): Assignment {
  const rules = entries.map((entry): Rule => {
    const selector = parseSelector(entry.selector, entry.where)
    return { selector, rank: rank(selector), entry }
  })
  const nodes = multiplyingNodes(graph)
  for (const { selector, entry } of rules) checkLayer(selector, entry.where, nodes, graph)
  const multiplierOf = parseOnce()
  return new Map(nodes.map((node) => [node.name, assignLayer(graph, node, rules, multiplierOf)]))
}

/** Entries by filter or kernel name the same few multipliers hundreds of times, and some take a second to make. */
function parseOnce(): typeof parseMultiplier {
  const known = new Map<string, Multiplier>()
  return (spec, domain, where) => {
    const key = `${domainName(domain)} ${spec}`
    let multiplier = known.get(key)
    if (multiplier === undefined) known.set(key, (multiplier = parseMultiplier(spec, domain, where)))
    return multiplier
  }
}

/** Refuses a selector that no layer with multipliers matches. */
export function checkLayer(
  selector: Selector,
  where: string | undefined,
  nodes: readonly QConv[],
  graph: QGraph,
): void {
  // every layer: also where there is none
  if (selector.name === 'default') return
  if (nodes.some((node) => matchesLayer(selector, node.name))) return
  const names = nodes.map((node) => node.name)
  const other = graph.nodes.find((node) => node.name === selector.name)
  const why =
    other === undefined
      ? `there is no layer "${selector.name}"`
      : other.kind === 'recurrent'
        ? `layer "${selector.name}" (${other.cell}) has two sets of filters: "${other.ofInput.name}", which multiplies its input, and "${other.ofState.name}", which multiplies its state`
        : `layer "${selector.name}" (${other.kind}) multiplies nothing`
  throw usageError(
    `${selector.wild ? `no layer matches "${selector.name}"` : why}.${didYouMean(selector.name, names)}`,
    {
      where,
      hint: `Layers with multipliers: ${names.join(', ')}.`,
    },
  )
}

function assignLayer(
  graph: QGraph,
  node: QConv,
  rules: readonly Rule[],
  multiplierOf: typeof parseMultiplier,
): LayerAssignment {
  const filters = node.bias.length
  const channels = channelsOf(node, graph.tensors[node.input]!) / node.groups
  const ofRule = chooseRules(node, rules, filters, channels)
  const domains = node.curve === undefined ? [layerDomain(graph, node)] : curveDomains(node.curve)
  const byOrder = domains.map((): Multiplier[] => [])
  const ofKernel = new Uint8Array(filters * channels)
  const known = new Map<number, number>()
  for (let i = 0; i < ofRule.length; i++) {
    let index = known.get(ofRule[i]!)
    if (index === undefined) {
      const rule = rules[ofRule[i]!]
      const found = domains.map((domain) =>
        multiplierOf(rule?.entry.spec ?? 'exact', domain, rule?.entry.where),
      )
      index = byOrder[0]!.findIndex(({ spec }) => spec === found[0]!.spec)
      if (index < 0) {
        index = byOrder[0]!.length
        for (const [order, multiplier] of found.entries()) byOrder[order]!.push(multiplier)
      }
      if (index > 255)
        throw usageError(`layer "${node.name}" has more than 256 different multipliers`, { where: node.name })
      known.set(ofRule[i]!, index)
    }
    ofKernel[i] = index
  }
  const assignment = {
    layer: node.name,
    multipliers: byOrder[0]!,
    ofKernel,
    ...(node.curve === undefined
      ? {}
      : { byOrder, shifts: node.curve.moments.orders.map(({ shift }) => shift) }),
  }
  checkGroups(node, assignment)
  checkAccumulator(node, assignment, domains.map(domainName).join(', '))
  return assignment
}

/** All kernels of a group share its products, so they have one multiplier. */
function checkGroups({ name, curve, kernel, bias }: QConv, { ofKernel }: LayerAssignment): void {
  if (curve === undefined) return
  const kernels = ofKernel.length / bias.length
  const together = Math.ceil(curve.length / (kernel[0] * kernel[1]))
  const mixed = ofKernel.findIndex((multiplier, i) => {
    const first = i - ((i % kernels) % together)
    return multiplier !== ofKernel[first]
  })
  if (mixed < 0) return
  throw usageError(
    `layer "${name}": kernel ${mixed % kernels} of filter ${Math.floor(mixed / kernels)} has another multiplier than the others of its group`,
    { where: name, hint: `Groups of ${together} kernels share their products (weights.group).` },
  )
}

/** For each [filter][channel] the index of the rule that decides, or -1. */
function chooseRules(node: QConv, rules: readonly Rule[], filters: number, channels: number): Int32Array {
  const chosen = new Int32Array(filters * channels).fill(-1)
  for (const [index, rule] of rules.entries()) {
    const { selector, entry } = rule
    if (!matchesLayer(selector, node.name)) continue
    const all = (count: number) => ({ first: 0, last: count - 1 })
    const f = selector.filters ?? all(filters)
    const c = selector.kernels ?? all(channels)
    checkIndex(f, filters, 'filter', node, entry)
    checkIndex(c, channels, 'kernel', node, entry)
    for (let n = f.first; n <= f.last; n++) {
      for (let k = c.first; k <= c.last; k++) {
        const before = rules[chosen[n * channels + k]!]
        if (before !== undefined && before.rank === rule.rank) throw overlap(node, before, rule, n, k)
        if (before === undefined || before.rank < rule.rank) chosen[n * channels + k] = index
      }
    }
  }
  return chosen
}

function checkIndex(
  range: IndexRange,
  count: number,
  what: 'filter' | 'kernel',
  node: QConv,
  entry: Entry,
): void {
  if (range.last < count) return
  const things = what === 'filter' ? 'filters' : 'kernels (input channels) in each filter'
  throw usageError(
    `"${entry.selector}": layer "${node.name}" has no ${what} ${range.last}; it has ${count} ${things}, 0 to ${count - 1}`,
    {
      where: entry.where,
    },
  )
}

function overlap(node: QConv, a: Rule, b: Rule, filter: number, kernel: number) {
  const place =
    a.selector.filters === undefined
      ? ''
      : a.selector.kernels === undefined
        ? `, filter ${filter}`
        : `, filter ${filter}, kernel ${kernel}`
  return usageError(
    `"${a.entry.selector}" and "${b.entry.selector}" both choose a multiplier for layer "${node.name}"${place}`,
    {
      where: b.entry.where,
      hint: 'Make one of them more specific, or their ranges disjoint.',
    },
  )
}
