import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { packageRoot } from '../../src/base/files.ts'
import { canonicalJson } from '../../src/base/hash.ts'
import {
  type ConfigurationOptions,
  entriesOf,
  misspeltVariables,
  quantOptionsOf,
  resolveConfiguration,
} from '../../src/flow/configuration.ts'
import { initialise } from '../../src/flow/init.ts'
import { arrayChoice } from '../../src/flow/planning.ts'
import { configurationJsonSchema } from '../../src/flow/schema.ts'
import { failure } from '../fixtures/failure.ts'

const directory = mkdtempSync(join(tmpdir(), 'xgen-configuration-'))
afterAll(() => rmSync(directory, { recursive: true, force: true }))

let count = 0
const file = (text: string, name = `c${count++}.yaml`) => {
  const path = join(directory, name)
  writeFileSync(path, text)
  return path
}
const resolve = (options: ConfigurationOptions) => resolveConfiguration({ environment: {}, ...options })
describe('precedence', () => {
  const config = file('net: lenet5\narray: { rows: 2, cols: 3 }\n')
  const environment = { XGEN_ARRAY_ROWS: '4' }
  test.each([
    ['the default', {}, 8],
    ['the file', { config }, 2],
    ['the environment over the file', { config, environment }, 4],
    ['--set over the environment', { config, environment, set: ['array.rows=5'] }, 5],
    ['a flag over --set', { config, environment, set: ['array.rows=5'], rows: 6 }, 6],
    ['--array', { config, set: ['array.rows=5'], array: '7x9' }, 7],
  ])('%s', (_name, options, rows) => {
    expect(resolve({ net: 'lenet5', ...options }).array.rows).toBe(rows)
  })

  test('the rest of a map stays when one value of it is set', () => {
    expect(resolve({ config, set: ['array.rows=5'] }).array).toMatchObject({ rows: 5, cols: 3 })
  })
})

describe('dataflows of the command line', () => {
  const dataflow = (...flags: string[]) => resolve({ net: 'lenet5', dataflow: flags }).array.dataflow
  test('are one word, or a map where layers are named', () => {
    expect(dataflow('auto')).toBe('auto')
    expect(dataflow('auto', 'conv*=row-stationary')).toEqual({ default: 'auto', 'conv*': 'row-stationary' })
    expect(dataflow('default=auto')).toBe('auto')
    expect(dataflow('conv1=auto')).toEqual({ conv1: 'auto' })
  })
  test.each([
    [['auto', 'row-stationary'], /all layers are given twice/],
    [['auto', 'default=auto'], /all layers are given twice/],
    [['conv1=auto', 'fc1=auto', 'conv1=row-stationary'], /"conv1" is given twice/],
    [['=auto'], /"=auto" names no layer before "="/],
    [['conv1='], /"conv1=" names no dataflow after "="/],
    [[' = '], /names no layer before "="/],
  ])('%j are refused', (flags, message) => {
    expect(failure(() => dataflow(...flags))).toMatchObject({
      kind: 'usage',
      message: expect.stringMatching(message),
      hint: expect.stringContaining('--dataflow'),
    })
  })
})

describe('sizes of tiles', () => {
  test('stand in the file or in --set, where the multiplier has signs of its own', () => {
    const config = file('net: lenet5\narray: { tiles: { exact: 4x8, "roup:p=1,r=2": 8x8 } }\n')
    expect(resolve({ config }).array.tiles).toEqual({ exact: '4x8', 'roup:p=1,r=2': '8x8' })
    expect(resolve({ config, set: ['array.tiles.roup:p=1,r=2=2x3'] }).array.tiles).toEqual({
      exact: '4x8',
      'roup:p=1,r=2': '2x3',
    })
    expect(arrayChoice(resolve({ config })).tiles).toMatchObject({
      exact: { rows: 4, columns: 8, where: `${config}:2:19` },
      'roup:p=1,r=2': { rows: 8, columns: 8 },
    })
    expect(arrayChoice(resolve({ net: 'lenet5' }))).not.toHaveProperty('tiles')
  })

  test.each(['8', '0x4', '8x', 'x8', '8x8x8', '1000x1', '-1x4'])('%s is none', (size) => {
    const error = failure(() => resolve({ net: 'lenet5', set: [`array.tiles.exact=${size}`] }))
    expect(error.where).toBe('--set array.tiles.exact')
    expect(error.message).toContain('array.tiles.exact')
  })
})

