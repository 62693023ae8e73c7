import { chmodSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import { afterAll, describe, expect, test } from 'vitest'
import { packageRoot } from '../../src/base/files.ts'
import { eventually } from '../fixtures/processes.ts'

/** What the process itself does: signals, and a standard output that takes nothing. */

const directory = mkdtempSync(join(tmpdir(), 'xgen-process-'))
afterAll(() => rmSync(directory, { recursive: true, force: true }))

const main = ['--import', 'tsx', join(packageRoot, 'src/cli/main.ts')]

test.each(['SIGTERM', 'SIGINT'] as const)(
  '%s while tools are asked for their versions ends with 130 and says so',
  async (signal) => {
    const asked = join(directory, `asked by ${signal}`)
    writeFileSync(join(directory, 'verilator'), `#!/bin/sh\n: > '${asked}'\nexec sleep 60\n`)
    chmodSync(join(directory, 'verilator'), 0o755)
    const running = execa('node', [...main, 'doctor'], {
      env: { PATH: `${directory}:${process.env['PATH']}` },
      reject: false,
    })
    expect(await eventually(() => existsSync(asked), 60_000)).toBe(true)
    running.kill(signal)
    const { exitCode, stderr } = await running
    expect(exitCode).toBe(130)
    expect(stderr).toBe('xgen: interrupted')
  },
)

describe('standard output', () => {
  /** Runs xgen in a shell that gives it another standard output, and tells its exit code on stderr. */
  const redirected = (args: string, how: string) =>
    execa('bash', ['-c', `{ node "$@" ${args}; echo "code $?" >&2; } ${how}`, 'bash', ...main], {
      reject: false,
    })

  test('on a full disk is an error in words, not a failed check', async (context) => {
    if (!existsSync('/dev/full')) context.skip('not run: no /dev/full')
    const { stderr } = await redirected('net show lenet5', '> /dev/full')
    expect(stderr).toMatch(/^xgen: standard output cannot be written: .*ENOSPC.*\ncode 4$/)
  })

  test.each([
    ['net show lenet5', 0],
    ['net show nothing-like-it --json', 2],
  ])('whose reader has gone leaves the exit code of %s as it is', async (args, code) => {
    const { stderr } = await redirected(args, '| exec true')
    expect(stderr).toBe(`code ${code}`)
  })

  test('and errors on a full disk leave the exit code as it is', async (context) => {
    if (!existsSync('/dev/full')) context.skip('not run: no /dev/full')
    const { exitCode } = await execa(
      'bash',
      ['-c', 'node "$@" 2> /dev/full', 'bash', ...main, 'data', 'lst'],
      {
        reject: false,
      },
    )
    expect(exitCode).toBe(2)
  })
})
