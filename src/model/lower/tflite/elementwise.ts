import { scaledAddition } from '../../../quant/imported-rules.ts'
import type { QNode } from '../../../quant/qgraph.ts'
import type { ModelTensor, ModelValue } from '../../model.ts'
import { codeClamp } from '../../operators/tflite/activation.ts'
import { operators } from '../../operators/tflite/registry.ts'
import {
  type CodeScale,
  codeLimits,
  codeScale,
  inputAt,
  type Kernel,
  type Site,
  shapeOf,
} from '../../operators/tflite/site.ts'
import { elementsOf, emptyTensor } from '../../tensors.ts'
import { mapOf } from '../channels-first.ts'
import { valuesOfPairs } from '../held.ts'
import type { CodeGraph, Place } from './code-graph.ts'

/** An operator of one code of an input, all others being constants of one value: what its kernel makes of each code. */
export function lowerTable(graph: CodeGraph, site: Site, index = 0): void {
  const { id, from } = graph.padded(site, index)
  const does = site.node.operator.toLowerCase().replaceAll('_', '-')
  const name = graph.number(does)
  const offset = graph.offsetOf(site.output)
  const table = Int16Array.from(codesOfCodes(site, index), (code) => code + offset)
  graph.push(
    site,
    { kind: 'table', name, does, input: id, output: name, table },
    graph.tensors[id]!.shape,
    from,
  )
}

function codesOfCodes(site: Site, index: number): ArrayLike<number> {
  const value = inputAt(site, index)
  const kernel = kernelOn(site, (i) => (i === index ? [256] : [1]), [256])
  const one = (constant: ModelTensor | undefined): ModelTensor | undefined =>
    constant && { ...constant, shape: [1], data: constant.data.slice(0, 1) }
  const given = site.inputs.map((_, i) => (i === index ? everyCode(value, [256]) : one(site.constant(i))))
  return kernel(given).data as ArrayLike<number>
}

/** The kernel of a site, for tensors of other shapes. */
function kernelOn(
  site: Site,
  shapeAt: (index: number) => readonly number[],
  shape: readonly number[],
): Kernel {
  return operators.get(site.node.operator)!({
    ...site,
    inputs: site.inputs.map((value, i) => value && { ...value, shape: shapeAt(i) }),
    output: { ...site.output, shape },
  })
}

/** All codes of a tensor's type, from the least one on. */
function everyCode({ type }: ModelValue, shape: readonly number[]): ModelTensor {
  const [first] = codeLimits(type)
  const all = emptyTensor(type, shape)
  for (let i = 0; i < 256; i++) all.data[i] = first + i
  return all
}

/** ADD, SUB and MUL of two tensors; and any operator of a tensor and a constant of one value, which is a table. */
export function lowerPairwise(graph: CodeGraph, site: Site): void {
  const { operator } = site.node
  const constant = [0, 1].find((index) => site.constant(index) !== undefined)
  if (constant !== undefined) {
    checkConstant(site, constant)
    lowerTable(graph, site, 1 - constant)
    return
  }
  const alike = [0, 1].every((i) => shapeOf(inputAt(site, i)).join() === shapeOf(site.output).join())
  if (operator === 'ADD' && alike) addition(graph, site)
  else if (operator === 'ADD' || operator === 'SUB' || operator === 'MUL') pairs(graph, site, alike)
  else throw site.refuse('has no integer rule in the graph, but with a constant of one value')
}

function checkConstant(site: Site, index: number): void {
  const { data } = site.constant(index)!
  const numbers = data as ArrayLike<number>
  if (site.constant(1 - index) !== undefined) throw site.refuse('reads nothing but constants')
  if (Array.prototype.some.call(numbers, (code) => code !== numbers[0]))
    throw site.refuse(`reads the constant "${inputAt(site, index).name}", which has several values`)
  if (shapeOf(inputAt(site, 1 - index)).join() !== shapeOf(site.output).join())
    throw site.refuse('repeats a tensor along a constant')
}

