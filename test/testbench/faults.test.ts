import { beforeEach, describe, expect, it } from 'vitest'
import { parseDomain } from '../../src/arith/domain.ts'
import { parseMultiplier } from '../../src/arith/registry.ts'
import { probesOf } from '../../src/plan/probes.ts'
import { coreOf, ownerReader } from '../../src/plan/tile.ts'
import { visibleRegisters } from '../../testbench/netlist-device.ts'
import { type Verification, type VerificationRun, verifyDesign } from '../../testbench/verification.ts'
import { needsVerilator } from '../fixtures/tools.ts'
import { twoLayers, verificationOf } from '../fixtures/verification.ts'

/** Faults planted into the printed Verilog: each is found, and told with its place. */

const sound = verificationOf(twoLayers, { rows: 4, columns: 4 }, 3)

interface Fault {
  /** File, what stands there, what is put instead. */
  readonly edits: readonly (readonly [file: string, from: string | RegExp, to: string])[]
  /** A faulty copy of a module, for one instance. */
  readonly copy?: {
    readonly module: string
    readonly name: string
    readonly from: string
    readonly to: string
    readonly signals: readonly string[]
  }
}

function planted({ edits, copy }: Fault, whole = sound): VerificationRun {
  const verilog = new Map(whole.verilog)
  const replace = (text: string, from: string | RegExp, to: string) => {
    const changed = text.replace(from, to)
    if (changed === text) throw new Error(`the Verilog has no ${from}`)
    return changed
  }
  for (const [file, from, to] of edits) verilog.set(file, replace(verilog.get(file)!, from, to))
  if (copy === undefined) return { ...whole, verilog }
  const text = replace(verilog.get(`${copy.module}.v`)!, `module ${copy.module}`, `module ${copy.name}`)
  verilog.set(`${copy.name}.v`, replace(text, copy.from, copy.to))
  const visible = visibleRegisters(whole.top, probesOf(whole.plan))
  return {
    ...whole,
    verilog,
    visible: [...visible, ...copy.signals.map((signal) => ({ module: copy.name, signal }))],
  }
}

async function differenceOf(
  fault: Fault,
  whole = sound,
): Promise<{ result: Verification; text: string; summary: string }> {
  const result = await verifyDesign(planted(fault, whole))
  const check = result.checks.find(({ name }) => name === 'model = Verilator (registers, cycles)')!
  expect(check.mismatches).toBeGreaterThan(0)
  expect(result.checks.find(({ name }) => name === 'model = netlist (registers, cycles)')!.mismatches).toBe(0)
  expect(result.checks.find(({ name }) => name === 'emulator = model (outputs)')!.mismatches).toBe(0)
  return { result, text: check.explanation!.text, summary: check.explanation!.summary }
}

