import { okay, slaveError } from '../src/plan/registers.ts'
import type { AxiInputs, AxiOutputs } from './axi-device.ts'

/** A write as the registers see it. */
export interface BusWrite {
  readonly address: number
  readonly data: number
  /** One bit a byte. */
  readonly strobe: number
}

export interface BusRegisters {
  /** Does a write; false where it is refused. */
  write(write: BusWrite): boolean
  /** The value of a register; undefined where there is none. */
  read(address: number): number | undefined
}

/** The AXI4-Lite channels: one write and one read at a time, address and data of a write in any order. */
export interface BusPort {
  /** Fills in the outputs of the current cycle. */
  outputs(into: AxiOutputs): void
  /** The edge: `registers` does at most one write and one read. */
  clock(inputs: Readonly<AxiInputs>, registers: BusRegisters): void
  reset(): void
}

export function busPort(): BusPort {
  let address: number | undefined
  let data: { readonly data: number; readonly strobe: number } | undefined
  let answer: number | undefined
  let reading: { readonly data: number; readonly response: number } | undefined
  const response = (ok: boolean) => (ok ? okay : slaveError)
  return {
    outputs(into) {
      into.s_axi_ctrl_awready = address === undefined ? 1 : 0
      into.s_axi_ctrl_wready = data === undefined ? 1 : 0
      into.s_axi_ctrl_bvalid = answer === undefined ? 0 : 1
      into.s_axi_ctrl_bresp = answer ?? 0
      into.s_axi_ctrl_arready = reading === undefined ? 1 : 0
      into.s_axi_ctrl_rvalid = reading === undefined ? 0 : 1
      into.s_axi_ctrl_rdata = reading?.data ?? 0
      into.s_axi_ctrl_rresp = reading?.response ?? 0
    },
    clock(inputs, registers) {
      // the read sees the registers before the write of the same edge
      if (reading !== undefined) {
        if (inputs.s_axi_ctrl_rready === 1) reading = undefined
      } else if (inputs.s_axi_ctrl_arvalid === 1) {
        const value = registers.read(inputs.s_axi_ctrl_araddr & ~3)
        reading = { data: value ?? 0, response: response(value !== undefined) }
      }
      if (inputs.s_axi_ctrl_bready === 1) answer = undefined
      if (address !== undefined && data !== undefined && answer === undefined) {
        answer = response(registers.write({ address, ...data }))
        address = undefined
        data = undefined
        return
      }
      if (address === undefined && inputs.s_axi_ctrl_awvalid === 1) address = inputs.s_axi_ctrl_awaddr & ~3
      if (data === undefined && inputs.s_axi_ctrl_wvalid === 1)
        data = { data: inputs.s_axi_ctrl_wdata, strobe: inputs.s_axi_ctrl_wstrb }
    },
    reset() {
      address = undefined
      data = undefined
      answer = undefined
      reading = undefined
    },
  }
}
