import { indexBits } from '../base/integers.ts'
import { defineModule, type Module, type Node } from '../hdl/module.ts'
import type { Memories, Widths } from '../plan/plan.ts'

/** What a bank is made from. */
export interface BankShape {
  readonly widths: Pick<Widths, 'code' | 'bankAddress'>
  readonly memories: Pick<Memories, 'bankDepth'>
}

/**
 * One bank of feature maps: a memory of one read and one write port. The writer and the host write, never in the same cycle. Banks that have no reader of their own
 * are shared: all who write have one port.
 */
export function featureBank(plan: BankShape, reader: string | undefined = undefined): Module {
  const { code, bankAddress } = plan.widths
  return defineModule(
    'feature_bank',
    `Feature-map bank of ${plan.memories.bankDepth} codes${reader === undefined ? '' : `; each ${reader} reads a bank of its own`}.`,
    (m) => {
      const { c } = m
      const host =
        reader === undefined
          ? undefined
          : {
              write: m.input('host_write', 1),
              address: m.input('host_address', bankAddress),
              data: m.input('host_data', code),
            }
      const store = m.input('store', 1)
      const storeAddress = m.input('store_address', bankAddress)
      const storeData = m.input('store_data', code)
      const read = m.input('read', 1)
      const readAddress = m.input('read_address', bankAddress)

      // addresses may be wider, for moment banks that are deeper
      const own = (address: Node) => c.slice(address, indexBits(plan.memories.bankDepth) - 1, 0)
      const memory = m.memory('codes', { width: code, depth: plan.memories.bankDepth })
      if (host === undefined) memory.write(store, own(storeAddress), storeData)
      else
        memory.write(
          c.or(host.write, store),
          own(c.mux(host.write, host.address, storeAddress)),
          c.mux(host.write, host.data, storeData),
        )
      m.output('data', memory.read('data_read', own(readAddress), read))
    },
  )
}