/** An operator of two tensors by a table of all pairs of codes: of one shape, or of a map and a code for each of its channels. */
function pairs(graph: CodeGraph, site: Site, alike: boolean): void {
  const kind = site.node.operator === 'MUL' ? 'mul' : 'add'
  const first = alike || shapeOf(inputAt(site, 0)).join() === shapeOf(site.output).join() ? 0 : 1
  const order = [first, 1 - first] as const
  if (!alike) checkChannels(site, first)
  graph.held.add(valuesOfPairs)
  const { ids, from } = alike ? pairOf(graph, site) : { ids: orderedPair(graph, site), from: undefined }
  const name = graph.number(kind)
  const rule = { kind: 'pairs', table: tableOfPairs(graph, site, order) } as const
  const [low, high] = codeClamp(site)
  const offset = graph.offsetOf(site.output)
  const common = { name, inputs: [ids[order[0]]!, ids[order[1]]!], output: name, rule } as const
  const range = { low: low + offset, high: high + offset }
  const node: QNode =
    kind === 'mul'
      ? { kind, ...common, ...range, multiplier: 0, shift: 0 }
      : { kind, ...common, ...range, multipliers: [0, 0], shift: 0 }
  graph.push(site, node, mapOf(site.output), from)
}

/** That the other input has one code for each channel of a map. */
function checkChannels(site: Site, first: number): void {
  const map = shapeOf(inputAt(site, first))
  const other = shapeOf(inputAt(site, 1 - first))
  const channels = map.at(-1)!
  const spread = map.join() === shapeOf(site.output).join() && map.length === 4
  if (!spread || other.at(-1) !== channels || elementsOf(other) !== channels)
    throw site.refuse('joins tensors of different shapes')
}

const orderedPair = (graph: CodeGraph, site: Site) =>
  [graph.ordered(site, 0), graph.ordered(site, 1)] as const

/** By the bytes of the graph's codes. */
function tableOfPairs(graph: CodeGraph, site: Site, [first, second]: readonly [number, number]): Int16Array {
  const values = [inputAt(site, first), inputAt(site, second)] as const
  const shapes = [
    [256, 1],
    [1, 256],
  ]
  const kernel = kernelOn(site, (i) => shapes[i === first ? 0 : 1]!, [256, 256])
  const given = [0, 1].map((i) => everyCode(inputAt(site, i), shapes[i === first ? 0 : 1]!))
  const made = kernel(given).data as ArrayLike<number>
  const [a, b] = values.map((value) => codeLimits(value.type)[0] + graph.offsetOf(value)) as [number, number]
  const offset = graph.offsetOf(site.output)
  const table = new Int16Array(2 ** 16)
  for (let i = 0; i < 256; i++)
    for (let k = 0; k < 256; k++) table[((a + i) & 255) * 256 + ((b + k) & 255)] = made[i * 256 + k]! + offset
  return table
}

/** Two inputs of the result's shape, in one order. */
function pairOf(graph: CodeGraph, site: Site): { ids: readonly [string, string]; from: Place['from'] } {
  const [first, second] = [graph.padded(site, 0), graph.padded(site, 1)]
  if (first.from?.join() === second.from?.join()) return { ids: [first.id, second.id], from: first.from }
  return { ids: orderedPair(graph, site), from: undefined }
}

function addition(graph: CodeGraph, site: Site): void {
  const { ids, from } = pairOf(graph, site)
  const name = graph.number('add')
  const [low, high] = codeClamp(site)
  const offset = graph.offsetOf(site.output)
  const [a, b, sum] = [inputAt(site, 0), inputAt(site, 1), site.output].map((value) => {
    const { scale, zeroPoint } = codeScale(site, value)
    return { scale, zeroPoint: zeroPoint + graph.offsetOf(value) }
  }) as [CodeScale, CodeScale, CodeScale]
  graph.push(
    site,
    {
      kind: 'add',
      name,
      inputs: ids,
      output: name,
      multipliers: [0, 0],
      shift: 0,
      rule: { kind: 'tflite', ...scaledAddition(a, b, sum) },
      low: low + offset,
      high: high + offset,
    },
    mapOf(site.output),
    from,
  )
}
