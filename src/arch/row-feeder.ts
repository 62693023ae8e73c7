import { indexBits, unsignedBits } from '../base/integers.ts'
import type { Comb } from '../comb/comb.ts'
import { gate } from '../comb/derived.ts'
import { defineModule, type Module, type ModuleBuilder, type Node } from '../hdl/module.ts'
import { operandBits } from '../plan/moments.ts'
import type { Plan } from '../plan/plan.ts'
import { connect, follow, followReset, inputs } from './gates.ts'
import { momentRegisters } from './moment-row.ts'

/** What the loader says of one row of the next fold. */
export function rowPorts(plan: Plan) {
  const { bankAddress, coordinate } = plan.widths
  return {
    load: 1,
    load_row: indexBits(plan.array.rows),
    load_tile: plan.tiles.length,
    offset: bankAddress,
    kernel_y: coordinate,
    kernel_x: coordinate,
  }
}

/** A position on its way down the rows; `swap` marks the first one of a fold. */
export function positionPorts(plan: Plan) {
  const { bankAddress, coordinate } = plan.widths
  return {
    valid: 1,
    swap: 1,
    address: bankAddress,
    y: coordinate,
    x: coordinate,
    ...workPorts(plan),
  }
}

/** The part of it that says what is done with a position. */
const workPorts = (plan: Plan) => ({
  rows: unsignedBits(plan.array.rows),
  tile: plan.tiles.length,
  ...(plan.modes?.from === 'pass' ? { mode: plan.modes.bits } : {}),
})

/** A position on its way down the rows, where all of them were read together. */
export const passedPorts = (plan: Plan) => ({ valid: 1, swap: 1, ...workPorts(plan) })

/**
 * Turns positions into the activations of one row: address = position + the offset of this row's tap, code 0 outside the
 * map. The taps of the next fold are taken up while this fold is streamed.
 */
export function rowFeeder(plan: Plan): Module {
  const { code, coordinate } = plan.widths
  const rowBits = indexBits(plan.array.rows)
  return defineModule(
    'row_feeder',
    'Row feeder: reads the activations of one row from its bank, one tap a fold, one position a cycle.',
    (m) => {
      const { c } = m
      const index = m.input('row_index', rowBits)
      const row = inputs(m, '', rowPorts(plan))
      const position = inputs(m, 'position_', positionPorts(plan))
      const height = m.input('height', coordinate)
      const width = m.input('width', coordinate)
      const data = m.input('bank_data', code)

      const mine = c.label(c.and(row.load, c.equal(row.load_row, index)), 'load_this_row')
      const tap = (name: 'offset' | 'kernel_y' | 'kernel_x') => {
        const next = follow(m, `${name}_next`, row[name], mine)
        const held = follow(m, `${name}_held`, next, position.swap)
        return c.mux(position.swap, next, held)
      }
      const [offset, kernelY, kernelX] = [tap('offset'), tap('kernel_y'), tap('kernel_x')]

      // A coordinate below 0 wraps to a large unsigned number, so one comparison finds both edges.
      const [insideY, insideX] = [
        c.less(c.add(position.y, kernelY), height),
        c.less(c.add(position.x, kernelX), width),
      ]
      const inside = c.and(c.label(insideY, 'inside_y'), c.label(insideX, 'inside_x'))
      const used = c.label(
        c.and(position.valid, c.less(c.zeroExtend(index, c.width(position.rows)), position.rows)),
        'used',
      )
      m.output('bank_read', used)
      m.output('bank_address', c.add(position.address, offset))
      const moments = plan.moments === undefined ? undefined : m.input('reads_moments', 1)
      const ofCodes = (x: Node) => (moments === undefined ? x : c.and(x, c.not(moments)))

      const kept = c.and(used, inside)
      const keep = follow(m, 'inside_map', ofCodes(kept))
      const activation = follow(m, 'activation', gate(c, data, keep))
      const active = activeRow(m, plan, used, position.tile)
      m.output('activation_out', activation)
      if (moments !== undefined) {
        const word = m.input(
          'moment_data',
          operandBits(plan.moments!).reduce((sum, bits) => sum + bits),
        )
        const keepMoments = follow(m, 'inside_moments', c.and(kept, moments))
        m.output('moments_out', momentRegisters(m, plan, word, keepMoments))
      }
      passOn(m, plan, { active, mine, loadTile: row.load_tile, position })
    },
  )
}

/** A bit of each tile. */
const everyTile = (c: Comb<Node>, plan: Plan, x: Node) =>
  plan.tiles.length === 1 ? x : c.cat(...plan.tiles.map(() => x))

/** Whether the row has work on each tile, a cycle later. */
export const activeRow = (m: ModuleBuilder, plan: Plan, used: Node, tile: Node): Node =>
  followReset(m, 'active_next', m.c.and(everyTile(m.c, plan, used), tile))

interface Passing {
  readonly active: Node
  /** The row loads weights, on these tiles. */
  readonly mine: Node
  readonly loadTile: Node
  readonly position: Readonly<Record<'valid' | 'swap' | 'tile', Node>> & Readonly<{ mode?: Node }>
}

/** What the tiles are told of a position in a row, and what is passed to the row below. */
export function passOn(m: ModuleBuilder, plan: Plan, { active, mine, loadTile, position }: Passing): void {
  const { c } = m
  m.output('active', followReset(m, 'active_now', active))
  if (position.mode !== undefined)
    m.output('mode_out', follow(m, 'mode_now', follow(m, 'mode_next', position.mode)))
  m.output('load_out', followReset(m, 'load_now', c.and(everyTile(c, plan, mine), loadTile)))
  m.output('swap', followReset(m, 'swap_now', c.and(everyTile(c, plan, position.swap), position.tile)))

  const { valid, swap, ...rest } = position
  const passed = Object.entries(rest).map(
    ([name, node]) => [name, follow(m, `passed_${name}`, node)] as const,
  )
  const flags = {
    valid: followReset(m, 'passed_valid', valid),
    swap: followReset(m, 'passed_swap', swap),
  }
  for (const [name, node] of Object.entries(connect('next_', { ...flags, ...Object.fromEntries(passed) })))
    m.output(name, node)
}
