import { defineModule, type Module } from '../hdl/module.ts'
import type { StationaryTileSpec } from '../plan/reuse-tile.ts'
import { partialSums } from './reuse-tile.ts'
import { systolicTile } from './systolic-tile.ts'

/** The weight-stationary tile that a reuse tile is compared with: an array with a row for each tap of each channel, and the sums below it. */
export function stationaryTile(spec: StationaryTileSpec): Module {
  const { channels, taps, filters, multiplier, accumulatorBits } = spec
  const rows = channels * taps
  const array = systolicTile('stationary_array', [{ multiplier, shift: 0 }], {
    rows,
    columns: filters,
    accumulatorBits,
    masked: false,
    modesFrom: undefined,
  })
  return defineModule(
    'stationary_tile',
    `Weight-stationary tile of ${channels} channels x ${taps} taps x ${filters} filters.`,
    (m) => {
      const ports = array.netlist.inputs.map(({ name, width }) => [name!, m.input(name!, width)] as const)
      const whole = m.input('whole', 1)
      const sums = m.instance(array, 'u_array', Object.fromEntries(ports))
      partialSums(m, { ...spec, skewed: true, latency: rows }, sums, whole)
    },
  )
}
