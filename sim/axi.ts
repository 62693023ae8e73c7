import type { AnyPlan } from '../src/plan/any-plan.ts'
import type { MemoryImages } from '../src/plan/images.ts'
import { busPort } from './axi-bus.ts'
import { axiControl, type ControlView } from './axi-control.ts'
import type { AxiDevice, AxiOutputs } from './axi-device.ts'
import { loadableImages, weightLoader } from './axi-weights.ts'
import { designModel } from './design.ts'

const none: AxiOutputs = {
  s_axis_tready: 0,
  m_axis_tvalid: 0,
  m_axis_tdata: 0,
  m_axis_tlast: 0,
  s_axis_weights_tready: 0,
  s_axi_ctrl_awready: 0,
  s_axi_ctrl_wready: 0,
  s_axi_ctrl_bvalid: 0,
  s_axi_ctrl_bresp: 0,
  s_axi_ctrl_arready: 0,
  s_axi_ctrl_rvalid: 0,
  s_axi_ctrl_rdata: 0,
  s_axi_ctrl_rresp: 0,
  irq: 0,
}

/** The cycle model of a design with the AXI interface (docs/axi.md), out of reset: the wrapper around the core's model. */
export function axiModel(plan: AnyPlan, images: MemoryImages): AxiDevice {
  const loaded = loadableImages(plan, images)
  const core = designModel(plan, loaded)
  const bus = busPort()
  const control = axiControl(plan)
  const loader = plan.reload ? weightLoader(plan, loaded) : undefined
  const outputs = { ...none }
  const coreInputs = { start: false, inValid: false, inData: 0, outReady: false }
  const ownProbes = loader === undefined ? 6 : 9
  let count = 0
  let whole = false
  // the element on offer
  let held: { readonly code: number; readonly last: boolean } | undefined

  const inputReady = (ready: boolean) => ready && !control.restart
  const codeOf = inputCode(plan)
  const outputMask = 2 ** plan.output.bits - 1

  return {
    outputs() {
      const { busy, inReady } = core.outputs()
      outputs.s_axis_tready = inputReady(inReady) ? 1 : 0
      outputs.m_axis_tvalid = held === undefined ? 0 : 1
      outputs.m_axis_tdata = held?.code ?? 0
      outputs.m_axis_tlast = held?.last === true ? 1 : 0
      outputs.s_axis_weights_tready = loader !== undefined && !busy && !control.restart ? 1 : 0
      outputs.irq = control.irq ? 1 : 0
      bus.outputs(outputs)
      return outputs
    },
    probes(into) {
      let at = 0
      into[at++] = count
      into[at++] = whole ? 1 : 0
      if (loader !== undefined) {
        into[at++] = loader.state.phase
        into[at++] = loader.state.index
        into[at++] = loader.state.broken
      }
      into[at++] = control.asked ? 1 : 0
      into[at++] = control.auto ? 1 : 0
      into[at++] = control.restart ? 1 : 0
      into[at++] = control.running
      core.probes(into.subarray(ownProbes))
    },
    clock(inputs) {
      const { busy, done, inReady, outValid, outData, outLast } = core.outputs()
      const resetting = inputs.aresetn === 0
      const { restart } = control
      const errors: string[] = []

      const taken = inputs.s_axis_tvalid === 1 && inputReady(inReady)
      const last = count === plan.input.elements - 1
      if (taken && last && inputs.s_axis_tlast === 0) errors.push('input_long')
      if (taken && !last && inputs.s_axis_tlast === 1) errors.push('input_short')

      const weightsValid = loader === undefined || loader.state.broken === 0
      const weightsLoading = loader?.loading === true
      const weightsWaiting = loader !== undefined && inputs.s_axis_weights_tvalid === 1
      if (loader !== undefined && weightsWaiting && !busy && !restart) {
        const wrong = loader.take(inputs.s_axis_weights_tdata >>> 0, inputs.s_axis_weights_tlast === 1)
        if (wrong !== undefined) errors.push(`weights_${wrong}`)
      }
      const view: ControlView = {
        busy,
        done,
        giving: outValid,
        imageReady: whole,
        weightsValid,
        weightsLoading,
        weightsWaiting,
        errors,
      }
      const begin = control.begins(view)
      const free = held === undefined || inputs.m_axis_tready === 1
      coreInputs.start = begin
      coreInputs.inValid = inputs.s_axis_tvalid === 1
      coreInputs.inData = codeOf(inputs.s_axis_tdata)
      coreInputs.outReady = free

      if (free) held = outValid && !restart ? { code: outData & outputMask, last: outLast } : undefined
      if (taken) count = last ? 0 : count + 1
      whole = (taken && last) || (whole && !begin)
      bus.clock(inputs, control.at(view))
      control.clock(view)
      core.clock(coreInputs, resetting || restart)
      if (resetting || restart) {
        count = 0
        whole = false
        loader?.reset()
      }
      if (!resetting) return
      held = undefined
      bus.reset()
      control.reset()
    },
  }
}

/** The raw code of a byte on the input stream: its low bits, extended to 8. */
function inputCode({ input: { bits, signed } }: AnyPlan): (byte: number) => number {
  const unused = 32 - bits
  return (byte) => (signed ? ((byte << unused) >> unused) & 255 : byte & (2 ** bits - 1))
}
