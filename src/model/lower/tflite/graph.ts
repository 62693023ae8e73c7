import { XgenError } from '../../../base/errors.ts'
import type { QGraph } from '../../../quant/qgraph.ts'
import type { Model, ModelNode, ModelValue } from '../../model.ts'
import { isCode, type Site, siteOf } from '../../operators/tflite/site.ts'
import { reachable } from '../../reachable.ts'
import { refuseUnsupported, type Unsupported } from '../../supported.ts'
import { unsupportedTfliteNodes } from '../../tflite/evaluate.ts'
import { CodeGraph } from './code-graph.ts'
import { lowerPairwise, lowerTable } from './elementwise.ts'
import { lowerMean, lowerPool } from './pool.ts'
import { lowerConcatenation, lowerPad, lowerReshape, lowerTranspose } from './shapes.ts'
import { lowerWeighted } from './weighted.ts'

/** A model on codes as a graph of the emulator, whose codes are the file's own. */
export interface LoweredGraph {
  /** Its input holds the model's own codes, or those that a QUANTIZE makes of a float one. */
  readonly graph: QGraph
  /** The file's tensor that a tensor of the graph holds, channels first. */
  readonly tensorOf: ReadonlyMap<string, string>
  /** Nodes at the end that are left to the host: a softmax, real values of codes; they do not change the order of the classes. */
  readonly host: readonly string[]
  /** What makes the graph's input of the model's, in float. Absent: the model takes the graph's codes, or real values of them. */
  readonly head?: Model
  /** What makes the model's result of the graph's, in float. Absent: the graph's is the model's. */
  readonly tail?: Model
}

export interface LoweringOptions {
  /**
   * Tensors of int8 whose zero point is -128, as behind a ReLU, are stored as uint8: codes 128 higher, with zero point 0. Exact
   * products give the same values; multipliers see small codes for small values.
   */
  readonly unsigned?: boolean
}

/**
 * The integer graph of a model on codes, with the file's own rules: maps channels first, zero points of inputs folded into the biases,
 * layers numbered as in docs/networks.md. All nodes that have no place in such a graph are listed in one error.
 */
export function lowerTflite(whole: Model, { unsigned = false }: LoweringOptions = {}): LoweredGraph {
  const model = reachable(whole)
  refuseUnsupported(model.name, unsupportedTfliteNodes(model))
  const entry = codesOf(model)
  const graph = new CodeGraph(model, entry, unsigned)
  const host = new Host()
  const refused: Unsupported[] = []
  for (const node of model.nodes) {
    // what makes codes of the model's input is the caller's matter
    if (node.outputs[0] === entry.name) continue
    try {
      const site = siteOf(model, node)
      if (!host.takes(node)) lower(graph, site)
    } catch (error) {
      if (!(error instanceof XgenError) || error.kind === 'internal' || graph.held.full) throw error
      const hint = error.hint ?? 'Evaluate the file itself: --precision float.'
      refused.push({ node: node.name, operator: node.operator, reason: error.message, hint })
    }
  }
  refuseUnsupported(model.name, refused)
  return { ...graph.finish(host.source(model.outputs[0]!.name)), host: host.nodes }
}

/** The tensor that the graph begins with: the model's input, or the codes that its one reader makes of real values. */
function codesOf(model: Model): ModelValue {
  const input = model.inputs[0]!
  const readers = model.nodes.filter(({ inputs }) => inputs.includes(input.name))
  const quantised = input.type === 'float32' && readers.length === 1 && readers[0]!.operator === 'QUANTIZE'
  return quantised ? model.values.get(readers[0]!.outputs[0]!)! : input
}

function lower(graph: CodeGraph, site: Site): void {
  if (!isCode(site.output.type))
    throw site.refuse(`makes ${site.output.type}: only codes have a place in the integer graph`)
  const found = lowerings.get(site.node.operator)
  if (found === undefined) throw site.refuse('has no integer rule in the graph')
  found(graph, site)
}

const lowerings: ReadonlyMap<string, (graph: CodeGraph, site: Site) => void> = new Map([
  ['ADD', lowerPairwise],
  ['AVERAGE_POOL_2D', lowerPool],
  ['CONCATENATION', lowerConcatenation],
  ['CONV_2D', lowerWeighted],
  ['DEPTHWISE_CONV_2D', lowerWeighted],
  ['EXPAND_DIMS', lowerReshape],
  ['FULLY_CONNECTED', lowerWeighted],
  ['HARD_SWISH', lowerTable],
  ['LEAKY_RELU', lowerTable],
  ['LOGISTIC', lowerTable],
  ['MAXIMUM', lowerPairwise],
  ['MAX_POOL_2D', lowerPool],
  ['MEAN', lowerMean],
  ['MINIMUM', lowerPairwise],
  ['MUL', lowerPairwise],
  ['PAD', lowerPad],
  ['PADV2', lowerPad],
  ['PRELU', lowerPairwise],
  ['QUANTIZE', lowerTable],
  ['RELU', lowerTable],
  ['RELU6', lowerTable],
  ['RELU_N1_TO_1', lowerTable],
  ['RESHAPE', lowerReshape],
  ['SQUEEZE', lowerReshape],
  ['SUB', lowerPairwise],
  ['TANH', lowerTable],
  ['TRANSPOSE', lowerTranspose],
])

/** Nodes that are left to the host, which gets codes that have the order of the results. */
class Host {
  readonly nodes: string[] = []
  private readonly sources = new Map<string, string>()

  /** A softmax or a DEQUANTIZE, and behind one what keeps the order of values. */
  takes({ name, operator, inputs, outputs }: ModelNode): boolean {
    const [input] = inputs
    const behind = this.sources.has(input ?? '')
    if (!(behind ? keepsOrder : begins).test(operator)) return false
    this.nodes.push(name)
    this.sources.set(outputs[0]!, input!)
    return true
  }

  /** The tensor of the graph that a result follows from. */
  source(name: string): string {
    const before = this.sources.get(name)
    return before === undefined ? name : this.source(before)
  }
}

const begins = /^(SOFTMAX|DEQUANTIZE)$/
const keepsOrder = /^(SOFTMAX|DEQUANTIZE|QUANTIZE|RESHAPE|SQUEEZE)$/
