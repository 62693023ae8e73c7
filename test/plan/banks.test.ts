import fc from 'fast-check'
import { expect, it } from 'vitest'
import { makePlan } from '../../src/plan/make.ts'
import type { Plan, PlanLayer, Point } from '../../src/plan/plan.ts'
import { layerSize, layerTop } from '../../src/plan/size.ts'
import { foldsOfLayer, intervalOf, type Step, stepsOf } from '../../src/plan/steps.ts'
import { type NetworkSketch, sketchAssignment, sketchGraph } from '../fixtures/qgraph.ts'
import { mixedSketches as sketches } from '../fixtures/sketches.ts'
import { onArrays } from '../fixtures/tile-sizes.ts'

type Array = Parameters<typeof makePlan>[2]

function planOf(sketch: NetworkSketch, array: Array): Plan {
  const graph = sketchGraph(sketch)
  return makePlan(graph, sketchAssignment(sketch, graph), array).plan
}

const check = (property: (plan: Plan) => void, seed: number) =>
  fc.assert(
    fc.property(onArrays(sketches), ([sketch, array]) => property(planOf(sketch, array))),
    { numRuns: 120, seed },
  )

/** What each bank holds of a map, by the rule of the page: channel n in the banks i = n (mod d). [bank] -> word -> element. */
function contents(plan: Plan, base: number, modulus: number, [channels, height, width]: readonly number[]) {
  const banks = Array.from({ length: plan.array.rows }, () => new Map<number, string>())
  for (let y = 0; y < height!; y++) {
    for (let x = 0; x < width!; x++) {
      for (let n = 0; n < channels!; n++) {
        const word = base + (y * width! + x) * (channels! / modulus) + Math.floor(n / modulus)
        for (const [i, bank] of banks.entries()) {
          if (i % modulus === n % modulus) {
            if (bank.has(word)) throw new Error(`two elements in word ${word} of bank ${i}`)
            bank.set(word, `${y},${x},${n}`)
          }
        }
      }
    }
  }
  return banks
}

const inputOf = (layer: PlanLayer) => [layer.channels, ...layer.inputSize] as const

/** Positions by the definition: output pixel, then the window inside it. */
function* definedPositions(layer: PlanLayer): Generator<{ y: number; x: number }> {
  const [, height, width] = layer.outputShape
  for (let py = 0; py < height; py++) {
    for (let px = 0; px < width; px++) {
      for (let wy = 0; wy < layer.window[0]; wy++) {
        for (let wx = 0; wx < layer.window[1]; wx++) {
          yield {
            y: (py * layer.window[0] + wy) * layer.stride[0] - layer.padding[0] + 0,
            x: (px * layer.window[1] + wx) * layer.stride[1] - layer.padding[1] + 0,
          }
        }
      }
    }
  }
}

/** Positions by the plan's loops: the outermost loop that steps gives the increment. */
function* steppedPositions(layer: PlanLayer): Generator<Point> {
  const limits = [layer.window[1], layer.window[0], layer.outputShape[2], layer.outputShape[1]]
  const counts = [0, 0, 0, 0]
  let { address, y, x } = layer.start
  for (;;) {
    yield { address, y, x }
    let level = 0
    while (level < 4 && counts[level] === limits[level]! - 1) counts[level++] = 0
    if (level === 4) return
    counts[level]!++
    address += layer.increments[level]!.address
    y += layer.increments[level]!.y
    x += layer.increments[level]!.x
  }
}

it('each row reads its own bank, once a cycle, and finds there the element of its tap', () => {
  check((plan) => {
    const wrap = 2 ** plan.widths.bankAddress
    for (const [index, layer] of plan.layers.entries()) {
      const banks = contents(plan, layer.inputBase, layer.inputModulus, inputOf(layer))
      const positions = [...steppedPositions(layer)]
      expect(positions.length).toBe(layer.positions)
      expect(positions.map(({ y, x }) => ({ y, x }))).toEqual([...definedPositions(layer)])
      const wrong: string[] = []
      for (const fold of foldsOfLayer(plan, index)) {
        if (fold.columnFold > 0) continue
        for (let row = 0; row < fold.rows; row++) {
          const tap = fold.tap + row
          const channel = tap % layer.channels
          const kx = Math.floor(tap / layer.channels) % layer.kernel[1]
          const ky = Math.floor(tap / layer.channels / layer.kernel[1])
          const offset =
            (ky * layer.inputSize[1] + kx) * layer.inputWords + Math.floor(channel / layer.inputModulus)
          for (const { address, y, x } of positions) {
            if (y + ky < 0 || y + ky >= layer.inputSize[0]) continue
            if (x + kx < 0 || x + kx >= layer.inputSize[1]) continue
            const word = (((address + offset) % wrap) + wrap) % wrap
            const wanted = `${y + ky},${x + kx},${channel}`
            const found = banks[layerTop(plan, layer) + row]!.get(word)
            if (found !== wanted) wrong.push(`${layer.name} row ${row} word ${word}: ${found}, not ${wanted}`)
          }
        }
      }
      expect(wrong).toEqual([])
    }
  }, 21)
})