describe('a planted fault', () => {
  beforeEach(needsVerilator)

  it('is not seen where there is none', async () => {
    const { checks, cycles } = await verifyDesign(sound)
    expect(checks.map(({ name, mismatches }) => [name, mismatches])).toEqual([
      ['emulator = model (outputs)', 0],
      ['plan = model (cycles of an inference)', 0],
      ['model = netlist (registers, cycles)', 0],
      ['model = Verilator (registers, cycles)', 0],
      ['emulator = Verilator (outputs)', 0],
    ])
    expect(checks.every(({ compared }) => compared > 0)).toBe(true)
    expect(cycles.verilator).toBe(cycles.model)
  })

  it('in one PE is told with its operands', async () => {
    const { text, summary } = await differenceOf({
      edits: [['tile_0.v', 'pe_exact_s8s8 u_pe_2_1 ', 'pe_faulty u_pe_2_1 ']],
      copy: {
        module: 'pe_exact_s8s8',
        name: 'pe_faulty',
        from: 'partial + product',
        to: "(partial + product) ^ (active && activation[1:0] == 2'd3 ? 4 : 0)",
        signals: ['sum', 'weight'],
      },
    })
    expect(summary).toBe(
      'tile_0.sum[2][1]: expected -2250, got -2254 in image 0, cycle 145 after start (cycle 17 of the run)',
    )
    expect(text).toMatchInlineSnapshot(`
      "Verilator differs from the model for the first time in image 0, cycle 145 after start (cycle 17 of the run).

      tile_0.sum[2][1], partial sum leaving PE (2, 1) of tile_0: expected -2250, got -2254 (bit 2).
      No other watched value differs in this cycle.

      It belongs to layer "layer0", column fold 1 of 2, row fold 1 of 5, filter 1.
      Position 7 of 64: output element (y 1, x 2) before pooling, which goes into (y 0, x 1).
      Row 2 has tap 2: channel 0, kernel row 0, kernel column 1; it reads the input element (y 0, x 2).
      PE (row 2, column 1) of tile_0 has the multiplier exact (s8s8).
      What goes into the PE agrees: activation -25, weight 36, partial sum from above -1350.
      So the fault lies in this PE: exact gives M(-25, 36) = -900; the PE added -904.

        cycle                                   | 139 140    141   142 143    144    145   146 147    148    149
        activation[2], 1 cycle later  model     |   0  46     30     0   0    -25    104     0   0     15   -123
                                      Verilator |   0  46     30     0   0    -25    104     0   0     15   -123
        tile_0.weight[2][1]           model     |  36  36     36    36  36     36     36    36  36     36     36
                                      Verilator |  36  36     36    36  36     36     36    36  36     36     36
        tile_0.sum[1][1]              model     |   0   0  -1646     0   0  -1350   -131     0   0  -2416    -11
                                      Verilator |   0   0  -1646     0   0  -1350   -131     0   0  -2416    -11
        tile_0.sum[2][1]              model     |   0   0   1656  -566   0      0  -2250  3613   0      0  -1876
                                      Verilator |   0   0   1656  -566   0      0 -2254!  3613   0      0 -1880!
                                                |                                      ^
      "
    `)
  })

  it('in a PE with run-time modes, in a tile smaller than the array, is told with the mode of its weight', async () => {
    const multipliers = ['exact', 'roup:p=1,r=2']
    const whole = verificationOf(
      {
        input: [2, 5, 5],
        seed: 9,
        layers: [
          { filters: 4, kernel: [2, 2], mix: { by: 'kernel', multipliers } },
          { filters: 3, dense: true, multiplier: 'trunc:ka=1,kb=1' },
        ],
      },
      { rows: 5, columns: 4, modes: true, tiles: { modes: { rows: 3, columns: 2 } } },
    )
    const [tile] = whole.plan.tiles
    expect(tile!.modes?.toSorted()).toEqual(multipliers)
    const pe = `pe_${coreOf(tile!).id}`
    const { text } = await differenceOf(
      {
        edits: [['tile_0.v', `${pe} u_pe_1_1 `, 'pe_faulty u_pe_1_1 ']],
        copy: {
          module: pe,
          name: 'pe_faulty',
          from: 'partial + product',
          to: "(partial + product) ^ (active && activation[1:0] == 2'd1 ? 4 : 0)",
          signals: ['sum', 'weight'],
        },
      },
      whole,
    )
    expect(text).toContain(`PE (row 1, column 1) of tile_0 has the modes ${tile!.multiplier} (s8s8).`)
    // the array's row 3 feeds it
    expect(text).toContain('activation[3], 1 cycle later')
    const told = /So the fault lies in this PE: (\S+) gives M\((-?\d+), (-?\d+)\) = (-?\d+);/.exec(text)
    expect(told, text).not.toBeNull()
    const [, spec, activation, weight, product] = told!
    const row = whole.plan.layers[0]!.weightBase + Number(/has tap (\d+)/.exec(text)![1])
    const owner = whole.images.owners[row * 4 + 1]!
    expect(spec).toBe(tile!.modes![ownerReader(whole.plan, 0).mode(owner)])
    expect(parseMultiplier(spec!, parseDomain('s8s8')).multiply(Number(activation), Number(weight))).toBe(
      Number(product),
    )
  })

  it('in the requantiser is told with the code that is due', async () => {
    const { text } = await differenceOf({
      edits: [['accumulator_column.v', /(doubled\[49\], doubled\} \+ 51'd)1/, '$10']],
    })
    expect(text).toContain(
      'pooled[1], code of column 1 after requantisation and pooling: expected 2, got 1 (bits 0, 1).',
    )
    expect(text).toContain('It belongs to layer "layer0", column fold 1 of 2, row fold 5 of 5, filter 1.')
    expect(text).toContain('the fault lies in the bias, requantisation or pooling of column 1')
    expect(text).toMatch(/which is 0, 2, 0, 0 for the totals .* of the window; their maximum is 2\./)
  })

  it('in the address of one row feeder is told with the word that is due', async () => {
    const { text } = await differenceOf({
      edits: [['xgen_sketch.v', 'row_feeder u_feeder_1 ', 'feeder_faulty u_feeder_1 ']],
      copy: {
        module: 'row_feeder',
        name: 'feeder_faulty',
        from: 'assign bank_address = position_address',
        to: 'assign bank_address = position_address + (position_y[1:0] == 2 ? 1 : 0)',
        signals: ['activation'],
      },
    })
    expect(text).toContain('activation[1], activation entering row 1: expected -33, got -11')
    expect(text).toContain(
      'Row 1 has tap 1: channel 1, kernel row 0, kernel column 0; it reads the input element (y 2, x 0).',
    )
    expect(text).toContain('By the plan it is word 16 of bank 1.')
    expect(text).toContain('the address that row feeder 1 makes')
  })

  it('in the address of the writer is told with the channels that it stores', async () => {
    const { text } = await differenceOf({
      edits: [['output_writer.v', /address <= (.*);/, 'address <= ($1) ^ (busy && !valid_1 ? 2 : 0);']],
    })
    expect(text).toContain('write_address, bank word that the writer stores to: expected 71, got 69 (bit 1).')
    expect(text).toContain('The writer stores channel 1 of output pixel (y 0, x 0).')
  })

  it('in the address of the output is told with the element that is due', async () => {
    const { text } = await differenceOf({
      edits: [['output_stream.v', 'assign address_out = address;', 'assign address_out = address ^ 1;']],
    })
    expect(text).toMatch(/out_data, a port of the native interface: expected \d+, got \d+/)
    expect(text).toMatch(/It is output element 0: channel 0 at \(y 0, x 0\), word \d+ of bank 0\./)
    expect(text).toContain('128 of 128 input elements and 0 of 6 output elements have moved.')
  })

  it('that makes the design hang ends with a verdict, not in an endless run', async () => {
    const { result, text } = await differenceOf({
      edits: [['sequencer.v', "begin_run ? 2'd2", "begin_run ? 2'd1"]],
    })
    expect(text).toContain('phase, 0 idle, 1 input, 2 run, 3 output: expected 2, got 1 (bits 0, 1).')
    const outputs = result.checks.find(({ name }) => name === 'emulator = Verilator (outputs)')!
    expect(outputs.explanation!.text).toBe('Verilator finished no image.\n')
  })
})

describe('a netlist with other weights than the plan has', () => {
  it('is told by the first weight that differs', async () => {
    const other = verificationOf({ ...twoLayers, seed: 1234 }, { rows: 4, columns: 4 })
    const { checks } = await verifyDesign({ ...sound, top: other.top })
    const check = checks.find(({ name }) => name === 'model = netlist (registers, cycles)')!
    expect(check.mismatches).toBeGreaterThan(0)
    expect(check.explanation!.summary).toMatch(
      /^tile_0\.weight\[0\]\[0\]: expected -?\d+, got -?\d+ in image 0/,
    )
    expect(check.explanation!.text).toContain('The netlist differs from the model for the first time')
    expect(check.explanation!.text).toContain('It is word 0 of the weight memory, column 0.')
  })
})
