import type { MemoryImages } from '../src/plan/images.ts'
import type { Plan } from '../src/plan/plan.ts'
import { gridPrefix } from '../src/plan/probes.ts'
import type { Banks } from './banks.ts'
import type { EventCounter } from './events.ts'
import { type RowStations, rowStations } from './row/model.ts'

/** The grid beside an array, on the array's banks; undefined where there is none. Its layers count as those of the array that wait for them. */
export function gridStations(
  plan: Plan,
  images: MemoryImages,
  memory: Banks,
  counter: EventCounter,
): RowStations | undefined {
  if (plan.grid === undefined) return undefined
  const places = plan.grid.layers.map((_, index) => plan.layers.findIndex(({ grid }) => grid === index))
  const at = (layer: number) => places[layer]!
  const stations = rowStations(
    plan.grid,
    images.grid!,
    {
      read: (bank, address) => memory.read(0, bank, address),
      write: (bank, address, code) => memory.write(1, bank, address, code),
    },
    {
      ...counter,
      activation: (layer) => counter.activation(at(layer)),
      sum: (layer) => counter.sum(at(layer)),
      add: (what, layer, count) => counter.add(what, at(layer), count),
    },
  )
  const registers = Object.entries(stations.registers).map(([name, values]) => [gridPrefix + name, values])
  return { ...stations, registers: Object.fromEntries(registers) }
}
