import { defineModule, type Module, type Node } from '../hdl/module.ts'
import type { AnyPlan } from '../plan/any-plan.ts'
import type { MemoryImages } from '../plan/images.ts'
import { topName } from '../plan/names.ts'
import { type Plan, parameterBits } from '../plan/plan.ts'
import type { RowEngine } from '../plan/row/plan.ts'
import { weightWordBits } from '../plan/words.ts'
import { columnsOf } from './columns.ts'
import { inputs, pick } from './gates.ts'
import { gridOf, sharedRowsOf } from './mixed/shared-rows.ts'
import { sharedInputStream, sharedOutputStream } from './mixed/streams.ts'
import { rowsOf } from './rows.ts'
import { sequencer } from './sequencer.ts'
import { inputStream, outputStream } from './streams.ts'
import { tilesOf } from './tiles.ts'
import { weightMemory } from './weight-memory.ts'
import { writerPort } from './writer-port.ts'

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
  const what =
    plan.grid === undefined ? 'weight-stationary' : 'weight-stationary, beside a row-stationary grid'
  const comment = `Accelerator for ${plan.network}: ${what}, ${rows} x ${columns} PEs, ${plan.tiles.length} tile${plan.tiles.length > 1 ? 's' : ''}.`
  return defineModule(name, comment, (m) => {
    const { c } = m
    const start = m.input('start', 1)
    const inValid = m.input('in_valid', 1)
    const inData = m.input('in_data', plan.widths.code)
    const outReady = m.input('out_ready', 1)
    const loads = plan.reload ? inputs(m, '', loadPorts(plan)) : {}
    const gridLoads = plan.reload && plan.grid !== undefined ? inputs(m, 'grid_', loadPorts(plan.grid)) : {}

    const inputWhole = m.wire('input_whole', 1)
    const outputLast = m.wire('output_last', 1)
    const control = m.instance(sequencer(plan), 'u_sequencer', {
      start,
      input_whole: inputWhole.value,
      output_last: outputLast.value,
    })
    const port = (name: string): Node => control[name]!

    const shared = plan.grid !== undefined
    const output = m.instance(shared ? sharedOutputStream(plan) : outputStream(plan), 'u_output', {
      restart: port('output_begin'),
      out_ready: outReady,
    })
    outputLast.drive(output['finished']!)

    const writer = writerPort(m, plan)
    const grid = shared ? gridOf(m, plan, images, control, gridLoads) : undefined
    const storing = writer.stored['store']!
    const input = m.instance(shared ? sharedInputStream(plan) : inputStream(plan), 'u_input', {
      release_map: port('input_release'),
      begin_run: port('input_begin'),
      storing: grid === undefined ? storing : c.or(storing, grid.out['storing']!),
      in_valid: inValid,
    })
    inputWhole.drive(input['whole_out']!)
    const host = { ...input, data: inData }
    const { feeders, operands, outputData } =
      grid === undefined
        ? rowsOf(m, plan, control, host, output, writer.stored)
        : sharedRowsOf(m, plan, grid, control, host, output, writer.stored)
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

/** Those of all engines of a design. */
export const allLoadPorts = (plan: AnyPlan): Readonly<Record<string, number>> => ({
  ...loadPorts(plan),
  ...('grid' in plan && plan.grid !== undefined ? named('grid_', loadPorts(plan.grid)) : {}),
})

const named = (prefix: string, ports: Readonly<Record<string, number>>) =>
  Object.fromEntries(Object.entries(ports).map(([name, width]) => [prefix + name, width]))

/** Write ports of the memories whose contents can be loaded at run time. */
export const loadPorts = (plan: Plan | RowEngine): Readonly<Record<string, number>> => ({
  weight_write: 1,
  weight_write_address: plan.widths.weightAddress,
  weight_write_data: weightWordBits(plan),
  parameter_write: 1,
  parameter_write_address: plan.widths.parameterAddress,
  parameter_write_data: parameterBits,
})

const writePortNames = (plan: Plan) => (plan.reload ? ['write', 'write_address', 'write_data'] : [])
