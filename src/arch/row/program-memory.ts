import type { Comb } from '../../comb/comb.ts'
import type { ModuleBuilder, Node } from '../../hdl/module.ts'
import type { RowEngine } from '../../plan/row/plan.ts'
import { memoryFile, rowFields, rowProgramBits, rowProgramWord } from '../../plan/row/program.ts'

/** The named fields of one layer's program word. */
export type LayerFields = Readonly<Record<string, Node>>

/** The word of layer `index`, one cycle later. */
export function programMemory(m: ModuleBuilder, plan: RowEngine, index: Node): Node {
  const fields = rowFields(plan)
  const depth = plan.memories.programWords
  const words = Array.from({ length: depth }, (_, at) =>
    plan.layers[at] === undefined ? 0n : rowProgramWord(fields, plan.layers[at], at),
  )
  const memory = m.memory('layers', {
    width: rowProgramBits(fields),
    depth,
    init: { file: memoryFile(plan, 'program'), words },
  })
  return memory.read('fetched', index)
}

export function splitWord(c: Comb<Node>, plan: RowEngine, word: Node, prefix: string): LayerFields {
  let high = c.width(word)
  const parts: Record<string, Node> = {}
  for (const { name, width } of rowFields(plan)) {
    parts[name] = c.label(c.slice(word, high - 1, high - width), `${prefix}_${name}`)
    high -= width
  }
  return parts
}
