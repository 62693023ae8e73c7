import type { Assignment } from '../approx/assignment.ts'
import { invariant } from '../base/errors.ts'
import { inputsOf, type QGraph, type QNode, type QTensor } from '../quant/qgraph.ts'
import type { Codes } from '../quant/rules.ts'
import { addition } from './add.ts'
import { convolution } from './convolve.ts'
import { lookup, multiplication, softmax } from './elementwise.ts'
import { importedAddition, importedPooling } from './imported.ts'
import { pooling } from './pool.ts'
import { channelPadding, concatenation, subsampling, transposition } from './rearrange.ts'
import { recurrence } from './recurrent.ts'

/** The codes of every tensor by its id, for a batch: [image][channel][y][x]. */
export type Trace = ReadonlyMap<string, Codes>

/** The functional emulator: the codes that the accelerator computes, without its cycles. */
export interface Emulator {
  readonly graph: QGraph
  /** All tensors for `images` images whose codes stand one after another. */
  runBatch(input: Codes, images: number): Trace
  /** All tensors for one image. */
  runImage(input: Codes): Trace
}

type Step = (inputs: readonly Codes[], images: number, result: Codes) => void

export function createEmulator(graph: QGraph, assignment: Assignment): Emulator {
  const steps = graph.nodes.map((node) => ({ node, step: stepOf(node, graph, assignment) }))
  const inputTensor = graph.tensors[graph.input]!
  const runBatch: Emulator['runBatch'] = (input, images) => {
    invariant(
      input.length === images * tensorElements(inputTensor),
      `${images} images have not ${input.length} codes`,
    )
    const trace = new Map<string, Codes>([[graph.input, input]])
    for (const { node, step } of steps) {
      const inputs = inputsOf(node).map((id) => trace.get(id)!)
      const result = node.kind === 'reshape' ? inputs[0]! : emptyCodes(graph.tensors[node.output]!, images)
      step(inputs, images, result)
      trace.set(node.output, result)
    }
    return trace
  }
  return { graph, runBatch, runImage: (input) => runBatch(input, 1) }
}

export function tensorElements({ shape }: QTensor): number {
  return shape[0] * shape[1] * shape[2]
}

/** An array for the codes of a tensor. */
export function emptyCodes(tensor: QTensor, images = 1): Codes {
  return new (tensor.signed ? Int8Array : Uint8Array)(images * tensorElements(tensor))
}

function stepOf(node: QNode, graph: QGraph, assignment: Assignment): Step {
  const input = graph.tensors[inputsOf(node)[0]!]!
  const output = graph.tensors[node.output]!
  switch (node.kind) {
    case 'conv': {
      const layer = assignment.get(node.name)
      invariant(layer !== undefined, `layer "${node.name}" has no multiplier`)
      return node.steps === undefined
        ? convolution(node, layer, input, output)
        : eachStep(node.steps, convolution(node, layer, stepOfSequence(input), stepOfSequence(output)))
    }
    case 'pool':
      return node.rule === undefined
        ? pooling(node, input, output)
        : importedPooling(node, node.rule, input, output)
    case 'reshape':
      return () => {}
    case 'add':
      return node.rule === undefined ? addition(node) : importedAddition(node, node.rule)
    case 'concat':
      return concatenation()
    case 'pad':
      return channelPadding(node, input, output)
    case 'subsample':
      return subsampling(node, input, output)
    case 'mul':
      return multiplication(node)
    case 'table':
      return lookup(node, input)
    case 'softmax':
      return softmax(node)
    case 'recurrent':
      return recurrence(node, assignment, input, graph.tensors[node.ofState.input]!)
    case 'transpose':
      return transposition(node)
  }
}

/** One step of a sequence [steps, features, 1], as features. */
function stepOfSequence(sequence: QTensor): QTensor {
  return { ...sequence, shape: [sequence.shape[1], 1, 1] }
}

/** The steps of all sequences follow one another, as images do. */
function eachStep(steps: number, step: Step): Step {
  return (inputs, images, result) => step(inputs, images * steps, result)
}
