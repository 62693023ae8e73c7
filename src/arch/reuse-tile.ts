import { indexBits } from '../base/integers.ts'
import { defineModule, type Module, type ModuleBuilder, type Node } from '../hdl/module.ts'
import { type MomentSpec, momentLatency } from '../plan/moments.ts'
import { groupRows, type ReuseTileSpec, tileLatency, tileRows } from '../plan/reuse-tile.ts'
import { follow, followReset, inputs } from './gates.ts'
import { momentUnit } from './moment-unit.ts'
import { sharedArray } from './shared-array.ts'
import { systolicTile } from './systolic-tile.ts'

type Ports = Readonly<Record<string, Node>>

/**
 * A coefficient-reuse tile: the moments of each channel are computed once and pass all filters; a filter's PEs multiply them with its
 * coefficients. Channel c works c * (its rows) cycles behind channel 0, so that the sums come down the rows in step.
 */
export function reuseTile(spec: ReuseTileSpec): Module {
  const { channels, filters, moments, multipliers, accumulatorBits, groups } = spec
  const rows = tileRows(spec)
  return defineModule(
    'reuse_tile',
    `Coefficient-reuse tile of ${channels} channels x ${filters} filters, ${groups} groups and ${multipliers.length} orders each.`,
    (m) => {
      const position = inputs(m, '', positionPorts(spec))
      const orders = multipliers.map((multiplier, order) => ({
        multiplier,
        shift: moments.orders[order]!.shift,
      }))
      const array =
        spec.shared === undefined
          ? systolicTile('reuse_array', orders, {
              rows,
              columns: filters,
              accumulatorBits,
              masked: false,
              modesFrom: undefined,
            })
          : sharedArray('reuse_array', orders, spec.shared, accumulatorBits)
      const sums = m.instance(array, 'u_array', {
        ...weightsOf(m, array),
        ...Object.assign({}, ...channelsOf(m, spec, position)),
      })
      const skewed = spec.shared === undefined
      partialSums(m, { ...spec, skewed, latency: tileLatency(spec) }, sums, position['whole']!)
    },
  )
}

/** What comes with the pixels: column addresses only where something has line buffers, which are read a cycle ahead. */
export function positionPorts({ moments, groups }: ReuseTileSpec): Record<string, number> {
  const address = indexBits(moments.lineWidth)
  return {
    valid: 1,
    line_first: 1,
    whole: 1,
    ...(moments.rows > 1 ? { read: 1, read_column: address } : {}),
    ...(moments.rows > 1 || groups > 1 ? { column: address } : {}),
  }
}

/** Coefficients come as in any array: buses, and a load and a swap bit a row. */
function weightsOf(m: ModuleBuilder, array: Module): Ports {
  const names = array.netlist.inputs.filter(({ name }) => /^(weight|load|swap)_/.test(name!))
  return Object.fromEntries(names.map(({ name, width }) => [name!, m.input(name!, width)]))
}

/** The rows of each channel: their moments, and whether a window is whole. */
function channelsOf(m: ModuleBuilder, spec: ReuseTileSpec, position: Ports): Ports[] {
  const { channels, moments, groups, multipliers } = spec
  const unit = momentUnit(moments)
  const rowsOfChannel = groups * groupRows(spec)
  let at: Ports = position
  return Array.from({ length: channels }, (_, channel) => {
    const skew = channel * rowsOfChannel
    if (channel > 0) at = delayPorts(m, `channel_${channel}`, at, rowsOfChannel)
    const code = delay(m, `code_${channel}`, m.input(`code_${channel}`, moments.codeBits), skew)
    const { whole, valid, column } = at
    const ports = unit.netlist.inputs.flatMap(({ name }) =>
      name === 'code' ? [] : [[name!, at[name!]!] as const],
    )
    const found = m.instance(unit, `u_moments_${channel}`, { ...Object.fromEntries(ports), code })
    const active = delay(m, `whole_${channel}`, whole!, momentLatency, true)
    const kernelRows = groups === 1 ? [found] : momentLines(m, spec, channel, found, valid!, column!)
    const rows: [string, Node][] = []
    for (const [g, operands] of kernelRows.entries()) {
      const found = multipliers.map((_, order) => operands[`moment_${order}`]!)
      // products that are shared take the moments of all orders at once
      const entering = spec.shared === undefined ? found : [m.c.cat(...[...found].reverse())]
      for (const [order, moment] of entering.entries()) {
        const late = g * entering.length + order
        const name = `${channel}_${g}_${order}`
        rows.push(
          [`activation_${skew + late}`, delay(m, `moment_${name}`, moment, late)],
          [`active_${skew + late}`, delay(m, `active_${name}`, active, late, true)],
        )
      }
    }
    return Object.fromEntries(rows)
  })
}

