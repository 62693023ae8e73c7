import { indexBits } from '../base/integers.ts'
import { bit } from '../comb/derived.ts'
import type { ModuleBuilder, Node } from '../hdl/module.ts'
import type { Plan } from '../plan/plan.ts'
import { passWords } from '../plan/program.ts'
import { any, equalTo, plus } from './gates.ts'

/** The pass that is loading. */
export interface Pass {
  /** One bit a tile. */
  readonly tiles: Node
  /** The last pass of its column fold. */
  readonly last: Node
}

/**
 * Says which tiles take part in a pass: one word a pass, in the order of use, fetched one ahead. `begin` takes the first word, `next` the
 * following one, `end` (with `next`) goes back to the first. With one tile there is nothing to say.
 */
export function passMemory(m: ModuleBuilder, plan: Plan, begin: Node, next: Node, end: Node): Pass {
  const { c } = m
  const tiles = plan.tiles.length
  if (tiles === 1) return { tiles: c.constant(1, 1), last: c.constant(1, 1) }
  const words = passWords(plan)
  const depth = plan.memories.passWords
  const width = indexBits(depth)
  const memory = m.memory('passes', {
    width: tiles + 1,
    depth,
    init: { file: 'passes.hex', words: Array.from({ length: depth }, (_, i) => words[i] ?? 0) },
  })
  const pointer = m.register('next_pass', width, { reset: 0 })
  const wraps = any(c, end, equalTo(c, pointer.q, words.length - 1))
  const take = c.or(begin, next)
  pointer.next(c.mux(wraps, c.constant(0, width), plus(c, pointer.q, 1)), take)
  const word = m.register('pass', tiles + 1)
  word.next(memory.read('fetched_pass', pointer.q), take)
  return { tiles: c.slice(word.q, tiles - 1, 0), last: bit(c, word.q, tiles) }
}
