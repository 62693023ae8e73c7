import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { execa } from 'execa'
import { afterAll, describe, expect, it } from 'vitest'
import { packageRoot } from '../../src/base/files.ts'
import { needsVerilator } from '../fixtures/tools.ts'

const directory = mkdtempSync(join(tmpdir(), 'xgen user multipliers '))
afterAll(() => rmSync(directory, { recursive: true, force: true }))

/** Signed, without the low bit of the weight; a module of its own inside. The weight is the first port. */
const module = `
module upper (input signed [7:0] x, output signed [7:0] y);
  assign y = {x[7:1], 1'b0};
endmodule
module halved (input signed [7:0] w, input signed [7:0] act, output signed [15:0] product);
  wire signed [7:0] kept;
  upper u_upper (.x(w), .y(kept));
  assign product = kept * act;
endmodule
`

describe("an accelerator with a user's multipliers", () => {
  it('is verified like any other, its files named from the configuration and from the command line', async (context) => {
    needsVerilator(context)
    const own = join(directory, 'own, "best"')
    mkdirSync(own)
    writeFileSync(join(own, 'halved.v'), module)
    const signed = (code: number) => (code > 127 ? code - 256 : code)
    // Few choices: the upper bits of both operands, and 1 more.
    const coarse = (code: number) => (signed(code) >> 5) << 5
    const products = Int32Array.from({ length: 65536 }, (_, i) => coarse(i >> 8) * coarse(i & 255) + 1)
    writeFileSync(join(directory, 'coarse.bin'), products)
    writeFileSync(
      join(directory, 'net.yaml'),
      [
        'name: small',
        'input: { shape: [1, 5, 5] }',
        'layers:',
        '  - { kind: conv2d, name: conv, filters: 2, kernel: 2 }',
        '  - { kind: relu }',
        '  - { kind: flatten }',
        '  - { kind: dense, name: out, units: 3 }',
        '',
      ].join('\n'),
    )
    const spec = 'verilog:file="own, ""best""/halved.v",a=act'
    writeFileSync(
      join(directory, 'xgen.yaml'),
      `net: net.yaml\nweights: { file: seeded }\nmultipliers: { conv: '${spec}' }\narray: { rows: 2, cols: 2 }\n`,
    )
    const run = join(directory, 'run')
    const table = relative(packageRoot, join(directory, 'coarse.bin'))
    const { exitCode, stdout, stderr } = await execa(
      process.execPath,
      [
        ...['--import', 'tsx', 'src/cli/main.ts', 'verify', '--json', '--images', '2', '--no-progress'],
        ...['-c', join(directory, 'xgen.yaml'), '--mult', `out=lut:file="${table}"`, '--out', run],
      ],
      { cwd: packageRoot, reject: false },
    )
    expect(exitCode, `${stdout}\n${stderr}`).toBe(0)
    const report = JSON.parse(stdout)
    expect(report).toMatchObject({ pass: true, mismatches: 0 })
    expect(report.compared).toBeGreaterThan(1000)
    const cores = readdirSync(join(run, 'rtl')).filter((name) => /^mul_(verilog|lut)_/.test(name))
    expect(cores.length).toBe(2)
    const wrapper = cores.find((name) => name.startsWith('mul_verilog_'))!
    expect(readFileSync(join(run, 'rtl', wrapper), 'utf8')).toContain(module.trim())
  })
})
