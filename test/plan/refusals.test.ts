import { describe, expect, it } from 'vitest'
import type { Assignment } from '../../src/approx/assignment.ts'
import { XgenError } from '../../src/base/errors.ts'
import type { ArraySpec } from '../../src/plan/array.ts'
import { makePlan } from '../../src/plan/make.ts'
import { type NetworkSketch, sketchAssignment, sketchGraph } from '../fixtures/qgraph.ts'

const array = {
  dataflow: 'weight-stationary' as const,
  rows: 4,
  columns: 4,
  memoryBits: 2 ** 26,
  parallel: false,
}

const convolution = { filters: 4, kernel: [3, 3] } as const
const sketch = (...layers: NetworkSketch['layers']): NetworkSketch => ({ input: [4, 8, 8], layers, seed: 1 })

/** The user's error that planning ends with. */
function refusal(
  network: NetworkSketch,
  spec = array,
  change: (assignment: Assignment) => Assignment = (a) => a,
): XgenError {
  const graph = sketchGraph(network)
  try {
    makePlan(graph, change(sketchAssignment(network, graph)), spec)
  } catch (error) {
    if (error instanceof XgenError) return error
    throw error
  }
  throw new Error('the plan was made')
}

describe('what the array cannot run is refused with the place and the remedy', () => {
  it('too little memory: the bits that are needed, by memory', () => {
    const error = refusal(sketch(convolution), { ...array, memoryBits: 1000, parallel: false })
    expect(error.kind).toBe('usage')
    expect(error.where).toBe('array.memory_bits')
    expect(error.message).toMatch(
      /^"sketch" needs [\d,]+ bits .*feature maps [\d,]+, weights 1,152, .*1,000 are allowed$/,
    )
    expect(error.hint).toContain('--set array.memory_bits=')
    // with what it asks for, it is made
    const needed = Number(/needs ([\d,]+) bits/.exec(error.message)![1]!.replaceAll(',', ''))
    const graph = sketchGraph(sketch(convolution))
    const assignment = sketchAssignment(sketch(convolution), graph)
    expect(
      makePlan(graph, assignment, { ...array, memoryBits: needed, parallel: false }).plan.memories.bits.total,
    ).toBe(needed)
  })

  it('more tiles than the memory can feed: how many it could, and what else would fit', () => {
    const multipliers = ['exact', 'roup:p=0,r=2', 'roup:p=1,r=1', 'roup:p=2,r=3', 'roup:p=1,r=4']
    const mixed = sketch({ ...convolution, filters: 16, mix: { by: 'kernel', multipliers } })
    const graph = sketchGraph(mixed)
    const assignment = sketchAssignment(mixed, graph)
    const bitsOf = (other: Partial<ArraySpec>) =>
      makePlan(graph, assignment, { ...array, parallel: false, ...other }).plan.memories.bits.total
    const needed = bitsOf({})
    const error = refusal(mixed, { ...array, parallel: false, memoryBits: needed - 1 })
    expect(error.hint).toContain('It would fit with 4 tiles instead of 5, ')
    const half = { rows: Math.ceil(array.rows / 2), columns: Math.ceil(array.columns / 2) }
    const smaller = `an array of ${half.rows}x${half.columns}, ${bitsOf(half).toLocaleString('en-US')} bits`
    expect(error.hint).toContain(smaller)
    expect(error.hint).toContain(`--set array.memory_bits=${needed}.`)
    // 3 bits beside each weight either way: the modes need no program that names tiles
    const shared = bitsOf({ modes: true })
    expect(shared).toBeLessThan(needed)
    expect(error.hint).toContain(`array.modes: true, ${shared.toLocaleString('en-US')} bits`)
    expect(refusal(mixed, { ...array, parallel: false, memoryBits: 10 }).hint).toContain(
      'No smaller array fits, and no fewer tiles.',
    )
  })

  it.each([
    [0, 4],
    [4, 257],
    [2.5, 4],
  ])('an array of %s x %s', (rows, columns) => {
    const error = refusal(sketch(convolution), { ...array, rows, columns })
    expect(error.where).toMatch(/^array\.(rows|cols)$/)
    expect(error.message).toContain('1 to 256')
  })
})
