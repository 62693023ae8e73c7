import { indexBits } from '../base/integers.ts'
import type { Comb } from '../comb/comb.ts'
import { bit } from '../comb/derived.ts'
import type { ModuleBuilder, Node } from '../hdl/module.ts'
import { banksRead } from '../plan/merge.ts'
import { addsKernels, momentPorts, operandBits, unitBits } from '../plan/moments.ts'
import type { Plan } from '../plan/plan.ts'
import { layerTops, rowsVary } from '../plan/size.ts'
import { featureBank } from './feature-bank.ts'
import { choose, connect, equalTo, type Ports, pick } from './gates.ts'
import { addingPorts, fillPorts, momentControl, momentRow } from './moment-row.ts'
import { positionPorts, rowFeeder, rowPorts } from './row-feeder.ts'

/**
 * A bank and a feeder for each row, and a second bank where the map reader reads beside the feeders. The first banks, as many as the output's modulus, also
 * serve the output.
 */
export function rowsOf(
  m: ModuleBuilder,
  plan: Plan,
  control: Ports,
  input: Ports,
  output: Ports,
  stored: Ports,
) {
  const { c } = m
  const { rows } = plan.array
  const feeder = rowFeeder(plan)
  const rowBits = indexBits(rows)
  const row = pick(control, '', Object.keys(rowPorts(plan)))
  const issued = pick(control, 'position_', Object.keys(positionPorts(plan)))
  let position = issued
  const feeders: Ports[] = []
  const words: Node[] = []
  const operands: Node[] = []
  const moments = momentsOf(m, plan, control)
  for (let i = 0; i < rows; i++) {
    // The bank's data goes into the feeder that makes its address: a wire closes the circle (through the bank's register).
    const data = m.wire(`bank_data_${i}`, plan.widths.code)
    if (rowsVary(plan)) position = enterRow(c, plan, i, control['row_top']!, issued, position)
    const out = m.instance(feeder, `u_feeder_${i}`, {
      row_index: c.constant(i, rowBits),
      ...row,
      ...connect('position_', position),
      height: control['height']!,
      width: control['width']!,
      bank_data: data.value,
      ...moments.feeds(i),
    })
    moments.connect(i, out)
    const lane = i % plan.input.modulus
    const hostWrite =
      plan.input.modulus === 1
        ? input['take_out']!
        : c.and(input['take_out']!, equalTo(c, input['lane_out']!, lane))
    const write = {
      host_write: hostWrite,
      host_address: input['address_out']!,
      host_data: input['data']!,
      store: stored['store']!,
      store_address: stored['store_address']!,
      store_data: stored[`store_data_${i}`]!,
    }
    const read = { read: out['bank_read']!, read_address: out['bank_address']! }
    const { fed, operand, offered } = banksOfRow(m, plan, i, control, output, stored, write, read)
    data.drive(fed)
    words.push(offered)
    if (operand !== undefined) operands.push(operand)
    feeders.push(out)
    position = pick(out, 'next_', Object.keys(positionPorts(plan)))
  }
  const served = words.slice(0, plan.output.modulus)
  return {
    feeders,
    operands,
    outputData: served.length === 1 ? served[0]! : choose(c, output['lane_read_out']!, served),
  }
}

/** The moment units and banks of the rows, where the plan has some: each feeds its row's feeder, whose codes it takes. */
function momentsOf(m: ModuleBuilder, plan: Plan, control: Ports) {
  if (plan.moments === undefined) return { feeds: () => ({}), connect: () => {} }
  const { c } = m
  const names = Object.keys(momentPorts(plan))
  const counted = m.instance(
    momentControl(plan),
    'u_moment_control',
    pick(control, 'fill_', addsKernels(plan.moments) ? [...fillPorts, ...addingPorts] : fillPorts),
  )
  let bundle = pick(
    counted,
    '',
    names.map((name) => `${name}_out`),
  ) // prettier-ignore
  const row = momentRow(plan)
  const words = Array.from({ length: plan.array.rows }, (_, i) =>
    m.wire(
      `moment_data_${i}`,
      operandBits(plan.moments!).reduce((sum, bits) => sum + bits),
    ),
  )
  const readsMoments = control['reads_moments']!
  return {
    feeds: (i: number) => ({ reads_moments: readsMoments, moment_data: words[i]!.value }),
    connect(i: number, feeder: Ports) {
      const out = m.instance(row, `u_moments_${i}`, {
        ...Object.fromEntries(names.map((name) => [name, bundle[`${name}_out`]!])),
        code: feeder['activation_out']!,
        ...(unitBits(plan.moments!) === 0 ? {} : { unit: control['moment_unit']! }),
        read: c.and(feeder['bank_read']!, readsMoments),
        read_address: feeder['bank_address']!,
      })
      words[i]!.drive(out['data']!)
      bundle = out
    },
  }
}

