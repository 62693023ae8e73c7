import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseMultiplier } from '../../src/arith/registry.ts'
import type { Network } from '../../src/net/network.ts'
import { makePlan } from '../../src/plan/make.ts'
import { packetBytes, weightPacket } from '../../src/plan/packet.ts'
import { anySumBits, partialSumBits } from '../../src/plan/range.ts'
import { hashWords } from '../../src/plan/structure.ts'
import {
  packetLayout,
  parameterMemoryWords,
  weightMemoryWords,
  weightWordBits,
} from '../../src/plan/words.ts'
import type { QConv } from '../../src/quant/qgraph.ts'
import { axiSpecimenOn } from '../fixtures/axi.ts'
import { conv, exactDesign } from '../fixtures/graph-designs.ts'
import { type NetworkSketch, sketchAssignment, sketchGraph } from '../fixtures/qgraph.ts'
import { randomDesigns } from '../fixtures/specimens.ts'
import { twoLayers } from '../fixtures/verification.ts'

function planned(sketch: NetworkSketch, rows = 4, columns = 4, reload = true, memoryBits = 2 ** 24) {
  const graph = sketchGraph(sketch)
  const array = { dataflow: 'weight-stationary', rows, columns, memoryBits, parallel: false } as const
  return makePlan(graph, sketchAssignment(sketch, graph), array, { reload })
}

describe('the structure of a design', () => {
  const { structure } = planned(twoLayers).plan

  it('stays with other weights, scales and allowed memory', () => {
    const other = planned({ ...twoLayers, seed: 99 }, 4, 4, true, 2 ** 23).plan
    expect(other.structure).toBe(structure)
    expect(other.hash).not.toBe(planned(twoLayers).plan.hash)
    expect(other.contents).not.toBe(planned(twoLayers).plan.contents)
  })

  it('stays with other weights of any network, on any array', () => {
    fc.assert(
      fc.property(randomDesigns, ({ sketch, array }) => {
        const [one, other] = [sketch.seed, sketch.seed + 1].map(
          (weights) => axiSpecimenOn(sketch, array, { weights }).planned.plan,
        )
        expect(other!.structure).toBe(one!.structure)
        expect(other!.widths).toEqual(one!.widths)
      }),
      { numRuns: 150, seed: 5 },
    )
  })

  it('keeps the scales of additions, which no packet changes', () => {
    const layers = [conv('a', ['input'], 4), conv('b', ['a'], 4)] as const
    const network = (...more: Network['layers']): Network => ({
      name: 'sum',
      input: { shape: [4, 5, 5] },
      layers: [...layers, ...more],
    })
    const plan = (of: Network, seed: number) => {
      const { graph, assignment } = exactDesign(of, seed)
      const array = { dataflow: 'weight-stationary', rows: 4, columns: 4, memoryBits: 2 ** 24 } as const
      return makePlan(graph, assignment, { ...array, parallel: false }, { reload: true }).plan
    }
    const added = network({ kind: 'add', name: 'sum', inputs: ['a', 'b'] })
    const joined = network({ kind: 'concat', name: 'both', inputs: ['a', 'b'] })
    expect(plan(joined, 2).structure).toBe(plan(joined, 1).structure)
    const [one, other] = [plan(added, 1), plan(added, 2)]
    expect(other.layers[1]!.merge!.multipliers).not.toEqual(one.layers[1]!.merge!.multipliers)
    expect(other.structure).not.toBe(one.structure)
  })

  it('changes with the array, the network, its bits and its multipliers', () => {
    const [first, second] = twoLayers.layers as [(typeof twoLayers.layers)[0], (typeof twoLayers.layers)[0]]
    const others = [
      planned(twoLayers, 4, 2),
      planned(twoLayers, 2, 4),
      planned({ ...twoLayers, weightBits: 7 }),
      planned({ ...twoLayers, activationBits: 7 }),
      planned({ ...twoLayers, layers: [first, { ...second, filters: 7 }] }),
      planned({ ...twoLayers, layers: [first, { ...second, multiplier: 'exact' }] }),
      planned({ ...twoLayers, layers: [{ ...first, relu: false }, second] }),
      planned(twoLayers, 4, 4, false),
    ]
    const hashes = others.map(({ plan }) => plan.structure)
    expect(new Set([...hashes, structure]).size).toBe(others.length + 1)
  })
})

