import { usageError } from '../base/errors.ts'
import {
  inputsOf,
  type QAdd,
  type QConcat,
  type QConv,
  type QGraph,
  type QNode,
  type QPad,
  type QPool,
  type QSubsample,
  type QTensor,
} from '../quant/qgraph.ts'
import { codeRange } from '../quant/rules.ts'
import type { FusedLayer } from './fuse.ts'

// From the nodes of a graph to what the weight-stationary accelerator does one after the other.

/** Where a tensor's codes are: a stored map, of which it may be only some channels, from channel `offset` on. */
export interface View {
  readonly map: string
  readonly offset: number
}

/** The other operand of an addition that is fused into a convolution. */
export interface Addend {
  readonly add: QAdd
  readonly view: View
  readonly tensor: QTensor
  /** Multipliers of the convolution's code and of the other one's. */
  readonly multipliers: readonly [number, number]
}

/** A convolution that only carries a map to the sums, for an addition that no convolution of the network ends in. */
export interface PassedMap extends QConv {
  readonly passed: true
}

/** A convolution or dense layer, with what is fused into it: an addition, and then a pooling. */
export interface ArrayWork extends FusedLayer {
  readonly kind: 'array'
  readonly conv: QConv | PassedMap
  readonly reads: View
  readonly addend: Addend | undefined
  readonly writes: View
  /** What the array computes, before an addition. */
  readonly code: QTensor
}

/** What is done with a stored map without products. */
export type MapKind = 'pool' | 'subsample' | 'pad' | 'concat'

/** Reads a map and writes another one: windows of it, or zeros where there is none to read. */
export interface MapWork {
  readonly kind: 'map'
  readonly does: MapKind
  readonly name: string
  /** Absent: zeros are written. */
  readonly reads: View | undefined
  readonly input: QTensor
  readonly output: QTensor
  readonly writes: View
  readonly window: readonly [height: number, width: number]
  readonly stride: readonly [vertical: number, horizontal: number]
  readonly padding: readonly [top: number, left: number]
  readonly average: boolean
}

export type Work = ArrayWork | MapWork

export interface Lowered {
  /** In order of execution. */
  readonly works: readonly Work[]
  /** The maps that are stored, by the id of their tensor. */
  readonly maps: ReadonlyMap<string, QTensor>
  readonly input: string
  readonly output: string
}

/** A convolution with what is fused into it so far, and the node after which it runs. */
interface Draft {
  readonly conv: QConv | PassedMap
  readonly addend: { readonly add: QAdd; readonly other: string; readonly position: 0 | 1 } | undefined
  readonly pool: QPool | undefined
  /** The tensor that it makes. */
  readonly result: string
  readonly at: number
}

type MapNode = QPool | QSubsample

export function lower(graph: QGraph): Lowered {
  checkNodes(graph)
  const root = rootsOf(graph)
  const readers = readersOf(graph, root)
  const output = root(graph.output)
  const ownResult = (id: string) => id !== output && readers.get(id)?.length === 1
  const { drafts, mapNodes } = fuse(graph, root, ownResult)
  if (drafts.length === 0)
    throw usageError(`the network "${graph.name}" has no convolution or dense layer`, {
      hint: 'An accelerator needs at least one.',
    })
  const { viewOf, copies } = placeParts(graph, root, output)
  const tensor = (id: string) => graph.tensors[id]!
  const timed: { readonly at: number; readonly work: Work }[] = [
    ...drafts.map((draft) => ({ at: draft.at, work: arrayWork(graph, root, draft, viewOf) })),
    ...mapNodes.map(({ node, at }) => ({ at, work: windows(node, root(node.input), tensor, viewOf) })),
    ...copies,
  ]
  const works = timed.sort((a, b) => a.at - b.at).map(({ work }) => work)
  const ids = new Set([root(graph.input), ...works.map(({ writes }) => writes.map)])
  return {
    works,
    maps: new Map([...ids].map((id) => [id, tensor(id)])),
    input: root(graph.input),
    output,
  }
}

function checkNodes(graph: QGraph): void {
  for (const node of graph.nodes) {
    for (const id of [...inputsOf(node), node.output])
      if (graph.tensors[id]!.zeroPoint !== 0)
        throw unsupported(node.name, 'has a zero point other than 0', 'Only zero points of 0 are supported.')
  }
}

/** A flatten moves no data: its result is the tensor that it reads. */
function rootsOf(graph: QGraph): (id: string) => string {
  const roots = new Map<string, string>()
  const root = (id: string) => roots.get(id) ?? id
  for (const node of graph.nodes) {
    if (node.kind === 'reshape') roots.set(node.output, root(node.input))
    else if (!(node.kind === 'conv' && node.dense)) checkUnflattened(graph, node, root)
  }
  return root
}

