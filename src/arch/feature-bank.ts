import { indexBits } from '../base/integers.ts'
import { defineModule, type Module, type Node } from '../hdl/module.ts'
import type { Memories, Widths } from '../plan/plan.ts'

/** What a bank is made from. */
export interface BankShape {
  readonly widths: Pick<Widths, 'code' | 'bankAddress'>
  readonly memories: Pick<Memories, 'bankDepth'>
}

/** One bank of feature maps: a memory of one read and one write port. The writer and the host write, never in the same cycle. */
export function featureBank(plan: BankShape, reader = 'row of the array'): Module {
  const { code, bankAddress } = plan.widths
  return defineModule(
    'feature_bank',
    `Feature-map bank of ${plan.memories.bankDepth} codes; each ${reader} reads a bank of its own.`,
    (m) => {
      const { c } = m
      const hostWrite = m.input('host_write', 1)
      const hostAddress = m.input('host_address', bankAddress)
      const hostData = m.input('host_data', code)
      const store = m.input('store', 1)
      const storeAddress = m.input('store_address', bankAddress)
      const storeData = m.input('store_data', code)
      const read = m.input('read', 1)
      const readAddress = m.input('read_address', bankAddress)

      // addresses may be wider, for moment banks that are deeper
      const own = (address: Node) => c.slice(address, indexBits(plan.memories.bankDepth) - 1, 0)
      const memory = m.memory('codes', { width: code, depth: plan.memories.bankDepth })
      memory.write(
        c.or(hostWrite, store),
        own(c.mux(hostWrite, hostAddress, storeAddress)),
        c.mux(hostWrite, hostData, storeData),
      )
      m.output('data', memory.read('data_read', own(readAddress), read))
    },
  )
}
