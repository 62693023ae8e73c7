import { indexBits, unsignedBits } from '../../base/integers.ts'
import type { AnyPlan } from '../any-plan.ts'
import { topName } from '../names.ts'
import { loaderWidths } from '../probes.ts'
import { control, controlAddressBits } from '../registers.ts'
import { packetLayout } from '../words.ts'
import { type ModuleCount, moduleCount } from './module-count.ts'

/** What the AXI interface puts around the core: src/arch/axi-top.ts and the modules that it instantiates. */
export function axiCounts(plan: AnyPlan): ModuleCount[] {
  return [
    moduleCount(topName(plan.network), 1, 'control', {}),
    axiInput(plan),
    axiOutput(plan),
    axiLitePort(),
    axiControl(plan),
    ...(plan.reload ? [weightLoader(plan)] : []),
  ]
}

/** src/arch/axi-streams.ts. */
function axiInput({ input }: AnyPlan): ModuleCount {
  return moduleCount('axi_input', 1, 'control', {
    adders: { 'element + 1': 1 },
    registers: { element: indexBits(input.elements), 'whole image': 1 },
  })
}

/** src/arch/axi-streams.ts. */
function axiOutput({ output }: AnyPlan): ModuleCount {
  return moduleCount('axi_output', 1, 'control', { registers: { code: output.bits, 'held, last': 2 } })
}

/** src/arch/axi-lite-port.ts. */
function axiLitePort(): ModuleCount {
  return moduleCount('axi_lite_port', 1, 'control', {
    registers: {
      'write: word address, data, strobes': controlAddressBits - 2 + 32 + 4,
      'write: address held, data held, answer, error': 4,
      'read: data': 32,
      'read: answer, error': 2,
    },
  })
}

/** src/arch/axi-control.ts. */
function axiControl({ reload }: AnyPlan): ModuleCount {
  const errors = control.ERROR.fields.filter(({ name }) => reload || !name.startsWith('weights_'))
  return moduleCount('axi_control', 1, 'control', {
    adders: { 'running + 1': 1, 'images + 1': 1 },
    registers: {
      'asked for, auto-restart, restart, done, gives output': 5,
      errors: errors.length,
      'interrupts: status, enable': control.IRQ_STATUS.fields.length + control.IRQ_ENABLE.fields.length,
      'running, cycles, images': 3 * 32,
    },
  })
}

/** src/arch/weight-loader.ts: only where weights can be loaded. */
function weightLoader(plan: AnyPlan): ModuleCount {
  const beats = Math.max(...packetLayout(plan).parts.map((part) => part.beats))
  const { index, state } = loaderWidths(plan)
  return moduleCount('weight_loader', 1, 'control', {
    adders: { 'index + 1, piece + 1': 2 },
    registers: {
      state,
      index,
      piece: unsignedBits(beats - 1),
      'weights broken': 1,
      'beats but the last of a word': 32 * (beats - 1),
    },
  })
}
