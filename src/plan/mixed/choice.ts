import { checkLayer, multiplyingNodes } from '../../approx/build.ts'
import { matchesLayer, parseSelector, rank, type Selector } from '../../approx/selector.ts'
import { usageError } from '../../base/errors.ts'
import type { QGraph } from '../../quant/qgraph.ts'
import type { Dataflow } from '../array.ts'
import type { DataflowOf } from './make.ts'

/** Dataflows by layer, or by selectors of layers; `auto` leaves a layer to the cycles. */
export type LayerDataflows = Readonly<Record<string, Dataflow | 'auto'>>

const where = 'array.dataflow'

/** What a map of dataflows asks for each layer: an exact name goes before a wild one, and both before `default`. A layer that nothing names is left to the cycles. */
export function dataflowsOf(graph: QGraph, wanted: LayerDataflows): DataflowOf {
  const nodes = multiplyingNodes(graph)
  const rules = Object.entries(wanted).map(([text, dataflow]) => {
    const selector = layerSelector(text)
    checkLayer(selector, where, nodes, graph)
    return { selector, dataflow }
  })
  return (layer) => {
    const matching = rules.filter(({ selector }) => matchesLayer(selector, layer))
    const highest = Math.max(...matching.map(({ selector }) => rank(selector)))
    const [first, ...others] = matching.filter(({ selector }) => rank(selector) === highest)
    const other = others.find(({ dataflow }) => dataflow !== first!.dataflow)
    if (other !== undefined)
      throw usageError(
        `"${first!.selector.text}" and "${other.selector.text}" give the layer "${layer}" different dataflows`,
        { where, hint: `Name the layer itself, too: ${layer}=${first!.dataflow}.` },
      )
    return first === undefined || first.dataflow === 'auto' ? undefined : first.dataflow
  }
}

function layerSelector(text: string): Selector {
  const selector = parseSelector(text, where)
  if (selector.filters !== undefined)
    throw usageError(`"${text}" names filters: a layer has one dataflow`, {
      where,
      hint: `Write the layer alone: ${selector.name}.`,
    })
  return selector
}
