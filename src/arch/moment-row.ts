import { indexBits } from '../base/integers.ts'
import type { Comb } from '../comb/comb.ts'
import { extend, gate, resize } from '../comb/derived.ts'
import { defineModule, type Module, type ModuleBuilder, type Node } from '../hdl/module.ts'
import {
  addsKernels,
  bankBits,
  bankPlaces,
  cutWhenRead,
  kernelAdderName,
  type MomentSpec,
  momentFoldBits,
  momentLatency,
  momentPorts,
  momentSpanBits,
  momentStrideBits,
  operandBits,
  unitBits,
  unitName,
} from '../plan/moments.ts'
import type { Plan, PlanMoments } from '../plan/plan.ts'
import {
  all,
  choose,
  equalTo,
  follow,
  followReset,
  inputs,
  type Ports,
  plus,
  resizeUnsigned,
} from './gates.ts'
import { kernelAdder, momentUnit } from './moment-unit.ts'

/** What the streamer says to `momentControl`. */
export const fillPorts = [
  'valid',
  'first_of_fold',
  'first_of_layer',
  'line_last',
  'stride_y_last',
  'stride_x_last',
  'span_y_last',
  'span_x_last',
  'words',
] as const

/** And where groups have several kernels. */
export const addingPorts = ['begun'] as const

/**
 * Counts the pixels of a layer that fills the moment banks: their columns, the windows that are whole and kept, and where their moments go. The
 * bundle for row 0 leaves a cycle after the position was issued.
 */
export function momentControl(plan: Plan): Module {
  const ports = momentPorts(plan)
  const { bankAddress } = plan.widths
  return defineModule(
    'moment_control',
    'Counts the pixels of a padded map, and tells which windows are kept.',
    (m) => {
      const { c } = m
      const valid = m.input('valid', 1)
      const firstOfFold = m.input('first_of_fold', 1)
      const firstOfLayer = m.input('first_of_layer', 1)
      const lineLast = m.input('line_last', ports.column)
      const strides = {
        y: m.input('stride_y_last', momentStrideBits(plan, 0)),
        x: m.input('stride_x_last', momentStrideBits(plan, 1)),
      }
      const spans = {
        y: m.input('span_y_last', momentSpanBits(plan, 0)),
        x: m.input('span_x_last', momentSpanBits(plan, 1)),
      }
      const words = m.input('words', bankAddress)
      const begun = ports.adds === undefined ? undefined : m.input('begun', momentFoldBits(plan))
      const zero = (x: Node) => c.constant(0, c.width(x))

      const column = m.register('column_next', ports.column)
      const now = c.label(c.mux(firstOfFold, zero(column.q), column.q), 'column_now')
      const lineEnds = c.label(c.equal(now, lineLast), 'line_ends')
      column.next(c.mux(lineEnds, zero(now), plus(c, now, 1)), valid)

      const atLine = c.label(equalTo(c, now, 0), 'line_begins')
      const inLine = keeps(m, 'columns_left', spans.x, strides.x, atLine, valid, valid)
      // over a line the count of lines stays: it steps with the last pixel
      const ofLines = keeps(m, 'lines_left', spans.y, strides.y, firstOfFold, c.and(valid, lineEnds), valid)
      const whole = c.label(all(c, valid, inLine, ofLines), 'window_kept')

      // each fold has words of its own, one behind those of the fold before
      const base = m.register('fold_word', bankAddress)
      const fold = c.label(c.mux(firstOfLayer, zero(base.q), plus(c, base.q, 1)), 'fold_word_next')
      base.next(fold, firstOfFold)
      if (begun !== undefined) {
        const foldNow = c.mux(firstOfFold, fold, base.q)
        m.output('adds_out', follow(m, 'adds_passed', c.less(foldNow, resizeUnsigned(c, begun, bankAddress))))
      }
      const word = m.register('word_next', bankAddress)
      const wordNow = c.label(c.mux(firstOfFold, fold, word.q), 'word_now')
      word.next(c.mux(whole, c.add(wordNow, words), wordNow), valid)

      m.output('valid_out', followReset(m, 'valid_passed', valid))
      m.output('line_first_out', follow(m, 'line_first_passed', atLine))
      m.output('whole_out', followReset(m, 'whole_passed', whole))
      m.output('column_out', follow(m, 'column_passed', now))
      m.output('word_out', follow(m, 'word_passed', c.slice(wordNow, ports.word - 1, 0)))
    },
  ) // prettier-ignore
}

/** Whether windows that end here are kept: the first one that is whole, then those of the stride. A count of what is left until the next one. */
function keeps(
  m: ModuleBuilder,
  name: string,
  span: Node,
  stride: Node,
  restart: Node,
  step: Node,
  valid: Node,
): Node {
  const { c } = m
  const width = Math.max(c.width(stride), c.width(span))
  const left = m.register(name, width)
  const now = c.label(c.mux(restart, resizeUnsigned(c, span, width), left.q), `${name}_now`)
  const due = c.label(equalTo(c, now, 0), `${name}_due`)
  const stepped = c.mux(due, resizeUnsigned(c, stride, width), plus(c, now, -1))
  left.next(step === valid ? stepped : c.mux(step, stepped, now), valid)
  return due
}

