import { defineModule, type Module } from '../hdl/module.ts'
import { controlAddressBits } from '../plan/registers.ts'
import { all, follow } from './gates.ts'

/** A word's place among the registers: the address without its two lowest bits. */
export const registerIndexBits = controlAddressBits - 2

/**
 * The channels of an AXI4-Lite slave. Address and data of a write come in any order; each is held until the other is there. `write` is 1 for
 * the one cycle in which the registers take a write, and they answer `write_error` in it; a read is answered by `read_data` and `read_error`
 * in the cycle in which its address is taken. One write and one read at a time; all outputs come from registers.
 */
export function axiLitePort(): Module {
  return defineModule(
    'axi_lite_port',
    'AXI4-Lite slave: one write and one read at a time, address and data of a write in any order.',
    (m) => {
      const { c } = m
      const awValid = m.input('awvalid', 1)
      const awAddress = m.input('awaddr', controlAddressBits)
      const wValid = m.input('wvalid', 1)
      const wData = m.input('wdata', 32)
      const wStrobe = m.input('wstrb', 4)
      const bReady = m.input('bready', 1)
      const arValid = m.input('arvalid', 1)
      const arAddress = m.input('araddr', controlAddressBits)
      const rReady = m.input('rready', 1)
      const writeError = m.input('write_error', 1)
      const readError = m.input('read_error', 1)
      const readData = m.input('read_data', 32)

      const index = (address: typeof awAddress) => c.slice(address, controlAddressBits - 1, 2)
      const addressHeld = m.register('address_held', 1, { reset: 0 })
      const dataHeld = m.register('data_held', 1, { reset: 0 })
      const bValid = m.register('b_valid', 1, { reset: 0 })
      const write = c.label(all(c, addressHeld.q, dataHeld.q, c.or(c.not(bValid.q), bReady)), 'write_now')
      const takeAddress = c.label(c.and(awValid, c.not(addressHeld.q)), 'take_address')
      const takeData = c.label(c.and(wValid, c.not(dataHeld.q)), 'take_data')
      addressHeld.next(c.and(c.or(addressHeld.q, awValid), c.not(write)))
      dataHeld.next(c.and(c.or(dataHeld.q, wValid), c.not(write)))
      bValid.next(c.or(write, c.and(bValid.q, c.not(bReady))))

      const rValid = m.register('r_valid', 1, { reset: 0 })
      const read = c.label(c.and(arValid, c.not(rValid.q)), 'read_now')
      rValid.next(c.or(read, c.and(rValid.q, c.not(rReady))))

      const response = (error: typeof writeError) => c.cat(error, c.constant(0, 1))
      m.output('awready', c.not(addressHeld.q))
      m.output('wready', c.not(dataHeld.q))
      m.output('bvalid', bValid.q)
      m.output('bresp', response(follow(m, 'b_error', writeError, write)))
      m.output('arready', c.not(rValid.q))
      m.output('rvalid', rValid.q)
      m.output('rdata', follow(m, 'r_data', readData, read))
      m.output('rresp', response(follow(m, 'r_error', readError, read)))
      m.output('write', write)
      m.output('write_index', follow(m, 'write_address', index(awAddress), takeAddress))
      m.output('write_data', follow(m, 'data', wData, takeData))
      m.output('write_strobe', follow(m, 'strobe', wStrobe, takeData))
      m.output('read_index', index(arAddress))
    },
  )
}
