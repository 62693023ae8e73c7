import { bit, gate } from '../../comb/derived.ts'
import { defineModule, type Module, type ModuleBuilder, type Node } from '../../hdl/module.ts'
import type { MemoryImages } from '../../plan/images.ts'
import { topName } from '../../plan/names.ts'
import { rowDelays } from '../../plan/row/delays.ts'
import { inputShift, inputShifts } from '../../plan/row/layout.ts'
import {
  type BankSource,
  bankDelay,
  bankUsed,
  chainPlace,
  columnPlace,
  type RowLayer,
  type RowPlan,
  tapOf,
} from '../../plan/row/plan.ts'
import {
  drainFields,
  loadPorts,
  parameterFields,
  postFields,
  readPorts,
  selectPorts,
  storedLanes,
  sumPorts,
  tallest,
  windowBits,
  windowHeights,
  workPorts,
  writerFields,
} from '../../plan/row/ports.ts'
import { hasSides, kernelFolded, partial, rowFields } from '../../plan/row/program.ts'
import { coreOf } from '../../plan/tile.ts'
import { loadPorts as memoryPorts } from '../accelerator.ts'
import { featureBank } from '../feature-bank.ts'
import { all, any, choose, connect, equalTo, inputs, resizeUnsigned } from '../gates.ts'
import { chainEnd } from './chain-end.ts'
import { drain } from './drain.ts'
import { inputLine } from './input-line.ts'
import { issueDelay, late } from './issue-delay.ts'
import { columnFlags, rowColumn } from './row-column.ts'
import { rowParameters } from './row-parameters.ts'
import { exitRows, rowTile } from './row-tile.ts'
import { rowWriter } from './row-writer.ts'
import { rowSequencer } from './sequencer.ts'
import { rowInputStream, rowOutputStream } from './streams.ts'
import { weightLanes } from './weight-lanes.ts'
import { type Wiring, wiring } from './wiring.ts'

type Ports = Readonly<Record<string, Node>>

const writePortNames = (plan: RowPlan) => (plan.reload ? ['write', 'write_address', 'write_data'] : [])

/** What the stations of one design share while they are wired. */
interface Build {
  readonly m: ModuleBuilder
  readonly plan: RowPlan
  readonly wires: Wiring
  readonly control: Ports
  readonly geometry: Node
}

/**
 * The whole row-stationary accelerator with the native interface; docs/row-stationary.md says what happens in which cycle. Where the plan has `reload`, the
 * weight and parameter memories have write ports too.
 */
export function buildRowAccelerator(
  plan: RowPlan,
  images: MemoryImages,
  name: string = topName(plan.network),
): Module {
  const { rows, columns } = plan.array
  const comment = `Accelerator for ${plan.network}: row-stationary, ${rows} x ${columns} PEs, ${plan.tiles.length} tile${plan.tiles.length > 1 ? 's' : ''}.`
  return defineModule(name, comment, (m) => {
    const start = m.input('start', 1)
    const inValid = m.input('in_valid', 1)
    const inData = m.input('in_data', plan.widths.code)
    const outReady = m.input('out_ready', 1)
    const loads = plan.reload ? inputs(m, '', memoryPorts(plan)) : {}

    const inputWhole = m.wire('input_whole', 1)
    const outputLast = m.wire('output_last', 1)
    const control = m.instance(rowSequencer(plan), 'u_sequencer', {
      start,
      input_whole: inputWhole.value,
      output_last: outputLast.value,
    })
    const port = (name: string): Node => control[name]!
    const build: Build = { m, plan, wires: wiring(m.c, plan), control, geometry: port('layer_geometry') }

    const output = m.instance(rowOutputStream(plan), 'u_output', {
      restart: port('output_begin'),
      out_ready: outReady,
    })
    outputLast.drive(output['finished']!)
    const writer = writerPort(build)
    const input = m.instance(rowInputStream(plan), 'u_input', {
      release_map: port('input_release'),
      begin_run: port('input_begin'),
      storing: writer.stored['storing']!,
      in_valid: inValid,
    })
    inputWhole.drive(input['whole_out']!)

    const issued = { ...readPorts(plan), ...selectPorts(plan), ...workPorts(plan), ...sumPorts(plan) }
    const delayed = m.instance(
      issueDelay(plan),
      'u_issue',
      pick(control, 'issue_', ['valid', 'finish', ...Object.keys(issued)], 'issue_'),
    )
    const { lines, outputData } = banksOf(build, delayed, { ...input, data: inData }, output, writer.stored)
    const sums = tilesOf(build, images, delayed, lines, pick(loads, 'weight_', writePortNames(plan)))
    const vector = columnsOf(build, images, delayed, sums, pick(loads, 'parameter_', writePortNames(plan)))
    writer.connect(vector)

    m.output('busy', port('busy'))
    m.output('done', port('done'))
    m.output('in_ready', input['in_ready']!)
    m.output('out_valid', output['out_valid']!)
    m.output('out_data', outputData)
    m.output('out_last', output['out_last']!)
  })
}

