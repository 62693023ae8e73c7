import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { genericLibrary } from '../../src/synth/generic.ts'
import { evaluate, parseFunction, pinsOf } from '../../src/synth/liberty/function.ts'
import { libraryReader, readLibrary, readLibraryFile } from '../../src/synth/liberty/read.ts'
import { lookUp } from '../../src/synth/liberty/table.ts'
import { wireLength } from '../../src/synth/liberty/wire-load.ts'
import { openLibrary } from '../../src/synth/libraries.ts'
import { failure } from '../fixtures/failure.ts'
import { shapeText } from '../fixtures/liberty.ts'

const osu018 = '/usr/share/qflow/tech/osu018/osu018_stdcells.lib'

describe('a packed library', () => {
  it('is refused in the middle with what is wrong there, whatever comes behind', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'xgen-packed-'))
    const file = join(directory, 'bad.lib.gz')
    writeFileSync(file, gzipSync(`library (x) {\n  cell (y) { area : -1; }\n${' '.repeat(2 ** 24)}`))
    await expect(readLibraryFile(file, new AbortController().signal)).rejects.toMatchObject({
      kind: 'data',
      where: expect.stringMatching(/bad\.lib\.gz:2:\d+$/),
    })
    rmSync(directory, { recursive: true })
  })
})

describe('Boolean functions of Liberty', () => {
  const truth = (text: string) => {
    const f = parseFunction(text, 'x.lib:1:1')
    const pins = [...pinsOf(f)].sort()
    return Array.from({ length: 2 ** pins.length }, (_, code) =>
      evaluate(f, (pin) => (code >> pins.indexOf(pin)) & 1),
    ).join('')
  }
  it.each([
    ['A B', '0001'],
    ["A' + B", '1011'],
    ['!A|!B', '1110'],
    ['(A^B)', '0110'],
    ['A*B+C', '00011111'],
    ["!(A + B C)'", '01010111'],
    ['A ^ B & C', '00000110'],
    ['1', '1'],
  ])('%s', (text, expected) => expect(truth(text)).toBe(expected))

  it.each(['', 'A +', '(A', 'A)', '*A', 'A ! B )', 'A $ B'])('refuses "%s"', (text) => {
    expect(failure(() => parseFunction(text, 'x.lib:3:9'))).toMatchObject({
      kind: 'data',
      where: 'x.lib:3:9',
    })
  })
})

describe('Liberty files', () => {
  it('are read in any pieces', () => {
    const text = genericLibrary()
    const whole = readLibrary(text, 'generic')
    for (const size of [1, 7, 100, 4096]) {
      const reader = libraryReader('generic')
      for (let at = 0; at < text.length; at += size) reader.push(text.slice(at, at + size))
      expect(reader.end()).toEqual(whole)
    }
  })

  it('have units, axes in either order, defaults and conditions', () => {
    const { voltage, cells, wireLoad, wireLoads } = readLibrary(shapeText, 'shape.lib')
    // 2 fF and 3 kOhm a unit of length
    expect(wireLoad).toMatchObject({ name: 'near', capacitance: 0.002, resistance: 3 })
    expect([0, 1, 2, 3, 5].map((fanout) => wireLength(wireLoad!, fanout))).toEqual([0, 5, 7, 9, 29])
    expect([...wireLoads.keys()]).toEqual(['near', 'far'])
    expect(voltage).toBeCloseTo(1.2)
    const [a, y] = cells.get('BUFFER')!.pins
    // 2 fF; the unit is 1 ff
    expect(a!.capacitance).toBeCloseTo(0.002)
    const [arc] = y!.arcs
    // picoseconds and femtofarads; the file's first axis is the load
    const { rise, fall } = arc!.delay
    expect([...rise!.slews]).toEqual([0.01, 0.02])
    expect([...rise!.loads]).toEqual([0.001, 0.003, 0.005])
    expect(lookUp(rise!, 0.01, 0.001)).toBeCloseTo(0.1)
    expect(lookUp(rise!, 0.02, 0.001)).toBeCloseTo(0.2)
    expect(lookUp(rise!, 0.01, 0.005)).toBeCloseTo(0.5)
    expect(lookUp(rise!, 0.015, 0.004)).toBeCloseTo(0.45)
    // beyond the table its last cells go on
    expect(lookUp(rise!, 0.01, 0.007)).toBeCloseTo(0.7)
    expect(lookUp(fall!, 1, 1)).toBeCloseTo(0.25)
    const { leakage } = cells.get('BUFFER')!
    expect(leakage.standard).toBeCloseTo(0.003)
    expect(leakage.states.map(({ value }) => value)).toEqual([0.002, 0.004])
    const [passive, caused] = y!.power
    expect([passive!.related, caused!.related]).toEqual([undefined, 'A'])
    // 1 V, 1 fF: 0.001 pJ
    expect(lookUp(caused!.energy.rise!, 0, 0)).toBeCloseTo(0.007)
  })

  it('of gate equivalents knows flip-flops and functions', () => {
    const { cells, areaUnit, hasPower } = readLibrary(genericLibrary(), 'generic')
    expect([areaUnit, hasPower]).toEqual(['GE', false])
    expect(cells.get('NAND2')).toMatchObject({ area: 1, kind: { kind: 'combinational' } })
    expect(cells.get('DFFR')!.kind).toMatchObject({ kind: 'flip-flop', state: 'IQ', preset: undefined })
    const { function: mux } = cells.get('MUX2')!.pins.at(-1)!
    const value = (a: number, b: number, c: number) =>
      evaluate(mux!, (pin) => ({ A: a, B: b, C: c })[pin as 'A'])
    expect([value(1, 0, 0), value(1, 0, 1), value(0, 1, 1)]).toEqual([1, 0, 1])
  })

  it.runIf(existsSync(osu018))('of a real process are read', async () => {
    const { cells, voltage } = await readLibraryFile(osu018)
    expect([cells.size, voltage]).toEqual([32, 1.8])
    expect(cells.get('AND2X1')).toMatchObject({ area: 32, kind: { kind: 'combinational' } })
    const [rise] = cells.get('AND2X1')!.pins[2]!.arcs.map(({ delay }) => delay.rise!)
    // its first axis is the load
    expect(lookUp(rise!, 0.06, 0.0125)).toBeCloseTo(0.078318)
    expect(lookUp(rise!, 0.18, 0.005)).toBeCloseTo(0.070461)
    expect(cells.get('DFFPOSX1')!.kind.kind).toBe('flip-flop')
    expect(cells.get('TBUFX1')!.kind.kind).toBe('other')
  })
})

