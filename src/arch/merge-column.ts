import { clampSigned, roundShift } from '../arith/requantiser.ts'
import { unsignedBits } from '../base/integers.ts'
import { gate, msb } from '../comb/derived.ts'
import { defineModule, type Module, type ModuleBuilder, type Node } from '../hdl/module.ts'
import { meanBits, meanBy, mergeBits } from '../plan/merge.ts'
import type { Plan } from '../plan/plan.ts'
import { meanByShift, poolShiftBits } from './accumulator-column.ts'
import { follow, inputs } from './gates.ts'

/** Settings of the layer that runs. */
export function mergePorts(plan: Plan) {
  if (plan.merge === undefined) return {}
  const { sets, reciprocal } = plan.merge
  return {
    code_signed: 1,
    average: 1,
    ...(meanBy(plan) === 'shift' ? { pool_shift: poolShiftBits(plan) } : {}),
    ...(reciprocal === undefined
      ? {}
      : { reciprocal: reciprocal.bits, average_offset: mergeBits(plan).offset }),
    ...(sets === 1
      ? {}
      : {
          products: 1,
          code_multiplier: 16,
          operand_multiplier: 16,
          merge_shift: 6,
          merge_low: 9,
          merge_high: 9,
          operand_signed: 1,
        }),
  }
}

/** When a column does what, and for which columns: the same for all of them, since their codes are aligned. */
export const stagePorts = (plan: Plan) => ({
  combine: 1,
  columns: unsignedBits(plan.array.columns),
  collect: 1,
  collect_first: 1,
  ...(plan.merge?.sets === 2 ? { nothing: 1 } : {}),
  finish: 1,
})

/**
 * One column behind the alignment: the array's code meets the code of a map (both scaled, and rounded once: docs/numerics.md), and what comes of it goes into the
 * maximum or the sum of a window. A register behind each step: operand, scaled, merged, window, pooled.
 */
export function mergeColumn(plan: Plan): Module {
  const { code } = plan.widths
  return defineModule(
    'merge_column',
    "Merge column: the array's code and a map's, scaled and added, then pooled; or one of them alone (docs/weight-stationary.md).",
    (m) => {
      const { c } = m
      const number = m.input('column_index', unsignedBits(plan.array.columns))
      const layer = inputs(m, 'layer_', mergePorts(plan)) as Readonly<Record<string, Node>>
      const stage = inputs(m, '', stagePorts(plan)) as Readonly<Record<string, Node>>
      const arriving = m.input('code', code)
      const extended = (x: Node, signed: Node) => c.cat(c.and(signed, msb(c, x)), x)
      const fresh = c.label(extended(arriving, layer['code_signed']!), 'array_code')
      const next = plan.merge?.sets === 2 ? withOperand(m, layer, fresh, code) : follow(m, 'scaled', fresh)

      const mine = c.label(c.less(number, stage['columns']!), 'mine')
      // A column without a filter stores what it holds where channels are added; a four-state simulator must not make unknown sums of it.
      const merged = m.register('merged', code + 1, { powerUp: 0 })
      merged.next(next, c.label(c.and(stage['combine']!, mine), 'take_code'))
      pool(m, plan, layer, stage, merged.q)
    },
  )
}

/** The sum of the array's code and the map's, in the order of the registers. */
function withOperand(
  m: ModuleBuilder,
  layer: Readonly<Record<string, Node>>,
  fresh: Node,
  codeBits: number,
): Node {
  const { c } = m
  // a layer without an operand multiplies it by 0: a four-state simulator must know what
  const register = m.register('operand', codeBits, { powerUp: 0 })
  register.next(m.input('operand_word', codeBits), m.input('operand_take', 1))
  const operand = register.q
  const signed = c.label(c.cat(c.and(layer['operand_signed']!, msb(c, operand)), operand), 'map_code')
  const scaled = (name: string, x: Node, multiplier: Node) =>
    follow(m, name, c.mulSigned(x, c.zeroExtend(multiplier, 17)))
  const computed = c.label(gate(c, fresh, layer['products']!), 'array_code_or_0')
  const own = scaled('code_scaled', computed, layer['code_multiplier']!)
  const other = scaled('operand_scaled', signed, layer['operand_multiplier']!)
  const width = c.width(own) + 1
  const sum = c.label(c.add(c.signExtend(own, width), c.signExtend(other, width)), 'scaled_sum')
  const rounded = roundShift(c, c.signExtend(sum, 50), layer['merge_shift']!)
  return clampSigned(c, rounded, layer['merge_low']!, layer['merge_high']!)
}

/** Running maximum or sum over a window, and its mean. */
function pool(
  m: ModuleBuilder,
  plan: Plan,
  layer: Readonly<Record<string, Node>>,
  stage: Readonly<Record<string, Node>>,
  merged: Node,
): void {
  const { c } = m
  const width = mergeBits(plan).window
  const { code } = plan.widths
  const wide = c.signExtend(merged, width)
  // less than any code
  const least = c.constant(-(2 ** code), width)
  const value =
    stage['nothing'] === undefined ? wide : c.label(c.mux(stage['nothing'], least, wide), 'window_value')
  const window = m.register('window', width)
  const larger = c.mux(c.lessSigned(window.q, value), value, window.q)
  const combined =
    meanBy(plan) !== undefined ? c.mux(layer['average']!, c.add(window.q, value), larger) : larger
  window.next(c.mux(stage['collect_first']!, value, c.label(combined, 'window_combined')), stage['collect']!)
  const largest = c.slice(window.q, code - 1, 0)
  const average = mean(m, plan, layer, window.q)
  const result = average === undefined ? largest : c.mux(layer['average']!, average, largest)
  const pooled = m.register('pooled', code, { powerUp: 0 })
  pooled.next(result, stage['finish']!)
  m.output('pooled_out', pooled.q)
}

/** The code that is the mean of a window with this sum, where some layer averages. */
function mean(
  m: ModuleBuilder,
  plan: Plan,
  layer: Readonly<Record<string, Node>>,
  sum: Node,
): Node | undefined {
  const { c } = m
  const by = meanBy(plan)
  if (by === 'reciprocal') return meanByReciprocal(m, plan, layer, sum)
  if (by === undefined) return undefined
  return c.slice(c.label(meanByShift(c, sum, layer['pool_shift']!), 'window_mean'), plan.widths.code - 1, 0)
}

/** ((sum + offset) * reciprocal >> shift) - 128: the rule and its proof stand in src/plan/average.ts. */
function meanByReciprocal(
  m: ModuleBuilder,
  plan: Plan,
  layer: Readonly<Record<string, Node>>,
  sum: Node,
): Node {
  const { c } = m
  const { code } = plan.widths
  const { shift } = plan.merge!.reciprocal!
  const bits = meanBits(plan)
  const width = Math.max(bits, c.width(sum))
  const offset = layer['average_offset']!
  const positive = c.slice(
    c.label(c.add(c.signExtend(sum, width), c.zeroExtend(offset, width)), 'sum_positive'),
    bits - 1,
    0,
  )
  const quotient = c.slice(
    c.label(c.mul(positive, layer['reciprocal']!), 'quotient'),
    shift + code - 1,
    shift,
  )
  return c.xor(quotient, c.constant(2 ** (code - 1), code))
}
