import { addBias, clamp, roundShift, scale } from '../arith/requantiser.ts'
import { unsignedBits } from '../base/integers.ts'
import type { Comb } from '../comb/comb.ts'
import { bit } from '../comb/derived.ts'
import { defineModule, type Module, type ModuleBuilder, type Node } from '../hdl/module.ts'
import { type Plan, parameterBits } from '../plan/plan.ts'
import { all, connect, follow, followReset, inputs } from './gates.ts'

/** What travels right along the columns with each position, one column a cycle. */
export function columnPorts(plan: Plan) {
  return {
    valid: 1,
    index: plan.widths.accumulatorAddress,
    first: 1,
    last: 1,
    begin_fold: 1,
    window_first: 1,
    window_last: 1,
    begin_map: 1,
    column_last: 1,
    columns: unsignedBits(plan.array.columns),
    ...(plan.merge?.sets === 2 ? operandPorts : {}),
  }
}

/** What the map reader behind the columns must know of each position. */
export const operandPorts = { operand_first: 1, operand_level: 2, operand_inside: 1 }

/** Post-processing settings of the layer that runs. Where codes are merged, they are pooled behind that. */
export function postPorts(plan: Plan) {
  const clamped = { low: 9, high: 9 }
  return plan.merge === undefined
    ? { ...clamped, output_signed: 1, average: 1, pool_shift: poolShiftBits(plan) }
    : clamped
}

export const poolShiftBits = (plan: Plan) =>
  unsignedBits(Math.max(...plan.layers.map((layer) => layer.poolShift)))

/**
 * The accumulator of one column and all that happens to a finished sum: bias, requantisation with ReLU as clamp, pooling
 * (docs/numerics.md). `control` arrives a cycle before the sum, so that the accumulator word is read by then.
 */
export function accumulatorColumn(plan: Plan): Module {
  const { accumulator, code } = plan.widths
  const columnBits = unsignedBits(plan.array.columns)
  return defineModule(
    'accumulator_column',
    'Accumulator column: sums row folds, then bias, requantise, clamp, pool.',
    (m) => {
      const { c } = m
      const number = m.input('column_index', columnBits)
      const early = inputs(m, 'control_', columnPorts(plan))
      const post = inputs(m, 'layer_', postPorts(plan))
      const parameter = m.input('parameter_word', parameterBits)
      const arriving = m.input('sum', accumulator)

      const { valid: earlyValid, ...earlyRest } = early
      const control = {
        valid: followReset(m, 'valid', earlyValid),
        ...Object.fromEntries(Object.entries(earlyRest).map(([name, node]) => [name, follow(m, name, node)])),
      } as typeof early
      for (const [name, node] of Object.entries(connect('next_', control))) m.output(name, node)

      const mine = c.label(c.and(control.valid, c.less(number, control.columns)), 'mine')
      const memory = m.memory('partial_sums', { width: accumulator, depth: plan.memories.accumulatorDepth })
      const before = memory.read('sum_before', early.index, c.and(early.valid, c.not(early.first)))
      const sum = c.label(
        c.add(arriving, c.mux(control.first, c.constant(0, accumulator), before)),
        'accumulated',
      )
      memory.write(c.and(mine, c.not(control.last)), control.index, sum)

      const finish = c.label(c.and(mine, control.last), 'finish')
      const total = follow(m, 'total', sum, finish)
      const take = c.label(all(c, mine, control.begin_fold, control.last), 'take_parameters')
      const bias = follow(m, 'bias', c.slice(parameter, 31, 0), take)
      const factor = follow(m, 'scale', c.slice(parameter, parameterBits - 1, 32), take)
      const rounded = requantise(m, total, bias, factor, post.low, post.high)
      if (plan.merge !== undefined) m.output('code_out', rounded)
      else
        pool(
          m,
          rounded,
          finish,
          control.window_first,
          control.window_last,
          post as Record<keyof PoolPorts, Node>,
          code,
          Math.max(...plan.layers.map((layer) => layer.poolShift)),
        )
    },
  )
}

/** Three cycles from `total` to a code; bias and {shift, multiplier} hold still meanwhile (Plan: cyclesFinal). */
function requantise(m: ModuleBuilder, total: Node, bias: Node, factor: Node, low: Node, high: Node): Node {
  const { c } = m
  const [multiplier, shift] = [c.slice(factor, 15, 0), c.slice(factor, 21, 16)]
  const wide = c.width(total) === 32 ? total : c.signExtend(total, 32)
  const biased = follow(m, 'biased', addBias(c, wide, bias))
  const scaled = follow(m, 'scaled', scale(c, biased, c.label(multiplier, 'multiplier')))
  return follow(
    m,
    'rounded',
    clamp(c, c.label(roundShift(c, scaled, c.label(shift, 'shift')), 'shifted_code'), low, high),
  )
}

/** floor((sum + 2^(shift-1)) / 2^shift) of signed sums; the sum itself for a shift of 0. */
export function meanByShift(c: Comb<Node>, sum: Node, shift: Node): Node {
  const half = c.shiftRight(c.shiftLeft(c.constant(1, c.width(sum)), shift), c.constant(1, 1))
  return c.shiftRightArithmetic(c.add(sum, half), shift)
}

interface PoolPorts {
  readonly output_signed: 1
  readonly average: 1
  readonly pool_shift: number
}

/** Running maximum or sum over a window; a layer without pooling has windows of one. */
function pool(
  m: ModuleBuilder,
  rounded: Node,
  finish: Node,
  windowFirst: Node,
  windowLast: Node,
  layer: Record<keyof PoolPorts, Node>,
  codeBits: number,
  poolSumBits: number,
): void {
  const { c } = m
  const delayed = (name: string, x: Node, cycles: number): Node =>
    cycles === 0 ? x : delayed(name, follow(m, `${name}_${cycles}`, x), cycles - 1)
  const first = delayed('first_of_window', windowFirst, 4)
  const last = delayed('last_of_window', windowLast, 4)
  let ready = finish
  for (let stage = 1; stage <= 4; stage++) ready = followReset(m, `ready_${stage}`, ready)

  const width = codeBits + 1 + poolSumBits
  const sign = c.and(layer.output_signed, bit(c, rounded, codeBits - 1))
  const value = c.label(c.signExtend(c.cat(sign, rounded), width), 'code_value')
  const window = m.register('window', width)
  const larger = c.mux(c.lessSigned(window.q, value), value, window.q)
  const combined = c.label(c.mux(layer.average, c.add(window.q, value), larger), 'window_combined')
  const now = c.label(c.mux(first, value, combined), 'window_now')
  window.next(now, ready)

  const mean = c.label(meanByShift(c, now, layer.pool_shift), 'window_mean')
  const result = c.slice(c.label(c.mux(layer.average, mean, now), 'window_result'), codeBits - 1, 0)
  // A column without a filter stores what it holds where channels are added; a four-state simulator must not make unknown sums of it.
  const pooled = m.register('pooled', codeBits, { powerUp: 0 })
  pooled.next(result, c.and(ready, last))
  m.output('pooled_out', pooled.q)
}
