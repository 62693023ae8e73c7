import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import { afterAll, describe, expect, it } from 'vitest'
import { designs, serialShell } from '../../scripts/ice40-designs.ts'
import {
  describe as described,
  type Ice40Report,
  readCells,
  readIcetime,
  readPlacement,
} from '../../scripts/ice40-report.ts'
import { packageRoot, writeFileAtomically } from '../../src/base/files.ts'
import { defineModule } from '../../src/hdl/module.ts'
import { printVerilog } from '../../src/hdl/verilog.ts'
import { hasIcarus, hasVerilator } from '../fixtures/tools.ts'

const directory = mkdtempSync(join(tmpdir(), 'xgen-ice40-'))
afterAll(() => rmSync(directory, { recursive: true, force: true }))

describe('what the tools report', () => {
  it('cells by type', () => {
    const stat =
      '=== t ===\n\n   Number of cells:               8744\n     SB_CARRY                      950\n     SB_RAM40_4K                    15\n'
    expect([...readCells(stat)]).toEqual([
      ['SB_CARRY', 950],
      ['SB_RAM40_4K', 15],
    ])
  })

  it('the clock of the slowest of several, and what is used', () => {
    const used = (n: number) => ({ available: 100, used: n })
    const text = JSON.stringify({
      critical_paths: [],
      fmax: { a: { achieved: 28.7588, constraint: 25 }, b: { achieved: 20.004, constraint: 25 } },
      utilization: { ICESTORM_LC: used(7), ICESTORM_RAM: used(3), SB_IO: used(26), SB_GB: used(8) },
    })
    expect(readPlacement(text)).toEqual({
      logicCells: { available: 100, used: 7 },
      blockRams: { available: 100, used: 3 },
      pins: 26,
      megahertz: 20,
    })
    expect(() => readPlacement(text.replace(/"fmax":.*?\}\},/, '"fmax":{},'))).toThrow('reports no clock')
  })

  it('the total path of icetime', () => {
    expect(readIcetime('Total path delay: 35.64 ns (28.06 MHz)\n')).toBe(28.06)
    expect(() => readIcetime('nothing')).toThrow('reports no clock')
  })
})

describe('the serial shell', () => {
  const module = defineModule('shelled', 'Adds 1 to a where b is 1, a cycle later.', (m) => {
    const a = m.input('a', 5)
    const b = m.input('b', 1)
    const sum = m.register('sum', 5, { reset: 0 })
    sum.next(m.c.add(a, m.c.zeroExtend(b, 5)))
    m.output('sum_out', sum.q)
    m.output('b_out', b)
  })
  const { name, text, bits } = serialShell(module)
  const files = [...printVerilog(module, []).entries(), [`${name}.v`, text] as const]
  const write = () =>
    files.map(([file, verilog]) => {
      writeFileAtomically(join(directory, file), verilog)
      return join(directory, file)
    })

  it('is clean in Verilator', async (context) => {
    if (!hasVerilator) return context.skip('not run: no Verilator')
    const { all } = await execa('verilator', ['--lint-only', '-Wall', '--top-module', name, ...write()], {
      all: true,
    })
    expect(all).toBe('')
  })

  it('moves every port bit in and out', async (context) => {
    if (!hasIcarus) return context.skip('not run: no Icarus Verilog')
    expect(bits).toBe(6 + 6)
    // Inputs are shifted in with the highest bit first; b stands above a.
    const bench = `module tb;
  reg clk = 0, rst_n = 0, serial_in = 0, capture = 0;
  wire serial_out;
  reg [5:0] sent = {1'b1, 5'd22};
  reg [5:0] got;
  integer i;
  ${name} dut (.clk(clk), .rst_n(rst_n), .serial_in(serial_in), .capture(capture), .serial_out(serial_out));
  task tick; begin #1 clk = 1; #1 clk = 0; end endtask
  initial begin
    tick; rst_n = 1;
    for (i = 5; i >= 0; i = i - 1) begin serial_in = sent[i]; tick; end
    tick; // the sum of the whole word, while one more bit moves in
    capture = 1; tick;
    capture = 0;
    for (i = 0; i < 6; i = i + 1) begin got[i] = serial_out; tick; end
    $display("sum %0d", got[4:0]);
  end
endmodule
`
    const tb = join(directory, 'tb.v')
    writeFileAtomically(tb, bench)
    await execa('iverilog', ['-g2005', '-s', 'tb', '-o', join(directory, 'tb.vvp'), tb, ...write()])
    const { stdout } = await execa('vvp', ['-n', join(directory, 'tb.vvp')])
    expect(stdout).toBe('sum 23')
  })
})