describe('accumulators for any weights', () => {
  it('hold every sum of weights and activations of their bits, and no bit is too many for the extreme ones', () => {
    const bits = fc.integer({ min: 2, max: 8 })
    const specs = fc.constantFrom('exact', 'roup:p=1,r=2', 'trunc:ka=1,kb=1', 'drum:k=4')
    fc.assert(
      fc.property(
        fc.record({ nA: bits, nB: bits, signedA: fc.boolean(), taps: fc.integer({ min: 1, max: 600 }) }),
        specs,
        fc.integer({ min: 0, max: 2 ** 31 }),
        ({ nA, nB, signedA, taps }, spec, seed) => {
          const domain = { nA, signedA, nB, signedB: true }
          let multiplier: ReturnType<typeof parseMultiplier>
          try {
            multiplier = parseMultiplier(spec, domain)
          } catch {
            fc.pre(false)
            return
          }
          const table = multiplier.table()
          const extreme = table.indexOf(table.reduce((a, b) => (Math.abs(b) > Math.abs(a) ? b : a)))
          const low = -(2 ** (nB - 1))
          const weight = (at: number) => ((at % 2 ** nB) + 2 ** nB) % 2 ** nB
          const asCode = (raw: number) => (raw >= 2 ** (nB - 1) ? raw - 2 ** nB : raw)
          const drawn = Int8Array.from({ length: taps }, (_, i) =>
            asCode(weight(low + ((seed + 7 * i) % 2 ** nB))),
          )
          const worst = new Int8Array(taps).fill(asCode(extreme % 2 ** nB))
          const conv = (weights: Int8Array) =>
            ({
              weights,
              bias: new Int32Array(1),
              weightBits: nB,
              kernel: [1, 1],
              groups: 1,
            }) as unknown as QConv
          const assignment = { layer: '', multipliers: [multiplier], ofKernel: new Uint8Array(1) }
          const any = anySumBits(conv(drawn), [multiplier])
          expect(partialSumBits(conv(drawn), assignment)).toBeLessThanOrEqual(any)
          expect(partialSumBits(conv(worst), assignment)).toBeGreaterThanOrEqual(any - 1)
        },
      ),
      { numRuns: 60, seed: 3 },
    )
  })
})

describe('a weights packet', () => {
  it('has the structure hash, then the words of both memories, low bits first', () => {
    for (const [rows, columns] of [
      [4, 4],
      [3, 5],
      [2, 12],
    ] as const) {
      const { plan, images } = planned(twoLayers, rows, columns)
      const packet = weightPacket(plan, images)
      const { beats, beatsPerWeight } = packetLayout(plan)
      expect(packet.length).toBe(beats)
      expect([...packet.subarray(0, 8)]).toEqual(hashWords(plan.structure))
      expect(
        hashWords(plan.structure)
          .map((word) => word.toString(16).padStart(8, '0'))
          .join(''),
      ).toBe(plan.structure)
      let at = 8
      const next = (pieces: number) => {
        let word = 0n
        for (let piece = 0; piece < pieces; piece++) word |= BigInt(packet[at++]!) << BigInt(32 * piece)
        return word
      }
      expect(weightWordBits(plan)).toBe(8 * columns)
      for (const word of weightMemoryWords(images, plan.memories)) expect(next(beatsPerWeight)).toBe(word)
      for (const word of parameterMemoryWords(images, plan.memories)) expect(next(2)).toBe(word)
      expect(at).toBe(beats)
      expect([...packetBytes(Uint32Array.of(0x01020304, 5))]).toEqual([4, 3, 2, 1, 5, 0, 0, 0])
    }
  })
})