function checkUnflattened(graph: QGraph, node: QNode, root: (id: string) => string): void {
  for (const id of inputsOf(node)) {
    const stored = graph.tensors[root(id)]!.shape
    if (graph.tensors[id]!.shape.some((size, axis) => size !== stored[axis]))
      throw unsupported(
        node.name,
        'stands behind a flatten',
        'Behind a flatten the array runs dense layers only.',
      )
  }
}

/** The nodes that read each tensor, once for each time that they do. */
function readersOf(graph: QGraph, root: (id: string) => string): ReadonlyMap<string, readonly QNode[]> {
  const readers = new Map<string, QNode[]>()
  for (const node of graph.nodes) {
    if (node.kind === 'reshape') continue
    for (const id of inputsOf(node)) {
      const list = readers.get(root(id)) ?? []
      readers.set(root(id), [...list, node])
    }
  }
  return readers
}

/**
 * Puts additions and poolings that alone read what a convolution computes into the work of that convolution, which then runs where the last of them
 * stands: by then the other operand is there.
 */
function fuse(graph: QGraph, root: (id: string) => string, ownResult: (id: string) => boolean) {
  const drafts = new Map<string, Draft>()
  const mapNodes: { readonly node: MapNode; readonly at: number }[] = []
  const grow = (draft: Draft, by: Partial<Draft> & Pick<Draft, 'result' | 'at'>) => {
    drafts.delete(draft.result)
    drafts.set(by.result, { ...draft, ...by })
  }
  for (const [at, node] of graph.nodes.entries()) {
    const result = node.output
    if (node.kind === 'conv')
      drafts.set(result, { conv: node, addend: undefined, pool: undefined, result, at })
    else if (node.kind === 'add') {
      const { draft, position } = host(graph, node, at, root, drafts, ownResult)
      const other = root(node.inputs[1 - position]!)
      grow(draft, { addend: { add: node, other, position }, result, at })
    } else if (node.kind === 'pool') {
      const draft = ownResult(root(node.input)) ? drafts.get(root(node.input)) : undefined
      if (draft !== undefined && draft.pool === undefined && tiles(node))
        grow(draft, { pool: node, result, at })
      else mapNodes.push({ node, at })
    } else if (node.kind === 'subsample') mapNodes.push({ node, at })
  }
  return { drafts: [...drafts.values()], mapNodes }
}

/**
 * The convolution that an addition is fused into: of two the one that comes later. Where no convolution computes an operand for the addition alone, the array
 * passes one through, by weights of 1.
 */
function host(
  graph: QGraph,
  node: QAdd,
  at: number,
  root: (id: string) => string,
  drafts: ReadonlyMap<string, Draft>,
  ownResult: (id: string) => boolean,
): { readonly draft: Draft; readonly position: 0 | 1 } {
  const candidates = ([0, 1] as const).flatMap((position) => {
    const id = root(node.inputs[position])
    const draft = drafts.get(id)
    const free = draft !== undefined && draft.addend === undefined && draft.pool === undefined
    return free && ownResult(id) ? [{ draft, position }] : []
  })
  const latest = candidates.sort((a, b) => b.draft.at - a.draft.at)[0]
  if (latest !== undefined) return latest
  const conv = passThrough(graph, node, root(node.inputs[0]))
  return { draft: { conv, addend: undefined, pool: undefined, result: '', at }, position: 0 }
}

/** A depthwise convolution of 1x1 whose result is what it reads: 1 * x * 2^15 / 2^15. It has exact products and is no layer of the network. */
function passThrough(graph: QGraph, node: QAdd, input: string): PassedMap {
  const { shape, bits, signed } = graph.tensors[input]!
  const [channels] = shape
  const [low, high] = codeRange(bits, signed)
  const ofConvolutions = graph.nodes.flatMap((other) => (other.kind === 'conv' ? [other.weightBits] : []))
  return {
    kind: 'conv',
    passed: true,
    name: node.name,
    dense: false,
    input,
    output: input,
    kernel: [1, 1],
    stride: [1, 1],
    padding: [0, 0, 0, 0],
    groups: channels,
    // those of other layers, so that one tile serves all
    weightBits: Math.max(2, ...ofConvolutions),
    weights: new Int8Array(channels).fill(1),
    bias: new Int32Array(channels),
    multiplier: new Uint16Array(channels).fill(2 ** 15),
    shift: new Uint8Array(channels).fill(15),
    low,
    high,
  }
}

/** Windows that lie side by side, without padding: they need every position once. */
const tiles = ({ window, stride, padding }: QPool) =>
  stride[0] === window[0] && stride[1] === window[1] && padding.every((size) => size === 0)

/**
 * Joined and padded maps take no work: their parts are written where they belong. What cannot be, because it is stored somewhere else already, is
 * copied; the channels of code 0 are written.
 */
