import { dataError, usageError } from '../base/errors.ts'
import type { Model, ModelNode, ModelTensor, ModelValue } from './model.ts'
import { onnxOperators } from './operators/onnx/registry.ts'
import { type Budget, Call, type Operator, standardBudget } from './operators/operator.ts'
import { checkSupported } from './supported.ts'
import { asHalf, type HalfType, isHalf } from './tensors.ts'

/** A model that runs. What follows from constants alone is computed once. */
export interface Evaluator {
  readonly model: Model
  /** The outputs, by name, of inputs by name. `visit` sees every tensor that is made, in order. */
  run(
    inputs: ReadonlyMap<string, ModelTensor>,
    visit?: (name: string, tensor: ModelTensor) => void,
  ): ReadonlyMap<string, ModelTensor>
}

/** The operators of a format, by name. */
export type OperatorTable = Readonly<Record<string, Operator>>

/** A model of ONNX's operators; those that are not there are listed in one error. `budget` is what one run may take. */
export function createOnnxEvaluator(
  model: Model,
  operators: OperatorTable = onnxOperators,
  budget: () => Budget = standardBudget,
): Evaluator {
  checkSupported(model, operators)
  const constants = new Tensors(model.constants)
  const folding = budget()
  const steps: ModelNode[] = []
  for (const node of model.nodes) {
    const fixed = node.inputs.every((name) => name === '' || constants.get(name) !== undefined)
    if (fixed) runNode(node, operators, constants, folding)
    else steps.push(node)
  }
  const lastReaders = lastReadersOf(steps, model)
  return {
    model,
    run(inputs, visit) {
      const values = new Tensors(constants.all)
      for (const value of model.inputs) {
        const tensor = inputs.get(value.name)
        if (tensor === undefined)
          throw usageError(`the input "${value.name}" of the model is not given`, { where: value.name })
        const given = isHalf(value.type) && tensor.type === 'float32' ? asHalf(tensor, value.type) : tensor
        checkInput(value, given)
        values.set(value.name, given)
      }
      const spent = budget()
      for (const [i, node] of steps.entries()) {
        runNode(node, operators, values, spent)
        if (visit !== undefined)
          for (const name of node.outputs) if (name !== '') visit(name, values.get(name)!)
        for (const name of lastReaders[i]!) values.delete(name)
      }
      return new Map(model.outputs.map(({ name }) => [name, values.get(name)!]))
    },
  }
}

/** Tensors by name, with the number of elements of those that were added. */
export class Tensors {
  readonly all: Map<string, ModelTensor>
  held = 0

  constructor(tensors: ReadonlyMap<string, ModelTensor>) {
    this.all = new Map(tensors)
  }

  get(name: string): ModelTensor | undefined {
    return this.all.get(name)
  }

  set(name: string, tensor: ModelTensor): void {
    this.all.set(name, tensor)
    this.held += tensor.data.length
  }

  delete(name: string): void {
    this.held -= this.all.get(name)?.data.length ?? 0
    this.all.delete(name)
  }

  /** That what a node has added does not take more than a model may. */
  check(node: ModelNode, { elements }: Pick<Budget, 'elements'>): void {
    if (this.held > elements)
      throw dataError(
        `node "${node.name}" brings the model to ${this.held} values at a time: at most ${elements} are possible`,
        { where: node.name },
      )
  }
}

/** The results of a node, one for each output that it names ('' for those it leaves out). */
export function evaluateNode(
  node: ModelNode,
  given: (name: string) => ModelTensor | undefined,
  budget: Budget,
  { operators = onnxOperators, dry = false }: { operators?: OperatorTable; dry?: boolean } = {},
): readonly (readonly [name: string, result: ModelTensor])[] {
  const inputs = node.inputs.map((name) => (name === '' ? undefined : given(name)))
  const results = evaluated(operators[node.operator]!, node, inputs, budget, dry)
  return node.outputs.flatMap((name, i) => {
    if (name === '') return []
    const result = results[i]
    if (result === undefined)
      throw dataError(`node "${node.name}" (${node.operator}) has no output ${i + 1}`, { where: node.name })
    return [[name, result]]
  })
}

const isCast = ({ operator }: ModelNode) => operator === 'Cast' || operator === 'CastLike'

/** Operators compute with float32 in place of 16 bits, and round what they return; a cast makes what it says. */
function evaluated(
  operator: Operator,
  node: ModelNode,
  inputs: readonly (ModelTensor | undefined)[],
  budget: Budget,
  dry: boolean,
): readonly ModelTensor[] {
  const half = inputs.map((tensor) => tensor?.type).find((type) => type !== undefined && isHalf(type))
  if (half === undefined || isCast(node)) return operator.evaluate(new Call(node, inputs, budget, dry))
  const wide = inputs.map((tensor) =>
    tensor !== undefined && isHalf(tensor.type) ? ({ ...tensor, type: 'float32' } as const) : tensor,
  )
  return operator
    .evaluate(new Call(node, wide, budget, dry))
    .map((result) => (result.type === 'float32' ? asHalf(result, half as HalfType) : result))
}

function runNode(node: ModelNode, operators: OperatorTable, values: Tensors, budget: Budget): void {
  for (const [name, result] of evaluateNode(node, (input) => values.get(input), budget, { operators }))
    values.set(name, result)
  values.check(node, budget)
}

/** For each node, the tensors that nobody reads behind it. */
function lastReadersOf(nodes: readonly ModelNode[], model: Model): readonly (readonly string[])[] {
  const kept = new Set(['', ...model.outputs.map(({ name }) => name)])
  const last: string[][] = nodes.map(() => [])
  for (let i = nodes.length - 1; i >= 0; i--) {
    const { inputs, outputs } = nodes[i]!
    for (const name of [...outputs, ...inputs]) {
      if (kept.has(name)) continue
      kept.add(name)
      last[i]!.push(name)
    }
  }
  return last
}

/** That a tensor is what the file says of an input. */
function checkInput({ name, type, shape }: ModelValue, tensor: ModelTensor): void {
  const fits =
    shape === undefined ||
    (shape.length === tensor.shape.length && shape.every((n, i) => n === undefined || n === tensor.shape[i]))
  if (tensor.type === type && fits) return
  throw dataError(
    `the input "${name}" of the model is ${type} ${shapeText(shape)}; given is ${tensor.type} ${shapeText(tensor.shape)}`,
    { where: name },
  )
}

/** `[n, 1, 28, 28]`, with a letter where a dimension is left open. */
export const shapeText = (shape: ModelValue['shape']): string =>
  shape === undefined ? 'of any shape' : `[${shape.map((n) => n ?? 'n').join(', ')}]`
