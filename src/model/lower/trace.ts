import { dataError, usageError } from '../../base/errors.ts'
import { evaluateNode, shapeText, Tensors } from '../evaluate.ts'
import type { ElementType, Model, ModelTensor, ModelValue } from '../model.ts'
import { standardBudget } from '../operators/operator.ts'
import { elementsOf, emptyTensor } from '../tensors.ts'

/** What is known of a model's tensors without an image: of all their types and their shapes for one image, and the values of those that no image changes. */
export interface Trace {
  readonly shapes: ReadonlyMap<string, readonly number[]>
  readonly types: ReadonlyMap<string, ElementType>
  readonly fixed: ReadonlyMap<string, ModelTensor>
}

/** Elements that follow from constants, such as the real values of weights: as many as the constants of a file may have. */
const mostFixed = 2 ** 28

/** What finding shapes may cost, in values looked at: products are not computed. */
const mostWork = 2 ** 31

/** Evaluates what no image changes, and of the rest the shapes. A shape that is asked for counts as fixed: it is that of one image. */
export function traceOnnx(model: Model): Trace {
  const fixed = new Tensors(model.constants)
  const shapes = new Map([...fixed.all].map(([name, { shape }]) => [name, shape]))
  const types = new Map([...fixed.all].map(([name, { type }]) => [name, type]))
  /** Of what depends on the image there are stand-ins: tensors of zeros. */
  const made = new Tensors(new Map())
  const budget = { elements: standardBudget().elements, work: mostWork }
  for (const [i, value] of model.inputs.entries()) {
    const shape = shapeOfOne(value, i === 0)
    if (made.held + elementsOf(shape) > budget.elements)
      throw dataError(
        `the input "${value.name}" of the model is ${shapeText(shape)}: at most ${budget.elements} values are possible`,
        { where: value.name },
      )
    const tensor = emptyTensor(value.type, shape)
    made.set(value.name, tensor)
    shapes.set(value.name, tensor.shape)
    types.set(value.name, tensor.type)
  }
  const lastReader = new Map(model.nodes.flatMap(({ inputs }, i) => inputs.map((name) => [name, i] as const)))
  for (const [i, node] of model.nodes.entries()) {
    const known =
      node.operator === 'Shape' || node.inputs.every((name) => name === '' || fixed.get(name) !== undefined)
    const given = (name: string) => fixed.get(name) ?? made.get(name)
    for (const [name, result] of evaluateNode(node, given, budget, { dry: !known })) {
      shapes.set(name, result.shape)
      types.set(name, result.type)
      if (known) fixed.set(name, result)
      else if (lastReader.has(name)) made.set(name, result)
    }
    fixed.check(node, { elements: mostFixed })
    made.check(node, budget)
    for (const name of node.inputs) if (lastReader.get(name) === i) made.delete(name)
  }
  return { shapes, types, fixed: fixed.all }
}

/** The shape of an input for one image: its first dimension is 1 where it is open, or where it counts the images of a batch. */
export function shapeOfOne({ name, shape }: ModelValue, images = true): readonly number[] {
  const batch = images && shape?.length === 4
  const sizes = shape?.map((n, axis) => (axis === 0 && (n === undefined || batch) ? 1 : n))
  if (sizes?.every((n) => n !== undefined)) return sizes
  throw usageError(
    `the input "${name}" of the model is ${shapeText(shape)}: only the number of images may be open`,
    {
      where: name,
      hint: 'Export the model with fixed sizes.',
    },
  )
}
