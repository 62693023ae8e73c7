import { unsignedBits } from '../base/integers.ts'
import { defineModule, type Module, type ModuleBuilder, type Node } from '../hdl/module.ts'
import type { Plan } from '../plan/plan.ts'
import { choose, equalTo, follow, followReset, inputs, plus } from './gates.ts'

/** What the writer must know of the layer that runs. */
export function writerPorts(plan: Plan) {
  const lanes = unsignedBits(Math.max(...plan.layers.map((layer) => Math.max(layer.lanes, layer.lanesLast))))
  const { bankAddress } = plan.widths
  return {
    output_base: bankAddress,
    output_words: bankAddress,
    lanes,
    lanes_last: lanes,
    modulus: Math.max(1, Math.ceil(Math.log2(plan.moduli.length))),
  }
}

/** The same where the banks are shared with a grid. */
export function sharedWriterPorts(plan: Plan) {
  const { output_base, lanes, lanes_last } = writerPorts(plan)
  const { bankAddress } = plan.widths
  return {
    output_base,
    output_plane: bankAddress,
    output_column: bankAddress,
    output_row: bankAddress,
    pool_x_last: unsignedBits(Math.max(...plan.layers.map((layer) => layer.outputShape[2] - 1))),
    lanes,
    lanes_last,
  }
}

/**
 * Puts the codes of one position side by side (column j comes j cycles late; behind merge columns they are so already) and stores them: bank i takes the lane
 * i mod d, then the vector moves down by d lanes, until all of the fold's filters are stored.
 */
export function outputWriter(plan: Plan): Module {
  const { rows } = plan.array
  const { bankAddress } = plan.widths
  return defineModule(
    'output_writer',
    'Output writer: aligns the columns and stores one vector of codes in the banks, lane by lane.',
    (m) => {
      const { c } = m
      const layer = inputs(m, 'layer_', writerPorts(plan))
      const beginLayer = m.input('begin_layer', 1)
      const { arrive, first, inLastFold, aligned } = vectorArrival(m, plan)
      const { busy, laneBits } = laneTimer(m, layer.lanes, layer.lanes_last, arrive, inLastFold)

      const mapBase = m.register('map_base', bankAddress)
      const following = m.register('next_position', bankAddress)
      const address = m.register('address', bankAddress)
      const begin = c.label(c.mux(first, mapBase.q, following.q), 'vector_address')
      const laneCount =
        bankAddress >= laneBits
          ? c.zeroExtend(layer.lanes, bankAddress)
          : c.slice(layer.lanes, bankAddress - 1, 0)
      mapBase.next(
        c.mux(beginLayer, layer.output_base, c.add(mapBase.q, laneCount)),
        c.or(beginLayer, c.and(arrive, first)),
      )
      following.next(c.add(begin, layer.output_words), arrive)
      address.next(c.mux(arrive, begin, plus(c, address.q, 1)), c.or(arrive, busy))

      const byModulus = (of: (modulus: number) => Node) => choose(c, layer.modulus, plan.moduli.map(of))
      const hold = heldVector(m, plan, aligned, arrive, busy, (lane, j) =>
        byModulus((modulus) => lane(j + modulus)),
      )
      m.output('store', busy)
      m.output('store_address', address.q)
      for (let i = 0; i < rows; i++)
        m.output(
          `store_data_${i}`,
          byModulus((modulus) => hold[i % modulus]!),
        )
    },
  )
}

/** What arrives from the columns: a vector when it is whole, whether it is the first of its column fold, and whether that is the last one; and its codes. */
export function vectorArrival(m: ModuleBuilder, plan: Plan) {
  const { c } = m
  const { columns } = plan.array
  const valid = m.input('valid', 1)
  const beginMap = m.input('begin_map', 1)
  const columnLast = m.input('column_last', 1)
  const codes = Array.from({ length: columns }, (_, j) => m.input(`code_${j}`, plan.widths.code))

  // The last column's control is 5 cycles ahead of its code: the depth of requantisation and pooling. Merge columns come with their own.
  const stages = plan.merge === undefined ? plan.latency.post : 0
  const late = (name: string, x: Node) => {
    let node = x
    for (let stage = 1; stage <= stages; stage++) node = followReset(m, `${name}_${stage}`, node)
    return node
  }
  const arrive = c.label(late('valid', valid), 'vector_arrives')
  const first = late('begin_map', beginMap)
  const inLastFold = late('column_last', columnLast)
  const aligned = codes.map((node, j) => {
    if (plan.merge !== undefined) return node
    for (let delay = 1; delay < columns - j; delay++) node = follow(m, `code_${j}_delay_${delay}`, node)
    return node
  })
  return { arrive, first, inLastFold, aligned }
}

/** Whether a word of the vector is stored in this cycle: so many from its arrival on. */
export function laneTimer(m: ModuleBuilder, full: Node, ofLast: Node, arrive: Node, inLastFold: Node) {
  const { c } = m
  const busy = m.register('busy', 1, { reset: 0 })
  const laneBits = c.width(full)
  const left = m.register('lanes_left', laneBits, { reset: 0 })
  const lastLane = equalTo(c, left.q, 0)
  busy.next(c.or(arrive, c.and(busy.q, c.not(lastLane))))
  const lanes = c.mux(inLastFold, ofLast, full)
  left.next(c.mux(arrive, plus(c, lanes, -1), c.mux(lastLane, left.q, plus(c, left.q, -1))))
  return { busy: busy.q, laneBits }
}

/** The vector that is stored, whose lanes move down by as many as `below` says each cycle. */
export function heldVector(
  m: ModuleBuilder,
  plan: Plan,
  aligned: readonly Node[],
  arrive: Node,
  busy: Node,
  below: (lane: (j: number) => Node, j: number) => Node,
): readonly Node[] {
  const { c } = m
  const { code } = plan.widths
  const hold = aligned.map((_, j) => m.register(`hold_${j}`, code))
  const lane = (j: number): Node => hold[j]?.q ?? c.constant(0, code)
  for (const [j, register] of hold.entries())
    register.next(c.mux(arrive, aligned[j]!, below(lane, j)), c.or(arrive, busy))
  return hold.map(({ q }) => q)
}
