import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest'
import { XgenError } from '../../src/base/errors.ts'
import { startTool, type ToolRun } from '../../src/tools/tool.ts'
import { findToolchain } from '../../testbench/toolchain.ts'

const directory = mkdtempSync(join(tmpdir(), 'xgen-tool-'))
afterAll(() => rmSync(directory, { recursive: true, force: true }))
afterEach(() => {
  vi.restoreAllMocks()
  vi.unstubAllEnvs()
})

const shell = (script: string): ToolRun => ({
  name: 'the shell',
  file: '/bin/sh',
  args: ['-c', script],
  cwd: directory,
  log: join(directory, 'log'),
  signal: new AbortController().signal,
})

describe('a tool', () => {
  it('that has ended is not stopped again: its number may be that of another', async () => {
    const tool = startTool(shell('exit 0'))
    tool.stdout.resume()
    await tool.finished
    const kill = vi.spyOn(process, 'kill')
    const timer = vi.spyOn(globalThis, 'setTimeout')
    tool.stop()
    expect(kill).not.toHaveBeenCalled()
    expect(timer).not.toHaveBeenCalled()
  })

  it('that is stopped leaves no timer behind', async () => {
    const tool = startTool(shell('exec sleep 60'))
    tool.stdout.resume()
    const timer = vi.spyOn(globalThis, 'setTimeout')
    const cleared = vi.spyOn(globalThis, 'clearTimeout')
    tool.stop()
    tool.stop()
    await expect(tool.finished).rejects.toMatchObject({ kind: 'tool-failed' })
    const grace = timer.mock.results.filter((_, i) => timer.mock.calls[i]![1] === 2000)
    expect(grace).toHaveLength(1)
    expect(cleared).toHaveBeenCalledWith(grace[0]!.value)
  })
})

it('the question for a version is interrupted at once, and is then no missing tool', async () => {
  writeFileSync(join(directory, 'verilator'), '#!/bin/sh\nexec sleep 60\n')
  chmodSync(join(directory, 'verilator'), 0o755)
  vi.stubEnv('PATH', `${directory}:${process.env['PATH']}`)
  const abort = new AbortController()
  const reason = new XgenError('interrupted', 'interrupted')
  const found = findToolchain(abort.signal)
  const begun = Date.now()
  setTimeout(() => abort.abort(reason), 100)
  await expect(found).rejects.toBe(reason)
  expect(Date.now() - begun).toBeLessThan(20_000)
})
