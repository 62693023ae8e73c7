import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { multiplierCore } from '../../src/arch/multiplier-core.ts'
import { parseDomain } from '../../src/arith/domain.ts'
import type { Multiplier } from '../../src/arith/multiplier.ts'
import { parseMultiplier } from '../../src/arith/registry.ts'
import type { XgenError } from '../../src/base/errors.ts'
import { encodeNpy } from '../../src/base/npy.ts'
import { seededRandom } from '../../src/base/random.ts'
import { importMultiplier, largeTables, multiplierOf } from '../../src/flow/user-multipliers.ts'
import { compileCircuit } from '../../src/hdl/simulator.ts'
import { printVerilog } from '../../src/hdl/verilog.ts'

let directory = ''
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'user multipliers, "quoted" '))
})
afterAll(() => rmSync(directory, { recursive: true }))

const file = (name: string, content: string | Uint8Array) => {
  const path = join(directory, name)
  writeFileSync(path, content)
  return path
}
const specOf = (family: string, path: string, more = '') =>
  `${family}:file="${path.replaceAll('"', '""')}"${more}`

/** Not commutative, and wrong at zero: 3a + b^2 + 1. */
const odd = (a: number, b: number) => 3 * a + b * b + 1
const codes = (bits: number) => Array.from({ length: 2 ** bits }, (_, i) => i)
const signedCode = (code: number, bits: number) => (code >> (bits - 1) ? code - 2 ** bits : code)

/** u3s4: by rows of a. */
const oddTable = codes(3).flatMap((a) => codes(4).map((b) => odd(a, signedCode(b, 4))))

const csv = (values: readonly number[], columns: number) =>
  Array.from({ length: values.length / columns }, (_, i) =>
    values.slice(i * columns, (i + 1) * columns).join(', '),
  ).join('\n')

describe('lut', () => {
  const domain = parseDomain('u3s4')
  const transposed = codes(4).flatMap((b) => codes(3).map((a) => oddTable[a * 16 + b]!))

  it.each([
    ['npy', () => encodeNpy({ type: 'i2', shape: [8, 16], data: Int16Array.from(oddTable) }), ''],
    ['csv', () => `# products\n${csv(oddTable, 16)}\n`, ''],
    ['bin', () => new Uint8Array(Int32Array.from(oddTable).buffer), ''],
    ['csv', () => csv(transposed, 8), ',transpose=yes'],
  ])('.%s is the table, in numbers and in gates %#', (extension, content, more) => {
    const m = multiplierOf(specOf('lut', file(`odd table.${extension}`, content()), more), domain)
    expect([...m.table()]).toEqual(oddTable)
    expect(m.multiply(5, -8)).toBe(odd(5, -8))
    expect([m.exact, m.zeroExact, m.productRange]).toEqual([false, false, [1, 86]])
    const circuit = compileCircuit(multiplierCore(m))
    for (const a of codes(3)) {
      for (const b of codes(4)) {
        circuit.set('a', a)
        circuit.set('b', b)
        expect(circuit.get('p')).toBe(oddTable[a * 16 + b])
      }
    }
  })

  it('takes unsigned entries of 2 bytes for unsigned operands', () => {
    const products = codes(3).flatMap((a) => codes(4).map((b) => a * b))
    const path = file('u.bin', new Uint8Array(Uint16Array.from(products).buffer))
    expect(multiplierOf(specOf('lut', path), parseDomain('u3u4'))).toMatchObject({
      exact: true,
      zeroExact: true,
      productBits: 7,
    })
    expect(() => multiplierOf(specOf('lut', path), domain)).toThrow(/2 bytes an entry/)
  })

  it.each([
    ['a.csv', '1,2\n3,4\n', /2 rows, but these operands need 8 x 16/],
    ['b.csv', csv(oddTable, 16).replace('86', 'NaN'), /"NaN" is no whole number/],
    ['c.csv', csv(oddTable, 16).replace('86', '3000000000'), /3000000000 is no product/],
    ['d.csv', csv(Array(128).fill(7), 16), /has 7 everywhere/],
    ['e.bin', new Uint8Array(100), /100 bytes .* need 8 x 16/],
    [
      'f.npy',
      encodeNpy({ type: 'f4', shape: [8, 16], data: new Float32Array(128).fill(Number.NaN) }),
      /NaN is no product/,
    ],
    ['g.npy', encodeNpy({ type: 'i2', shape: [16, 8], data: new Int16Array(128) }), /shape \(16, 8\)/],
    ['h.npy', 'no numpy', /is no \.npy file/],
    ['i.txt', '', /no table that can be read/],
  ])('refuses %s', (name, content, message) => {
    expect(() => multiplierOf(specOf('lut', file(name, content)), domain)).toThrow(message)
  })

  it('refuses what is no file, and what is too large', () => {
    mkdirSync(join(directory, 'd.npy'))
    expect(() => multiplierOf(specOf('lut', join(directory, 'd.npy')), domain)).toThrow(/is no file/)
    expect(() => multiplierOf(specOf('lut', join(directory, 'none.npy')), domain)).toThrow(/no such file/)
    const large = file('large.npy', new Uint8Array(2 ** 22 + 1))
    expect(() => multiplierOf(specOf('lut', large), domain)).toThrow(/at most 4194304/)
    expect(() => multiplierOf('lut:transpose=yes', domain)).toThrow(/needs file/)
  })
})

