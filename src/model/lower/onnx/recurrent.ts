import { gatesOf, type Recurrent } from '../../../net/network.ts'
import type { Shape } from '../../../net/shapes.ts'
import type { ModelNode } from '../../model.ts'
import { elements } from '../../operators/strided.ts'
import { type Lowering, Obstacle } from '../lowering.ts'
import type { Rule } from './registry.ts'

const standard = { rnn: ['Tanh'], gru: ['Sigmoid', 'Tanh'], lstm: ['Sigmoid', 'Tanh', 'Tanh'] } as const
const directions = { forward: 'forward', reverse: 'backward', bidirectional: 'bidirectional' } as const

const recurrent =
  (kind: Recurrent['kind']): Rule =>
  (lowering, node) => {
    const call = lowering.call(node)
    checkPlain(lowering, node, kind)
    const [w, r] = [lowering.weight(node, 1), lowering.weight(node, 2)]
    const [count, rows, features] = w.shape as [number, number, number]
    const units = rows / gatesOf[kind].length
    const shape = lowering.modelShape(node.inputs[0]!)
    const [steps, batch] = call.int('layout', 0) === 0 ? [shape[0]!, shape[1]!] : [shape[1]!, shape[0]!]
    if (batch !== 1)
      throw new Obstacle(`reads ${batch} sequences of one image`, 'Export the model for single sequences.')
    const value = lowering.view(lowering.value(node), [steps, features])
    const bias = biases(lowering, node, count, rows)
    const weights = {
      weight: Float32Array.from(elements(w.data)),
      bias: bias.own,
      recurrent: { weight: Float32Array.from(elements(r.data)), bias: bias.recurrent },
    }
    const layer = {
      kind,
      units,
      direction: directions[call.text('direction', 'forward') as keyof typeof directions],
      ...(kind === 'gru'
        ? { reset: call.int('linear_before_reset', 0) !== 0 ? ('after' as const) : ('before' as const) }
        : {}),
    }
    const results: [index: number, returns: Recurrent['returns'], shape: Shape][] = [
      [0, 'all', [steps, count * units]],
      [1, 'last', [count * units]],
    ]
    for (const [index, returns, result] of results)
      if (lowering.readCount(node.outputs[index] ?? '') > 0)
        lowering.layer(node, { ...layer, returns }, [value], result, weights, index)
  }

/** What the layers of a network do not have is refused. */
function checkPlain(lowering: Lowering, node: ModelNode, kind: Recurrent['kind']): void {
  const call = lowering.call(node)
  const hint = 'Recurrent layers begin with zeros, take whole sequences and have their usual activations.'
  const names = call.texts('activations')
  if (
    names?.some((name, i) => name.toLowerCase() !== standard[kind][i % standard[kind].length]!.toLowerCase())
  )
    throw new Obstacle(`has the activations ${names.join(', ')}`, hint)
  if (node.attributes.has('clip') || call.int('input_forget', 0) !== 0)
    throw new Obstacle('clips, or couples its input and forget gates', hint)
  for (const index of [5, 6, 7]) {
    if ((node.inputs[index] ?? '') === '') continue
    if (Array.from(elements(lowering.weight(node, index).data)).some((x) => x !== 0))
      throw new Obstacle(index === 7 ? 'has peepholes' : 'begins with a state of its own', hint)
  }
  const shape = lowering.modelShape(node.inputs[0]!)
  const steps = call.int('layout', 0) === 0 ? shape[0]! : shape[1]!
  if ((node.inputs[4] ?? '') !== '' && Array.from(lowering.integers(node, 4)!).some((n) => n !== steps))
    throw new Obstacle('takes a part of its sequence', hint)
  if (kind === 'lstm' && lowering.readCount(node.outputs[2] ?? '') > 0)
    throw new Obstacle('gives its cell state', 'The hidden state has a layer.')
}

/** B is [directions, 2 * rows]: the bias of W, then that of R. */
function biases(lowering: Lowering, node: ModelNode, count: number, rows: number) {
  const [own, recurrent] = [new Float32Array(count * rows), new Float32Array(count * rows)]
  if ((node.inputs[3] ?? '') === '') return { own, recurrent }
  const b = elements(lowering.weight(node, 3).data)
  for (let d = 0; d < count; d++) {
    for (let row = 0; row < rows; row++) {
      own[d * rows + row] = b[2 * d * rows + row]!
      recurrent[d * rows + row] = b[(2 * d + 1) * rows + row]!
    }
  }
  return { own, recurrent }
}

export const recurrents: Readonly<Record<string, Rule>> = {
  RNN: recurrent('rnn'),
  GRU: recurrent('gru'),
  LSTM: recurrent('lstm'),
}
