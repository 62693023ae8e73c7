import { usageError, XgenError } from '../../../base/errors.ts'
import type { Model, ModelNode } from '../../model.ts'
import { onnxOperators } from '../../operators/onnx/registry.ts'
import { reachable } from '../../reachable.ts'
import { checkSupported, refuseUnsupported, type Unsupported } from '../../supported.ts'
import { Obstacle } from '../lowering.ts'
import type { LoweredGraph, LoweringOptions } from '../tflite/graph.ts'
import { traceOnnx } from '../trace.ts'
import { asMap, CodeGraph, type CodeScale } from './code-graph.ts'
import { codeRules } from './registry.ts'
import type { CodeType } from './values.ts'

/**
 * The integer graph of a quantised ONNX model (QLinearConv and QLinearMatMul, or operators in float between DequantizeLinear and
 * QuantizeLinear), with ONNX's rules. What is computed in float before the first quantiser and behind the last codes is left to the
 * operators. All nodes that have no place in the graph are listed in one error.
 */
export function lowerOnnxCodes(whole: Model, { unsigned = false }: LoweringOptions = {}): LoweredGraph {
  checkSupported(whole, onnxOperators)
  const model = reachable(whole)
  const [input] = model.inputs
  const [output] = model.outputs
  if (model.inputs.length !== 1 || model.outputs.length !== 1)
    throw usageError(
      `the model "${model.name}" has ${model.inputs.length} inputs and ${model.outputs.length} outputs: an integer graph has one of each`,
    )
  const lowering = new Lowering(model, new CodeGraph(model, traceOnnx(model), unsigned))
  lowering.begin(input!.name, input!.type)
  for (const node of model.nodes) lowering.add(node)
  return lowering.finish(output!.name)
}

/** Operators that multiply by weights: in float they would have no multipliers. */
const multiplying = /^(Conv|Gemm|MatMul|ConvInteger|MatMulInteger|QLinear.*|RNN|GRU|LSTM)$/

class Lowering {
  private readonly model: Model
  private readonly graph: CodeGraph
  private readonly refused: Unsupported[] = []
  /** The quantiser that makes the graph's input, where the model does not take codes. */
  private entry: ModelNode | undefined

  constructor(model: Model, graph: CodeGraph) {
    this.model = model
    this.graph = graph
  }

  begin(name: string, type: string): void {
    if (type !== 'int8' && type !== 'uint8') {
      this.graph.defineAs(name, { kind: 'image' })
      return
    }
    this.graph.declare('input', asMap(this.graph.modelShape(name)), this.inputScale(name, type))
    this.graph.defineAs(name, { kind: 'codes', id: 'input' })
    this.graph.tensorOf.set('input', name)
  }

  /** What the codes of an input mean stands where they are read. */
  private inputScale(name: string, type: CodeType): CodeScale {
    const reader = this.model.nodes.find(
      ({ operator, inputs }) => inputs[0] === name && /^(DequantizeLinear|QLinear)/.test(operator),
    )
    try {
      if (reader !== undefined) return this.graph.codeScale(reader, 1, 2)
    } catch (error) {
      if (!(error instanceof Obstacle)) throw error
    }
    return { type, scale: 1, zeroPoint: 0 }
  }

  add(node: ModelNode): void {
    if (node.outputs.every((name) => name === '' || this.graph.fixed(name) !== undefined)) return
    const values = node.inputs.flatMap((name) => this.graph.value(name) ?? [])
    const before = values.filter(({ kind }) => kind === 'image').length
    const obstacles = values.flatMap((value) => (value.kind === 'host' ? value.obstacles : []))
    if (values.some(({ kind }) => kind === 'host')) {
      // codes again, behind a node that has no place among them
      if (node.operator === 'QuantizeLinear') this.refused.push(...obstacles)
      this.leave(node, node.operator === 'QuantizeLinear' ? [] : obstacles)
    } else if (before > 0 && node.operator === 'QuantizeLinear') this.attempt(node, () => this.enter(node))
    else if (before > 0 && before === values.length)
      for (const name of node.outputs) this.graph.defineAs(name, { kind: 'image' })
    else
      this.attempt(node, () => {
        const rule = Object.hasOwn(codeRules, node.operator) ? codeRules[node.operator] : undefined
        if (rule === undefined || before > 0)
          throw new Obstacle(
            before > 0 ? 'combines codes with the image in float' : 'has no rule on codes',
            'Leave it out between quantised layers, or import the model: "xgen net import".',
          )
        rule(this.graph, node)
      })
  }