describe('verilog', () => {
  const domain = parseDomain('u3s4')
  const text = `
module square (input signed [3:0] in, output [7:0] out);
  assign out = in * in;
endmodule
module odd #(parameter K = 3) (weight, act, result);
  input signed [3:0] weight;
  input [2:0] act;
  output reg [7:0] result; // "$system" here says nothing
  wire [7:0] s;
  square u_s (.in(weight), .out(s));
  always @* begin
    result = s + 8'd1;
    if (act != 0) result = result + K * act;
  end
endmodule
`
  it('is the module, the right way round, in numbers and in gates, and stands in the design unchanged', () => {
    const path = file('odd one.v', text)
    const m = multiplierOf(specOf('verilog', path, ',a=act'), domain)
    expect([...m.table()]).toEqual(oddTable)
    const core = multiplierCore(m)
    const circuit = compileCircuit(core)
    circuit.set('a', 5)
    circuit.set('b', 8)
    expect(circuit.get('p')).toBe(odd(5, -8))
    const printed = printVerilog(core, []).get(`${core.name}.v`)!
    expect(printed).toContain(text.trim())
    expect(printed).toContain('odd u_odd (.act(a), .weight(b), .result(result));')
    expect(multiplierOf(specOf('verilog', path, ',a=act,b=weight,p=result,top=odd'), domain).id).toBe(m.id)
  })

  const module = (body: string, ports = 'input [2:0] a, input signed [3:0] b, output reg [7:0] p') =>
    `module m (${ports});\n${body}\nendmodule\n`

  it.each([
    ['a latch', module('always @* if (a[0]) p = a;'), /v:2: m has a latch/],
    ['a register', module('always @(posedge a[0]) p <= b;'), /v:2: m has a register/],
    ['a loop', module('wire [7:0] q; assign q = q ^ (a * b); always @* p = q;'), /logic loop/],
    ['a missing module', module('other u (.a(a));'), /`\\other' referenced/],
    ['a syntax error', module('always @* p = a +;'), /v:2: Yosys does not take it: syntax error/],
    ['no driver', module('always @* p[6:0] = 7;'), /p/],
    [
      'other widths',
      module('always @* p = a * b;', 'input [3:0] a, input [3:0] b, output reg [7:0] p'),
      /4 bits, but an operand of u3s4 has 3/,
    ],
    [
      'a third input',
      module('always @* p = a;', 'input [2:0] a, input [3:0] b, input c, output reg [7:0] p'),
      /3 inputs/,
    ],
    [
      'a wide output',
      module('always @* p = a;', 'input [2:0] a, input [3:0] b, output reg [39:0] p'),
      /40 bits/,
    ],
    ['$system', module('initial $system("true"); always @* p = a;'), /bad\.v:2:9: uses \$system/],
    [
      '$readmemh',
      module('reg [7:0] r [0:7]; initial $readmemh("/etc/passwd", r); always @* p = r[a];'),
      /uses \$readmemh/,
    ],
    [
      '$system behind a name that looks like a string',
      module('wire \\" ; initial $system("true"); wire \\x" ; always @* p = a;'),
      /uses \$system/,
    ],
    ['$system behind a number', module('initial #8\'hff$system("true"); always @* p = a;'), /uses \$system/],
    [
      'a foreign function',
      module('import "DPI-C" function int system(string s); always @* p = a;'),
      /uses import/,
    ],
    ['an included file', `\`include "x.v"\n${module('always @* p = a;')}`, /uses `include/],
    ['a directive of Verilator', `\`systemc_header\n${module('always @* p = a;')}`, /uses `systemc_header/],
    ['no module', 'wire x;', /defines no module/],
    ['high impedance', module("always @* p = a[0] ? 8'hz : a * b;"), /high impedance \(z\)/],
    [
      'an x that operands reach',
      module("always @* case (a[1:0]) 0: p = a; 1, 2: p = b; default: p = 8'hx; endcase"),
      /no defined result \(x\) for the codes [37] and \d+$/,
    ],
    ['a module in itself', module('wire [7:0] q; m u (a, b, q); always @* p = q;'), /without end/],
    ['an escaped system task', module('initial \\$system ("true"); always @* p = a;'), /uses \$system/],
    [
      'a wire of many bits',
      module('wire [99999999:0] q = a; always @* p = q * b;'),
      /^data [^:]*bad\.v: .*100000000 exceeds/,
    ],
    [
      'two modules that may be meant',
      `${module('always @* p = a;')}// as m\n${module('always @* p = b;').replace('module m', 'module n')}`,
      /2 modules that no other instantiates: m, n/,
    ],
    ['bytes', 'module\0', /is no text/],
  ])('refuses %s', (_name, content, message) => {
    let said = ''
    try {
      multiplierOf(specOf('verilog', file('bad.v', content)), domain)
    } catch (error) {
      const { kind, where, message: text } = error as XgenError
      said = `${kind} ${where}: ${text}`
    }
    expect(said).toMatch(/^data .*bad\.v/)
    expect(said).toMatch(message)
  })

  it('may say x for what no operands reach, and ? in patterns', () => {
    const full = module("always @* case (a[0]) 0: p = a; 1: p = b; default: p = 8'hx; endcase")
    const patterns = module("always @* casez (a) 3'b?z0: p = a; default: p = b; endcase")
    const [one, other] = [full, patterns].map((text, i) =>
      multiplierOf(specOf('verilog', file(`case ${i}.v`, text)), domain),
    )
    expect(one!.table()).toEqual(other!.table())
  })

  it('may have escaped names with any characters', () => {
    const text = module('always @* p = a * b;').replace('module m', 'module \\my$mod!import')
    const m = multiplierOf(specOf('verilog', file('escaped.v', text)), domain)
    expect(m.verilog?.top).toBe('my$mod!import')
    expect([...printVerilog(multiplierCore(m), []).values()].join('')).toMatch(/\\my\$mod!import +\\u_my/)
  })

  it('is imported by the name of its file, or by its spec', () => {
    const path = file('odd two.v', text)
    expect(importMultiplier(specOf('verilog', path, ',a=act'), domain, { transpose: false })).toMatchObject({
      module: 'odd',
      ports: { a: 'act', b: 'weight', p: 'result' },
      product: { bits: 7, signed: false, range: [1, 86] },
    })
    const table = file('two.csv', 'n'.repeat(3))
    expect(() => importMultiplier(table, domain, { transpose: true })).toThrow(/1 rows, but .* 16 x 8/)
    expect(() => importMultiplier(path, domain, { transpose: true })).toThrow(/for tables/)
  })

  it('refuses ports that are not there', () => {
    const path = file('ok.v', module('always @* p = a;'))
    expect(() => multiplierOf(specOf('verilog', path, ',a=z'), domain)).toThrow(/no input "z"/)
    expect(() => multiplierOf(specOf('verilog', path, ',a=b,b=b'), domain)).toThrow(/both the port b/)
    expect(() => multiplierOf(specOf('verilog', path, ',top=n'), domain)).toThrow(/n/)
    expect(() => multiplierOf(specOf('verilog', path, ',a=1;x'), domain)).toThrow(/no name/)
  })
})

