import { gate } from '../../comb/derived.ts'
import type { Module, ModuleBuilder, Node } from '../../hdl/module.ts'
import { inputShift, inputShifts } from '../../plan/row/layout.ts'
import { type BankSource, bankDelay, bankUsed, type RowPlan } from '../../plan/row/plan.ts'
import { featureBank } from '../feature-bank.ts'
import { all, any, choose, equalTo, type Ports } from '../gates.ts'
import type { Build } from './build.ts'
import { inputLine } from './input-line.ts'
import { late } from './issue-delay.ts'

/** A bank and a line for each row of each channel at work. The first banks also serve the output. */
export function banksOf(build: Build<RowPlan>, delayed: Ports, input: Ports, output: Ports, stored: Ports) {
  const { m, plan } = build
  const { c } = m
  const bank = featureBank(plan, 'input line')
  const line = inputLine(plan)
  const served = plan.output.layout.period
  const writes = bankWrites(m, plan, input, stored)
  const readPort = (index: number, reads: Node, address: Node) => {
    if (index >= served) return { read: reads, read_address: address }
    const fetch = output['fetch_out']!
    const mine = served === 1 ? fetch : c.and(fetch, equalTo(c, output['lane_out']!, index))
    return { read: c.or(reads, mine), read_address: c.mux(fetch, output['address_out']!, address) }
  }
  const lines: Ports[] = []
  const words: Node[] = []
  for (let b = 0; b < plan.banks; b++) {
    const data = m.wire(`bank_data_${b}`, plan.widths.code)
    const { out, address } = lineOf(build, line, delayed, b, data.value)
    const { data: word } = m.instance(bank, `u_bank_${b}`, {
      ...writes(b),
      ...readPort(b, out['bank_read']!, address),
    })
    data.drive(word!)
    words.push(word!)
    lines.push(out)
  }
  const outputs = words.slice(0, served)
  return {
    lines,
    outputData: outputs.length === 1 ? outputs[0]! : choose(c, output['lane_read_out']!, outputs),
  }
}

/** Line b, which takes `data`; and the address that comes to it. */
export function lineOf(
  { m, plan, wires, geometry }: Build,
  line: Module,
  delayed: Ports,
  b: number,
  data: Node,
) {
  const after = (name: string) =>
    wires.pick(
      geometry,
      (layer) => (bankUsed(layer, b) ? bankDelay(layer, b) : undefined),
      (delay) => delayed[late(name, delay)]!,
    ) ?? delayed[late(name, 0)]!
  const out = m.instance(line, `u_line_${b}`, {
    line_index: wires.number(geometry, plan.widths.line, (layer) =>
      bankUsed(layer, b) ? b % layer.layout.lines : 0,
    ),
    used: wires.number(geometry, 1, (layer) => (bankUsed(layer, b) ? 1 : 0)),
    valid: after('valid'),
    inside_x: after('inside_x'),
    row_low: after('row_low'),
    row_high: after('row_high'),
    bank_data: data,
  })
  return { out, address: after('address') }
}

/** What the host and the writer store in a bank. */
function bankWrites(m: ModuleBuilder, plan: RowPlan, input: Ports, stored: Ports) {
  const { c } = m
  const { code, bankAddress } = plan.widths
  const { layout } = plan.input
  const shifts = inputShifts(plan)
  const patterns = plan.patterns.map((_, index) =>
    c.label(equalTo(c, stored['store_pattern']!, index), `pattern_is_${index}`),
  )
  const host = (b: number) => {
    if (b >= layout.channels * layout.lines)
      return { host_write: c.constant(0, 1), host_address: c.constant(0, bankAddress) }
    const shift = shifts.indexOf(inputShift(layout, b))
    const row = (b % layout.lines) % layout.period
    const lane = Math.floor(b / layout.lines)
    return {
      host_write: all(
        c,
        input['take_out']!,
        input[`exists_${shift}`]!,
        equalTo(c, input['row_out']!, row),
        ...(layout.channels === 1 ? [] : [equalTo(c, input['lane_out']!, lane)]),
      ),
      host_address: input[`address_${shift}`]!,
    }
  }
  const write = (b: number) => {
    const sources = new Map<string, { readonly source: BankSource; readonly patterns: Node[] }>()
    for (const [index, pattern] of plan.patterns.entries()) {
      const source = pattern[b]
      if (source == null) continue
      const key = JSON.stringify(source)
      const known = sources.get(key) ?? { source, patterns: [] }
      known.patterns.push(patterns[index]!)
      sources.set(key, known)
    }
    const found = [...sources.values()].map(({ source, patterns }) => ({ source, when: any(c, ...patterns) }))
    if (found.length === 0)
      return {
        store: c.constant(0, 1),
        store_address: c.constant(0, bankAddress),
        store_data: c.constant(0, code),
      }
    const chosen = (of: (source: BankSource) => Node) =>
      found.map(({ source, when }) => gate(c, of(source), when)).reduce((a, b) => c.or(a, b))
    return {
      store: chosen(({ channel, lane, shift }) =>
        all(
          c,
          stored[`store_${shift}`]!,
          stored[`lane_valid_${lane}`]!,
          equalTo(c, stored['store_channel']!, channel),
        ),
      ),
      store_address: chosen(({ shift }) => stored[`address_${shift}`]!),
      store_data: chosen(({ lane }) => stored[`lane_${lane}`]!),
    }
  }
  return (b: number) => ({ ...host(b), host_data: input['data']!, ...write(b) })
}
