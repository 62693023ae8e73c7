import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { execa } from 'execa'
import { afterAll, describe, expect, it } from 'vitest'
import type { CountsReport } from '../../src/flow/counts.ts'
import type { VerifyReport } from '../../src/flow/verify.ts'

const root = mkdtempSync(join(tmpdir(), 'xgen-counts-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))

const xgen = (...args: string[]) =>
  execa(process.execPath, ['--import', 'tsx', 'src/cli/main.ts', ...args, '--no-progress'], {
    cwd: resolve(import.meta.dirname, '../..'),
    reject: false,
    env: { NO_COLOR: '1' },
  })

const mixed = [
  '--net',
  'lenet5',
  '--array',
  '4x6',
  '--mult',
  'conv1[0-2]=roup:p=1,r=2',
  '--set',
  'array.parallel=true',
  '--interface',
  'native',
]

/** A Yosys that finds nothing in the design but its top. */
function blind(): string {
  const path = join(root, 'blind-yosys')
  const statistics = JSON.stringify({
    creator: 'Yosys 9.9',
    modules: { '\\xgen_lenet5': { num_memory_bits: 0, num_cells_by_type: { $add_8: 3 } } },
  })
  writeFileSync(path, `#!/bin/sh\ncat > statistics.json <<'END'\n${statistics}\nEND\n`)
  chmodSync(path, 0o755)
  return path
}

describe('xgen counts', () => {
  it('counts a design by class, by module, by layer, and three ways that agree', async () => {
    const { stdout, stderr, exitCode } = await xgen('counts', ...mixed, '--json')
    expect(stderr).toBe('')
    expect(exitCode).toBe(0)
    const report = JSON.parse(stdout) as CountsReport
    expect(report).toMatchObject({ net: 'lenet5', array: '4x6', pass: true })
    expect(report.yosys).toMatch(/^Yosys \d/)
    const [design] = report.designs
    const { totals, layers } = design!
    const same = (n: number) => ({ plan: n, netlist: n, yosys: n })
    // two tiles of 24 PEs, whose sums meet in 6 columns
    expect(totals.multipliers).toEqual({ ...same(54), inPes: same(48), inRequantisers: same(6) })
    expect(totals.adders.datapath).toEqual(same(48 + 6 + 6 * 6))
    expect(design).toMatchObject({
      dataflow: 'weight-stationary',
      multipliers: 54,
      adders: totals.adders.plan,
      registers: totals.registers.plan,
      memoryBits: totals.memoryBits.plan,
    })
    expect(layers.map(({ name }) => name)).toEqual(['conv1', 'conv2', 'fc1', 'fc2', 'fc3'])
    expect(layers[0]).toEqual({
      name: 'conv1',
      multipliers: 54,
      adders: 48 + 5 * 6,
      inPes: 48,
      inRequantisers: 6,
    })
    expect(layers[1]).toMatchObject({ inPes: 24, adders: 24 + 4 * 6 })
  })

  it('without Yosys says that it was not run', async () => {
    const { stdout, exitCode } = await xgen('counts', ...mixed, '--yosys', 'none')
    expect(exitCode).toBe(0)
    expect(stdout).toMatch(/^multipliers +54 +54 +-$/m)
    expect(stdout).toContain('plan = netlist (counts): 102 numbers of 17 modules, none differs')
    expect(stdout).toContain('netlist = Yosys (counts): not run, because no Yosys was wanted (--yosys none)')
  })

  it('that differ fail, and say in which module', async () => {
    const { stdout, exitCode } = await xgen('counts', ...mixed, '--yosys', blind())
    expect(exitCode).toBe(1)
    expect(stdout).toContain('datapath adders of xgen_lenet5: plan 6, netlist 6, Yosys 3 in each instance')
    expect(stdout).toContain('instances of tile_0: plan 1, netlist 1, Yosys no such module')
  })

  it('that differ fail xgen verify, too', async () => {
    const { stdout, exitCode } = await xgen(
      'verify',
      ...mixed,
      ...['--images', '1', '--netlist-images', '0', '--yosys', blind(), '--out', join(root, 'run'), '--json'],
    )
    expect(exitCode).toBe(1)
    const { pass, checks, counts } = JSON.parse(stdout) as VerifyReport
    expect(pass).toBe(false)
    const failed = checks.filter(({ difference }) => difference !== undefined)
    expect(failed.map(({ name }) => name)).toEqual(['netlist = Yosys (counts)'])
    expect(failed[0]!.difference).toContain('datapath adders of xgen_lenet5: plan 6, netlist 6, Yosys 3')
    expect(counts.adders).toMatchObject({ yosys: 3 })
    expect(counts.multipliers).toMatchObject({ plan: 54, netlist: 54, yosys: 0 })
  })

  it('refuse a Yosys that is not there, and one without a name', async () => {
    const missing = await xgen('counts', '--net', 'lenet5', '--yosys', './no-such-yosys')
    expect(missing.exitCode).toBe(3)
    expect(missing.stderr).toContain('no-such-yosys')
    expect(missing.stderr).toContain('--yosys')
    const unnamed = await xgen('counts', '--net', 'lenet5', '--yosys', '')
    expect(unnamed.exitCode).toBe(2)
    expect(unnamed.stderr).toContain('--yosys')
  })
})
