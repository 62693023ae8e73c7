import { cpSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { canonicalJson, sha256 } from '../../src/base/hash.ts'
import {
  type Configuration,
  type ConfigurationOptions,
  resolveConfiguration,
} from '../../src/flow/configuration.ts'
import { libraryPath, libraryPlace, networkPath, weightsPath } from '../../src/flow/named-files.ts'
import { networkOf, prepare, weightsOf } from '../../src/flow/preparation.ts'
import { generate, writeDesign } from '../../src/flow/rtl.ts'
import { hashWeights, serialiseWeights } from '../../src/net/weights.ts'
import { calibrate } from '../../src/quant/calibrate.ts'
import { serialiseRecord } from '../../src/quant/record.ts'
import { openLibrary } from '../../src/synth/libraries.ts'
import { failure } from '../fixtures/failure.ts'
import { randomImages, randomWeights } from '../fixtures/networks.ts'

const networkText = `name: tiny
input: { shape: [1, 3, 3] }
layers:
  - { kind: conv2d, name: conv1, filters: 2, kernel: 2 }
`

const home = process.cwd()
let root: string
let project: string
beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'xgen-files-')))
  project = join(root, 'project')
  mkdirSync(join(project, 'deep', 'er'), { recursive: true })
  mkdirSync(join(project, 'files'))
  writeFileSync(
    join(project, 'xgen.yaml'),
    'net: files/tiny.yaml\nweights: { file: files/w.safetensors }\narray: { rows: 2, cols: 2 }\n',
  )
  writeFileSync(join(project, 'files', 'tiny.yaml'), networkText)
  writeWeights(1)
})
afterEach(() => {
  process.chdir(home)
  rmSync(root, { recursive: true, force: true })
})

function writeWeights(seed: number, name = 'w'): void {
  const network = networkOf(resolve({ net: join(project, 'files', 'tiny.yaml') }))
  const weights = randomWeights(network, seed)
  const ranges = calibrate(network, weights, randomImages(network, 3, 1))
  const record = {
    network: network.name,
    weights: hashWeights(weights, network),
    calibration: { data: 'drawn', images: 3 },
    ranges: Object.fromEntries(ranges),
  }
  writeFileSync(join(project, 'files', `${name}.safetensors`), serialiseWeights(weights, network))
  writeFileSync(join(project, 'files', `${name}.json`), serialiseRecord(record))
}

function resolve(options: ConfigurationOptions) {
  return resolveConfiguration({ environment: {}, ...options })
}

/** The text of the run.json that these options give. */
function run(out: string, options: ConfigurationOptions, force = false): string {
  const configuration = resolve(options)
  const prepared = prepare(configuration)
  writeDesign(out, generate(configuration, prepared), configuration, prepared, force)
  return readFileSync(join(out, 'run.json'), 'utf8')
}

