import { defineModule, type Module } from '../../hdl/module.ts'
import type { MemoryImages } from '../../plan/images.ts'
import { parameterBits } from '../../plan/plan.ts'
import type { RowEngine } from '../../plan/row/plan.ts'
import { hasSides, memoryFile } from '../../plan/row/program.ts'
import { parameterMemoryWords } from '../../plan/words.ts'
import { any, equalTo, follow, followReset, plus, resizeUnsigned } from '../gates.ts'
import { writePort } from '../weight-memory.ts'

/**
 * Bias, multiplier and shift of every filter in the order in which they are finished: a word for each side is fetched as a layer starts, and again each time
 * the columns have taken those that waited. Every row fold reads the layer's words again.
 */
export function rowParameters(plan: RowEngine, images: MemoryImages, sidesBits: number): Module {
  const { parameterAddress, side } = plan.widths
  return defineModule(
    'row_parameters',
    'Requantisation parameters, one word a filter: {shift[5:0], multiplier[15:0], bias[31:0]}.',
    (m) => {
      const { c } = m
      const start = m.input('layer_starts', 1)
      const begin = m.input('fetch', 1)
      const sides = m.input('layer_sides', sidesBits)
      const first = m.input('layer_parameter_first', parameterAddress)
      const end = m.input('layer_parameter_end', parameterAddress)

      const left = m.register('left', sidesBits, { reset: 0 })
      const address = m.register('address', parameterAddress)
      const fetching = c.label(c.not(equalTo(c, left.q, 0)), 'fetching')
      const pulse = c.or(start, begin)
      left.next(c.mux(pulse, sides, plus(c, left.q, -1)), any(c, pulse, fetching))
      const onward = c.mux(c.equal(address.q, end), first, plus(c, address.q, 1))
      address.next(c.mux(start, first, onward), c.or(start, fetching))
      const memory = m.memory('parameters', {
        width: parameterBits,
        depth: plan.memories.parameterWords,
        init: { file: memoryFile(plan, 'parameters'), words: parameterMemoryWords(images, plan.memories) },
      })
      if (plan.reload) writePort(m, memory, parameterAddress, parameterBits)
      m.output('parameter_word', memory.read('word', address.q, fetching))
      m.output('parameter_valid', followReset(m, 'valid', fetching))
      if (plan.layers.some(hasSides)) {
        const index = m.register('side', side)
        index.next(c.mux(pulse, c.constant(0, side), plus(c, index.q, 1)), any(c, pulse, fetching))
        m.output('parameter_side', resizeUnsigned(c, follow(m, 'side_late', index.q), side))
      }
    },
  )
}