test('multipliers of file, --set and --mult are merged by selector', () => {
  const config = file(
    'net: lenet5\nmultipliers:\n  default: exact\n  conv2: roup:p=1,r=2\n  "conv1[0 - 2]": exact\n',
  )
  const resolved = resolve({
    config,
    set: ['multipliers.fc1=trunc:ka=1,kb=1'],
    mult: ['conv2=trunc:ka=2,kb=2', 'conv1[0-2]=roup:p=1,r=1'],
  })
  expect(resolved.multipliers).toEqual({
    default: 'exact',
    conv2: 'trunc:ka=2,kb=2',
    'conv1[0-2]': 'roup:p=1,r=1',
    fc1: 'trunc:ka=1,kb=1',
  })
  const places = Object.fromEntries(entriesOf(resolved).map(({ selector, where }) => [selector, where]))
  expect(places['default']).toBe(`${config}:3:3`)
  expect(places['conv2']).toBe('--mult')
})

test('a resolved configuration fed back gives the same', () => {
  const first = resolve({
    net: 'lenet5',
    mult: ['conv2=roup:p=1,r=2'],
    array: '16x4',
    set: ['quant.activations=uint8'],
  })
  const run = file(canonicalJson({ configuration: first, xgen: '0', seconds: {} }), 'run.json')
  expect(canonicalJson(resolve({ config: run }))).toBe(canonicalJson(first))
  expect(quantOptionsOf(first)).toEqual({ weightBits: 8, activationBits: 8, unsigned: true })
})

