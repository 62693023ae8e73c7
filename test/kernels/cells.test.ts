import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { seededRandom } from '../../src/base/random.ts'
import { type CellMemory, createCells } from '../../src/kernels/cells.ts'
import { allocate, bytesAt, release, shortsAt } from '../../src/kernels/memory.ts'
import { useThreads } from '../../src/kernels/threads.ts'
import { sigmoidPoints, tanhPoints } from '../../src/quant/cell-rules.ts'
import { requantise } from '../../src/quant/rules.ts'
import {
  blended,
  gated,
  nextCell,
  opened,
  saturate,
  sigmoidOf,
  stateCode,
  tanhOf,
} from '../fixtures/cell-rules.ts'

const runs = process.env['XGEN_FULL'] === undefined ? 200 : 2000
const functions = { sigmoid: sigmoidPoints, tanh: tanhPoints }

/** Lists of `gates` times count words of any value, and of the memory of cells. */
function placed(count: number, gates: number, value: () => number) {
  const blocks: [at: number, bytes: number][] = []
  const bytes = (size: number) => {
    const at = allocate(size)
    blocks.push([at, size])
    return at
  }
  const list = (length: number) => {
    const at = bytes(2 * length)
    const values = Int16Array.from({ length }, value)
    shortsAt(at, length).set(values)
    return { at, values }
  }
  const lists = {
    ...{ ofInput: list(gates * count), ofState: list(gates * count), ofReset: list(count) },
    ...{ state: list(count), memory: list(count), updates: list(count) },
  }
  const [codes, result] = [bytes(count), bytes(count)]
  const memory: CellMemory = {
    ...{ state: lists.state.at, memory: lists.memory.at, updates: lists.updates.at },
    ...{ ofReset: lists.ofReset.at, codes, result },
  }
  const free = () => {
    for (const [at, size] of blocks) release(at, size)
  }
  return { lists, memory, free }
}

describe('the kernel of recurrent cells', () => {
  test.each(['rnn', 'gru', 'lstm'] as const)('takes a step as the rules say: %s', (cell) => {
    const cases = fc.record({
      seed: fc.integer({ min: 1, max: 1_000_000 }),
      threads: fc.integer({ min: 1, max: 4 }),
      // some are cut into pieces
      large: fc.integer({ min: 0, max: 19 }).map((n) => n === 0),
      before: fc.boolean(),
    })
    fc.assert(
      fc.property(cases, ({ seed, threads, large, before }) => {
        const random = seededRandom(seed)
        const count = large ? random.integer(5000, 13_000) : random.integer(1, 40)
        const bits = random.integer(2, 8)
        const extremes = [-32768, 32767, 0]
        const value = () =>
          random.unit() < 0.1 ? extremes[random.integer(0, 2)]! : random.integer(-32768, 32767)
        const { lists, memory, free } = placed(count, 4, value)
        // functions' values are not negative where they are of a sigmoid
        for (const [i, v] of lists.updates.values.entries()) lists.updates.values[i] = v & 32767
        shortsAt(memory.updates, count).set(lists.updates.values)
        const scale = {
          multiplier: random.integer(2 ** 15, 65_535),
          shift: random.integer(15, 25),
          low: -100,
          high: 90,
        }
        useThreads(threads, 0)
        const cells = createCells({ cell, ...functions, bits, ...scale })
        const resets = cell === 'gru' && before
        const [x, h] = [lists.ofInput.values, lists.ofState.values]
        const both = (g: number, i: number) => saturate(x[g * count + i]! + h[g * count + i]!)
        const old = { state: lists.state.values, memory: lists.memory.values }
        const codes = bytesAt(memory.codes, count)
        if (resets) {
          cells.reset(lists.ofInput.at, lists.ofState.at, count, memory)
          const updates = shortsAt(memory.updates, count)
          const held = (i: number) => stateCode(sigmoidOf(both(1, i)) * old.state[i]!, bits, 30)
          for (let i = 0; i < count; i++)
            if (updates[i] !== sigmoidOf(both(0, i)) || codes[i] !== (held(i) & 255))
              throw new Error(`value ${i} is reset to ${codes[i]} and has the update ${updates[i]}`)
          cells.blend(lists.ofInput.at, lists.ofState.at, count, memory)
        } else cells.step(lists.ofInput.at, lists.ofState.at, count, memory)
        const results = bytesAt(memory.result, count)
        const [states, kept] = [shortsAt(memory.state, count), shortsAt(memory.memory, count)]
        for (let i = 0; i < count; i++) {
          let state = tanhOf(both(0, i))
          let own = old.memory[i]!
          if (cell === 'lstm') {
            own = nextCell(sigmoidOf(both(2, i)), own, sigmoidOf(both(0, i)), tanhOf(both(3, i)))
            state = opened(sigmoidOf(both(1, i)), own)
          } else if (cell === 'gru') {
            const back = resets ? lists.ofReset.values[i]! : gated(sigmoidOf(both(1, i)), h[2 * count + i]!)
            const candidate = tanhOf(saturate(x[2 * count + i]! + back))
            state = blended(sigmoidOf(both(0, i)), candidate, old.state[i]!)
          }
          const code = requantise(state, scale.multiplier, scale.shift, scale.low, scale.high)
          const wanted = [state, own, stateCode(state, bits) & 255, code & 255]
          const found = [states[i], kept[i], codes[i], results[i]]
          if (wanted.some((one, n) => one !== found[n]))
            throw new Error(`value ${i} is [${found.join(', ')}], not [${wanted.join(', ')}]`)
        }
        expect(states.length).toBe(count)
        free()
      }),
      { numRuns: runs },
    )
  })
})
