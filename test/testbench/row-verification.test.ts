import { beforeEach, describe, expect, it } from 'vitest'
import { type VerificationRun, verifyDesign } from '../../testbench/verification.ts'
import { needsVerilator } from '../fixtures/tools.ts'
import { rowVerificationOf, twoLayers } from '../fixtures/verification.ts'

const sound = rowVerificationOf(twoLayers, { rows: 4, columns: 5 }, 3)

/** The design with one edit of its Verilog. */
function edited(file: string, from: string | RegExp, to: string, run = sound): VerificationRun {
  const text = run.verilog.get(file)!
  const changed = text.replace(from, to)
  expect(changed).not.toBe(text)
  return { ...run, verilog: new Map([...run.verilog, [file, changed]]) }
}

async function differenceOf(run: VerificationRun) {
  const { checks } = await verifyDesign(run)
  const check = checks.find(({ name }) => name === 'model = Verilator (registers, cycles)')!
  expect(check.mismatches).toBeGreaterThan(0)
  expect(checks.find(({ name }) => name === 'model = netlist (registers, cycles)')!.mismatches).toBe(0)
  return check.explanation!
}

describe('verification of a row-stationary design', () => {
  beforeEach(needsVerilator)

  it.each(['native', 'axi'] as const)('compares emulator, model, netlist and Verilator: %s', async (name) => {
    const run = rowVerificationOf(twoLayers, { rows: 4, columns: 5 }, 4, name)
    const { checks, cycles } = await verifyDesign({ ...run, netlistImages: 2 })
    expect(checks.map(({ mismatches }) => mismatches)).toEqual(checks.map(() => 0))
    for (const { compared } of checks) expect(compared).toBeGreaterThan(0)
    expect(checks).toHaveLength(name === 'axi' ? 6 : 5)
    expect(cycles.verilator).toBe(cycles.model)
  })

  it('tells a fault in a PE with its product and its line', async () => {
    const { text, summary } = await differenceOf(
      edited(
        'row_pe_exact_s8s8.v',
        'partial + product',
        "(partial + product) ^ (active && activation[1:0] == 2'd1 ? 4 : 0)",
      ),
    )
    expect(summary).toMatch(/^tile_0\.sum\[\d\]\[\d\]: expected -?\d+, got -?\d+ in image 0/)
    expect(text).toContain('By the plan the layer "layer0" streams a pass in this cycle')
    expect(text).toMatch(/filter fold \d of \d, channel fold \d of \d: output column \d, kernel column \d/)
    expect(text).toMatch(
      /PE \(row \d, column \d\) of tile_0, exact \(s8s8\), is row \d of chain \d, side \d; its activation stands in register \d of line \d+\./,
    )
    expect(text).toContain('so the fault lies in this PE')
  })

  it.each([
    [
      'what says that a row lies in the map',
      'input_line.v',
      'keep <= in_map;',
      'keep <= valid;',
      'activation[',
    ],
    [
      'the memories at a chain’s end',
      'chain_end.v',
      'drain_now & ~drain_buffer',
      'drain_now & drain_buffer',
      'total[',
    ],
    ['the rounding of a column', 'row_column.v', /(doubled\[49\], doubled\} \+ 51'd)1/, '$10', 'down['],
    ['the lanes of the writer', 'row_writer.v', /hold_0 <= /, 'hold_0 <= 1 ^ ', 'hold[0]'],
    ['the memory of the routes', 'row_writer.v', /routes\[route\]/, 'routes[route ^ 1]', 'activation['],
    ['the fetch of parameters', 'row_parameters.v', /address <= /, 'address <= 1 ^ ', ''],
    ['the weights of a fold', 'row_sequencer.v', /weight_word <= /, 'weight_word <= 1 ^ ', 'tile_'],
  ])('finds a fault in %s', async (_name, file, from, to, first) => {
    const { summary } = await differenceOf(edited(file, from, to))
    expect(summary.startsWith(first)).toBe(true)
  })
})
