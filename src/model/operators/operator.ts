import { dataError, type XgenError } from '../../base/errors.ts'
import type { ElementType, ModelAttribute, ModelNode, ModelTensor } from '../model.ts'
import { elementsOf, emptyTensor, mostAxes, numbersOf } from '../tensors.ts'

/** What an operator of a format takes, and what it computes. */
export interface Operator {
  /** Least and most inputs, those left out included. */
  readonly inputs: readonly [least: number, most: number]
  /** Names of its attributes in any of its versions, with their kinds. */
  readonly attributes: Readonly<Record<string, ModelAttribute['kind']>>
  /** Why a node of this operator cannot be evaluated although its attributes are right; undefined where it can. */
  readonly refuse?: (node: ModelNode) => string | undefined
  /** The node's outputs in order; one that the node does not name may be left out. */
  readonly evaluate: (call: Call) => readonly ModelTensor[]
}

/** What evaluation may take before it is refused: a model file can ask for more than any machine has. */
export interface Budget {
  /** Elements of one tensor, and of all that are held at a time besides the file's constants. */
  readonly elements: number
  /** Multiplications, or values looked at, of one evaluation. */
  work: number
}

export const standardBudget = (): Budget => ({ elements: 2 ** 26, work: 2 ** 38 })

/** A node that is being evaluated: its inputs and settings, checked as they are asked for. */
export class Call {
  readonly node: ModelNode
  /** Only shapes and types of results are wanted: operators that cost much leave their values 0. */
  readonly dry: boolean
  private readonly given: readonly (ModelTensor | undefined)[]
  private readonly budget: Budget

  constructor(node: ModelNode, given: readonly (ModelTensor | undefined)[], budget: Budget, dry = false) {
    this.node = node
    this.dry = dry
    this.given = given
    this.budget = budget
  }

  get version(): number {
    return this.node.version
  }

  get count(): number {
    return this.given.length
  }

  input(index: number): ModelTensor {
    const tensor = this.given[index]
    if (tensor === undefined) throw this.error(`has no input ${index + 1}, which it needs`)
    return tensor
  }

  optional(index: number): ModelTensor | undefined {
    return this.given[index]
  }

  /** An input of one of the given types. */
  typed(index: number, ...types: readonly ElementType[]): ModelTensor {
    const tensor = this.input(index)
    if (!types.includes(tensor.type))
      throw this.error(`reads ${tensor.type} as input ${index + 1}; possible: ${types.join(', ')}`)
    return tensor
  }

  /** An input of whole numbers, such as axes; undefined where it is left out. */
  integers(index: number): number[] | undefined {
    if (this.given[index] === undefined) return undefined
    return Array.from(numbersOf(this.typed(index, 'int64', 'int32')))
  }

  int(name: string, standard: number): number {
    const found = this.attribute(name, 'int')
    return found === undefined ? standard : found.value
  }

  float(name: string, standard: number): number {
    const found = this.attribute(name, 'float')
    return found === undefined ? standard : found.value
  }

  text(name: string, standard: string): string {
    const found = this.attribute(name, 'string')
    return found === undefined ? standard : found.value
  }

  ints(name: string): readonly number[] | undefined {
    return this.attribute(name, 'ints')?.value
  }

  floats(name: string): readonly number[] | undefined {
    return this.attribute(name, 'floats')?.value
  }

  texts(name: string): readonly string[] | undefined {
    return this.attribute(name, 'strings')?.value
  }

  tensor(name: string): ModelTensor | undefined {
    return this.attribute(name, 'tensor')?.value
  }

  /** An axis of a tensor of this rank; negative ones count from the end. */
  axis(axis: number, rank: number, last = rank - 1): number {
    if (!Number.isInteger(axis) || axis < -rank || axis > last)
      throw this.error(`has axis ${axis} of a tensor of rank ${rank}`)
    return axis < 0 ? axis + rank : axis
  }

  /** A tensor of zeros for a result. */
  make(type: ElementType, shape: readonly number[]): ModelTensor {
    this.reserve(shape)
    return emptyTensor(type, shape)
  }

  /** That a tensor of this shape may be made. */
  reserve(shape: readonly number[]): void {
    if (shape.length > mostAxes)
      throw this.error(`makes a tensor of ${shape.length} axes: at most ${mostAxes} are possible`)
    // a size beside one of 0 costs memory too, where indices are counted
    const elements = elementsOf(shape.map((n) => (n === 0 ? 1 : n)))
    if (shape.some((n) => !Number.isSafeInteger(n) || n < 0) || !(elements <= this.budget.elements))
      throw this.error(
        `makes a tensor of shape [${shape.join(', ')}]: at most ${this.budget.elements} elements are possible`,
      )
    this.use(elements)
  }

  /** That so many multiplications may be spent; a dry run computes none. */
  spend(work: number): void {
    if (this.dry) return
    this.use(work)
  }

  private use(work: number): void {
    this.budget.work -= work
    if (!(this.budget.work >= 0))
      throw this.error('takes the model beyond the work that one evaluation may cost')
  }

  error(what: string, hint?: string): XgenError {
    return dataError(`node "${this.node.name}" (${this.node.operator}) ${what}`, {
      where: this.node.name,
      hint,
    })
  }

  private attribute<K extends ModelAttribute['kind']>(
    name: string,
    kind: K,
  ): Extract<ModelAttribute, { kind: K }> | undefined {
    const found = this.node.attributes.get(name)
    if (found === undefined) return undefined
    if (found.kind !== kind)
      throw this.error(`has an attribute "${name}" of kind ${found.kind}; expected is ${kind}`)
    return found as Extract<ModelAttribute, { kind: K }>
  }
}