describe('files that a configuration names', () => {
  test('stand in it as they are written and lie beside the configuration file', () => {
    process.chdir(root)
    const configuration = resolve({ config: join('project', 'xgen.yaml') })
    expect([configuration.net, configuration.weights.file]).toEqual([
      'files/tiny.yaml',
      'files/w.safetensors',
    ])
    expect([networkPath(configuration), weightsPath(configuration)]).toEqual([
      join('project', 'files', 'tiny.yaml'),
      join('project', 'files', 'w.safetensors'),
    ])
    expect(networkOf(configuration).name).toBe('tiny')
  })

  test('give the same run.json from every directory, so that a run belongs to the same configuration', () => {
    const out = join(project, 'out')
    process.chdir(project)
    const first = run(out, { config: 'xgen.yaml' })
    expect(first).not.toContain(root)
    for (const directory of [root, join(project, 'deep', 'er')]) {
      process.chdir(directory)
      expect(run(out, { config: join(project, 'xgen.yaml') })).toBe(first)
    }
    expect(run(out, { config: join('..', '..', 'xgen.yaml') })).toBe(first)
  })

  test('given by options lie where xgen runs, and are written relative to the configuration file', () => {
    writeWeights(2, 'v')
    const texts = [
      [project, 'xgen.yaml', 'files/v.safetensors'],
      [join(project, 'files'), '../xgen.yaml', './v.safetensors'],
      [root, 'project/xgen.yaml', 'project/files/v.safetensors'],
    ].map(([directory, config, weights]) => {
      process.chdir(directory!)
      const byOption = resolve({ config: config!, weights: weights! })
      const bySet = resolve({ config: config!, set: [`weights.file=${weights}`] })
      const byEnvironment = resolve({ config: config!, environment: { XGEN_WEIGHTS_FILE: weights! } })
      for (const configuration of [byOption, bySet, byEnvironment])
        expect(weightsOf(configuration, networkOf(configuration)).size).toBe(1)
      return [byOption, bySet, byEnvironment].map((configuration) => canonicalJson(configuration))
    })
    expect(new Set(texts.flat()).size).toBe(1)
    expect(texts[0]![0]).toContain('"files/v.safetensors"')
  })

  test('without a configuration file are relative to the current directory', () => {
    process.chdir(project)
    const configuration = resolve({ net: 'files/tiny.yaml', weights: 'files/w.safetensors' })
    expect([configuration.net, configuration.weights.file]).toEqual([
      'files/tiny.yaml',
      'files/w.safetensors',
    ])
    expect(networkPath(structuredClone(configuration))).toBe(join('files', 'tiny.yaml'))
    expect(networkPath(resolve({ net: 'lenet5' }))).toBe('lenet5')
  })
})

describe('a cell library', () => {
  const withLibrary =
    'net: files/tiny.yaml\nweights: { file: files/w.safetensors }\nsynth: { liberty: files/my.lib }\n'
  beforeEach(() => writeFileSync(join(project, 'lib.yaml'), withLibrary))

  test('lies beside the configuration file that names it, or where the option says', () => {
    process.chdir(root)
    const ofFile = resolve({ config: join('project', 'lib.yaml') })
    expect([ofFile.synth.liberty, libraryPath(ofFile)]).toEqual([
      'files/my.lib',
      join('project', 'files', 'my.lib'),
    ])
    const given = resolve({ config: join('project', 'lib.yaml'), lib: 'other/my.lib' })
    expect([given.synth.liberty, libraryPath(given)]).toEqual(['../other/my.lib', join('other', 'my.lib')])
    expect(libraryPath(resolve({ net: 'lenet5', lib: './my.lib' }))).toBe('my.lib')
    const byName = resolve({ config: join('project', 'lib.yaml'), set: ['synth.liberty=osu018'] })
    expect([byName.synth.liberty, libraryPath(byName)]).toEqual(['osu018', 'osu018'])
  })

  test('of a run is found, and not missed where only the design is made', () => {
    process.chdir(project)
    const first = run('out', { config: 'lib.yaml' })
    process.chdir(root)
    const config = join(project, 'out', 'run.json')
    expect(libraryPath(resolve({ config }))).toBe(join(project, 'files', 'my.lib'))
    expect(run(join(root, 'again'), { config })).toBe(first)
    writeFileSync(join(project, 'files', 'my.lib'), '')
    expect(libraryPath(resolve({ config }))).toBe(join(project, 'files', 'my.lib'))
  })
})

