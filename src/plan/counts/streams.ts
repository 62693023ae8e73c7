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
  const lanes = output.modulus > 1
  const partWords = output.shape[0] % output.modulus > 0
  return moduleCount('output_stream', 1, 'control', {
    adders: { 'left - 1, address + 1': 2, 'lane + 1': lanes ? 1 : 0, 'channel + 1': partWords ? 1 : 0 },
    registers: {
      left: unsignedBits(output.elements),
      address: widths.bankAddress,
      'valid, last': 2,
      'lane, lane read': lanes ? 2 * indexBits(output.modulus) : 0,
      channel: partWords ? indexBits(output.shape[0]) : 0,
    },
  })
}
