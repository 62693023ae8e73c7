import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { packageRoot } from '../../src/base/files.ts'
import { readMetrics } from '../../src/flow/compare.ts'
import { resolveConfiguration } from '../../src/flow/configuration.ts'
import { designMetrics, metricsText, verificationMetrics } from '../../src/flow/metrics.ts'
import { prepare } from '../../src/flow/preparation.ts'
import { generate, writeDesign } from '../../src/flow/rtl.ts'
import { replaceMetrics } from '../../src/flow/run-metrics.ts'
import { netlistTally } from '../../testbench/netlist-counts.ts'
import { noCounts } from '../fixtures/verification.ts'

const directory = mkdtempSync(join(tmpdir(), 'xgen-metrics-'))
afterAll(() => rmSync(directory, { recursive: true, force: true }))

const configuration = resolveConfiguration({
  net: 'lenet5',
  environment: {},
  array: '4x4',
  mult: ['conv2=roup:p=1,r=2'],
})
const prepared = prepare(configuration)
const design = generate(configuration, prepared)
const metrics = designMetrics(design.plan, design.top.ports, design.interfaceName)

describe('metrics.json', () => {
  it('of a run is what the design says, and is read back as it was written', () => {
    const out = join(directory, 'run')
    const summary = writeDesign(out, design, configuration, prepared, false)
    expect(readMetrics(out)).toEqual(metrics)
    expect(readFileSync(join(out, 'metrics.json'), 'utf8')).toBe(metricsText(metrics))
    expect(metrics).toMatchObject({
      cycles__total: summary.cycles.inference,
      design__memory__bits: summary.memoryBits.total,
      design__pe__count: 32,
      design__tile__count: 2,
      design__multiplier__count: 36,
      'design__multiplier__count__class:pe': 32,
      'design__multiplier__count__class:requantiser': 4,
      network__mac__count: 416_520,
    })
  })

  it('keeps what was measured of the same design, and drops what was of another one', () => {
    const out = join(directory, 'measured')
    const measured = { verify__mismatch__count: 0, accuracy__top1: 0.9 }
    writeDesign(out, design, configuration, prepared, false)
    replaceMetrics(out, 'verify', { verify__mismatch__count: 3, verify__image__count: 7 })
    replaceMetrics(out, 'verify', { verify__mismatch__count: 0 })
    replaceMetrics(out, 'accuracy', { accuracy__top1: 0.9 })
    expect(readMetrics(out)).toEqual({ ...metrics, ...measured })
    writeDesign(out, design, configuration, prepared, false)
    expect(readMetrics(out)).toEqual({ ...metrics, ...measured })

    writeFileSync(join(out, 'rtl', 'tile_0.v'), '// another one')
    writeDesign(out, design, configuration, prepared, false)
    expect(readMetrics(out)).toEqual(metrics)

    replaceMetrics(out, 'verify', measured)
    const other = resolveConfiguration({ net: 'lenet5', environment: {}, array: '4x3' })
    const otherPrepared = prepare(other)
    writeDesign(out, generate(other, otherPrepared), other, otherPrepared, true)
    expect(Object.keys(readMetrics(out)).filter((name) => /^(verify|accuracy)__/.test(name))).toEqual([])

    writeDesign(out, design, configuration, prepared, true)
    writeFileSync(join(out, 'metrics.json'), '{"verify__mismatch__count": 0,')
    writeDesign(out, design, configuration, prepared, false)
    expect(readMetrics(out)).toEqual(metrics)
  })

  it('keeps what a synthesis measured as long as library, script and clock are the same', () => {
    const out = join(directory, 'synthesised')
    const measured = {
      design__instance__area: 12,
      power__total: 0.5,
      energy__inference: 3,
      timing__path__delay: 4,
    }
    writeDesign(out, design, configuration, prepared, false)
    replaceMetrics(out, 'synth', { ...measured, timing__setup__ws: 1 })
    replaceMetrics(out, 'synth', measured)
    replaceMetrics(out, 'accuracy', { accuracy__top1: 0.9 })
    writeDesign(out, design, configuration, prepared, false)
    expect(readMetrics(out)).toEqual({ ...metrics, ...measured, accuracy__top1: 0.9 })
    const slower = resolveConfiguration({
      net: 'lenet5',
      environment: {},
      array: '4x4',
      mult: ['conv2=roup:p=1,r=2'],
      set: ['synth.clock_ns=9'],
    })
    writeDesign(out, design, slower, prepared, true)
    expect(readMetrics(out)).toEqual({ ...metrics, accuracy__top1: 0.9 })
  })

  it('has classes that add up to their totals', () => {
    const classes = (total: string) =>
      Object.entries(metrics).flatMap(([name, value]) => (name.startsWith(`${total}__class:`) ? [value] : []))
    const sum = (values: number[]) => values.reduce((a, b) => a + b, 0)
    for (const total of ['design__multiplier__count', 'design__adder__count', 'design__memory__bits'])
      expect(sum(classes(total)), total).toBe(metrics[total])
    expect(sum(classes('design__adder__count'))).toBeGreaterThan(0)
  })

  it('counts what a walk over the netlist counts', () => {
    let [cores, registers, memoryBits] = [0, 0, 0]
    for (const { instances, holds } of netlistTally(design.top).values()) {
      cores += instances * holds.cores
      registers += instances * holds.registers
      memoryBits += instances * holds.memoryBits
    }
    expect(metrics).toMatchObject({
      'design__multiplier__count__class:pe': cores,
      design__register__count: registers,
      design__memory__bits: memoryBits,
    })
  })

  it('has what a verification measured, and only that', () => {
    const report = {
      ...{
        net: 'x',
        pass: true,
        images: 3,
        mismatches: 0,
        compared: 70,
        array: '1x1',
        source: '',
        stalled: 1,
      },
      checks: [
        { name: 'a', compared: 70, mismatches: 0 },
        { name: 'b', compared: 0, mismatches: 0, notRun: 'no tool' },
      ],
      cycles: { model: 12, verilator: null },
      counts: noCounts,
      yosys: null,
      directory: '',
    }
    expect(verificationMetrics(report)).toEqual({
      verify__image__count: 3,
      verify__compared__count: 70,
      verify__mismatch__count: 0,
      verify__check__count: 1,
      'verify__cycles__engine:model': 12,
    })
  })

  it('and its page name the same metrics', () => {
    const page = readFileSync(join(packageRoot, 'docs/metrics.md'), 'utf8')
    for (const name of Object.keys(metrics)) {
      const [total, part] = name.split(/__(?=class:|layer:)/) as [string, string | undefined]
      expect(page, name).toContain(`\`${total}`)
      if (part?.startsWith('layer:')) expect(page).toContain(`${total}__layer:NAME`)
    }
  })
})
