import { indexBits } from '../base/integers.ts'
import type { Comb } from '../comb/comb.ts'
import { bit } from '../comb/derived.ts'
import { defineModule, type Module, type ModuleBuilder, type Node } from '../hdl/module.ts'
import type { AnyPlan } from '../plan/any-plan.ts'
import type { MemoryImages } from '../plan/images.ts'
import { banksRead } from '../plan/merge.ts'
import { momentBits, momentPorts } from '../plan/moments.ts'
import { topName } from '../plan/names.ts'
import { type Plan, parameterBits } from '../plan/plan.ts'
import { layerTops, rowsVary, tileSize, tileTop } from '../plan/size.ts'
import { coreOf, curveDomain, type OwnerCodes, ordersOf, ownerCodes } from '../plan/tile.ts'
import { weightWordBits } from '../plan/words.ts'
import { accumulatorColumn, columnPorts, operandPorts, postPorts } from './accumulator-column.ts'
import { columnAligner } from './column-aligner.ts'
import { controlDelay } from './control-delay.ts'
import { curveTile } from './curve-tile.ts'
import { featureBank } from './feature-bank.ts'
import { all, any, choose, connect, equalTo, inputs, resizeUnsigned } from './gates.ts'
import { mergeColumn, mergePorts, stagePorts } from './merge-column.ts'
import { arrivalPorts, mergeControl, operandLayerPorts } from './merge-control.ts'
import { fillPorts, momentControl, momentRow } from './moment-row.ts'
import { modeBitsOf } from './multiplier-core.ts'
import { outputWriter, writerPorts } from './output-writer.ts'
import { parameterMemory } from './parameter-memory.ts'
import { positionPorts, rowFeeder, rowPorts } from './row-feeder.ts'
import { sequencer } from './sequencer.ts'
import { inputStream, outputStream } from './streams.ts'
import { systolicTile } from './systolic-tile.ts'
import { weightMemory } from './weight-memory.ts'

type Ports = Readonly<Record<string, Node>>

/**
 * The whole accelerator with the native interface. docs/weight-stationary.md says what happens in which cycle. Where the plan has `reload`,
 * the weight and parameter memories have write ports too.
 */
export function buildAccelerator(
  plan: Plan,
  images: MemoryImages,
  name: string = topName(plan.network),
): Module {
  const { rows, columns } = plan.array
  const comment = `Accelerator for ${plan.network}: weight-stationary, ${rows} x ${columns} PEs, ${plan.tiles.length} tile${plan.tiles.length > 1 ? 's' : ''}.`
  return defineModule(name, comment, (m) => {
    const start = m.input('start', 1)
    const inValid = m.input('in_valid', 1)
    const inData = m.input('in_data', plan.widths.code)
    const outReady = m.input('out_ready', 1)
    const loads = plan.reload ? inputs(m, '', loadPorts(plan)) : {}

    const inputWhole = m.wire('input_whole', 1)
    const outputLast = m.wire('output_last', 1)
    const control = m.instance(sequencer(plan), 'u_sequencer', {
      start,
      input_whole: inputWhole.value,
      output_last: outputLast.value,
    })
    const port = (name: string): Node => control[name]!

    const output = m.instance(outputStream(plan), 'u_output', {
      restart: port('output_begin'),
      out_ready: outReady,
    })
    outputLast.drive(output['finished']!)

    const writer = writerPort(m, plan)
    const input = m.instance(inputStream(plan), 'u_input', {
      release_map: port('input_release'),
      begin_run: port('input_begin'),
      storing: writer.stored['store']!,
      in_valid: inValid,
    })
    inputWhole.drive(input['whole_out']!)
    const { feeders, operands, outputData } = rowsOf(
      m,
      plan,
      control,
      { ...input, data: inData },
      output,
      writer.stored,
    )
    const weights = m.instance(weightMemory(plan, images), 'u_weights', {
      read: port('load'),
      address: port('weight_address'),
      ...pick(loads, 'weight_', writePortNames(plan)),
    })
    const sums = tilesOf(m, plan, feeders, weights)
    const vector = columnsOf(m, plan, images, control, sums, pick(loads, 'parameter_', writePortNames(plan)))
    writer.connect(control, plan.merge === undefined ? vector : writer.merge(control, vector, operands))

    m.output('busy', port('busy'))
    m.output('done', port('done'))
    m.output('in_ready', input['in_ready']!)
    m.output('out_valid', output['out_valid']!)
    m.output('out_data', outputData)
    m.output('out_last', output['out_last']!)
  })
}

