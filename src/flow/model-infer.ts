import { dataError, usageError } from '../base/errors.ts'
import { readInput, writeFileAtomically } from '../base/files.ts'
import { decodeNpy, encodeNpy, type NpyArray, type NpyType } from '../base/npy.ts'
import { readNpzArrays, writeNpz } from '../base/npz.ts'
import { didYouMean } from '../base/suggest.ts'
import { createEvaluator } from '../model/evaluator.ts'
import { firstBad } from '../model/finite.ts'
import { computesIntegers } from '../model/integers.ts'
import type { ElementType, Model, ModelTensor } from '../model/model.ts'
import { readModel } from '../model/read.ts'
import { isHalf } from '../model/tensors.ts'

export interface ModelInferRequest {
  readonly input: string
  readonly output: string
  /** Undefined: as the file computes. */
  readonly precision: 'int' | 'float' | undefined
  readonly codes: boolean
}

export interface ModelInferResult {
  readonly net: string
  readonly precision: 'int' | 'float'
  /** The first dimension of the first input. */
  readonly images: number
  readonly input: string
  readonly output: string
  /** Of the first output. */
  readonly shape: readonly number[]
  readonly outputs: readonly {
    readonly name: string
    readonly type: ElementType
    readonly shape: readonly number[]
  }[]
}

/**
 * Runs a model file on tensors in its own layout, type and shape: one .npy, or a .npz with a tensor for each input by its name; the
 * outputs likewise. Operators are evaluated as their format defines them.
 */
export function inferModel(path: string, request: ModelInferRequest): ModelInferResult {
  const model = readModel(path)
  const precision = precisionOf(model, request.precision)
  if (request.codes)
    throw usageError(
      '--codes is for networks that xgen quantised: a model file takes and gives its own types',
      {
        where: '--codes',
      },
    )
  const single = request.output.endsWith('.npy')
  if (single && model.outputs.length > 1)
    throw usageError(
      `the model has ${model.outputs.length} outputs (${model.outputs.map(({ name }) => name).join(', ')}): a .npy holds one`,
      { where: '--output', hint: 'Name a .npz file.' },
    )
  const evaluator = createEvaluator(model)
  const inputs = readInputs(model, request.input)
  const results = evaluator.run(inputs)
  const arrays = new Map([...results].map(([name, tensor]) => [name, asArray(tensor)]))
  const first = [...arrays.values()][0]!
  writeFileAtomically(request.output, single ? encodeNpy(first) : writeNpz(arrays))
  return {
    net: model.name,
    precision,
    images: [...inputs.values()][0]?.shape[0] ?? 1,
    input: request.input,
    output: request.output,
    shape: first.shape,
    outputs: [...results].map(([name, { type, shape }]) => ({ name, type, shape })),
  }
}

/** What a model computes in. Asking a float model for integers is an error: it has none until it is quantised. */
export function precisionOf(model: Model, asked: 'int' | 'float' | undefined): 'int' | 'float' {
  const integers = computesIntegers(model)
  if (asked === 'int' && !integers)
    throw usageError(`the model "${model.name}" computes in float: it has no integers of its own`, {
      where: '--precision',
      hint: 'Evaluate it with --precision float; for integers import it with ranges: "xgen net import FILE --data SET".',
    })
  return asked ?? (integers ? 'int' : 'float')
}

function readInputs(model: Model, file: string): ReadonlyMap<string, ModelTensor> {
  const bytes = readInput(file, 'input file')
  const names = model.inputs.map(({ name }) => name)
  if (!file.endsWith('.npz')) {
    if (names.length !== 1)
      throw usageError(
        `the model has ${names.length} inputs${names.length > 0 ? ` (${names.join(', ')})` : ''}: a .npy holds one`,
        { where: '--input', hint: 'Write them by name with numpy.savez.' },
      )
    return new Map([[names[0]!, finiteTensor(decodeNpy(bytes, file), names[0]!, file)]])
  }
  const arrays = readNpzArrays(bytes, file)
  const extra = [...arrays.keys()].find((name) => !names.includes(name))
  if (extra !== undefined)
    throw usageError(`${file} holds "${extra}", which is no input of the model.${didYouMean(extra, names)}`, {
      where: '--input',
      hint: `Its inputs: ${names.join(', ') || 'none'}.`,
    })
  return new Map([...arrays].map(([name, array]) => [name, finiteTensor(array, name, file)]))
}

const codes: Readonly<Record<NpyType, ElementType>> = {
  b1: 'bool',
  i1: 'int8',
  u1: 'uint8',
  i2: 'int16',
  u2: 'uint16',
  i4: 'int32',
  u4: 'uint32',
  i8: 'int64',
  u8: 'uint64',
  f4: 'float32',
  f8: 'float64',
}

/** An array as an input of the model; results of what is no finite number mean nothing. */
function finiteTensor({ type, shape, data }: NpyArray, name: string, file: string): ModelTensor {
  const bad = firstBad(data, true)
  if (bad >= 0)
    throw dataError(`holds ${data[bad]} at element ${bad} of "${name}": only finite numbers are possible`, {
      where: file,
    })
  return { type: codes[type], shape, data }
}

function asArray({ type, shape, data }: ModelTensor): NpyArray {
  const stored = isHalf(type) ? 'float32' : type
  const code = (Object.keys(codes) as NpyType[]).find((key) => codes[key] === stored)
  if (code === undefined) throw usageError(`an output is of ${type}, which no .npy file holds`)
  return { type: code, shape, data }
}
