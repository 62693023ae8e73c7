import { join } from 'node:path'
import { execa } from 'execa'
import { describe, expect, test } from 'vitest'
import yargs from 'yargs'
import { packageRoot } from '../../src/base/files.ts'
import { loadCommands } from '../../src/cli/commands.ts'
import { checkSwitches, configureCommand, declaredOptions, refusal, shellWord } from '../../src/cli/usage.ts'

const commands = await loadCommands(undefined)

const parser = (command: (typeof commands)[number]) =>
  configureCommand(yargs([]).scriptName('xgen').wrap(80), command)

test.each(commands.map((command) => [command.name, command] as const))(
  'every example of %s stands on one line of its help at 80 columns',
  async (_name, command) => {
    const lines = (await parser(command).getHelp()).split('\n').map((line) => line.trim())
    for (const [line] of command.examples) expect(lines).toContain(line.replace('$0', 'xgen'))
  },
)

describe('what yargs refuses', () => {
  test('a misspelt option has the nearest one', () => {
    const { names } = declaredOptions(parser(commands.find(({ name }) => name === 'sim')!))
    expect(refusal('Unknown argument: arrray', 'xgen sim', names)).toMatchObject({
      kind: 'usage',
      message: 'Unknown argument: arrray. Did you mean "--array"?',
      hint: '"xgen sim --help" lists the options.',
    })
  })

  test('a command without its word says so', () => {
    const message = 'Not enough non-option arguments: got 0, need at least 1'
    expect(refusal(message, 'xgen data', [])).toMatchObject({
      kind: 'usage',
      message: '"xgen data" needs a word that says what to do',
      hint: '"xgen data --help" lists the options.',
    })
  })

  test('an option without its value says which', () => {
    expect(refusal('Not enough arguments following: sweep', 'xgen eval', [])).toMatchObject({
      kind: 'usage',
      where: '--sweep',
      message: 'a value is missing',
    })
  })

  test('a choice that is none has the list', () => {
    const message = 'Invalid values:\n  Argument: action, Given: "lst", Choices: "list", "fetch"'
    expect(refusal(message, 'xgen data', [])).toMatchObject({
      message: '"lst" is not possible for action. Did you mean "list"?',
      hint: 'Possible: list, fetch.',
    })
  })
})

test('a switch is true or false', () => {
  expect(() => checkSwitches(['sim', '--json=maybe'], ['json'])).toThrow('only true and false')
  expect(checkSwitches(['--json=false', '--net=maybe', '--', '--json=maybe'], ['json'])).toBeUndefined()
})

test('words are quoted for a shell where they need it', () => {
  expect(['lenet5', 'conv2=roup:p=1,r=2', 'fc*=exact', "it's"].map(shellWord)).toEqual([
    'lenet5',
    'conv2=roup:p=1,r=2',
    "'fc*=exact'",
    "'it'\\''s'",
  ])
})

test.each([
  [['sim', '--arrray', '4x4'], 'Did you mean "--array"?'],
  [['data', 'lst'], 'Did you mean "list"?'],
  [[], '"xgen --help" lists'],
  [['sim', '--json=maybe'], '--json: "maybe" is given'],
  [['mult', 'import', 'mul.v', '--transpose'], '--transpose is for tables'],
  [['mult', 'metrics', 'exact', '--sat'], '--sat: "mult metrics" does not heed it'],
  [['mult', 'list', 'roup'], 'xgen mult show roup'],
  [['net', 'import', 'm.onnx', '--mult', 'drum:k=4'], '--mult: "net import" does not heed it'],
  [['eval', '--net'], '--net: a value is missing'],
  [['eval', '--sweep', '--out', 'x'], '--sweep: a value is missing'],
  [['net', 'import'], 'For example: xgen net import model.onnx'],
  [['eval', '--net', 'lenet5', '--precision', 'float', '--mult', 'exact'], '--mult: multipliers are of the'],
  [['eval', '--net', 'lenet5', '--sweep', 'weights=2..8', '--per-class'], '--per-class: a study prints'],
  [['synth', '--mult', 'exact', '--samples', '4'], '--samples: this is for an accelerator'],
  [['synth', '--mult', 'exact', '--no-baselines'], '--baselines: this is for an accelerator'],
  [['synth', '--mult', 'exact', '--period', '1e400'], '--period: a time above 0 ns is needed'],
  [
    ['synth', '--mult', 'exact', '--stream', 'a.npy', '--operations', '9'],
    '--operations: a file has its own',
  ],
])(
  'the command line %j is refused with its remedy',
  async (args, text) => {
    const main = join(packageRoot, 'src/cli/main.ts')
    const { exitCode, stderr } = await execa('node', ['--import', 'tsx', main, ...args], { reject: false })
    expect(exitCode).toBe(2)
    expect(stderr).toContain(text)
  },
  60_000,
)
