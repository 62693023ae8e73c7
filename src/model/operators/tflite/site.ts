import { usageError, type XgenError } from '../../../base/errors.ts'
import type { ElementType, Model, ModelNode, ModelTensor, ModelValue } from '../../model.ts'
import { type Budget, standardBudget } from '../operator.ts'

/** Computes the one result of a node. Inputs stand in the node's order; undefined is one that is left out. */
export type Kernel = (inputs: readonly (ModelTensor | undefined)[]) => ModelTensor

/** Checks a node's settings and makes its kernel; what is not supported is thrown, with the node's name. */
export type Operator = (site: Site) => Kernel

/** The quantisation of a tensor of codes with one scale. */
export interface CodeScale {
  readonly scale: number
  readonly zeroPoint: number
}

/** A node with what the file says of its tensors. */
export interface Site {
  readonly node: ModelNode
  readonly inputs: readonly (ModelValue | undefined)[]
  readonly output: ModelValue
  /** The input's constant; undefined where it is computed or left out. */
  constant(index: number): ModelTensor | undefined
  /** That so many products, or values looked at, may be spent on an evaluation. */
  spend(work: number): void
  /** What the operator cannot do, as an error to throw; the sentence begins behind the node's name. */
  refuse(why: string, hint?: string): XgenError
}

/** A node; what it costs is taken from the budget of the evaluation that it is part of. */
export function siteOf(model: Model, node: ModelNode, budget: Pick<Budget, 'work'> = standardBudget()): Site {
  const refuse = (why: string, hint?: string) => usageError(why, { where: node.name, hint })
  if (node.outputs.length !== 1) throw refuse(`has ${node.outputs.length} results`)
  return {
    node,
    inputs: node.inputs.map((name) => model.values.get(name)),
    output: model.values.get(node.outputs[0]!)!,
    constant: (index) => model.constants.get(node.inputs[index] ?? ''),
    spend(work) {
      budget.work -= work
      if (!(budget.work >= 0)) throw refuse('takes the model beyond the work that one evaluation may cost')
    },
    refuse,
  }
}

/** An input that must be there. */
export function inputAt(site: Site, index: number): ModelValue {
  const value = site.inputs[index]
  if (value === undefined) throw site.refuse(`has no input ${index}`)
  return value
}

/** The shape of a tensor: the format states all dimensions. */
export const shapeOf = ({ shape }: ModelValue): readonly number[] => shape as readonly number[]

/** That a tensor is a map, [batch, height, width, channels]. */
export function mapShape(site: Site, value: ModelValue): readonly [number, number, number, number] {
  const shape = shapeOf(value)
  if (shape.length !== 4)
    throw site.refuse(
      `works on [batch, height, width, channels]; "${value.name}" has the shape [${shape.join(', ')}]`,
    )
  return shape as [number, number, number, number]
}

/** That the file says of the result what the operator makes. */
export function checkResult(site: Site, shape: readonly number[]): void {
  const stated = shapeOf(site.output)
  if (stated.length !== shape.length || stated.some((n, i) => n !== shape[i]))
    throw site.refuse(
      `makes a tensor of shape [${shape.join(', ')}]; the file says [${stated.join(', ')}] of "${site.output.name}"`,
    )
}

/** Whether elements of a type are codes: int8, or uint8 as in older files. Both have the same rules, with other bounds. */
export const isCode = (type: ElementType): type is 'int8' | 'uint8' => type === 'int8' || type === 'uint8'

/** Smallest and largest code of a type. */
export const codeLimits = (type: ElementType): readonly [low: number, high: number] =>
  type === 'uint8' ? [0, 255] : [-128, 127]

/** Which arithmetic a node computes in: that of its result and of the inputs named. Others are refused. */
export function arithmeticOf(site: Site, indices: readonly number[]): 'float' | 'codes' {
  const types = [site.output, ...indices.map((index) => inputAt(site, index))].map(({ type }) => type)
  if (types.every((type) => type === 'float32')) return 'float'
  if (isCode(types[0]!) && types.every((type) => type === types[0])) return 'codes'
  throw site.refuse(
    `computes on ${[...new Set(types)].join(', ')}; supported are float32, int8 and uint8`,
    'Export the model with full-integer int8 quantisation (TFLITE_BUILTINS_INT8), or as float32.',
  )
}

/** The scale and zero point of a tensor of codes. */
export function codeScale(site: Site, value: ModelValue): CodeScale {
  const { quantisation } = value
  if (quantisation === undefined) throw site.refuse(`has no scale for the codes of "${value.name}"`)
  if (quantisation.scale.length !== 1)
    throw site.refuse(`has ${quantisation.scale.length} scales for "${value.name}"`)
  const [zeroPoint] = quantisation.zeroPoint as [number]
  const [low, high] = codeLimits(value.type)
  if (zeroPoint < low || zeroPoint > high)
    throw site.refuse(`has the zero point ${zeroPoint} of ${value.type} codes`)
  return { scale: quantisation.scale[0]!, zeroPoint }
}

/** Codes of real values that are counted in steps of the scale: rounded half away from zero. */
export const awayFromZero = (steps: number): number => Math.sign(steps) * Math.floor(Math.abs(steps) + 0.5)

export function numberSetting({ node }: Site, name: string, absent = 0): number {
  const found = node.attributes.get(name)
  return found?.kind === 'int' || found?.kind === 'float' ? found.value : absent
}

export function textSetting({ node }: Site, name: string): string {
  const found = node.attributes.get(name)
  return found?.kind === 'string' ? found.value : ''
}

export function pairSetting({ node }: Site, name: string): readonly [number, number] {
  const found = node.attributes.get(name)
  return found?.kind === 'ints' ? (found.value as unknown as [number, number]) : [1, 1]
}

/** Whole numbers of a small constant input (a shape, axes, paddings), at most `most` of them. */
export function integersAt(site: Site, index: number, what: string, most = 64): readonly number[] {
  const tensor = site.constant(index)
  if (tensor === undefined) throw site.refuse(`computes its ${what}: supported are constant ones`)
  if (tensor.data.length > most) throw site.refuse(`has ${tensor.data.length} numbers for its ${what}`)
  return Array.from(tensor.data as ArrayLike<number | bigint>, Number)
}