/** A row's moment units and its bank. A position read in one cycle gives the moments in the next. */
export function momentRow(plan: Plan): Module {
  const moments = plan.moments!
  const { code, bankAddress } = plan.widths
  const addressBits = indexBits(moments.depth)
  return defineModule(
    'moment_row',
    `Moment units and moment bank of one row: ${moments.depth} words.`,
    (m) => {
      const { c } = m
      const unit = unitBits(moments) === 0 ? undefined : m.input('unit', unitBits(moments))
      const early = inputs(m, '', momentPorts(plan))
      const activation = m.input('code', code)
      const read = m.input('read', 1)
      const address = m.input('read_address', bankAddress)

      const valid = followReset(m, 'valid_now', early.valid)
      const first = follow(m, 'line_first_now', early.line_first)
      const lines = moments.units.some(({ rows }) => rows > 1)
      const column = lines ? follow(m, 'column_now', early.column) : undefined
      const found = moments.units.map((spec, u) => {
        const works = (x: Node) => (unit === undefined ? x : c.and(x, equalTo(c, unit, u)))
        const within = (x: Node) => c.slice(x, indexBits(spec.lineWidth) - 1, 0)
        const out = m.instance(
          momentUnit(spec, unitName(moments, u)),
          unit === undefined ? 'u_unit' : `u_unit_${u}`,
          {
            valid: works(valid),
            line_first: first,
            code: c.slice(activation, spec.codeBits - 1, 0),
            ...(spec.rows > 1
              ? { read: works(early.valid), read_column: within(early.column), column: within(column!) }
              : {}),
          },
        )
        return { spec, out }
      })
      let [store, word, adds] = [early.whole, early.word, early.adds]
      // a cycle before it is written, a word to which moments are added is read
      let [fetch, fetched] = [store, word]
      for (let stage = 0; stage <= momentLatency; stage++) {
        ;[fetch, fetched] = [store, word]
        store = followReset(m, `store_${stage}`, store)
        word = follow(m, `word_${stage}`, word)
        if (adds !== undefined) adds = follow(m, `adds_${stage}`, adds)
      }
      const memory = m.memory('moments', { width: bankBits(moments), depth: moments.depth })
      const asked = c.slice(address, addressBits - 1, 0)
      const kept =
        adds === undefined
          ? memory.read('data_read', asked, read)
          : memory.read('data_read', c.mux(fetch, fetched, asked), c.or(fetch, read))
      const before = adds === undefined ? [] : placesOf(c, moments, gate(c, kept, adds))
      const stored = found.map(({ spec, out }, u) =>
        bankWord(c, moments, spec, spec.kernels > 1 ? addKernel(m, moments, u, before, out) : out),
      )
      memory.write(store, word, unit === undefined ? stored[0]! : choose(c, unit, stored))
      m.output('data', operandsOf(c, moments, kept, unit))

      for (const [name, node] of Object.entries(early)) {
        const bits = name === 'valid' || name === 'whole'
        m.output(
          `${name}_out`,
          bits ? followReset(m, `${name}_passed`, node) : follow(m, `${name}_passed`, node),
        )
      }
    },
  ) // prettier-ignore
}

/** The moments of a unit, each at the place of its order; 0 where there is no such order. */
function bankWord(c: Comb<Node>, moments: PlanMoments, { orders }: MomentSpec, found: Ports): Node {
  const places = bankPlaces(moments).map((bits, order) => {
    const moment = found[`moment_${order}`]
    return moment === undefined ? c.constant(0, bits) : extend(c, moment, orders[order]!.signed, bits)
  })
  return c.cat(...places.reverse())
}

/** The places of a word, by order. */
function placesOf(c: Comb<Node>, moments: PlanMoments, word: Node): Node[] {
  let low = 0
  return bankPlaces(moments).map((bits) => {
    const place = c.slice(word, low + bits - 1, low)
    low += bits
    return place
  })
}

/** The moments of a kernel with those of the kernels behind it in its group. */
function addKernel(
  m: ModuleBuilder,
  moments: PlanMoments,
  unit: number,
  before: readonly Node[],
  found: Ports,
): Ports {
  const spec = moments.units[unit]!
  const name = kernelAdderName(moments, unit)
  const sums = spec.orders.map(({ wholeBits }, order) => [
    `sum_${order}`,
    m.c.slice(before[order]!, wholeBits - 1, 0),
  ])
  const out = m.instance(kernelAdder(spec, name), `u_${name}`, { ...Object.fromEntries(sums), ...found })
  return Object.fromEntries(spec.orders.map((_, order) => [`moment_${order}`, out[`next_${order}`]!]))
}

/** The operands that a word has, as the unit says from which it comes. */
function operandsOf(c: Comb<Node>, moments: PlanMoments, word: Node, unit: Node | undefined): Node {
  if (!addsKernels(moments)) return word
  const places = placesOf(c, moments, word)
  const words = moments.units.map((spec) => {
    const operands = operandBits(moments).map((bits, order) => {
      const moment = spec.orders[order]
      if (moment === undefined) return c.constant(0, bits)
      const place = places[order]!
      return resize(c, c.slice(place, c.width(place) - 1, cutWhenRead(spec, order)), moment.signed, bits)
    })
    return c.cat(...operands.reverse())
  })
  return unit === undefined ? words[0]! : choose(c, unit, words)
}

/** The moments that enter a row of the array: 0 where the row has no work, or its layer reads codes. */
export function momentRegisters(m: ModuleBuilder, plan: Plan, word: Node, keep: Node): Node {
  const { c } = m
  let low = 0
  const parts = operandBits(plan.moments!).map((bits, order) => {
    const part = c.slice(word, low + bits - 1, low)
    low += bits
    return follow(m, `moment_${order}`, gate(c, part, keep))
  })
  return c.cat(...parts.reverse())
}
