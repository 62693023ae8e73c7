import { indexBits } from '../base/integers.ts'
import { bit } from '../comb/derived.ts'
import type { ModuleBuilder, Node } from '../hdl/module.ts'
import type { Plan } from '../plan/plan.ts'
import { passBits, passFields, passWords } from '../plan/program.ts'
import { any, equalTo, plus } from './gates.ts'

/** The pass that is loading. */
export interface Pass {
  /** One bit a tile. */
  readonly tiles: Node
  /** The mode, where it comes with the pass. */
  readonly mode: Node | undefined
  /** The last pass of its column fold. */
  readonly last: Node
}

/**
 * Says which tiles take part in a pass, and in which mode: one word a pass, in the order of use, fetched one ahead. `begin` takes the first
 * word, `next` the following one, `end` (with `next`) goes back to the first. With one tile and no modes there is nothing to say.
 */
export function passMemory(m: ModuleBuilder, plan: Plan, begin: Node, next: Node, end: Node): Pass {
  const { c } = m
  const { tiles, mode } = passFields(plan)
  const one = c.constant(1, 1)
  if (tiles + mode === 0) return { tiles: one, mode: undefined, last: one }
  const bits = passBits(plan)
  const words = passWords(plan)
  const depth = plan.memories.passWords
  const width = indexBits(depth)
  const memory = m.memory('passes', {
    width: bits,
    depth,
    init: { file: 'passes.hex', words: Array.from({ length: depth }, (_, i) => words[i] ?? 0) },
  })
  const pointer = m.register('next_pass', width, { reset: 0 })
  const wraps = any(c, end, equalTo(c, pointer.q, words.length - 1))
  const take = c.or(begin, next)
  pointer.next(c.mux(wraps, c.constant(0, width), plus(c, pointer.q, 1)), take)
  const word = m.register('pass', bits)
  word.next(memory.read('fetched_pass', pointer.q), take)
  return {
    tiles: tiles === 0 ? one : c.slice(word.q, tiles - 1, 0),
    mode: mode === 0 ? undefined : c.slice(word.q, tiles + mode - 1, tiles),
    last: bit(c, word.q, bits - 1),
  }
}
