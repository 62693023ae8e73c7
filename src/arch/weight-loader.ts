import { unsignedBits } from '../base/integers.ts'
import { select } from '../comb/derived.ts'
import { defineModule, type Module, type Node } from '../hdl/module.ts'
import type { AnyPlan } from '../plan/any-plan.ts'
import { loaderStory, loaderWidths } from '../plan/probes.ts'
import { hashWords } from '../plan/structure.ts'
import { loaderStates, packetLayout } from '../plan/words.ts'
import { all, any, equalTo, plus, resizeUnsigned } from './gates.ts'

/**
 * Takes weights packets (src/plan/packet.ts) and writes them to the weight and parameter memories. A packet with another
 * structure hash is refused: the rest of it is thrown away. From the end of a good header to the good end of the packet the weights
 * are not valid; `broken` remembers that through any reset.
 */
export function weightLoader(plan: AnyPlan): Module {
  const { parts } = packetLayout(plan)
  const longest = Math.max(...parts.map(({ beats }) => beats))
  const widths = loaderWidths(plan)
  return defineModule(
    'weight_loader',
    `Weight loader: checks the header of a packet and writes its words to the memories.\nstate: ${loaderStory(plan)}.`,
    (m) => {
      const { c } = m
      const valid = m.input('tvalid', 1)
      const data = m.input('tdata', 32)
      const last = m.input('tlast', 1)
      const enable = m.input('enable', 1)
      const take = c.label(c.and(valid, enable), 'take')

      const state = m.register('state', widths.state, { reset: loaderStates.header })
      const inState = (name: string, value: number) => c.label(equalTo(c, state.q, value), `state_is_${name}`)
      const header = inState('header', loaderStates.header)
      const inPart = parts.map((part) => inState(`${part.name}s`, part.state))

      // beats of the header, then words of a memory; beats of a word
      const index = m.register('index', widths.index, { reset: 0 })
      const pieceBits = unsignedBits(longest - 1)
      const piece = m.register('piece', pieceBits, { reset: 0 })
      const headerEnds = equalTo(c, index.q, 7)
      const pieceIsLast = (beats: number) => equalTo(c, piece.q, beats - 1)
      const endsFrom = (part: number): Node =>
        part === parts.length - 1
          ? c.and(inPart[part]!, pieceIsLast(parts[part]!.beats))
          : c.mux(inPart[part]!, pieceIsLast(parts[part]!.beats), endsFrom(part + 1))
      const wordEnds = c.label(endsFrom(0), 'word_ends')
      const partEnd = parts.map(({ words }) => all(c, wordEnds, equalTo(c, index.q, words - 1)))

      const hash = hashWords(plan.structure).map((word) => c.constant(word, 32))
      const match = c.label(c.equal(data, select(c, c.slice(index.q, 2, 0), hash)), 'hash_matches')
      const refuse = c.label(all(c, take, header, c.not(match)), 'refuse')
      const accept = c.label(all(c, take, header, match, headerEnds, c.not(last)), 'accept')
      const whole = c.label(all(c, take, inPart.at(-1)!, partEnd.at(-1)!), 'packet_whole')
      const good = c.label(c.and(whole, last), 'good')
      const tooLong = c.and(whole, c.not(last))
      const ended = c.label(c.and(take, last), 'packet_ends')
      const tooShort = all(c, ended, c.not(refuse), c.not(good), c.not(inState('drain', loaderStates.drain)))

      const to = (value: number) => c.constant(value, widths.state)
      const partEnds = c.label(
        any(c, ...inPart.map((here, part) => c.and(here, partEnd[part]!))),
        'part_ends',
      )
      const following = (part: number) => parts[part + 1]?.state ?? loaderStates.drain
      const onwardFrom = (part: number): Node =>
        part === parts.length
          ? state.q
          : c.mux(c.and(inPart[part]!, partEnd[part]!), to(following(part)), onwardFrom(part + 1))
      const onward = c.mux(
        header,
        c.mux(match, c.mux(headerEnds, to(parts[0]!.state), to(loaderStates.header)), to(loaderStates.drain)),
        onwardFrom(0),
      )
      state.next(c.mux(last, to(loaderStates.header), onward), take)
      const clear = any(c, last, partEnds, all(c, header, c.or(headerEnds, c.not(match))))
      const step = c.or(header, wordEnds)
      const zero = (node: Node) => c.constant(0, c.width(node))
      index.next(c.mux(clear, zero(index.q), plus(c, index.q, 1)), c.and(take, c.or(step, last)))
      piece.next(c.mux(c.or(clear, step), zero(piece.q), plus(c, piece.q, 1)), take)

      const broken = m.register('broken', 1, { powerUp: 0 })
      broken.next(accept, c.or(accept, good))

      const word = collect()
      m.output('loading', any(c, c.not(header), c.not(equalTo(c, index.q, 0))))
      m.output('weights_valid', c.not(broken.q))
      m.output('refused', refuse)
      m.output('wrong_length', c.or(tooShort, tooLong))
      for (const [part, { name, bits, addressBits, beats }] of parts.entries()) {
        m.output(`${name}_write`, all(c, take, inPart[part]!, wordEnds))
        m.output(`${name}_write_address`, resizeUnsigned(c, index.q, addressBits))
        m.output(`${name}_write_data`, word(bits, beats))
      }

      /** The beats of a word so far, the newest in the high bits; the last one goes to the memory at once. */
      function collect() {
        const held = longest - 1
        const beats = m.register('beats', 32 * held)
        beats.next(held === 1 ? data : c.cat(data, c.slice(beats.q, 32 * held - 1, 32)), take)
        return (width: number, pieces: number) => {
          const high = c.slice(data, width - 32 * (pieces - 1) - 1, 0)
          return pieces === 1 ? high : c.cat(high, c.slice(beats.q, 32 * held - 1, 32 * (held - pieces + 1)))
        }
      }
    },
  )
}
