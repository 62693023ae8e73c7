import { gate } from '../../comb/derived.ts'
import { defineModule, type Module } from '../../hdl/module.ts'
import type { Plan } from '../../plan/plan.ts'
import { bankBits, sharedBanks, storedTogether } from '../../plan/rotation.ts'
import { any, inputs, plus } from '../gates.ts'
import { heldVector, laneTimer, sharedWriterPorts, vectorArrival } from '../output-writer.ts'
import { bankOf, channelPorts, either, firstChannel, nextChannels, placeRegisters } from './channel-step.ts'

/**
 * Stores the array's codes in the shared banks: each cycle as many channels of a position as lie in one group. Where a vector lies is the sum of its position, whose words
 * run down the columns of the map, and of its channels.
 */
export function arrayWriter(plan: Plan): Module {
  const { bankAddress } = plan.widths
  const rotation = sharedBanks(plan)
  const stored = storedTogether(plan.array)
  return defineModule(
    'array_writer',
    'Array writer: aligns the columns and stores one vector of codes in the shared banks, group by group.',
    (m) => {
      const { c } = m
      const layer = inputs(m, 'layer_', sharedWriterPorts(plan))
      const beginLayer = m.input('begin_layer', 1)
      const { arrive, first, inLastFold, aligned } = vectorArrival(m, plan)
      const { busy } = laneTimer(m, layer.lanes, layer.lanes_last, arrive, inLastFold)

      // Channels: the first of a column fold follow the last of the fold before; each vector begins with them again.
      const ports = { address: bankAddress, ...channelPorts(rotation, stored) }
      const now = placeRegisters(m, 'channel', ports)
      const fold = placeRegisters(m, 'fold', ports)
      const next = nextChannels(c, rotation, stored, now.q)
      const plane = gate(c, layer.output_plane, next.wraps)
      const onward = { address: c.add(now.q['address']!, plane), ...next.place }
      const walked = either(c, busy, onward, now.q)
      const begin = { address: layer.output_base, ...firstChannel(c, rotation, stored) }
      const vector = either(c, first, walked, fold.q)
      now.next(
        either(c, beginLayer, begin, either(c, arrive, vector, walked)),
        any(c, beginLayer, arrive, busy),
      )
      fold.next(walked, c.and(arrive, first))

      // Positions: along a row of the map from column to column, then to the next row.
      const column = m.register('column', c.width(layer.pool_x_last))
      const here = gate(c, column.q, c.not(first))
      const rowEnds = c.label(c.equal(here, layer.pool_x_last), 'row_ends')
      column.next(c.mux(rowEnds, c.constant(0, c.width(here)), plus(c, here, 1)), arrive)
      const following = m.register('next_position', bankAddress)
      const position = c.label(c.mux(first, c.constant(0, bankAddress), following.q), 'vector_position')
      const step = c.mux(rowEnds, layer.output_row, layer.output_column)
      following.next(c.add(position, step), arrive)
      const address = m.register('address', bankAddress)
      address.next(position, arrive)
      const bits = bankBits(rotation)
      const nextRow = m.register('next_row', bits)
      const rowHere = c.label(c.mux(first, c.constant(0, bits), nextRow.q), 'vector_row')
      nextRow.next(c.mux(rowEnds, plus(c, rowHere, 1), rowHere), arrive)
      const row = m.register('row', bits)
      row.next(rowHere, arrive)

      const hold = heldVector(m, plan, aligned, arrive, busy, (lane, at) => lane(at + stored))
      m.output('store', busy)
      m.output('store_address', c.add(now.q['address']!, address.q))
      m.output('store_rotation', c.add(bankOf(c, rotation, now.q), row.q))
      for (let lane = 0; lane < stored; lane++) m.output(`lane_${lane}`, hold[lane]!)
    },
  )
}