describe('a library to map to', () => {
  const gate = (name: string, inputs: string[], f: string) =>
    `cell (${name}) { area : 1; ${inputs.map((pin) => `pin (${pin}) { direction : input; }`).join(' ')} pin (Y) { direction : output; ${f === '' ? '' : `function : "${f}";`} } }`
  it.each([
    ['nothing with a function', gate('INV', ['A'], '') + gate('NAND2', ['A', 'B'], ''), 'inverter'],
    ['no inverter', gate('BUF', ['A'], 'A') + gate('NAND2', ['A', 'B'], '!(A*B)'), 'inverter'],
    ['no gate of two inputs', gate('INV', ['A'], '!A'), 'gate of two inputs'],
  ])('is refused with %s', async (_, cells, missing) => {
    const directory = mkdtempSync(join(tmpdir(), 'xgen-liberty-'))
    const file = join(directory, 'own.lib')
    try {
      writeFileSync(file, `library (l) { nom_voltage : 1; ${cells} }`)
      await expect(openLibrary(file, { data: '/nowhere' })).rejects.toMatchObject({
        kind: 'data',
        message: expect.stringContaining(`has no ${missing}`),
        where: file,
      })
    } finally {
      rmSync(directory, { recursive: true })
    }
  })
})

describe('the voltage of a library', () => {
  const conditions =
    'operating_conditions (slow) { voltage : 0.9; } operating_conditions (fast) { voltage : 1.1; }'
  it.each([
    ['that of the default conditions', 'default_operating_conditions : fast; nom_voltage : 1.0;', 1.1],
    ['else the nominal one', 'nom_voltage : 1.0;', 1],
    ['else that of the first conditions', '', 0.9],
  ])('%s', (_, attributes, volts) =>
    expect(readLibrary(`library (l) { ${conditions} ${attributes} cell (c) {} }`, 'l.lib').voltage).toBe(
      volts,
    ),
  )
})

