import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { execa } from 'execa'
import { afterAll, describe, expect, it } from 'vitest'
import { parse as parseYaml } from 'yaml'
import { packageRoot } from '../../src/base/files.ts'
import { shellWord } from '../../src/cli/usage.ts'
import { needsVerilator } from '../fixtures/tools.ts'

/** The commands of docs/ci.md, run in a repository as the page describes it, with a small network and few images. */
const repository = mkdtempSync(join(tmpdir(), 'xgen-ci-'))
afterAll(() => rmSync(repository, { recursive: true, force: true }))

const page = readFileSync(join(packageRoot, 'docs/ci.md'), 'utf8')
const block = (language: string) => new RegExp(`\`\`\`${language}\n(.*?)\`\`\``, 's').exec(page)![1]!
interface Step {
  readonly name?: string
  readonly run?: string
  readonly uses?: string
}
const workflow = parseYaml(block('yaml')) as {
  readonly on: readonly string[]
  readonly jobs: Readonly<Record<string, { readonly env: object; readonly steps: readonly Step[] }>>
}
const { steps, env } = workflow.jobs['accelerator']!
const commandOf = (name: string) => steps.find((step) => step.name === name)!.run!

/** As GitHub runs a step: bash -e, in the repository's root. */
const run = (command: string) =>
  execa('bash', ['-e', '-c', command], {
    cwd: repository,
    reject: false,
    all: true,
    env: { IMAGES: '2', XGEN_DATA_DIR: join(repository, 'no-data') },
  })

function configure(columns: number): void {
  const example = join(packageRoot, 'examples/ice40')
  writeFileSync(
    join(repository, 'xgen.yaml'),
    [
      `net: ${join(example, 'network.json')}`,
      `weights: { file: ${join(example, 'weights.safetensors')} }`,
      `array: { rows: 2, cols: ${columns} }`,
      '',
    ].join('\n'),
  )
}

describe('the workflow', () => {
  it('has every step that it needs, in order, and sets what its commands use', () => {
    expect(steps.map(({ name, uses }) => name ?? uses!.replace(/@.*/, ''))).toEqual([
      ...['actions/checkout', 'actions/setup-node', 'Set up', 'Verify', 'Compare', 'Keep the run'],
    ])
    const used = steps.flatMap(({ run: command }) => command?.match(/\$\{?(\w+)/g) ?? [])
    expect([...new Set(used)]).toEqual(Object.keys(env).map((name) => `$${name}`))
  })

  it('sets xgen up with the script that is there', () => {
    expect(commandOf('Set up')).toBe('./xgen/scripts/setup')
    expect(statSync(join(packageRoot, 'scripts/setup')).mode & 0o100).not.toBe(0)
  })

  it('accepts the golden run again, and not one that costs more', async (context) => {
    needsVerilator(context)
    // What setup leaves: the command, which runs the sources here.
    const command = join(repository, 'xgen/node_modules/.bin/xgen')
    mkdirSync(dirname(command), { recursive: true })
    const main = [
      process.execPath,
      '--import',
      import.meta.resolve('tsx'),
      join(packageRoot, 'src/cli/main.ts'),
    ]
    writeFileSync(command, `#!/bin/sh\nexec ${main.map(shellWord).join(' ')} "$@"\n`)
    chmodSync(command, 0o755)

    configure(2)
    for (const part of [block('sh'), commandOf('Verify'), commandOf('Compare')]) {
      const { exitCode, all } = await run(part)
      expect(exitCode, all).toBe(0)
    }
    expect(readFileSync(join(repository, 'golden/metrics.json'), 'utf8')).toBe(
      readFileSync(join(repository, 'rtl-out/ci/metrics.json'), 'utf8'),
    )
    expect(readFileSync(join(repository, 'rtl-out/ci/compare.xml'), 'utf8')).toContain('failures="0"')

    configure(1)
    expect((await run(commandOf('Verify'))).exitCode).toBe(0)
    const { exitCode, stdout } = await run(commandOf('Compare'))
    expect(exitCode).toBe(1)
    expect(stdout).toMatch(/FAIL {2}cycles__total: \d+ -> \d+/)
  })
})
