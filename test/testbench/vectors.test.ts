import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { writeFileAtomically } from '../../src/base/files.ts'
import { testbenchFiles } from '../../testbench/vectors.ts'
import { hasIcarus, hasMake, hasVerilator } from '../fixtures/tools.ts'
import { twoLayers, verificationOf } from '../fixtures/verification.ts'

const scratch = mkdtempSync(join(tmpdir(), 'xgen-vectors-'))
afterAll(() => rmSync(scratch, { recursive: true, force: true }))

describe.each(['native', 'axi'] as const)('the stored testbench of the interface %s', (interfaceName) => {
  const directory = join(scratch, interfaceName)
  const tb = join(directory, 'tb')
  const design = verificationOf(twoLayers, { rows: 4, columns: 4 }, 2, interfaceName)
  const written = () => testbenchFiles(design.plan, design.images, design.top.name, interfaceName)
  const files = written()

  /** From another directory, without Node in the environment. */
  const make = (target: string) =>
    execa('make', ['-C', tb, target], {
      cwd: '/',
      reject: false,
      all: true,
      env: { PATH: process.env['PATH']! },
      extendEnv: false,
    })

  beforeAll(() => {
    for (const [path, contents] of files) writeFileAtomically(join(directory, path), contents)
    for (const [name, text] of design.verilog) writeFileAtomically(join(directory, 'rtl', name), text)
    for (const [name, text] of design.memories) writeFileAtomically(join(directory, 'mem', name), text)
  })

  it('is the same bytes each time, and holds as many codes as it says', () => {
    expect([...written()]).toEqual([...files])
    const lines = (path: string) => files.get(path)!.toString().trimEnd().split('\n')
    expect(lines('tb/vectors/inputs.hex').length).toBe(3 * design.plan.input.elements)
    expect(lines('tb/vectors/expected.hex').length).toBe(3 * design.plan.output.elements)
    expect(new Set(lines('tb/vectors/expected.hex')).size).toBeGreaterThan(1)
  })

  it('lists the commands that its Makefile runs', () => {
    const commands = files.get('tb/COMMANDS')!.toString()
    for (const command of ['verilator --lint-only -Wall', 'verilator --binary --timing', 'iverilog -g2005'])
      expect(commands).toContain(command)
  })

  it('lints and passes under Verilator', async (context) => {
    if (!hasVerilator || !hasMake) return context.skip('not run: no Verilator or no make')
    const lint = await make('lint')
    expect(lint.all).not.toMatch(/%Warning|%Error/)
    expect(lint.exitCode).toBe(0)
    const { exitCode, all } = await make('sim')
    expect(all).toContain('PASS: 3 images, 18 output codes compared, 0 differ')
    expect(exitCode).toBe(0)
  })

  it('passes under Icarus, and fails where a code differs', async (context) => {
    if (!hasIcarus || !hasMake) return context.skip('not run: no Icarus Verilog or no make')
    const sound = await make('sim-icarus')
    expect(sound.all).toContain('PASS: 3 images, 18 output codes compared, 0 differ')
    expect(sound.exitCode).toBe(0)

    const path = join(tb, 'vectors', 'expected.hex')
    const codes = readFileSync(path, 'utf8').split('\n')
    codes[7] = ((Number.parseInt(codes[7]!, 16) + 1) % 256).toString(16).padStart(2, '0')
    writeFileSync(path, codes.join('\n'))
    const wrong = await make('sim-icarus')
    expect(wrong.all).toMatch(/image 1, output element 1: got \d+, expected \d+/)
    expect(wrong.all).toContain('FAIL: 3 images, 18 of 18 output codes compared, 1 errors')
    expect(wrong.exitCode).not.toBe(0)
  })
})
