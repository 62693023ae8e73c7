import { dataError, usageError, XgenError } from '../../base/errors.ts'
import { type Evaluator, shapeText } from '../evaluate.ts'
import type { Model, ModelTensor, ModelValue } from '../model.ts'
import { type Budget, standardBudget } from '../operators/operator.ts'
import { operators } from '../operators/tflite/registry.ts'
import { type Kernel, siteOf } from '../operators/tflite/site.ts'
import { refuseUnsupported, type Unsupported } from '../supported.ts'

interface Prepared {
  readonly kernels: readonly Kernel[]
  readonly unsupported: readonly Unsupported[]
}

/** The format states every shape, so that all that an operator cannot do is known before anything is computed. */
function prepare(model: Model, budget = standardBudget()): Prepared {
  const unsupported: Unsupported[] = []
  const kernels: Kernel[] = []
  for (const node of model.nodes) {
    const refuse = (
      reason: string,
      hint = 'Rewrite this part with supported operators, or leave it to the host.',
    ) => unsupported.push({ node: node.name, operator: node.operator, reason, hint })
    const operator = operators.get(node.operator)
    if (node.domain !== '') refuse('is an operator of its own making, which is not known')
    else if (operator === undefined) refuse('is no operator that is supported')
    else {
      try {
        kernels.push(operator(siteOf(model, node, budget)))
      } catch (error) {
        if (!(error instanceof XgenError) || error.kind === 'internal') throw error
        refuse(error.message, error.hint)
      }
    }
  }
  return { kernels, unsupported }
}

/** Every node of a TensorFlow Lite model that cannot be evaluated. */
export const unsupportedTfliteNodes = (model: Model): readonly Unsupported[] => prepare(model).unsupported

/** A model with its constants prepared. Operators that are not supported are listed in one error. */
export function createTfliteEvaluator(model: Model, budget?: Budget): Evaluator {
  const { kernels, unsupported } = prepare(model, budget)
  refuseUnsupported(model.name, unsupported)
  return {
    model,
    run(inputs, visit) {
      const made = new Map(model.inputs.map((value) => [value.name, inputOf(value, inputs)]))
      for (const [i, { inputs: names, outputs }] of model.nodes.entries()) {
        const result = kernels[i]!(names.map((name) => made.get(name) ?? model.constants.get(name)))
        made.set(outputs[0]!, result)
        visit?.(outputs[0]!, result)
      }
      return new Map(model.outputs.map(({ name }) => [name, made.get(name) ?? model.constants.get(name)!]))
    },
  }
}

function inputOf(value: ModelValue, inputs: ReadonlyMap<string, ModelTensor>): ModelTensor {
  const { name, type, shape } = value
  const found = inputs.get(name)
  if (found === undefined) throw usageError(`the input "${name}" of the model is not given`, { where: name })
  if (
    found.type === type &&
    found.shape.length === shape!.length &&
    found.shape.every((n, i) => n === shape![i])
  )
    return found
  throw dataError(
    `the input "${name}" of the model is ${type} ${shapeText(shape)}; given is ${found.type} ${shapeText(found.shape)}`,
    { where: name },
  )
}