describe('the designs', () => {
  it('are made of generated Verilog', () => {
    const { digits, tile } = Object.fromEntries(Object.entries(designs).map(([name, make]) => [name, make()]))
    expect([...digits!.files.keys()]).toEqual(
      expect.arrayContaining(['rtl/xgen_digits.v', 'mem/weights.hex', 'tb/tb.v']),
    )
    expect(digits!.memoryBits).toBeGreaterThan(20_000)
    expect([...tile!.files.keys()].sort()).toEqual([
      ...['rtl/mul_exact_s8s8.v', 'rtl/pe_exact_s8s8.v', 'rtl/tile_0.v', 'rtl/tile_0_shell.v'],
    ])
    expect(tile!).toMatchObject({ top: 'tile_0_shell', memoryBits: 0 })
  })
})

describe('scripts/ice40', () => {
  const script = join(packageRoot, 'scripts/ice40')
  it('names what is missing, with the line that installs it', async () => {
    // Only what the script itself needs is found.
    const bin = join(directory, 'bin')
    for (const tool of ['bash', 'dirname', 'env'])
      writeFileAtomically(join(bin, tool), `#!/bin/sh\nexec /usr/bin/${tool} "$@"\n`)
    const { exitCode, stderr } = await execa(
      process.execPath,
      ['--import', 'tsx', 'scripts/ice40.ts', 'tile'],
      {
        cwd: packageRoot,
        env: { PATH: bin },
        extendEnv: false,
        reject: false,
      },
    )
    expect(exitCode).toBe(3)
    expect(stderr).toContain('ice40: missing: yosys, nextpnr-ice40, fpga-icestorm')
    expect(stderr).toContain('apt-get install -y --no-install-recommends yosys nextpnr-ice40 fpga-icestorm')
  })

  it('knows its designs', async () => {
    const { exitCode, stderr } = await execa(script, ['tiles'], { reject: false })
    expect(exitCode).toBe(2)
    expect(stderr).toContain('"tiles" is no design. Did you mean "tile"?')
  })

  it.for([
    { design: 'tile', options: [], bits: 0 },
    { design: 'digits', options: ['--simulate'], bits: 20_000 },
  ])(
    'places and routes $design; what has a testbench passes it when mapped',
    { timeout: 1_800_000 },
    async ({ design, options, bits }, context) => {
      if (process.env['XGEN_FULL'] !== '1')
        return context.skip('not run: minutes of placement and simulation (XGEN_FULL=1)')
      const out = join(directory, 'out')
      const { exitCode, stdout, stderr } = await execa(script, [design, ...options, '--out', out], {
        reject: false,
      })
      if (exitCode === 3) return context.skip(`not run: ${stderr.split('\n')[0]}`)
      expect(exitCode, stderr).toBe(0)
      const report = JSON.parse(readFileSync(join(out, `${design}.json`), 'utf8')) as Ice40Report
      expect(report.luts).toBeGreaterThan(2000)
      expect(report.logicCells.used).toBeLessThanOrEqual(report.logicCells.available)
      expect(report.blockRams.used * 4096).toBeGreaterThanOrEqual(bits)
      expect(report.megahertz.nextpnr).toBeGreaterThan(25)
      expect(report.simulation).toMatch(bits > 0 ? /^PASS: 3 images, 30 output codes compared/ : /^not run/)
      expect(existsSync(join(out, design, 'bitstream.bin'))).toBe(true)
      expect(stdout).toBe(described(report))
      expect(readFileSync(join(out, `${design}.txt`), 'utf8')).toBe(`${stdout}\n`)
    },
  )
})