describe('tables without a pattern', () => {
  const tables = parseDomain('u8s8')
  const noise = (share: number) => {
    const random = seededRandom(4)
    const products = codes(8).flatMap((a) =>
      codes(8).map((b) => a * ((b << 24) >> 24) + (a < 256 * share ? random.integer(-99, 99) : 0)),
    )
    return file(`noise-${share}.csv`, csv(products, 256))
  }

  it('are warned of with the multiplexers that they have, before anything is built', () => {
    const irregular = multiplierOf(specOf('lut', noise(1)), tables)
    const [warning, ...more] = largeTables([irregular, irregular, parseMultiplier('exact', tables)])
    expect(more).toEqual([])
    const stated = Number(/ ([\d,]+) multiplexers in every PE/.exec(warning!)![1]!.replaceAll(',', ''))
    expect(stated).toBe(irregular.multiplexers)
    // those that choose between 1 and 0 are wires
    const built = multiplexersIn(irregular)
    expect(built).toBeLessThanOrEqual(stated)
    expect(built).toBeGreaterThan(0.99 * stated)
    expect(warning).toMatch(/verilog:file=.*xgen eval/)
    expect(importMultiplier(join(directory, 'noise-1.csv'), tables, { transpose: false })).toMatchObject({
      multiplexers: stated,
      gates: null,
    })
  })

  it('are told from those that have one', () => {
    expect(largeTables([multiplierOf(specOf('lut', noise(0)), tables)])).toEqual([])
    expect(largeTables([parseMultiplier('drum:k=4', tables)])).toEqual([])
  })

  const multiplexersIn = (multiplier: Multiplier) =>
    [...printVerilog(multiplierCore(multiplier), []).values()].join('').split(' ? ').length - 1
})