/** What a row's banks give: the code for its feeder, the one for the map reader, and the one for the host. */
interface RowWords {
  readonly fed: Node
  readonly operand: Node | undefined
  readonly offered: Node
}

/** The bank of a row, or its two, of which the layer says which one the feeders read. */
function banksOfRow(
  m: ModuleBuilder,
  plan: Plan,
  i: number,
  control: Ports,
  output: Ports,
  stored: Ports,
  write: Ports,
  read: Ports,
): RowWords {
  const { c } = m
  const bank = featureBank(plan, 'row of the array')
  if (plan.merge?.sets !== 2) {
    const port = withOutput(c, plan, i, output, read)
    const { data } = m.instance(bank, `u_bank_${i}`, { ...write, ...port })
    return { fed: data!, operand: undefined, offered: data! }
  }
  const other =
    i < banksRead(plan) ? { read: stored['read']!, read_address: stored['read_address']! } : undefined
  const holds = (sets: number, set: number) => ((sets >> set) & 1) === 1
  const one = (set: 0 | 1) => {
    const mine = set === 0 ? c.not(control['read_set']!) : control['read_set']!
    const port =
      other === undefined
        ? { read: c.and(read['read']!, mine), read_address: read['read_address']! }
        : {
            read: c.mux(mine, read['read']!, other.read),
            read_address: c.mux(mine, read['read_address']!, other.read_address),
          }
    const host = holds(plan.input.sets!, set) ? write['host_write']! : c.constant(0, 1)
    const { data } = m.instance(bank, set === 0 ? `u_bank_${i}` : `u_second_bank_${i}`, {
      ...write,
      host_write: host,
      store: c.and(write['store']!, bit(c, control['store_sets']!, set)),
      ...(outputSet(plan) === set ? withOutput(c, plan, i, output, port) : port),
    })
    return data!
  }
  const [first, second] = [one(0), one(1)]
  return {
    fed: c.mux(control['read_set']!, second, first),
    operand: other && c.mux(control['read_set']!, first, second),
    offered: outputSet(plan) === 0 ? first : second,
  }
}

/** The set that the host reads the output from. */
const outputSet = ({ output }: Plan) => ((output.sets! & 1) === 1 ? 0 : 1)

/** The read port of bank i where it serves the output too. */
function withOutput(c: Comb<Node>, plan: Plan, i: number, output: Ports, port: Ports): Ports {
  if (i >= plan.output.modulus) return port
  const fetch = output['fetch_out']!
  const mine = plan.output.modulus === 1 ? fetch : c.and(fetch, equalTo(c, output['lane_out']!, i))
  return {
    read: c.or(port['read']!, mine),
    read_address: c.mux(fetch, output['address_out']!, port['read_address']!),
  }
}

/** The position that row i is given: the issued one where the layer begins at it, else what comes down from the row above. */
function enterRow(c: Comb<Node>, plan: Plan, i: number, top: Node, issued: Ports, passed: Ports): Ports {
  if (i > 0 && !layerTops(plan).includes(i)) return passed
  const enters = c.label(equalTo(c, top, i), `layer_begins_at_${i}`)
  if (i > 0)
    return Object.fromEntries(
      Object.entries(passed).map(([name, node]) => [name, c.mux(enters, issued[name]!, node)]),
    )
  return { ...issued, valid: c.and(issued['valid']!, enters), swap: c.and(issued['swap']!, enters) }
}
