import { defineModule, type Module, type Node } from '../../hdl/module.ts'
import type { MemoryImages } from '../../plan/images.ts'
import { laneDelay } from '../../plan/row/delays.ts'
import { chainPlace, type RowEngine } from '../../plan/row/plan.ts'
import { loadPorts } from '../../plan/row/ports.ts'
import { geometryCount, memoryFile } from '../../plan/row/program.ts'
import { weightMemoryWords, weightWordBits } from '../../plan/words.ts'
import { follow, followReset, inputs } from '../gates.ts'
import { writePort } from '../weight-memory.ts'
import { wiring } from './wiring.ts'

/** Reads a word of weights a cycle, a lane for each row, and delays each lane as far as its row is down its chain. */
export function weightLanes(plan: RowEngine, images: MemoryImages): Module {
  const { rows } = plan.array
  const { weightBits, ownerBits, weightWords } = plan.memories
  const lane = ownerBits + weightBits
  return defineModule(
    'weight_lanes',
    `Weights of all layers in the order of use: ${rows} lanes of ${ownerBits > 0 ? `{tile[${ownerBits - 1}:0], code[${weightBits - 1}:0]}` : `${weightBits} bits`} a word.`,
    (m) => {
      const { c } = m
      const geometry = m.input('geometry', Math.max(1, Math.ceil(Math.log2(geometryCount(plan)))))
      const read = m.input('read', 1)
      const address = m.input('address', plan.widths.weightAddress)
      const ports = inputs(m, 'load_', loadPorts(plan)) as Readonly<Record<string, Node>>
      const memory = m.memory('weights', {
        width: weightWordBits(plan),
        depth: weightWords,
        init: { file: memoryFile(plan, 'weights'), words: weightMemoryWords(images, plan.memories) },
      })
      if (plan.reload) writePort(m, memory, plan.widths.weightAddress, weightWordBits(plan))
      const word = memory.read('word', address, read)

      const { pick, number } = wiring(c, plan)
      const last = Math.max(...Array.from({ length: rows }, (_, row) => laneDelay(plan, row)))
      const lines = Object.entries({ ...ports, valid: read }).map(([name, node]) => {
        const line = [node]
        for (let delay = 1; delay <= 1 + last; delay++) {
          const register = name === 'valid' ? followReset : follow
          line.push(register(m, `${name}_after_${delay}`, line.at(-1)!))
        }
        return [name, line] as const
      })
      for (let row = 0; row < rows; row++) {
        const lanes = [c.slice(word, (row + 1) * lane - 1, row * lane)]
        for (let delay = 1; delay <= laneDelay(plan, row); delay++)
          lanes.push(follow(m, `row_${row}_delay_${delay}`, lanes.at(-1)!))
        const place = (layer: RowEngine['layers'][number]) => chainPlace(layer, row)?.row
        const weight = pick(geometry, place, (delay) => lanes[delay]!)
        if (weight === undefined) continue
        m.output(`weight_${row}`, c.slice(weight, weightBits - 1, 0))
        if (ownerBits > 0) m.output(`owner_${row}`, c.slice(weight, lane - 1, weightBits))
        const works = number(geometry, 1, (layer) => (place(layer) === undefined ? 0 : 1))
        for (const [name, line] of lines) {
          const there = pick(geometry, place, (delay) => line[1 + delay]!)!
          m.output(`${name}_${row}`, name === 'valid' ? c.and(there, works) : there)
        }
      }
    },
  )
}
