import { usageError } from '../base/errors.ts'
import type { OperatorTable } from './evaluate.ts'
import type { Model, ModelNode } from './model.ts'

/** A node that cannot be used, why, and what can be done about it. */
export interface Unsupported {
  readonly node: string
  readonly operator: string
  readonly reason: string
  readonly hint: string
}

/** All nodes that cannot be evaluated. */
export function unsupportedNodes(model: Model, operators: OperatorTable): readonly Unsupported[] {
  return model.nodes.flatMap((node) => {
    const found = whyNot(node, operators)
    return found === undefined ? [] : [{ node: node.name, operator: operatorName(node), ...found }]
  })
}

const operatorName = ({ operator, domain }: ModelNode) => (domain === '' ? operator : `${domain}.${operator}`)

function whyNot(node: ModelNode, operators: OperatorTable): Pick<Unsupported, 'reason' | 'hint'> | undefined {
  if (node.domain !== '')
    return {
      reason: `belongs to the operators "${node.domain}", which are not known`,
      hint:
        node.domain === 'com.microsoft' && /^Q[A-Z]/.test(node.operator)
          ? 'Quantise in the format of QuantizeLinear and DequantizeLinear (QDQ) instead.'
          : 'Export with standard operators, or leave this part to the host.',
    }
  const operator = Object.hasOwn(operators, node.operator) ? operators[node.operator] : undefined
  if (operator === undefined) {
    const graph = [...node.attributes.values()].some(({ kind }) => kind === 'graph')
    return {
      reason: graph ? 'runs a graph of its own, which is not supported' : 'is no operator that is supported',
      hint: graph
        ? 'Export with fixed control flow (a traced model).'
        : (hints[node.operator] ?? 'Rewrite this part with supported operators, or leave it to the host.'),
    }
  }
  const [least, most] = operator.inputs
  const given = node.inputs.length
  if (given < least || given > most)
    return {
      reason: `has ${given} inputs, where it takes ${least} to ${most}`,
      hint: 'The file is damaged: export it again.',
    }
  for (const [name, { kind }] of node.attributes) {
    const known = Object.hasOwn(operator.attributes, name) ? operator.attributes[name] : undefined
    if (known === undefined)
      return {
        reason: `has an attribute "${name}", which is not known`,
        hint: 'Export with another version of the operators.',
      }
    if (known !== kind)
      return {
        reason: `has an attribute "${name}" of kind ${kind} instead of ${known}`,
        hint: 'The file is damaged: export it again.',
      }
  }
  const refused = operator.refuse?.(node)
  return refused === undefined ? undefined : { reason: refused, hint: 'Export the model for inference.' }
}

const hints: Readonly<Record<string, string>> = {
  ConvTranspose: 'Upsampling is not supported: leave the decoder of the network to the host.',
  Resize: 'Resizing is not supported: resize images before the network.',
  Upsample: 'Resizing is not supported: resize images before the network.',
  LRN: 'Train with batch normalisation instead of local response normalisation.',
  InstanceNormalization: 'Train with batch normalisation, which is folded into weights.',
  LayerNormalization: 'Train with batch normalisation, which is folded into weights.',
}

/** An error that lists all nodes that cannot be evaluated. */
export function checkSupported(model: Model, operators: OperatorTable): void {
  refuseUnsupported(model.name, unsupportedNodes(model, operators))
}

/** An error that lists all of them; none where the list is empty. */
export function refuseUnsupported(model: string, unsupported: readonly Unsupported[]): void {
  if (unsupported.length === 0) return
  const lines = unsupported.map(
    ({ node, operator, reason, hint }) => `\n  ${node} (${operator}): ${reason}. ${hint}`,
  )
  throw usageError(
    `the model "${model}" has ${unsupported.length} node${unsupported.length === 1 ? '' : 's'} that cannot be used:${lines.join('')}`,
  )
}
