import { identifier } from '../hdl/verilog.ts'
import { type GateNetlist, type Net, one, zero } from './gate-netlist.ts'

/**
 * A netlist as structural Verilog over the library's cells: net n is the wire `n<number>`, gate i the instance `g<i>`. Bits of ports have
 * wires of their own, so that a net may leave by several.
 */
export function gateVerilog(netlist: GateNetlist): string {
  const { top, inputs, outputs, gates } = netlist
  const constants = new Map([
    [zero, "1'b0"],
    [one, "1'b1"],
  ])
  const wire = (net: Net) => constants.get(net) ?? `n${net}`
  const range = (width: number) => (width === 1 ? '' : `[${width - 1}:0] `)
  const bit = (name: string, width: number, i: number) => (width === 1 ? name : `${name}[${i}]`)
  const used = new Set(
    [...gates.flatMap(({ nets }) => nets), ...[...inputs, ...outputs].flatMap(({ nets }) => nets)].filter(
      (net) => !constants.has(net),
    ),
  )
  return [
    `module ${top} (${[...inputs, ...outputs].map(({ name }) => name).join(', ')});`,
    ...inputs.map(({ name, nets }) => `  input ${range(nets.length)}${name};`),
    ...outputs.map(({ name, nets }) => `  output ${range(nets.length)}${name};`),
    ...[...used].sort((a, b) => a - b).map((net) => `  wire n${net};`),
    ...inputs.flatMap(({ name, nets }) =>
      nets.map((net, i) => `  assign n${net} = ${bit(name, nets.length, i)};`),
    ),
    ...gates.map(({ cell, nets }, i) => {
      const pins = cell.pins.flatMap(({ name, direction }, pin) =>
        direction === 'input' || direction === 'output' ? [`.${identifier(name)}(${wire(nets[pin]!)})`] : [],
      )
      return `  ${identifier(cell.name)} g${i} (${pins.join(', ')});`
    }),
    ...outputs.flatMap(({ name, nets }) =>
      nets.map((net, i) => `  assign ${bit(name, nets.length, i)} = ${wire(net)};`),
    ),
    'endmodule',
    '',
  ].join('\n')
}
