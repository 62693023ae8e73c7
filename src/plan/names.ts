/** The top module's name: a Verilog identifier made from the network's. */
export const topName = (network: string): string => `xgen_${network.replace(/[^A-Za-z0-9]+/g, '_')}`

/** The name of the core inside of the AXI wrapper. */
export const coreName = (network: string): string => `${topName(network)}_core`
