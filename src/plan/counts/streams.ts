import { indexBits, unsignedBits } from '../../base/integers.ts'
import type { Plan } from '../plan.ts'
import { type ModuleCount, moduleCount } from './module-count.ts'

/** src/arch/streams.ts. */
export function inputStream({ input, widths }: Plan): ModuleCount {
  return moduleCount('input_stream', 1, 'control', {
    adders: { 'element, lane, address: + 1': 3 },
    registers: {
      'open, full': 2,
      element: indexBits(input.elements),
      lane: indexBits(input.modulus),
      address: widths.bankAddress,
    },
  })
}

/** src/arch/streams.ts. */
export function outputStream({ output, widths }: Plan): ModuleCount {
  return moduleCount('output_stream', 1, 'control', {
    adders: { 'left - 1, address + 1': 2 },
    registers: { left: unsignedBits(output.elements), address: widths.bankAddress, 'valid, last': 2 },
  })
}