describe('a run.json fed back', () => {
  test('gives the same run.json from every directory', () => {
    process.chdir(project)
    const out = join(project, 'rtl-out', 'tiny')
    const first = run(out, { config: 'xgen.yaml' })
    for (const directory of ['/', root, out, join(project, 'deep')]) {
      process.chdir(directory)
      expect(run(join(root, 'again'), { config: join(out, 'run.json') })).toBe(first)
    }
    process.chdir(out)
    expect(run(join(root, 'again'), { config: 'run.json' })).toBe(first)
  })

  test('from outside of the project finds its files where xgen runs, or says what to do', () => {
    process.chdir(project)
    const out = join(root, 'elsewhere')
    const first = run(out, { config: 'xgen.yaml' })
    expect(run(join(root, 'again'), { config: join(out, 'run.json') })).toBe(first)
    process.chdir(root)
    expect(failure(() => resolve({ config: join('elsewhere', 'run.json') }))).toMatchObject({
      kind: 'data',
      where: join('elsewhere', 'run.json'),
      message: expect.stringContaining('names files/tiny.yaml and files/w.safetensors: not found'),
      hint: expect.stringContaining('--net FILE'),
    })
    const named = resolve({
      config: join('elsewhere', 'run.json'),
      net: 'project/files/tiny.yaml',
      weights: 'project/files/w.safetensors',
    })
    expect(prepare(named).network.name).toBe('tiny')
    expect(resolve({ config: join('elsewhere', 'run.json'), net: 'lenet5', weights: 'w.npz' }).net).toBe(
      'lenet5',
    )
  })

  test('makes its seeded weights again, whatever files lie around', () => {
    process.chdir(project)
    const out = join(root, 'seeded-out')
    writeFileSync(join(project, 'seeded'), 'no weights')
    const first = run(out, { net: 'files/tiny.yaml', weights: 'seeded' })
    expect(JSON.parse(first).configuration.weights.file).toBe('seeded')
    for (const directory of [project, join(project, 'deep')]) {
      process.chdir(directory)
      const again = { config: join(out, 'run.json'), net: join(project, 'files', 'tiny.yaml') }
      expect(prepare(resolve(again)).weightsHash).toBe(JSON.parse(first).inputs.weights)
    }
    process.chdir(project)
    expect(run(join(root, 'again'), { config: join(out, 'run.json') })).toBe(first)
  })

  test('takes the weights beside its network where none are named, and no others later', () => {
    writeWeights(3, 'tiny')
    const net = join(project, 'files', 'tiny.yaml')
    const out = join(project, 'beside')
    const first = JSON.parse(run(out, { net }))
    expect(first.configuration.weights).not.toHaveProperty('file')
    const named = JSON.parse(
      run(join(project, 'named'), { net, weights: net.replace('.yaml', '.safetensors') }),
    )
    expect(first.inputs).toEqual(named.inputs)
    const config = join(out, 'run.json')
    expect(prepare(resolve({ config })).weightsHash).toBe(first.inputs.weights)
    writeWeights(4, 'tiny')
    expect(failure(() => prepare(resolve({ config })))).toMatchObject({
      kind: 'data',
      where: join(project, 'files', 'tiny.safetensors'),
      message: 'does not hold the weights that the run was made from',
    })
    expect(prepare(resolve({ config, weights: 'seeded' })).weightsHash).not.toBe(first.inputs.weights)
    rmSync(join(project, 'files', 'tiny.safetensors'))
    expect(failure(() => prepare(resolve({ net }))).message).toBe(
      'there are no trained weights for the network "tiny"',
    )
  })

  test('takes no other files of the same names', () => {
    process.chdir(project)
    const out = join(project, 'out')
    run(out, { config: 'xgen.yaml' })
    const config = join(out, 'run.json')
    writeWeights(2)
    expect(failure(() => prepare(resolve({ config })))).toMatchObject({
      kind: 'data',
      where: join(project, 'files', 'w.safetensors'),
      message: 'does not hold the weights that the run was made from',
    })
    const replaced = resolve({ config, weights: 'files/w.safetensors' })
    expect(prepare(replaced).network.name).toBe('tiny')
    expect(replaced.weights.file).toBe('files/w.safetensors')
    writeFileSync(join(project, 'files', 'tiny.yaml'), networkText.replace('[1, 3, 3]', '[1, 4, 4]'))
    expect(failure(() => networkOf(resolve({ config })))).toMatchObject({
      kind: 'data',
      where: join(project, 'files', 'tiny.yaml'),
      message: 'does not hold the network that the run was made from',
    })
  })

  test('moves with its project', () => {
    process.chdir(project)
    const first = run(join(project, 'out'), { config: 'xgen.yaml' })
    const moved = join(root, 'moved')
    cpSync(project, moved, { recursive: true })
    rmSync(project, { recursive: true })
    process.chdir(root)
    expect(run(join(root, 'again'), { config: join(moved, 'out', 'run.json') })).toBe(first)
  })

  test('that holds no configuration is a usage error', () => {
    const path = join(root, 'run.json')
    writeFileSync(path, '{ "configuration": 3 }')
    expect(failure(() => resolve({ config: path }))).toMatchObject({ kind: 'usage', where: `${path}:1:3` })
  })
})