describe('mistakes', () => {
  test.each([
    [
      'an unknown key',
      'net: lenet5\narrey: { rows: 2 }\n',
      '2:1',
      '"arrey" is not known here. Did you mean "array"?',
    ],
    [
      'an unknown key below',
      'net: lenet5\narray:\n  row: 2\n',
      '3:3',
      'array: "row" is not known here. Did you mean "rows"?',
    ],
    [
      'a section that xgen does not have',
      'net: lenet5\nlayout: { density: 0.5 }\n',
      '2:1',
      '"layout" is not known here.',
    ],
    [
      'a clock that stands',
      'net: lenet5\nsynth: { clock_ns: 0 }\n',
      '2:10',
      'synth.clock_ns is 0: write a number of at least 0.1',
    ],
    [
      'a value out of range',
      'net: lenet5\narray: { rows: 2000 }\n',
      '2:10',
      'array.rows is 2000: write a number of at most',
    ],
    ['a wrong type', 'net: lenet5\nquant: { weights: eight }\n', '2:10', 'quant.weights is "eight"'],
    [
      'a word that is neither true nor false',
      'net: lenet5\narray: { modes: maybe }\n',
      '2:10',
      'array.modes is "maybe": write true or false',
    ],
    [
      'one size for all tiles',
      'net: lenet5\narray: { tiles: 4x2 }\n',
      '2:10',
      'array.tiles is "4x2": write names with values, such as { name: value }',
    ],
    [
      'an activation type',
      'net: lenet5\nquant: { activations: int16 }\n',
      '2:10',
      'quant.activations is "int16"',
    ],
    ['an unknown interface', 'net: lenet5\ninterface: axis\n', '2:1', 'Did you mean "axi"?'],
    [
      'a dataflow that comes with the weights',
      'net: lenet5\narray: { dataflow: reuse }\n',
      '2:10',
      'array.dataflow: "reuse" comes with the weights: layers with curves use it',
    ],
    [
      'an unknown dataflow',
      'net: lenet5\narray: { dataflow: weight-stationery }\n',
      '2:10',
      'Did you mean "weight-stationary"?',
    ],
    [
      'a broken selector',
      'net: lenet5\nmultipliers: { "conv1[": exact }\n',
      '2:16',
      '"conv1[" selects nothing',
    ],
    ['no mapping', '- 1\n- 2\n', '', 'holds no settings'],
  ])('%s', (_name, text, place, message) => {
    const config = file(text)
    const error = failure(() => resolve({ config }))
    expect(error).toMatchObject({ kind: 'usage', where: place === '' ? config : `${config}:${place}` })
    expect(error.message).toContain(message)
  })

  test.each([
    ['no network', {}, 'no network is named'],
    ['--set without a value', { net: 'lenet5', set: ['array.rows'] }, '--set array.rows sets nothing'],
    ['--set of an unknown key', { net: 'lenet5', set: ['aray.rows=1'] }, 'Did you mean "array"?'],
    ['--set of an unknown key below', { net: 'lenet5', set: ['array.row=1'] }, 'Did you mean "rows"?'],
    ['--set through a value', { net: 'lenet5', set: ['__proto__.x=1'] }, '"__proto__" is not known'],
    ['--array', { net: 'lenet5', array: '8' }, '"8" is no array'],
    ['--array and --rows', { net: 'lenet5', array: '8x8', rows: 8 }, 'say the same thing'],
    ['the environment', { net: 'lenet5', environment: { XGEN_ARRAY_COLS: 'many' } }, 'array.cols is "many"'],
  ])('%s', (_name, options, message) => {
    expect(failure(() => resolve(options as ConfigurationOptions)).message).toContain(message)
  })

  test.each([
    ['a variable', { environment: { XGEN_NET: 'nope' } }, 'XGEN_NET', 'no built-in network "nope"'],
    [
      'a path of no key',
      { net: 'lenet5', set: ['array.__proto__.x=4'] },
      '--set',
      '"__proto__" is not known',
    ],
    ['no number', { net: 'lenet5', rows: Number.NaN }, '--rows', 'a whole number is needed'],
  ])('%s is blamed on what gave it', (_name, options, where, message) => {
    expect(failure(() => resolve(options))).toMatchObject({
      kind: 'usage',
      where,
      message: expect.stringContaining(message),
    })
  })

  test('what a comma leaves of a text in braces has its remedy', () => {
    const config = file('net: lenet5\nmultipliers: { conv2: roup:p=1,r=2 }\n')
    expect(failure(() => resolve({ config }))).toMatchObject({
      where: `${config}:2:32`,
      hint: expect.stringContaining('stands in quotes'),
    })
  })

  test('a second document, and broken JSON, are named with their place', () => {
    const two = file('net: lenet5\n---\nnet: lenet5\n')
    expect(failure(() => resolve({ config: two }))).toMatchObject({
      where: `${two}:2:1`,
      message: 'holds a second document: write one only',
    })
    const broken = file('{"net": "lenet5", ', 'broken.json')
    const error = failure(() => resolve({ config: broken }))
    expect(error.message).toContain('is no valid JSON: ')
    expect(error.where).toMatch(/broken\.json:\d+:\d+$/)
  })

  test('a misspelt variable is named, a stranger is not', () => {
    expect(misspeltVariables({ XGEN_ARAY_ROWS: '5', XGEN_DATA_DIR: '/', XGEN_ELSEWHERE_X: '1' })).toEqual([
      'the variable XGEN_ARAY_ROWS has no effect. Did you mean "XGEN_ARRAY_ROWS"?',
    ])
  })

  test('a missing file', () => {
    expect(failure(() => resolve({ config: join(directory, 'none.yaml') }))).toMatchObject({
      kind: 'usage',
      message: expect.stringContaining('does not exist'),
    })
  })
})

test('xgen init writes a file that means the defaults', () => {
  const path = initialise(join(directory, 'new'), false)
  const resolved = resolve({ config: path })
  expect({ ...resolved, multipliers: {} }).toEqual(resolve({ net: 'lenet5' }))
  expect(resolved.multipliers).toEqual({ default: 'exact' })
  expect(failure(() => initialise(join(directory, 'new'), false))).toMatchObject({
    kind: 'usage',
    hint: expect.stringContaining('--force'),
  })
  expect(failure(() => initialise(path, false)).message).toContain('is a file, not a directory')
})

test('the published JSON Schema is current (scripts/schema.ts writes it)', () => {
  const published = readFileSync(join(packageRoot, 'schema', 'xgen.schema.json'), 'utf8')
  expect(published).toBe(`${canonicalJson(configurationJsonSchema(), 2)}\n`)
})
