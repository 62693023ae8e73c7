/** What the top module offers. `axi`: AXI4-Stream and AXI4-Lite; `native`: plain valid/ready and start/done. */
export type InterfaceName = 'axi' | 'native'

/** The top module's name: a Verilog identifier made from the network's. */
export const topName = (network: string): string => `xgen_${network.replace(/[^A-Za-z0-9]+/g, '_')}`

/** The name of the core inside of the AXI wrapper. */
export const coreName = (network: string): string => `${topName(network)}_core`

/** The module of PEs with a multiplier whose products count `shift` places up. */
export const peName = (multiplier: string, shift: number): string =>
  shift === 0 ? `pe_${multiplier}` : `pe_${multiplier}_up${shift}`

/** The module of PEs of a tile of curves. */
export const curvePeName = (tile: string): string => `${tile}_pe`