it('covers each tap and filter exactly once', () => {
  check((plan) => {
    for (const [index, layer] of plan.layers.entries()) {
      const seen = new Set<string>()
      for (const fold of foldsOfLayer(plan, index)) {
        expect(fold.rows).toBeLessThanOrEqual(plan.array.rows)
        expect(fold.columns).toBeLessThanOrEqual(plan.array.columns)
        for (let i = 0; i < fold.rows; i++) {
          for (let j = 0; j < fold.columns; j++) seen.add(`${fold.tap + i},${fold.filter + j}`)
        }
      }
      expect(seen.size).toBe(layer.taps * layer.filters)
    }
  }, 22)
})

it('stores each output where the next layer looks for it, and never over the map being read', () => {
  check((plan) => {
    for (const [index, layer] of plan.layers.entries()) {
      const next = plan.layers[index + 1]
      const [base, modulus] =
        next === undefined ? [plan.output.base, plan.output.modulus] : [next.inputBase, next.inputModulus]
      expect([layer.outputBase, layer.outputModulus]).toEqual([base, modulus])
      const shape = [layer.outputWords * modulus, layer.outputShape[1], layer.outputShape[2]] as const
      expect(shape[0]).toBe(next?.channels ?? Math.ceil(layer.filters / modulus) * modulus)
      const expected = contents(plan, base, modulus, shape)
      const input = contents(plan, layer.inputBase, layer.inputModulus, inputOf(layer))
      const [, height, width] = layer.outputShape
      const written = expected.map(() => new Map<number, string>())
      for (let g = 0; g < layer.columnFolds; g++) {
        const lanes = g === layer.columnFolds - 1 ? layer.lanesLast : layer.lanes
        for (let v = 0; v < height * width; v++) {
          for (let lane = 0; lane < lanes; lane++) {
            const word = layer.outputBase + g * layer.lanes + v * layer.outputWords + lane
            for (const [i, bank] of written.entries()) {
              const filter =
                g * layerSize(plan, layer).columns + lane * layer.outputModulus + (i % layer.outputModulus)
              bank.set(word, `${Math.floor(v / width)},${v % width},${filter}`)
            }
          }
        }
      }
      const wrong: string[] = []
      for (const [i, bank] of written.entries()) {
        expect(bank).toEqual(expected[i])
        for (const word of bank.keys()) {
          if (word >= plan.memories.bankDepth || input[i]!.has(word)) wrong.push(`bank ${i} word ${word}`)
        }
      }
      expect(wrong).toEqual([])
    }
  }, 23)
})

interface Vector {
  readonly aligned: number
  readonly lanes: number
}

/** When each vector of a step reaches the writer, and for how many cycles it keeps it. */
function vectorsOf(plan: Plan, step: Step): Vector[] {
  const fold = step.stream
  if (fold === undefined || !fold.last) return []
  const layer = plan.layers[fold.layer]!
  const area = layer.window[0] * layer.window[1]
  const lanes = fold.columnFold === layer.columnFolds - 1 ? layer.lanesLast : layer.lanes
  return Array.from({ length: layer.positions / area }, (_, v) => ({
    aligned:
      step.start +
      ((v + 1) * area - 1) * intervalOf(layer, fold) +
      plan.latency.aligned -
      layerTop(plan, layer),
    lanes,
  }))
}

it('the writer has stored a vector before the next one is there, and a layer before the next one reads', () => {
  check((plan) => {
    const steps = [...stepsOf(plan)]
    let free = 0
    for (const [index, step] of steps.entries()) {
      for (const { aligned, lanes } of vectorsOf(plan, step)) {
        // the vector is taken at the end of cycle `aligned`, at the earliest that of the last lane before it
        expect(aligned).toBeGreaterThanOrEqual(free)
        free = aligned + lanes
      }
      const following = steps[index + 1]
      const layerEnds = following === undefined || following.stream?.layer !== step.stream?.layer
      if (layerEnds) expect(step.start + step.cycles).toBeGreaterThan(free)
    }
  }, 24)
})

it('a partial sum is written before it is read again, and parameters stay while they are used', () => {
  check((plan) => {
    const steps = [...stepsOf(plan)].filter((step) => step.stream !== undefined)
    for (const [index, step] of steps.entries()) {
      const next = steps[index + 1]
      if (next === undefined) continue
      const layer = plan.layers[step.stream!.layer]!
      const interval = intervalOf(layer, step.stream!)
      expect(step.cycles).toBeGreaterThanOrEqual((layer.positions - 1) * interval + 1)
      if (!step.stream!.last) {
        // position m of both folds: written at the end of its cycle, read one cycle ahead of the next fold's
        const nextInterval = intervalOf(layer, next.stream!)
        for (const m of [0, layer.positions - 1]) {
          expect(next.start + m * nextInterval - 1).toBeGreaterThan(step.start + m)
        }
        continue
      }
      // the multiplier is used two and the shift three cycles after the last position's sum arrived
      const following = steps.slice(index + 1).find((later) => later.stream!.last)!
      const lastUse = step.start + (layer.positions - 1) * interval + 3
      expect(following.start).toBeGreaterThanOrEqual(lastUse)
      // one parameter word a cycle: the columns of this fold are served before those of the next one
      expect(following.start - step.start).toBeGreaterThanOrEqual(step.stream!.columns)
    }
  }, 25)
})