describe('files that multipliers name', () => {
  const table = (error: number) =>
    Array.from({ length: 256 }, (_, a) =>
      Array.from({ length: 256 }, (_, b) => a * ((b << 24) >> 24) + (a === 9 ? error : 0)).join(','),
    ).join('\n')
  const write = (error: number) => writeFileSync(join(project, 'files', 'mul.csv'), table(error))
  const options = { mult: [] as string[] }
  beforeEach(() => {
    write(0)
    options.mult = [`conv1=lut:file=${join('files', 'mul.csv')}`]
    process.chdir(project)
  })

  test('stand in run.json by name with their SHA-256, and others do not', () => {
    const inputs = (text: string) => (JSON.parse(text) as { inputs: Record<string, unknown> }).inputs
    const written = inputs(run('out', { config: 'xgen.yaml', ...options }))
    expect(written['multipliers']).toEqual({ 'files/mul.csv': sha256(Buffer.from(table(0))) })
    expect(inputs(run('plain', { config: 'xgen.yaml' }))).not.toHaveProperty('multipliers')
  })

  test('make another configuration of the same names when they change', () => {
    const given = { config: 'xgen.yaml', ...options }
    const before = run('out', given)
    expect(run('out', given)).toBe(before)
    write(4)
    expect(failure(() => run('out', given))).toMatchObject({
      kind: 'usage',
      message: expect.stringMatching(/belongs to another configuration/),
    })
    expect(run('out', given, true)).not.toBe(before)
  })

  test('are those of the run, where a run.json is the configuration', () => {
    const before = run('out', { config: 'xgen.yaml', ...options })
    const config = join('out', 'run.json')
    expect(run('again', { config })).toBe(before)
    write(4)
    expect(failure(() => prepare(resolve({ config })))).toMatchObject({
      kind: 'data',
      message: expect.stringMatching(/does not hold the multiplier that the run was made from/),
      where: join(project, 'files', 'mul.csv'),
    })
    expect(prepare(resolve({ config, ...options })).multiplierHashes).toEqual({
      'files/mul.csv': sha256(Buffer.from(table(4))),
    })
  })
})

describe('a file that is not there is told with the place that named it', () => {
  const write = (more: string) =>
    writeFileSync(
      join(project, 'xgen.yaml'),
      `net: files/tiny.yaml\nweights: { file: files/w.safetensors }\n${more}\n`,
    )
  const config = () => join(project, 'xgen.yaml')

  test('of a multiplier', () => {
    write('multipliers:\n  default: lut:file=no.npy')
    expect(failure(() => prepare(resolve({ config: config() })))).toMatchObject({
      kind: 'data',
      message: 'there is no such file',
      where: `${config()}:4:3: ${join(project, 'no.npy')}`,
    })
    process.chdir(project)
    expect(
      failure(() => prepare(resolve({ config: 'xgen.yaml', mult: ['lut:file=nil.npy'] }))),
    ).toMatchObject({
      where: expect.stringMatching(/^--mult: .*nil\.npy$/),
    })
  })

  test.each([
    ['synth: { liberty: nosuch }', /xgen\.yaml:3:10$/, 'usage'],
    ['synth: { liberty: no/such.lib }', /xgen\.yaml:3:10: .*project\/no\/such\.lib$/, 'data'],
  ])('of a cell library: %s', async (more, where, kind) => {
    write(more)
    const configuration = resolve({ config: config() })
    await expect(openConfigured(configuration)).rejects.toMatchObject({
      kind,
      where: expect.stringMatching(where),
    })
    await expect(openConfigured(resolve({ config: config(), lib: 'none' }))).rejects.toMatchObject({
      where: '--lib',
    })
  })
})

const openConfigured = (configuration: Configuration) =>
  openLibrary(libraryPath(configuration), { data: '/nowhere', where: libraryPlace(configuration) })