  private attempt(node: ModelNode, rule: () => void): void {
    try {
      rule()
    } catch (error) {
      const known = error instanceof Obstacle || (error instanceof XgenError && error.kind !== 'internal')
      if (!known) throw error
      const { name, operator } = node
      const obstacle = { node: name, operator, reason: error.message, hint: error.hint ?? '' }
      // an operator that makes codes cannot be left to the host
      const makesCodes = operator === 'QuantizeLinear' || /^QLinear/.test(operator)
      if (makesCodes) this.refused.push(obstacle)
      this.leave(node, makesCodes ? [] : [obstacle])
    }
  }

  private leave(node: ModelNode, obstacles: readonly Unsupported[]): void {
    for (const name of node.outputs) this.graph.defineAs(name, { kind: 'host', obstacles })
  }

  private enter(node: ModelNode): void {
    const scale = this.graph.codeScale(node, 1, 2)
    if (this.entry === undefined) {
      this.entry = node
      this.graph.declare('input', this.graph.mapShape(node.outputs[0]!), scale)
    } else if (this.entry.inputs.join() !== node.inputs.join())
      throw new Obstacle('quantises the image a second time', 'One quantiser behind the image is possible.')
    this.graph.define(node, { kind: 'codes', id: 'input' })
  }

  finish(output: string): LoweredGraph {
    const { graph, model, entry } = this
    refuseUnsupported(model.name, this.refused)
    if (graph.tensors['input'] === undefined)
      throw usageError(
        `the model "${model.name}" quantises nothing with fixed scales: it has no integer graph`,
        {
          hint: 'Import it ("xgen net import FILE --data SET --out DIR"), or quantise it with fixed scales.',
        },
      )
    const head = entry === undefined ? undefined : this.part([entry.outputs[0]!], () => false)
    const made = graph.value(output)
    const ends = new Set<string>()
    const tail =
      made?.kind === 'codes'
        ? undefined
        : this.part([output], (name) => {
            const end = graph.value(name)?.kind === 'codes'
            if (end) ends.add(name)
            return end
          })
    if (tail !== undefined && ends.size !== 1)
      throw usageError(
        `the result of the model "${model.name}" is made of ${ends.size} quantised tensors in float: ${[...ends].join(', ')}`,
        { hint: 'Quantise what combines them too.' },
      )
    if (tail?.nodes.some(({ inputs }) => inputs.some((name) => graph.value(name)?.kind === 'image')))
      throw usageError(`the result of the model "${model.name}" is made of codes and of the image in float`, {
        hint: 'Quantise what combines them too.',
      })
    const last = tail === undefined ? output : [...ends][0]!
    const id = this.shapedEnd(last)
    const { tensors, nodes, tensorOf } = graph
    return {
      graph: { name: model.name || 'imported', input: 'input', output: id, tensors, nodes },
      tensorOf,
      host: (tail?.nodes ?? []).map(({ name }) => name),
      ...(head && { head }),
      ...(tail && {
        tail: { ...tail, inputs: [{ name: last, type: graph.typeOf(id), shape: graph.modelShape(last) }] },
      }),
    }
  }

  private shapedEnd(name: string): string {
    const value = this.graph.value(name)
    if (value?.kind !== 'codes')
      throw usageError(`the result of the model "${this.model.name}" is not quantised`)
    return this.graph.shaped(this.graph.whole(value).id, this.graph.mapShape(name))
  }

  /** The nodes that make some tensors, from the image or from tensors at which the part ends. */
  private part(outputs: readonly string[], ends: (name: string) => boolean): Model {
    const needed = new Set(outputs)
    const nodes: ModelNode[] = []
    for (const node of [...this.model.nodes].reverse()) {
      if (!node.outputs.some((name) => needed.has(name))) continue
      nodes.push(node)
      for (const name of node.inputs) if (name !== '' && !ends(name)) needed.add(name)
    }
    const products = nodes.filter(
      ({ operator, inputs }) =>
        multiplying.test(operator) && inputs.some((name) => this.graph.value(name) !== undefined),
    )
    refuseUnsupported(
      this.model.name,
      products.map(({ name, operator }) => ({
        node: name,
        operator,
        reason: 'multiplies in float, before the first or behind the last quantiser',
        hint: 'Quantise what it reads and what it makes, so that multipliers have codes.',
      })),
    )
    return {
      ...this.model,
      outputs: outputs.map((name) => ({ name, type: 'float32', shape: undefined })),
      nodes: nodes.reverse(),
    }
  }
}
