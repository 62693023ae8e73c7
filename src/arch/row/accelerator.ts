import { defineModule, type Module, type Node } from '../../hdl/module.ts'
import type { MemoryImages } from '../../plan/images.ts'
import { topName } from '../../plan/names.ts'
import type { RowEngine, RowPlan } from '../../plan/row/plan.ts'
import { readPorts, selectPorts, storedLanes, sumPorts, workPorts } from '../../plan/row/ports.ts'
import { rowFields } from '../../plan/row/program.ts'
import { loadPorts as memoryPorts } from '../accelerator.ts'
import { inputs, type Ports, pick } from '../gates.ts'
import { banksOf } from './banks.ts'
import type { Build } from './build.ts'
import { columnsOf } from './columns.ts'
import { tilesOf } from './grid.ts'
import { issueDelay } from './issue-delay.ts'
import { rowWriter } from './row-writer.ts'
import { rowSequencer } from './sequencer.ts'
import { rowInputStream, rowOutputStream } from './streams.ts'
import { wiring } from './wiring.ts'

const writePortNames = (plan: RowEngine) => (plan.reload ? ['write', 'write_address', 'write_data'] : [])

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
    const build: Build<RowPlan> = {
      m,
      plan,
      wires: wiring(m.c, plan),
      control,
      geometry: port('layer_geometry'),
    }

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

    const outputData = connectStations(build, images, loads, writer, (delayed) =>
      banksOf(build, delayed, { ...input, data: inData }, output, writer.stored),
    ).outputData

    m.output('busy', port('busy'))
    m.output('done', port('done'))
    m.output('in_ready', input['in_ready']!)
    m.output('out_valid', output['out_valid']!)
    m.output('out_data', outputData)
    m.output('out_last', output['out_last']!)
  })
}

/** All stations from the lines, which `read` connects to the banks, to the writer. */
export function connectStations<R extends { readonly lines: readonly Ports[] }>(
  build: Build,
  images: MemoryImages,
  loads: Ports,
  writer: ReturnType<typeof writerPort>,
  read: (delayed: Ports) => R,
): R {
  const { m, plan, control } = build
  const issued = { ...readPorts(plan), ...selectPorts(plan), ...workPorts(plan), ...sumPorts(plan) }
  const delayed = m.instance(
    issueDelay(plan),
    'u_issue',
    pick(control, 'issue_', ['valid', 'finish', ...Object.keys(issued)], 'issue_'),
  )
  const found = read(delayed)
  const sums = tilesOf(build, images, delayed, found.lines, pick(loads, 'weight_', writePortNames(plan)))
  const vector = columnsOf(build, images, delayed, sums, pick(loads, 'parameter_', writePortNames(plan)))
  writer.connect(vector)
  return found
}

/** The writer stands at the end of the pipeline and feeds the banks at its beginning, so its outputs are declared first. */
export function writerPort({ m, plan, control }: Build) {
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
