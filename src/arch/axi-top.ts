import { defineModule, type Module, type ModuleBuilder, type Node } from '../hdl/module.ts'
import type { AnyPlan } from '../plan/any-plan.ts'
import type { MemoryImages } from '../plan/images.ts'
import { coreName, topName } from '../plan/names.ts'
import { controlAddressBits } from '../plan/registers.ts'
import { allLoadPorts } from './accelerator.ts'
import { axiControl } from './axi-control.ts'
import { axiLitePort } from './axi-lite-port.ts'
import { axiInput, axiOutput, streamBits } from './axi-streams.ts'
import { buildCore } from './core.ts'
import { connect, inputs } from './gates.ts'
import { weightLoader } from './weight-loader.ts'

/**
 * The accelerator as integrators plug it in: images in and out over AXI4-Stream, control over AXI4-Lite, weights over AXI4-Stream where the
 * plan has `reload`. Every output comes from registers. docs/axi.md says what happens in which cycle.
 */
export function buildAxiAccelerator(plan: AnyPlan, images: MemoryImages): Module {
  const comment = `Accelerator for ${plan.network} with AXI4-Stream and AXI4-Lite interfaces.`
  const names = { clock: 'aclk', reset: 'aresetn' }
  return defineModule(topName(plan.network), comment, (m) => build(m, plan, images), names)
}

function build(m: ModuleBuilder, plan: AnyPlan, images: MemoryImages): void {
  const { c } = m
  const input = inputs(m, 's_axis_', { tdata: streamBits, tvalid: 1, tlast: 1 })
  const outputReady = m.input('m_axis_tready', 1)
  const weights = plan.reload ? inputs(m, 's_axis_weights_', { tdata: 32, tvalid: 1, tlast: 1 }) : undefined
  const bus = inputs(m, 's_axi_ctrl_', {
    awaddr: controlAddressBits,
    awvalid: 1,
    wdata: 32,
    wstrb: 4,
    wvalid: 1,
    bready: 1,
    araddr: controlAddressBits,
    arvalid: 1,
    rready: 1,
  })

  const restart = m.wire('restart', 1)
  const begin = m.wire('begin_run', 1)
  const coreReady = m.wire('core_in_ready', 1)
  const coreBusy = m.wire('core_busy', 1)
  const running = c.not(restart.value)
  const taking = c.label(c.and(coreReady.value, running), 'input_ready')
  const image = m.instance(
    axiInput(plan),
    'u_axi_input',
    { ...input, core_ready: taking, begin_run: begin.value },
    { restart: restart.value },
  )
  const enable = c.label(c.and(c.not(coreBusy.value), running), 'weights_ready')
  const loader =
    weights === undefined
      ? undefined
      : m.instance(weightLoader(plan), 'u_weight_loader', { ...weights, enable }, { restart: restart.value })
  const outputFree = m.wire('output_free', 1)
  const loads = Object.keys(loader === undefined ? {} : allLoadPorts(plan)).map((name) => [
    name,
    loader![name]!,
  ])
  const core = m.instance(
    buildCore(plan, images, coreName(plan.network)),
    'u_core',
    {
      start: begin.value,
      in_valid: input.tvalid,
      in_data: image['code']!,
      out_ready: outputFree.value,
      ...(Object.fromEntries(loads) as Record<string, Node>),
    },
    { restart: restart.value },
  )
  coreReady.drive(core['in_ready']!)
  coreBusy.drive(core['busy']!)
  const output = m.instance(axiOutput(plan.output), 'u_axi_output', {
    core_valid: c.and(core['out_valid']!, running),
    core_data: core['out_data']!,
    core_last: core['out_last']!,
    tready: outputReady,
  })
  outputFree.drive(output['core_ready']!)

  const answer = {
    write_error: m.wire('write_error', 1),
    read_error: m.wire('read_error', 1),
    read_data: m.wire('read_data', 32),
  }
  const port = m.instance(axiLitePort(), 'u_axi_lite', {
    ...bus,
    ...Object.fromEntries(Object.entries(answer).map(([name, wire]) => [name, wire.value])),
  })
  const pick = (...names: string[]) => Object.fromEntries(names.map((name) => [name, port[name]!]))
  const registers = m.instance(axiControl(plan), 'u_control', {
    ...pick('write', 'write_index', 'write_data', 'write_strobe', 'read_index'),
    core_busy: core['busy']!,
    core_done: core['done']!,
    giving: core['out_valid']!,
    image_ready: image['image_ready']!,
    input_short: image['input_short']!,
    input_long: image['input_long']!,
    ...(loader === undefined
      ? {}
      : {
          ...connect('weights_', {
            refused: loader['refused']!,
            length: loader['wrong_length']!,
            valid: loader['weights_valid']!,
            loading: loader['loading']!,
            waiting: weights!.tvalid,
          }),
        }),
  })
  for (const [name, wire] of Object.entries(answer)) wire.drive(registers[name]!)
  restart.drive(registers['restart_core']!)
  begin.drive(registers['begin_run']!)

  m.output('s_axis_tready', taking)
  m.output('m_axis_tvalid', output['tvalid']!)
  m.output('m_axis_tdata', output['tdata']!)
  m.output('m_axis_tlast', output['tlast']!)
  if (loader !== undefined) m.output('s_axis_weights_tready', enable)
  for (const name of ['awready', 'wready', 'bresp', 'bvalid', 'arready', 'rdata', 'rresp', 'rvalid'])
    m.output(`s_axi_ctrl_${name}`, port[name]!)
  m.output('irq', registers['irq']!)
}
