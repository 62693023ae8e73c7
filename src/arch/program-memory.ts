import { indexBits } from '../base/integers.ts'
import type { Comb } from '../comb/comb.ts'
import type { ModuleBuilder, Node } from '../hdl/module.ts'
import type { Plan } from '../plan/plan.ts'
import { type ProgramField, programBits, programFields, programWord } from '../plan/program.ts'

/** The named fields of one layer's program word. */
export type LayerFields = Readonly<Record<string, Node>>

export interface ProgramMemory {
  /** The word of layer `index`, one cycle later. */
  readonly word: Node
  readonly bits: number
}

/** One word a layer: the hardware walks any network that its widths admit. */
export function programMemory(m: ModuleBuilder, plan: Plan, index: Node): ProgramMemory {
  const fields = programFields(plan)
  const bits = programBits(fields)
  const depth = plan.memories.programWords
  const words = Array.from({ length: depth }, (_, layer) =>
    plan.layers[layer] === undefined ? 0n : programWord(fields, plan.layers[layer]),
  )
  const memory = m.memory('layers', { width: bits, depth, init: { file: 'program.hex', words } })
  return { word: memory.read('fetched', index), bits }
}

/** Cuts a whole program word into its fields. */
export const splitWord = (c: Comb<Node>, plan: Plan, word: Node, prefix: string): LayerFields =>
  split(c, programFields(plan), word, prefix)

/** The part of a word that is kept while its layer is streamed. */
export function streamingPart(c: Comb<Node>, plan: Plan, word: Node): Node {
  return c.slice(word, programBits(streamingFields(plan)) - 1, 0)
}

export const splitStreaming = (c: Comb<Node>, plan: Plan, word: Node, prefix: string): LayerFields =>
  split(c, streamingFields(plan), word, prefix)

const streamingFields = (plan: Plan) => programFields(plan).filter(({ use }) => use === 'stream')

function split(c: Comb<Node>, fields: readonly ProgramField[], word: Node, prefix: string): LayerFields {
  let high = c.width(word)
  const parts: Record<string, Node> = {}
  for (const { name, width } of fields) {
    parts[name] = c.label(c.slice(word, high - 1, high - width), `${prefix}_${name}`)
    high -= width
  }
  return parts
}

export const layerIndexBits = (plan: Plan) => indexBits(plan.memories.programWords)