describe('broken Liberty files', () => {
  const broken: readonly (readonly [what: string, text: string, message: RegExp, place: string])[] = [
    ['nothing', '', /holds no library/, 'b.lib:1:1'],
    ['another language', 'module m(input a);', /"m" follows the name "module"/, 'b.lib:1:8'],
    ['an attribute alone', 'a : b;', /stands outside of the library/, 'b.lib:1:1'],
    [
      'an open group',
      'library (l) {\n  cell (c) {\n',
      /ends inside the group "cell" of line 2/,
      'b.lib:2:12',
    ],
    ['an open comment', 'library (l) { /* x', /ends in a comment/, 'b.lib:1:18'],
    ['an open text', 'library (l) { a : "x\n y', /ends in a quoted text/, 'b.lib:1:19'],
    ['a brace too many', 'library (l) { }\n}', /closes nothing/, 'b.lib:2:1'],
    ['no number', 'library (l) {\n cell (c) { area : big; } }', /"big" is no number/, 'b.lib:2:13'],
    ['no cells', 'library (l) { nom_voltage : 1; }', /has no cells/, 'b.lib'],
    ['no voltage', 'library (l) { cell (c) { } }', /names no voltage/, 'b.lib'],
    [
      'a unit',
      'library (l) {\n time_unit : "1 parsec";\n cell (c) {} }',
      /no unit for time_unit/,
      'b.lib:2:2',
    ],
    ['a cell twice', 'library (l) { cell (c) {}\n cell (c) {} }', /stands twice/, 'b.lib:2:2'],
    [
      'a bad expression',
      'library (l) { cell (c) { pin (Y) {\n function : "A+"; } } }',
      /ends too early/,
      'b.lib:2:2',
    ],
    ['a negative area', 'library (l) {\n cell (c) { area : -1; } }', /area -1 is negative/, 'b.lib:2:2'],
    ['a number too large', 'library (l) { cell (c) {\n area : 1e999; } }', /is no number/, 'b.lib:2:2'],
    ['a name of two words', 'library (l) { cell ("a b") {} }', /"a b" is no name of a cell/, 'b.lib:1:15'],
    [
      'a pin of two words',
      'library (l) { cell (c) { pin ("a\tb") {} } }',
      /is no name of a pin/,
      'b.lib:1:26',
    ],
    ['groups without end', 'a () {'.repeat(40), /nest deeper than 24/, 'b.lib:1:145'],
  ]
  it.each(broken)('%s', (_, text, message, where) => {
    expect(failure(() => readLibrary(text, 'b.lib'))).toMatchObject({
      kind: 'data',
      message: expect.stringMatching(message),
      where,
    })
  })

  it.each([
    ['values', 'values ("1, 2, 3");', /has 3 values, but its axes need 4/],
    ['an axis', 'index_1 ("2, 1"); values ("1, 2, 3, 4");', /do not rise/],
    ['no values', '', /has no values/],
  ])('a table with wrong %s', (_, inside, message) => {
    const text = `library (l) { nom_voltage : 1;
      lu_table_template (t) { variable_1 : input_net_transition; variable_2 : total_output_net_capacitance;
        index_1 ("1, 2"); index_2 ("1, 2"); }
      cell (c) { pin (Y) { timing () { cell_rise (t) { ${inside} } } } } }`
    expect(failure(() => readLibrary(text, 'b.lib')).message).toMatch(message)
  })

  it('a text without end takes no more memory than a text may', () => {
    const reader = libraryReader('b.lib')
    reader.push('library (l) { a : "')
    const piece = 'x'.repeat(2 ** 16)
    expect(
      failure(() => {
        for (let i = 0; i < 1000; i++) reader.push(piece)
      }).message,
    ).toMatch(/more than 1048576 characters/)
  })

  it.each([
    ['a list', 'a (', '1, ', /the list of "a" has more than 100000 values/],
    ['a value', 'a : ', '1 ', /the value of "a" has more than 1048576 characters/],
    ['lists', '', 'a (1, 2, 3); ', /more than 100000 attributes and values/],
    ['wire loads', '', 'wire_load (w) {} ', /more than 10000 groups "wire_load"/],
  ])('%s without end takes no more memory than one may', (_, begin, again, message) => {
    const reader = libraryReader('b.lib')
    reader.push(`library (l) { ${begin}`)
    const piece = again.repeat(2000)
    expect(
      failure(() => {
        for (let i = 0; i < 1000; i++) reader.push(piece)
      }).message,
    ).toMatch(message)
  })

  it('says where something is in a file whose comments and texts have lines', () => {
    const text = 'library (l) { /* 1\n2\n */ a : "x\ny"; /* 4 */\n /**/ b : "z" : }'
    expect(failure(() => readLibrary(text, 'b.lib'))).toMatchObject({ where: 'b.lib:5:15' })
  })

  it('a cell without end takes no more memory than a cell may', () => {
    const reader = libraryReader('b.lib')
    reader.push('library (l) { cell (c) {')
    expect(
      failure(() => {
        for (let i = 0; i < 1e6; i++) reader.push(`a${i} : 1;`)
      }).message,
    ).toMatch(/holds more than 100000 statements/)
  })
})
