import { unsignedBits } from '../base/integers.ts'
import { select } from '../comb/derived.ts'
import { defineModule, type Module, type Node } from '../hdl/module.ts'
import type { AnyPlan } from '../plan/any-plan.ts'
import { parameterBits } from '../plan/plan.ts'
import { loaderWidths } from '../plan/probes.ts'
import { hashWords } from '../plan/structure.ts'
import { packetLayout, weightWordBits } from '../plan/words.ts'
import { all, any, equalTo, plus, resizeUnsigned } from './gates.ts'

const states = { header: 0, weights: 1, parameters: 2, drain: 3 } as const

/**
 * Takes weights packets (src/plan/packet.ts) and writes them to the weight and parameter memories. A packet with another
 * structure hash is refused: the rest of it is thrown away. From the end of a good header to the good end of the packet the weights
 * are not valid; `broken` remembers that through any reset.
 */
export function weightLoader(plan: AnyPlan): Module {
  const { beatsPerWeight, beatsPerParameter } = packetLayout(plan)
  const { weightWords, parameterWords } = plan.memories
  return defineModule(
    'weight_loader',
    'Weight loader: checks the header of a packet and writes its words to the memories.\nstate: 0 header, 1 weights, 2 parameters, 3 drain.',
    (m) => {
      const { c } = m
      const valid = m.input('tvalid', 1)
      const data = m.input('tdata', 32)
      const last = m.input('tlast', 1)
      const enable = m.input('enable', 1)
      const take = c.label(c.and(valid, enable), 'take')

      const state = m.register('state', 2, { reset: states.header })
      const inState = (name: keyof typeof states) =>
        c.label(equalTo(c, state.q, states[name]), `state_is_${name}`)
      const header = inState('header')
      const weights = inState('weights')
      const parameters = inState('parameters')

      // beats of the header, then words of a memory; beats of a word
      const index = m.register('index', loaderWidths(plan).index, { reset: 0 })
      const pieceBits = unsignedBits(Math.max(beatsPerWeight, beatsPerParameter) - 1)
      const piece = m.register('piece', pieceBits, { reset: 0 })
      const headerEnds = equalTo(c, index.q, 7)
      const pieceIsLast = (beats: number) => equalTo(c, piece.q, beats - 1)
      const wordEnds = c.label(
        c.mux(weights, pieceIsLast(beatsPerWeight), c.and(parameters, pieceIsLast(beatsPerParameter))),
        'word_ends',
      )
      const weightsEnd = all(c, wordEnds, equalTo(c, index.q, weightWords - 1))
      const parametersEnd = all(c, wordEnds, equalTo(c, index.q, parameterWords - 1))

      const hash = hashWords(plan.structure).map((word) => c.constant(word, 32))
      const match = c.label(c.equal(data, select(c, c.slice(index.q, 2, 0), hash)), 'hash_matches')
      const refuse = c.label(all(c, take, header, c.not(match)), 'refuse')
      const accept = c.label(all(c, take, header, match, headerEnds, c.not(last)), 'accept')
      const whole = c.label(all(c, take, parameters, parametersEnd), 'packet_whole')
      const good = c.label(c.and(whole, last), 'good')
      const tooLong = c.and(whole, c.not(last))
      const ended = c.label(c.and(take, last), 'packet_ends')
      const tooShort = all(c, ended, c.not(refuse), c.not(good), c.not(inState('drain')))

      const to = (name: keyof typeof states) => c.constant(states[name], 2)
      const partEnds = c.label(
        any(c, c.and(weights, weightsEnd), c.and(parameters, parametersEnd)),
        'part_ends',
      )
      const onward = c.mux(
        header,
        c.mux(match, c.mux(headerEnds, to('weights'), to('header')), to('drain')),
        c.mux(
          c.and(weights, weightsEnd),
          to('parameters'),
          c.mux(c.and(parameters, parametersEnd), to('drain'), state.q),
        ),
      )
      state.next(c.mux(last, to('header'), onward), take)
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
      m.output('weight_write', all(c, take, weights, wordEnds))
      m.output('weight_write_address', resizeUnsigned(c, index.q, plan.widths.weightAddress))
      m.output('weight_write_data', word(weightWordBits(plan), beatsPerWeight))
      m.output('parameter_write', all(c, take, parameters, wordEnds))
      m.output('parameter_write_address', resizeUnsigned(c, index.q, plan.widths.parameterAddress))
      m.output('parameter_write_data', word(parameterBits, beatsPerParameter))

      /** The beats of a word so far, the newest in the high bits; the last one goes to the memory at once. */
      function collect() {
        const held = Math.max(beatsPerWeight, beatsPerParameter) - 1
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