function placeParts(graph: QGraph, root: (id: string) => string, output: string) {
  const views = new Map<string, View>()
  const viewOf = (id: string): View => views.get(id) ?? { map: id, offset: 0 }
  // a tensor that is copied may get its own place only later
  const copies: { readonly at: number; readonly workOf: () => Work }[] = []
  const input = root(graph.input)
  for (const [at, node] of [...graph.nodes.entries()].reverse()) {
    if (node.kind !== 'concat' && node.kind !== 'pad') continue
    const whole = viewOf(node.output)
    let channel = whole.offset
    const part = (channels: number): View => {
      const view = { map: whole.map, offset: channel }
      channel += channels
      return view
    }
    const zeros = (channels: number, side: string) => {
      if (channels === 0) return
      const view = part(channels)
      copies.push({ at, workOf: () => zeroWork(graph, node, channels, side, view) })
    }
    if (node.kind === 'pad') zeros(node.before, 'before')
    for (const id of inputsOf(node).map(root)) {
      const view = part(graph.tensors[id]!.shape[0])
      if (id !== input && id !== output && !views.has(id)) views.set(id, view)
      else copies.push({ at, workOf: () => copyWork(graph, node, id, viewOf(id), view) })
    }
    if (node.kind === 'pad') zeros(node.after, 'after')
  }
  return { viewOf, copies: copies.map(({ at, workOf }) => ({ at, work: workOf() })) }
}

const plainWindow = { window: [1, 1], stride: [1, 1], padding: [0, 0], average: false } as const

function zeroWork(
  graph: QGraph,
  node: QConcat | QPad,
  channels: number,
  side: string,
  writes: View,
): MapWork {
  const whole = graph.tensors[node.output]!
  const [, height, width] = whole.shape
  const output: QTensor = { ...whole, shape: [channels, height, width] }
  const name = `${node.name}.${side}`
  return { kind: 'map', does: 'pad', name, reads: undefined, input: output, output, writes, ...plainWindow }
}

function copyWork(graph: QGraph, node: QConcat | QPad, id: string, reads: View, writes: View): MapWork {
  const tensor = graph.tensors[id]!
  return {
    kind: 'map',
    does: node.kind,
    name: node.kind === 'pad' ? node.name : `${node.name}.${id}`,
    reads,
    input: tensor,
    output: tensor,
    writes,
    ...plainWindow,
  }
}

function windows(
  node: MapNode,
  source: string,
  tensor: (id: string) => QTensor,
  viewOf: (id: string) => View,
): MapWork {
  const pooling = node.kind === 'pool'
  return {
    kind: 'map',
    does: node.kind,
    name: node.name,
    reads: viewOf(source),
    input: tensor(source),
    output: tensor(node.output),
    writes: viewOf(node.output),
    window: pooling ? node.window : [1, 1],
    stride: node.stride,
    padding: pooling ? [node.padding[0], node.padding[1]] : [0, 0],
    average: pooling && node.mode === 'average',
  }
}

function arrayWork(
  graph: QGraph,
  root: (id: string) => string,
  { conv, addend, pool, result }: Draft,
  viewOf: (id: string) => View,
): ArrayWork {
  const input = graph.tensors[root(conv.input)]!
  const writes = viewOf(result)
  return {
    kind: 'array',
    conv,
    pool,
    kernel: conv.dense ? [input.shape[1], input.shape[2]] : conv.kernel,
    input,
    output: graph.tensors[result]!,
    outputId: result,
    reads: viewOf(root(conv.input)),
    addend: addend && {
      add: addend.add,
      view: viewOf(addend.other),
      tensor: graph.tensors[addend.other]!,
      multipliers: [addend.add.multipliers[addend.position], addend.add.multipliers[1 - addend.position]!],
    },
    writes,
    code: graph.tensors[conv.output]!,
  }
}

function unsupported(name: string, why: string, hint: string) {
  return usageError(`"${name}" ${why}: the weight-stationary array cannot run it`, { where: name, hint })
}

/** Whether a convolution is none of the network's. */
export const isPassed = (conv: QConv | PassedMap): conv is PassedMap => 'passed' in conv

/** The ids of the maps that a work reads. */
export function mapsRead(work: Work): readonly string[] {
  if (work.kind === 'map') return work.reads === undefined ? [] : [work.reads.map]
  return [work.reads.map, ...(work.addend === undefined ? [] : [work.addend.view.map])]
}

/** A convolution after the other, each of which reads what the one before has written: no map is read twice, or by parts. */
export function isChain({ works, input }: Lowered): boolean {
  return works.every(
    (work, index) =>
      work.kind === 'array' &&
      work.addend === undefined &&
      work.reads.map === (works[index - 1]?.writes.map ?? input) &&
      work.reads.offset === 0 &&
      work.writes.map === work.outputId,
  )
}