/** The moments of the kernel rows above, which were computed once: line buffers keep them. From the top. */
function momentLines(
  m: ModuleBuilder,
  { moments, groups }: ReuseTileSpec,
  channel: number,
  found: Ports,
  valid: Node,
  column: Node,
): Ports[] {
  const lines = m.instance(momentLineBuffer(moments, groups - 1), `u_lines_${channel}`, {
    ...found,
    valid,
    column,
  })
  const above = Array.from({ length: groups - 1 }, (_, line) =>
    Object.fromEntries(
      moments.orders.map((_, order) => [`moment_${order}`, lines[`above_${line}_${order}`]!] as const),
    ),
  )
  return [...above.reverse(), found]
}

/** Keeps the moments of the last lines, column by column; line 0 is the one above. */
function momentLineBuffer({ orders, lineWidth }: MomentSpec, lines: number): Module {
  const addressBits = indexBits(lineWidth)
  return defineModule(
    'moment_lines',
    `Moments of the ${lines} lines above, in step with those of this one.`,
    (m) => {
      const { c } = m
      const valid = m.input('valid', 1)
      const column = m.input('column', addressBits)
      const operands = orders.map(({ bits }, order) => m.input(`moment_${order}`, bits))
      const reading = followReset(m, 'reading', valid)
      const readColumn = follow(m, 'read_column', column)
      const now = c.cat(...operands)
      const width = c.width(now)
      const memory = m.memory('lines', { width: lines * width, depth: lineWidth })
      const word = memory.read('lines_read', readColumn, reading)
      const kept = Array.from({ length: lines }, (_, i) => c.slice(word, (i + 1) * width - 1, i * width))
      memory.write(
        followReset(m, 'writing', reading),
        follow(m, 'write_column', readColumn),
        c.cat(...[now, ...kept.slice(0, -1)].reverse()),
      )
      for (const [line, moments] of kept.entries()) {
        let high = width
        for (const [order, { bits }] of orders.entries()) {
          m.output(`above_${line}_${order}`, c.slice(moments, high - 1, high - bits))
          high -= bits
        }
      }
    },
  )
}

export interface PartialSums extends Pick<ReuseTileSpec, 'filters' | 'positions' | 'accumulatorBits'> {
  /** Whether each filter's sum comes a cycle behind that of the one before. */
  readonly skewed: boolean
  /** Cycles from a position to its first filter's sum. */
  readonly latency: number
}

/** A sum for each filter and position: of the channels so far, or of these alone where they are the first. */
export function partialSums(m: ModuleBuilder, spec: PartialSums, sums: Ports, whole: Node): void {
  const { filters, positions, latency, skewed } = spec
  const index = m.input('index', indexBits(Math.max(2, positions)))
  const first = m.input('first', 1)
  const early = latency - 1
  let at: Ports = {
    valid: delay(m, 'whole_late', whole, early, true),
    index: delay(m, 'index_late', index, early),
    first: delay(m, 'first_late', first, early),
  }
  const module = accumulator(spec)
  for (let j = 0; j < filters; j++) {
    if (j > 0 && skewed) at = delayPorts(m, `filter_${j}`, at, 1)
    const { total } = m.instance(module, `u_sum_${j}`, { ...at, sum: sums[`sum_${j}`]! } as Ports)
    m.output(`total_${j}`, total!)
  }
}

/** The partial sums of one filter. Control comes a cycle before the sum. */
function accumulator({ accumulatorBits, positions }: PartialSums): Module {
  const depth = Math.max(2, positions)
  return defineModule('partial_sums', 'Adds the sums of one filter, position by position.', (m) => {
    const { c } = m
    const valid = m.input('valid', 1)
    const index = m.input('index', indexBits(depth))
    const first = m.input('first', 1)
    const sum = m.input('sum', accumulatorBits)
    const memory = m.memory('sums', { width: accumulatorBits, depth })
    const before = memory.read('sum_before', index, valid)
    const begins = follow(m, 'begins', first)
    const total = c.add(sum, c.mux(begins, c.constant(0, accumulatorBits), before))
    const now = followReset(m, 'now', valid)
    memory.write(now, follow(m, 'index_now', index), total)
    m.output('total', follow(m, 'total_now', total, now))
  })
}

/** A value some cycles later; `reset` for bits that make something happen. */
function delay(m: ModuleBuilder, name: string, x: Node, cycles: number, reset = false): Node {
  let at = x
  for (let stage = 1; stage <= cycles; stage++)
    at = reset ? followReset(m, `${name}_delay_${stage}`, at) : follow(m, `${name}_delay_${stage}`, at)
  return at
}

const delayPorts = (m: ModuleBuilder, name: string, ports: Ports, cycles: number): Ports =>
  Object.fromEntries(
    Object.entries(ports).map(([port, node]) => [
      port,
      delay(m, `${name}_${port}`, node, cycles, port === 'valid' || port === 'whole' || port === 'read'),
    ]),
  )