/** Write ports of the memories whose contents can be loaded at run time. */
export const loadPorts = (plan: AnyPlan): Readonly<Record<string, number>> => ({
  weight_write: 1,
  weight_write_address: plan.widths.weightAddress,
  weight_write_data: weightWordBits(plan),
  parameter_write: 1,
  parameter_write_address: plan.widths.parameterAddress,
  parameter_write_data: parameterBits,
})

const writePortNames = (plan: Plan) => (plan.reload ? ['write', 'write_address', 'write_data'] : [])

/**
 * A bank and a feeder for each row, and a second bank where the map reader reads beside the feeders. The first banks, as many as the output's modulus, also
 * serve the output.
 */
function rowsOf(m: ModuleBuilder, plan: Plan, control: Ports, input: Ports, output: Ports, stored: Ports) {
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
  const counted = m.instance(momentControl(plan), 'u_moment_control', pick(control, 'fill_', fillPorts))
  let bundle = pick(
    counted,
    '',
    names.map((name) => `${name}_out`),
  ) // prettier-ignore
  const row = momentRow(plan)
  const words = Array.from({ length: plan.array.rows }, (_, i) =>
    m.wire(`moment_data_${i}`, momentBits(plan.moments!)),
  )
  const readsMoments = control['reads_moments']!
  return {
    feeds: (i: number) => ({ reads_moments: readsMoments, moment_data: words[i]!.value }),
    connect(i: number, feeder: Ports) {
      const out = m.instance(row, `u_moments_${i}`, {
        ...Object.fromEntries(names.map((name) => [name, bundle[`${name}_out`]!])),
        code: feeder['activation_out']!,
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
  const bank = featureBank(plan)
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

/** The tiles. One without work sums to 0, so the bottom sums are OR-ed, unless tiles work side by side. */
function tilesOf(m: ModuleBuilder, plan: Plan, feeders: readonly Ports[], weights: Ports): Node[] {
  const { c } = m
  const codes = ownerCodes(plan)
  const outputs = plan.tiles.map((tile, t) => {
    const { rows, columns } = tileSize(plan, tile)
    const orders = ordersOf(tile)
    const multiplier = coreOf(tile)
    const domain = orders === undefined ? multiplier.domain : curveDomain(orders)
    const modeBits = modeBitsOf(multiplier)
    const mode = (name: string, node: Node): [string, Node][] =>
      modeBits > 0 ? [[name, c.slice(node, modeBits - 1, 0)]] : []
    const modesFrom = plan.modes?.from
    const module =
      orders === undefined
        ? systolicTile(tile.name, [{ multiplier, shift: 0 }], {
            rows,
            columns,
            accumulatorBits: plan.widths.accumulator,
            masked: plan.masked,
            modesFrom,
          })
        : curveTile(tile.name, orders, plan)
    const entering = orders === undefined ? 'activation_out' : 'moments_out'
    const edge = feeders
      .slice(tileTop(plan, tile))
      .flatMap((feeder, i) => [
        [`activation_${i}`, resizeUnsigned(c, feeder[entering]!, domain.nA)] as const,
        [`active_${i}`, bit(c, feeder['active']!, t)] as const,
        [`load_${i}`, bit(c, feeder['load_out']!, t)] as const,
        [`swap_${i}`, bit(c, feeder['swap']!, t)] as const,
        ...(modesFrom === 'pass' ? mode(`mode_${i}`, feeder['mode_out']!) : []),
      ])
    const buses = Array.from(
      { length: columns },
      (_, j) => [`weight_${j}`, resizeUnsigned(c, weights[`weight_${j}`]!, domain.nB)] as const,
    )
    const owned = plan.masked
      ? buses.map((_, j) => [`owned_${j}`, ownedBy(c, weights[`owner_${j}`]!, codes[t]!)] as const)
      : []
    const modes =
      modesFrom === 'weight' ? buses.flatMap((_, j) => mode(`mode_${j}`, weights[`owner_${j}`]!)) : []
    return m.instance(module, `u_${tile.name}`, Object.fromEntries([...edge, ...buses, ...owned, ...modes]))
  })
  const meet = (...sums: Node[]) => (plan.sideBySide ? sums.reduce((a, b) => c.add(a, b)) : any(c, ...sums))
  return Array.from({ length: plan.array.columns }, (_, j) => {
    const sums = outputs.flatMap((out) => out[`sum_${j}`] ?? [])
    return sums.length === 0 ? c.constant(0, plan.widths.accumulator) : meet(...sums)
  })
}

/** Whether a weight's owner is one of a tile's codes: their low bits count its modes. */
function ownedBy(c: Comb<Node>, owner: Node, { base, count }: OwnerCodes): Node {
  if (count === 1) return equalTo(c, owner, base)
  const [width, low] = [c.width(owner), indexBits(count)]
  const within =
    count === 2 ** low ? c.constant(1, 1) : c.less(c.slice(owner, low - 1, 0), c.constant(count, low))
  if (width === low) return within
  return c.and(within, equalTo(c, c.slice(owner, width - 1, low), base / 2 ** low))
}

/** Control follows the positions down the rows, then right along the columns. */
function columnsOf(
  m: ModuleBuilder,
  plan: Plan,
  images: MemoryImages,
  control: Ports,
  sums: readonly Node[],
  load: Ports,
): Ports {
  const { c } = m
  const names = Object.keys(columnPorts(plan))
  const delayed = m.instance(controlDelay(plan), 'u_control_delay', {
    ...connect('control_', pick(control, 'control_', names)),
    ...(rowsVary(plan) ? { row_top: control['row_top']! } : {}),
  })
  let bundle = pick(delayed, 'late_', names)
  const beginFold = all(c, bundle['valid']!, bundle['begin_fold']!, bundle['last']!)
  const fetched = m.instance(parameterMemory(plan, images), 'u_parameters', {
    clear: control['input_awaited']!,
    begin_fold: beginFold,
    columns: bundle['columns']!,
    ...load,
  })
  const column = accumulatorColumn(plan)
  const layer = pick(control, 'layer_', Object.keys(postPorts(plan)))
  const codes: Record<string, Node> = {}
  for (const [j, sum] of sums.entries()) {
    const out = m.instance(column, `u_column_${j}`, {
      column_index: c.constant(j, c.width(bundle['columns']!)),
      ...connect('control_', bundle),
      ...connect('layer_', layer),
      parameter_word: fetched['parameters_out']!,
      sum,
    })
    codes[`code_${j}`] = out[plan.merge === undefined ? 'pooled_out' : 'code_out']!
    bundle = pick(out, 'next_', names)
  }
  if (plan.merge !== undefined) {
    const arrival = pick(bundle, '', [
      ...Object.keys(arrivalPorts(plan)),
      ...(reads(plan) ? Object.keys(operandPorts) : []),
    ])
    return { valid: c.and(bundle['valid']!, bundle['last']!), ...arrival, ...codes }
  }
  const valid = all(c, bundle['valid']!, bundle['last']!, bundle['window_last']!)
  return { valid, begin_map: bundle['begin_map']!, column_last: bundle['column_last']!, ...codes }
}

const reads = ({ merge }: Plan) => merge?.sets === 2

/** The codes of the columns side by side, through the merge columns; and what drives the map reader's port. */
function mergeOf(m: ModuleBuilder, plan: Plan, control: Ports, arriving: Ports, operands: readonly Node[]) {
  const { c } = m
  const { columns } = plan.array
  const count = Array.from({ length: columns }, (_, j) => j)
  const aligned = m.instance(
    columnAligner(plan),
    'u_aligner',
    pick(
      arriving,
      '',
      count.map((j) => `code_${j}`),
    ),
  )
  const layer = (ports: object) => connect('layer_', pick(control, 'layer_', Object.keys(ports)))
  const lead = m.instance(mergeControl(plan), 'u_merge_control', {
    valid: arriving['valid']!,
    ...pick(arriving, '', Object.keys(arrivalPorts(plan))),
    ...(reads(plan)
      ? {
          ...pick(arriving, '', Object.keys(operandPorts)),
          ...layer({ average: 1, products: 1, ...operandLayerPorts(plan) }),
          begin_layer: control['begin_layer']!,
          ...Object.fromEntries(operands.map((word, i) => [`word_${i}`, word])),
        }
      : {}),
  })
  const settings = layer(mergePorts(plan))
  const stages = Object.fromEntries(
    Object.keys(stagePorts(plan)).map((name) => [name, (lead[name] ?? lead[`${name}_out`])!]),
  )
  const codes = count.map((j) => {
    const out = m.instance(mergeColumn(plan), `u_merge_${j}`, {
      column_index: c.constant(j, c.width(stages['columns']!)),
      code: aligned[`aligned_${j}`]!,
      ...settings,
      ...stages,
      ...(reads(plan)
        ? { operand_word: lead[`operand_word_${j}`]!, operand_take: lead[`operand_take_${j}`]! }
        : {}),
    })
    return [`code_${j}`, out['pooled_out']!] as const
  })
  return {
    lead,
    vector: {
      valid: lead['vector_valid']!,
      begin_map: lead['vector_begin_map']!,
      column_last: lead['vector_column_last']!,
      ...Object.fromEntries(codes),
    },
  }
}

/** The writer stands at the end of the pipeline and feeds the banks at its beginning, so its outputs are declared first. */
function writerPort(m: ModuleBuilder, plan: Plan) {
  const { code, bankAddress } = plan.widths
  const readWires = reads(plan)
    ? { read: m.wire('operand_read', 1), read_address: m.wire('operand_read_address', bankAddress) }
    : {}
  const wires = {
    store: m.wire('store', 1),
    store_address: m.wire('store_address', bankAddress),
    ...readWires,
    ...Object.fromEntries(
      Array.from({ length: plan.array.rows }, (_, i) => [`store_data_${i}`, m.wire(`store_data_${i}`, code)]),
    ),
  }
  return {
    stored: Object.fromEntries(Object.entries(wires).map(([name, wire]) => [name, wire.value])),
    merge(control: Ports, arriving: Ports, operands: readonly Node[]): Ports {
      const { lead, vector } = mergeOf(m, plan, control, arriving, operands)
      for (const [name, wire] of Object.entries(readWires)) wire.drive(lead[name]!)
      return vector
    },
    connect(control: Ports, vector: Ports) {
      const layer = connect('layer_', pick(control, 'layer_', Object.keys(writerPorts(plan))))
      const out = m.instance(outputWriter(plan), 'u_writer', {
        ...layer,
        begin_layer: control['begin_layer']!,
        ...vector,
      })
      for (const [name, wire] of Object.entries(wires)) if (!(name in readWires)) wire.drive(out[name]!)
    },
  }
}

/** The ports of a bundle, by their names without the prefix. */
function pick(ports: Ports, prefix: string, names: readonly string[]): Record<string, Node> {
  return Object.fromEntries(names.map((name) => [name, ports[prefix + name]!]))
}