/** A bank and a line for each row of each channel at work. The first banks also serve the output. */
function banksOf(
  { m, plan, wires, geometry }: Build,
  delayed: Ports,
  input: Ports,
  output: Ports,
  stored: Ports,
) {
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
    const after = (name: string) =>
      wires.pick(
        geometry,
        (layer) => (bankUsed(layer, b) ? bankDelay(layer, b) : undefined),
        (delay) => delayed[late(name, delay)]!,
      ) ?? delayed[late(name, 0)]!
    const data = m.wire(`bank_data_${b}`, plan.widths.code)
    const out = m.instance(line, `u_line_${b}`, {
      line_index: wires.number(geometry, plan.widths.line, (layer) =>
        bankUsed(layer, b) ? b % layer.layout.lines : 0,
      ),
      used: wires.number(geometry, 1, (layer) => (bankUsed(layer, b) ? 1 : 0)),
      valid: after('valid'),
      inside_x: after('inside_x'),
      row_low: after('row_low'),
      row_high: after('row_high'),
      bank_data: data.value,
    })
    const { data: word } = m.instance(bank, `u_bank_${b}`, {
      ...writes(b),
      ...readPort(b, out['bank_read']!, after('address')),
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

/** The tiles, fed by the lines and the weight lanes; the sums at the ends of the chains, [chain][column]. A tile without work sums to 0, so they are OR-ed. */
function tilesOf(
  build: Build,
  images: MemoryImages,
  delayed: Ports,
  lines: readonly Ports[],
  load: Ports,
): Node[][] {
  const { m, plan, wires, control, geometry } = build
  const { c } = m
  const lanes = m.instance(weightLanes(plan, images), 'u_weights', {
    geometry,
    read: control['load']!,
    address: control['weight_address']!,
    ...pick(control, 'load_', Object.keys(loadPorts(plan)), 'load_'),
    ...load,
  })
  const rows = Array.from({ length: plan.array.rows }, (_, row) => rowControl(build, delayed, row))
  const taps = rows.map(({ fold }, row) =>
    Array.from({ length: plan.array.columns }, (_, column) => tapNode(build, lines, row, column, fold)),
  )
  const columns = Array.from({ length: plan.array.columns }, (_, column): Ports => {
    const used = wires.number(geometry, 1, (layer) => (columnPlace(layer, column) === undefined ? 0 : 1))
    const side = wires.number(geometry, plan.widths.side, (layer) => columnPlace(layer, column)?.side ?? 0)
    return { used, ...(plan.layers.some(hasSides) ? { side } : {}) }
  })
  const outputs = plan.tiles.map((tile, t) => {
    const multiplier = coreOf(tile)
    const { nA, nB } = multiplier.domain
    const ofRows = rows.flatMap(({ active, tiles, select, begins }, i) => {
      const mine = tiles === undefined ? active : c.and(active, bit(c, tiles, t))
      const valid = lanes[`valid_${i}`] ?? c.constant(0, 1)
      const loadTile = lanes[`tile_${i}`]
      const weight = lanes[`weight_${i}`]
      const word: [string, Node][] = [
        ...Object.keys(loadPorts(plan)).flatMap((name): [string, Node][] =>
          name === 'tile'
            ? []
            : [[`load_${name}_${i}`, lanes[`${name}_${i}`] ?? c.constant(0, loadPorts(plan)[name]!)]],
        ),
        [`weight_${i}`, weight === undefined ? c.constant(0, nB) : resizeUnsigned(c, weight, nB)],
      ]
      if (plan.masked) {
        const owner = lanes[`owner_${i}`]
        word.push([`owned_${i}`, owner === undefined ? c.constant(0, 1) : equalTo(c, owner, t)])
      }
      return [
        ...(begins === undefined ? [] : [[`chain_begins_${i}`, begins] as [string, Node]]),
        [`active_${i}`, mine],
        ...Object.entries(select).map(([name, node]): [string, Node] => [`select_${name}_${i}`, node]),
        [`load_${i}`, loadTile === undefined ? valid : c.and(valid, bit(c, loadTile, t))],
        ...word,
        ...taps[i]!.map((tap, j): [string, Node] => [`activation_${i}_${j}`, resizeUnsigned(c, tap, nA)]),
      ] as [string, Node][]
    })
    const ofColumns = columns.flatMap((ports, j) =>
      Object.entries(ports).map(([name, node]): [string, Node] => [`column_${name}_${j}`, node]),
    )
    const module = rowTile(tile.name, multiplier, plan)
    return m.instance(module, `u_${tile.name}`, Object.fromEntries([...ofColumns, ...ofRows]))
  })
  return chainSums(build, outputs)
}

/** What a row of PEs is told of the product that is there. */
function rowControl({ m, plan, wires, geometry }: Build, delayed: Ports, row: number) {
  const { c } = m
  const place = (layer: RowLayer) => chainPlace(layer, row)?.row
  const after = (name: string, delay: (row: number) => number) =>
    wires.pick(geometry, place, (at) => delayed[late(name, delay(at))]!)
  const used = wires.number(geometry, 1, (layer) => (place(layer) === undefined ? 0 : 1))
  const valid = after('valid', rowDelays.work) ?? c.constant(0, 1)
  const depth = plan.layers.some(partial) ? after('depth', rowDelays.work) : undefined
  const inDepth =
    depth === undefined
      ? []
      : [
          c.less(
            wires.number(geometry, plan.widths.chain, (layer) => place(layer) ?? 0),
            depth,
          ),
        ]
  return {
    active: c.label(all(c, valid, used, ...inDepth), `row_${row}_active`),
    fold: plan.layers.some(kernelFolded) ? after('kernel_fold', rowDelays.work) : undefined,
    tiles:
      plan.tiles.length > 1 ? (after('tile', rowDelays.work) ?? c.constant(0, plan.tiles.length)) : undefined,
    select: Object.fromEntries(
      Object.entries(selectPorts(plan)).map(([name, width]) => [
        name,
        after(name, rowDelays.select) ?? c.constant(0, width),
      ]),
    ) as Ports,
    begins: row === 0 ? undefined : wires.number(geometry, 1, (layer) => (row % layer.chain === 0 ? 1 : 0)),
  }
}

/** The activation of PE (row, column): the register of the line where the layer's geometry, and the fold of a high kernel, has it. */
function tapNode(
  { m, plan, wires, geometry }: Build,
  lines: readonly Ports[],
  row: number,
  column: number,
  fold: Node | undefined,
): Node {
  const { c } = m
  const tap = (layer: RowLayer) => {
    const folds = Array.from({ length: layer.kernelFolds }, (_, h) => tapOf(layer, row, column, h))
    return folds[0] === undefined ? undefined : folds.map((found) => [found!.line, found!.stage] as const)
  }
  const node = ([line, stage]: readonly [number, number]) => lines[line]![`stage_${stage}`]!
  return (
    wires.pick(geometry, tap, (folds) =>
      folds.length === 1 || fold === undefined ? node(folds[0]!) : choose(c, fold, folds.map(node)),
    ) ?? c.constant(0, plan.widths.code)
  )
}

/** The sums of all tiles where a chain ends, by chain and column; chains that a layer has not sum to 0. */
function chainSums({ m, plan, wires, geometry }: Build, tiles: readonly Ports[]): Node[][] {
  const { c } = m
  const met = new Map(
    exitRows(plan).map((row) => [
      row,
      Array.from({ length: plan.array.columns }, (_, j) =>
        any(c, ...tiles.map((out) => out[`sum_${row}_${j}`]!)),
      ),
    ]),
  )
  const none = c.constant(0, plan.widths.accumulator)
  return Array.from({ length: plan.exits }, (_, chain) =>
    Array.from(
      { length: plan.array.columns },
      (_, j) =>
        wires.pick(
          geometry,
          (layer) => (chain < layer.chains ? (chain + 1) * layer.chain - 1 : -1),
          (row) => (row < 0 ? none : met.get(row)![j]!),
        )!,
    ),
  )
}

/** The accumulators at the ends of the chains, and behind them a column each. */
function columnsOf(
  build: Build,
  images: MemoryImages,
  delayed: Ports,
  sums: readonly (readonly Node[])[],
  load: Ports,
): Ports {
  const { m, plan, wires, control, geometry } = build
  const { c } = m
  const fieldWidths = Object.fromEntries(rowFields(plan).map(({ name, width }) => [name, width]))
  const fields = (names: readonly string[]) => pick(control, 'layer_', names, 'layer_')
  const atEnd = (name: string, delay: (chain: number) => number) =>
    wires.pick(
      geometry,
      ({ chain }) => delay(chain),
      (at) => delayed[late(name, at)]!,
    )!
  const drained = m.instance(drain(plan, fieldWidths), 'u_drain', {
    ...fields(drainFields(plan)),
    layer_starts: control['layer_starts_out']!,
    sums_ready: atEnd('finish', rowDelays.sum),
    ...windowInputs(build),
  })
  const sumNames = Object.keys(sumPorts(plan))
  const reaching = (prefix: string, delay: (chain: number) => number) =>
    connect(prefix, Object.fromEntries(sumNames.map((name) => [name, atEnd(name, delay)])))
  const shared = {
    early_valid: atEnd('valid', rowDelays.early),
    ...reaching('early_', rowDelays.early),
    valid: atEnd('valid', rowDelays.sum),
    ...reaching('now_', rowDelays.sum),
    drain_now: drained['drain_now']!,
    drain_column: drained['read_column']!,
    drain_buffer: drained['read_buffer']!,
    read_buffer: drained['late_buffer']!,
  }
  const end = chainEnd(plan)
  const words = sums.map((ofChain, chain) =>
    ofChain.map((sum, j) => m.instance(end, `u_end_${chain}_${j}`, { ...shared, sum })['word']!),
  )
  const parameters = m.instance(rowParameters(plan, images, fieldWidths['sides']!), 'u_parameters', {
    ...fields(parameterFields),
    layer_starts: control['layer_starts_out']!,
    fetch: drained['fetch']!,
    ...load,
  })
  const post = postFields(plan)
  const column = rowColumn(plan, Object.fromEntries(post.map((name) => [name, fieldWidths[name]!])))
  const flags = Object.fromEntries(
    Object.keys(columnFlags).map((name) => [name, drained[name] ?? c.constant(1, 1)]),
  )
  const codes: Record<string, Node> = {}
  let above: Node | undefined
  for (let j = 0; j < plan.array.columns; j++) {
    const tall = tallest(plan) > 1
    const out = m.instance(column, `u_column_${j}`, {
      ...flags,
      ...fields(post),
      word: choose(
        c,
        drained['late_chain']!,
        words.map((ofChain) => ofChain[j]!),
      ),
      parameter_word: parameters['parameter_word']!,
      parameter_take: takesParameter(build, parameters, j),
      ...(tall
        ? {
            window_row: wires.number(
              geometry,
              Math.max(1, Math.ceil(Math.log2(tallest(plan)))),
              (l) => j % l.window[0],
            ),
            above: above ?? c.constant(0, windowBits(plan)),
          }
        : {}),
    })
    above = out['below']
    codes[`code_${j}`] = out['pooled']!
  }
  return { ...fields(writerFields(plan)), arrive: drained['vector']!, ...codes }
}

/** Whether the layer's pooling windows have so many rows, where layers differ in it. */
function windowInputs({ plan, wires, geometry }: Build): Ports {
  const heights = windowHeights(plan)
  if (heights.length === 1) return {}
  return Object.fromEntries(
    heights.map((height) => [
      `window_height_${height}`,
      wires.number(geometry, 1, ({ window }) => (window[0] === height ? 1 : 0)),
    ]),
  )
}

/** Whether a column takes the parameters that are there: those of its side. */
function takesParameter({ m, plan, wires, geometry }: Build, parameters: Ports, column: number): Node {
  const { c } = m
  const used = wires.number(geometry, 1, (layer) => (columnPlace(layer, column) === undefined ? 0 : 1))
  const taken = c.and(parameters['parameter_valid']!, used)
  const side = parameters['parameter_side']
  if (side === undefined) return taken
  const mine = wires.number(geometry, plan.widths.side, (layer) => columnPlace(layer, column)?.side ?? 0)
  return c.and(taken, c.equal(side, mine))
}

/** The writer stands at the end of the pipeline and feeds the banks at its beginning, so its outputs are declared first. */
function writerPort({ m, plan, control }: Build) {
  const { code, bankAddress, channel, pattern } = plan.widths
  const widths: Record<string, number> = { storing: 1, store_channel: channel, store_pattern: pattern }
  for (const index of plan.shifts.keys()) {
    widths[`store_${index}`] = 1
    widths[`address_${index}`] = bankAddress
  }
  for (let lane = 0; lane < storedLanes(plan); lane++) {
    widths[`lane_${lane}`] = code
    widths[`lane_valid_${lane}`] = 1
  }
  const fieldWidths = Object.fromEntries(rowFields(plan).map(({ name, width }) => [name, width]))
  const wires = Object.entries(widths).map(
    ([name, width]) => [name, m.wire(`writer_${name}`, width)] as const,
  )
  return {
    stored: Object.fromEntries(wires.map(([name, wire]) => [name, wire.value])) as Ports,
    connect(vector: Ports) {
      const out = m.instance(rowWriter(plan, fieldWidths), 'u_writer', {
        layer_starts: control['layer_starts_out']!,
        ...vector,
      })
      for (const [name, wire] of wires) wire.drive(out[name]!)
    },
  }
}

/** The ports of a bundle, by their names without the prefix, under another one. */
function pick(ports: Ports, prefix: string, names: readonly string[], to = ''): Record<string, Node> {
  return Object.fromEntries(names.map((name) => [to + name, ports[prefix + name]!]))
}
