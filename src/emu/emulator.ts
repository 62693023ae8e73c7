import type { Assignment } from '../approx/assignment.ts'
import { invariant } from '../base/errors.ts'
import { allocate, memory, release } from '../kernels/memory.ts'
import { inputsOf, type QGraph, type QNode, type QTensor } from '../quant/qgraph.ts'
import type { Codes } from '../quant/rules.ts'
import { addition } from './add.ts'
import { convolution } from './convolve.ts'
import { lookup, multiplication, softmax } from './elementwise.ts'
import { codesOfPairs, importedAddition } from './imported.ts'
import { leastCodes } from './least.ts'
import { pooling } from './pool.ts'
import { concatenation, subsampling, transposition, zeroPadding } from './rearrange.ts'
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
  /** The network's result alone: the other tensors are kept for the images of one tile only. */
  result(input: Codes, images: number): Codes
}

/** Computes a tensor from others. All their codes lie in kernel memory. */
type Step = (inputs: readonly Codes[], images: number, result: Codes) => void

/** What the tensors of the images that are worked on together may take. */
const tileBytes = 64 * 2 ** 20
const mostImages = 256

export function createEmulator(graph: QGraph, assignment: Assignment): Emulator {
  const least = leastCodes(graph)
  const steps = graph.nodes.map((node) => ({ node, step: stepOf(node, graph, assignment, least) }))
  const inputTensor = graph.tensors[graph.input]!
  const sizes = new Map(Object.entries(graph.tensors).map(([id, tensor]) => [id, tensorElements(tensor)]))
  const imageBytes = [...sizes.values()].reduce((sum, size) => sum + size, 0)
  const tile = Math.max(1, Math.min(mostImages, Math.floor(tileBytes / imageBytes)))

  /** The tensors of some images, given to `take` one after the other; their memory is given back when all of them are made. */
  const runTile = (input: Codes, images: number, take: (id: string, codes: Codes) => void) => {
    const codesOf = new Map<string, Codes>()
    try {
      const place = (id: string) => {
        const codes = kernelCodes(graph.tensors[id]!, images)
        codesOf.set(id, codes)
        return codes
      }
      place(graph.input).set(input)
      take(graph.input, input)
      for (const { node, step } of steps) {
        const inputs = inputsOf(node).map((id) => codesOf.get(id)!)
        const result = place(node.output)
        step(inputs, images, result)
        take(node.output, result)
      }
    } finally {
      for (const codes of codesOf.values()) release(codes.byteOffset, codes.byteLength)
    }
  }

  /** Tile by tile, the tensors that are wanted in arrays of their own. */
  const run = (input: Codes, images: number, wanted: (id: string) => boolean): Trace => {
    invariant(
      input.length === images * tensorElements(inputTensor),
      `${images} images have not ${input.length} codes`,
    )
    const trace = new Map<string, Codes>([[graph.input, input]])
    for (const { output } of graph.nodes)
      if (wanted(output)) trace.set(output, emptyCodes(graph.tensors[output]!, images))
    for (let first = 0; first < images; first += tile) {
      const count = Math.min(tile, images - first)
      const part = (id: string, codes: Codes) =>
        codes.subarray(first * sizes.get(id)!, (first + count) * sizes.get(id)!)
      runTile(part(graph.input, input), count, (id, codes) => {
        const result = id === graph.input ? undefined : trace.get(id)
        if (result !== undefined) part(id, result).set(codes)
      })
    }
    return trace
  }
  const runBatch: Emulator['runBatch'] = (input, images) => run(input, images, () => true)
  return {
    graph,
    runBatch,
    runImage: (input) => runBatch(input, 1),
    result: (input, images) => run(input, images, (id) => id === graph.output).get(graph.output)!,
  }
}

/** Codes in kernel memory, to be released. */
function kernelCodes(tensor: QTensor, images: number): Codes {
  const length = images * tensorElements(tensor)
  const at = allocate(length)
  return tensor.signed ? new Int8Array(memory.buffer, at, length) : new Uint8Array(memory.buffer, at, length)
}

export function tensorElements({ shape }: QTensor): number {
  return shape[0] * shape[1] * shape[2]
}

/** An array for the codes of a tensor. */
export function emptyCodes(tensor: QTensor, images = 1): Codes {
  return new (tensor.signed ? Int8Array : Uint8Array)(images * tensorElements(tensor))
}

function stepOf(
  node: QNode,
  graph: QGraph,
  assignment: Assignment,
  least: ReadonlyMap<string, number>,
): Step {
  const inputs = inputsOf(node).map((id) => graph.tensors[id]!)
  const input = inputs[0]!
  const output = graph.tensors[node.output]!
  switch (node.kind) {
    case 'conv': {
      const layer = assignment.get(node.name)
      invariant(layer !== undefined, `layer "${node.name}" has no multiplier`)
      const step = (from: QTensor, to: QTensor) => convolution(node, layer, from, to, least.get(node.input))
      return node.steps === undefined
        ? step(input, output)
        : eachStep(node.steps, step(stepOfSequence(input), stepOfSequence(output)))
    }
    case 'pool':
      return pooling(node, input, output)
    case 'reshape':
      return ([codes], _images, result) => result.set(codes!)
    case 'add':
      return node.rule === undefined ? addition(node, inputs) : importedAddition(node, node.rule, inputs)
    case 'concat':
      return concatenation()
    case 'pad':
      return zeroPadding(node, input, output)
    case 'subsample':
      return subsampling(node, input, output)
    case 'mul':
      return node.rule === undefined ? multiplication(node, inputs) : codesOfPairs(node.rule, inputs)
    case 'table':
      return lookup(node, input)
    case 'softmax':
      return softmax(node, input)
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
