import { usageError } from '../base/errors.ts'
import type { LayerWeights, Recurrent } from '../net/network.ts'
import { gateBits } from './cell-rules.ts'
import { denseGeometry, filterCodes } from './filters.ts'
import type { Link } from './links.ts'
import type { QuantOptions } from './options.ts'
import type { QConv, QRecurrent, QTensor } from './qgraph.ts'
import { codeRange, fixedPoint } from './rules.ts'

/** The tensor of a recurrent layer's state, as its weights read it. */
export const stateId = (name: string) => `${name}.state`

export function stateTensor({ units }: Recurrent, { activationBits: bits }: QuantOptions): QTensor {
  return { shape: [units, 1, 1], bits, signed: true, scale: 2 ** (1 - bits), zeroPoint: 0 }
}

/** The integer node of a recurrent layer; its filters are `<layer>_input` and `<layer>_state`. */
export function recurrentNode(
  { layer, inputs, shaped }: Link & { kind: 'recurrent' },
  { weight, bias, recurrent }: LayerWeights,
  tensors: Readonly<Record<string, QTensor>>,
  options: QuantOptions,
): QRecurrent {
  const { name, kind: cell, units, direction, returns, reset = 'after' } = layer
  const filters = (
    what: 'input' | 'state',
    id: string,
    values: Pick<LayerWeights, 'weight' | 'bias'>,
  ): QConv => {
    const own = `${name}_${what}`
    if (tensors[own] !== undefined)
      throw usageError(`a layer is named "${own}", as the ${what} weights of "${name}" (${cell}) are`, {
        where: own,
        hint: 'Rename one of them: multipliers are chosen by these names.',
      })
    return {
      kind: 'conv',
      name: own,
      input: id,
      output: own,
      ...denseGeometry,
      ...filterCodes(own, values, tensors[id]!, 2 ** -gateBits, options),
      low: -32768,
      high: 32767,
    }
  }
  const output = tensors[name]!
  const factor = fixedPoint(2 ** -15 / output.scale)
  if (factor === undefined)
    throw usageError(
      `layer "${name}" (${cell}): its results are joined with others that are 2^15 times larger`,
      {
        where: name,
        hint: 'Put a layer with weights between it and the concat.',
      },
    )
  const [low, high] = codeRange(output.bits, output.signed)
  return {
    kind: 'recurrent',
    ...{ name, cell, reset, direction, returns, units },
    input: inputs[0]!,
    output: name,
    ofInput: { ...filters('input', inputs[0]!, { weight, bias }), steps: shaped.input[0] },
    ofState: filters('state', stateId(name), recurrent!),
    ...factor,
    ...{ low, high },
  }
}
