import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import { afterAll, describe, expect, it } from 'vitest'
import { writeFileAtomically } from '../../src/base/files.ts'
import { acceleratorFiles } from '../../src/emit/accelerator-files.ts'
import { flowFiles } from '../../src/emit/flow-files.ts'
import type { Module } from '../../src/hdl/module.ts'
import { hasSta } from '../fixtures/tools.ts'
import { twoLayers, verificationOf } from '../fixtures/verification.ts'

/** OpenSTA reads the constraints and applies them to every port, of a netlist that has just a flip-flop at each port bit. */
const directory = mkdtempSync(join(tmpdir(), 'xgen-sta-'))
afterAll(() => rmSync(directory, { recursive: true, force: true }))

const library = join(import.meta.dirname, '../fixtures/flip-flop.lib')
const design = verificationOf(twoLayers, { rows: 2, columns: 2 })

/** The top module's ports, each bit at a flip-flop. */
function portsOnly({ name, ports, clockName }: Module): {
  readonly text: string
  readonly endpoints: string[]
} {
  const data = ports.filter((port) => port.name !== clockName)
  const bits = data.flatMap((port) =>
    Array.from({ length: port.width }, (_, i) => ({
      direction: port.direction,
      net: port.width === 1 ? port.name : `${port.name}[${i}]`,
    })),
  )
  const source = bits.find(({ direction }) => direction === 'input')!.net
  const cells = bits.map(({ direction, net }, i) =>
    direction === 'input'
      ? `  FF f${i} (.CK(${clockName}), .D(${net}), .Q());`
      : `  FF f${i} (.CK(${clockName}), .D(${source}), .Q(${net}));`,
  )
  const declared = ports.map(
    (port) => `  ${port.direction} ${port.width === 1 ? '' : `[${port.width - 1}:0] `}${port.name};`,
  )
  return {
    text: [
      `module ${name} (${ports.map((port) => port.name).join(', ')});`,
      ...[...declared, ...cells, 'endmodule', ''],
    ].join('\n'),
    endpoints: [
      ...bits.map((_, i) => `f${i}/D (FF)`),
      ...bits.flatMap(({ direction, net }) => (direction === 'output' ? [`${net} (output)`] : [])),
    ],
  }
}

describe.each(['native', 'axi'] as const)('the constraints of the %s interface', (interfaceName) => {
  it('leave no port without a time', async (context) => {
    if (!hasSta) return context.skip('not run: no OpenSTA (sta)')
    const { top, files } = acceleratorFiles(design.plan, design.images, 'test', interfaceName)
    const options = { version: '1', network: 'sketch', summary: '2x2 PEs', clockNs: 4 }
    const sdc = flowFiles(top, files.keys(), options).get('flow/sketch.sdc')!
    const { text, endpoints } = portsOnly(top)
    const here = join(directory, interfaceName)
    writeFileAtomically(join(here, 'design.sdc'), sdc)
    writeFileAtomically(join(here, 'ports.v'), text)
    writeFileAtomically(
      join(here, 'check.tcl'),
      [
        `read_liberty {${library}}`,
        ...['read_verilog ports.v', `link_design ${top.name}`, 'read_sdc design.sdc', 'check_setup -verbose'],
        'report_checks -path_delay max -group_count 1000 -format end -digits 3',
        '',
      ].join('\n'),
    )
    const { all } = await execa('sta', ['-no_splash', '-exit', 'check.tcl'], { cwd: here, all: true })
    expect(all).not.toMatch(/error|warning/i)
    const slacks = [...all.matchAll(/^(\S+ \(\w+\)) +[\d.]+ +[\d.]+ +([\d.-]+) \(MET\)$/gm)]
    expect(slacks.map(([, endpoint]) => endpoint).sort()).toEqual(endpoints.sort())
    // Of 4 ns, a fifth outside: 4 - 0.8 - 0.1 to a flip-flop, 4 - 0.8 - 0.2 from one.
    for (const [, endpoint, slack] of slacks)
      expect(slack, endpoint).toBe(endpoint!.endsWith('(output)') ? '3.000' : '3.100')
  })
})
