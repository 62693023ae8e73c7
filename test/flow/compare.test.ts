import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import fc from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'
import { packageRoot } from '../../src/base/files.ts'
import { compare as compareCommand } from '../../src/cli/commands/compare.ts'
import { shellWord } from '../../src/cli/usage.ts'
import { type Comparison, compareRuns, comparisonXml } from '../../src/flow/compare.ts'
import { directionOf } from '../../src/flow/metrics.ts'
import { parseTolerance, rulesByMetric } from '../../src/flow/tolerance.ts'
import { failure } from '../fixtures/failure.ts'

const directory = mkdtempSync(join(tmpdir(), 'xgen-compare-'))
afterAll(() => rmSync(directory, { recursive: true, force: true }))

let count = 0
function file(contents: unknown): string {
  const path = join(directory, `${count++}.json`)
  writeFileSync(path, typeof contents === 'string' ? contents : JSON.stringify(contents))
  return path
}
const compare = (base: unknown, next: unknown, ...tolerances: string[]) =>
  compareRuns(file(base), file(next), tolerances.map(parseTolerance))
const verdicts = ({ metrics }: Comparison) =>
  Object.fromEntries(metrics.map(({ name, verdict }) => [name, verdict]))
describe('directions', () => {
  it.each([
    ['cycles__total', 'lower'],
    ['design__memory__bits__class:banks', 'lower'],
    ['verify__mismatch__count', 'lower'],
    ['verify__compared__count', 'higher'],
    ['accuracy__top1', 'higher'],
    ['timing__setup__ws__corner:tt', 'higher'],
    ['network__mac__count', 'none'],
    ['design__io', 'none'],
    ['something__else', 'none'],
  ])('%s: %s', (name, direction) => expect(directionOf(name)).toBe(direction))
})

describe('without a tolerance', () => {
  it('equal runs pass', () => {
    const comparison = compare(
      { cycles__total: 5, accuracy__top1: 0.5 },
      { accuracy__top1: 0.5, cycles__total: 5 },
    )
    expect(comparison).toMatchObject({ pass: true, compared: 2, failed: 0 })
  })

  it('nothing may get worse, in the direction of each metric', () => {
    const base = { cycles__total: 100, accuracy__top1: 0.9, network__mac__count: 7 }
    const worse = compare(base, { cycles__total: 101, accuracy__top1: 0.89, network__mac__count: 6 })
    expect(verdicts(worse)).toEqual({
      cycles__total: 'worse',
      accuracy__top1: 'worse',
      network__mac__count: 'moved',
    })
    expect(worse).toMatchObject({ pass: false, failed: 3 })
    const better = compare(base, { ...base, cycles__total: 99, accuracy__top1: 0.91 })
    expect(better.pass).toBe(true)
    expect(verdicts(better)).toMatchObject({ cycles__total: 'better', accuracy__top1: 'better' })
  })

  it('metrics may be called like what every object has', () => {
    const odd = '{"__proto__": 1, "toString": 2}'
    expect(verdicts(compare({ a: 1 }, odd))).toEqual(
      Object.fromEntries([
        ['__proto__', 'appeared'],
        ['a', 'vanished'],
        ['toString', 'appeared'],
      ]),
    )
    expect(compare(odd, odd)).toMatchObject({ pass: true, compared: 2 })
  })

  it('metrics that appear or vanish fail', () => {
    const comparison = compare({ cycles__total: 1, design__a: 2 }, { cycles__total: 1, design__b: 2 })
    expect(verdicts(comparison)).toEqual({
      cycles__total: 'same',
      design__a: 'vanished',
      design__b: 'appeared',
    })
    expect(comparison).toMatchObject({ pass: false, failed: 2 })
    expect(
      compare({ cycles__total: 1, design__a: 2 }, { cycles__total: 1, design__b: 2 }, 'design__?=any').pass,
    ).toBe(true)
  })
})

describe('a tolerance', () => {
  it('is an amount or a share of the base, and passes when just reached', () => {
    const step = (next: number, tolerance: string) =>
      verdicts(compare({ design__area: 0.1 }, { design__area: next }, tolerance))['design__area']
    expect(step(0.101, 'design__area=1%')).toBe('within')
    expect(step(0.10101, 'design__area=1%')).toBe('worse')
    expect(step(0.3, 'design__area=0.2')).toBe('within')
    expect(step(0.31, 'design__area=0.2')).toBe('worse')
    expect(step(0.01, 'design__area=1%')).toBe('better')
  })

  it.each(['+-1%', '±1%'])('%s limits both directions', (limit) => {
    const step = (next: number) =>
      verdicts(compare({ cycles__total: 100 }, { cycles__total: next }, `cycles__total=${limit}`))
    expect([99, 101, 98, 102].map((next) => step(next)['cycles__total'])).toEqual([
      'within',
      'within',
      'moved',
      'moved',
    ])
  })

  it('of a share allows nothing where the base is 0', () => {
    expect(compare({ verify__mismatch__count: 0 }, { verify__mismatch__count: 1 }, '*=50%').pass).toBe(false)
  })

  it('is chosen by the exact name, then by the pattern that says most', () => {
    const rules = ['*=1', 'design__*=2', 'design__memory__*=3', 'design__io=4'].map(parseTolerance)
    const chosen = rulesByMetric(rules, [
      'cycles__total',
      'design__io',
      'design__memory__bits',
      'design__pe__count',
    ])
    expect([...chosen].map(([name, { text }]) => [name, text])).toEqual([
      ['cycles__total', '1'],
      ['design__io', '4'],
      ['design__memory__bits', '3'],
      ['design__pe__count', '2'],
    ])
  })

  it('takes the characters of names as they are', () => {
    const [rule] = ['a.b:c+*=any'].map(parseTolerance)
    expect([...rulesByMetric([rule!], ['a.b:c+d', 'axb:c+d']).keys()]).toEqual(['a.b:c+d'])
  })

  it.each([
    ['cycles__totl=1%', 'no metric has this name. Did you mean "cycles__total"?'],
    ['power__*=1%', 'no metric has this name.'],
    ['cycles__total', 'names no metric and tolerance'],
    ['=1%', 'names no metric and tolerance'],
    ['cycles__total=', '"" is no tolerance'],
    ['cycles__total=-1', '"-1" is no tolerance'],
    ['cycles__total=1 percent', '"1 percent" is no tolerance'],
    ['cycles__total=NaN', '"NaN" is no tolerance'],
    ['cycles__total=1e999', '"1e999" is too large'],
  ])('%s is refused', (tolerance, message) => {
    const error = failure(() => compare({ cycles__total: 1 }, { cycles__total: 1 }, tolerance))
    expect(error).toMatchObject({ kind: 'usage', where: '--tol' })
    expect(error.message).toContain(message)
  })

  it('of two equal patterns that say different things is refused', () => {
    const error = failure(() => compare({ ab: 1 }, { ab: 1 }, 'a*=1', '*b=2'))
    expect(error.message).toBe('--tol a*=1 and --tol *b=2 both decide ab')
    expect(error.hint).toContain('--tol ab=')
    expect(compare({ ab: 1 }, { ab: 1 }, 'a*=1', '*b=1').pass).toBe(true)
  })

  it('passes what is inside and fails what is outside, for any values', () => {
    const value = fc.integer({ min: -1_000_000, max: 1_000_000 })
    const property = fc.property(
      value,
      value,
      fc.nat(1_000_000),
      fc.boolean(),
      (base, next, limit, higher) => {
        const name = higher ? 'accuracy__x' : 'cycles__x'
        const got = compare({ [name]: base }, { [name]: next }, `${name}=${limit}`).pass
        expect(got).toBe((higher ? base - next : next - base) <= limit)
      },
    )
    fc.assert(property, { numRuns: 200, seed: 1 })
  })
})

describe('bad files', () => {
  const good = file({ cycles__total: 1 })
  const empty = join(directory, 'empty')
  mkdirSync(empty)
  it.each<[string, string, string]>([
    ['a missing file', join(directory, 'none.json'), 'does not exist'],
    ['a directory without metrics', empty, 'has no metrics.json'],
    ['an empty file', file(' \n'), 'is empty'],
    ['broken JSON', file('{"cycles__total": 1'), 'is no valid JSON'],
    ['YAML', file('cycles__total: 1\n'), 'is no valid JSON'],
    ['NaN', file('{"cycles__total": NaN}'), 'cycles__total is no finite number'],
    ['a number that is too large', file('{"cycles__total": 1e999}'), 'cycles__total is no finite number'],
    ['text for a number', file({ cycles__total: '1' }), 'cycles__total is no finite number'],
    ['an object for a number', file({ cycles: { total: 1 } }), 'cycles is no finite number'],
    ['no metrics', file('{}'), 'holds no metrics'],
    ['a list', file('[1, 2]'), 'holds no metrics'],
    ['a name that stands twice', file('{"a": 1,\n "a": 2}'), 'unique'],
    ['a name with control characters', file({ 'a\u001b[2J': 1 }), 'a metric has a name of letters'],
  ])('%s is an error of data that names its place', (_name, path, message) => {
    for (const [base, next] of [
      [path, good],
      [good, path],
    ] as const) {
      const error = failure(() => compareRuns(base, next, []))
      expect(error.kind).toBe('data')
      expect(error.message).toContain(message)
      expect(`${error.where ?? ''} ${error.message}`).toContain(path)
    }
  })
})

it('JUnit has a test case a metric', () => {
  const xml = comparisonXml(
    compare({ cycles__total: 100, design__io: 3 }, { cycles__total: 103, design__io: 3 }),
  )
  expect(xml).toContain('tests="2" failures="1" errors="0" skipped="0"')
  expect(xml).toContain('<failure message="cycles__total: 100 -&gt; 103 (+3, +3.00 %), worse">')
})

describe('xgen compare', () => {
  const xgen = (...args: string[]) =>
    execa('node', ['--import', 'tsx', join(packageRoot, 'src/cli/main.ts'), 'compare', ...args], {
      reject: false,
    })

  it('prints what differs, and fails where a metric is out of tolerance', async () => {
    const [base, next] = [
      file({ cycles__total: 100, design__io: 3 }),
      file({ cycles__total: 103, design__io: 3 }),
    ]
    const junit = join(directory, 'out', 'compare.xml')
    const failed = await xgen(base, next, '--junit', junit)
    expect(failed.exitCode).toBe(1)
    expect(failed.stdout).toContain('FAIL  cycles__total: 100 -> 103 (+3, +3.00 %), worse')
    expect(failed.stdout).toContain('FAIL: 2 metrics compared, 1 differ, 1 out of tolerance.')
    expect(readFileSync(junit, 'utf8')).toContain('failures="1"')
    const passed = await xgen(base, next, '--tol', 'cycles__total=3%', '--json')
    expect(passed.exitCode).toBe(0)
    expect(JSON.parse(passed.stdout)).toMatchObject({
      pass: true,
      metrics: [
        {
          name: 'cycles__total',
          base: 100,
          new: 103,
          change: 3,
          percent: 3,
          tolerance: '3%',
          verdict: 'within',
        },
        { name: 'design__io', change: 0, verdict: 'same' },
      ],
    })
  })

  it.each(compareCommand.examples)('runs the example %s', async (example) => {
    const place = mkdtempSync(join(directory, 'example-'))
    for (const path of ['golden', 'rtl-out/lenet5']) {
      mkdirSync(join(place, path), { recursive: true })
      writeFileSync(join(place, path, 'metrics.json'), '{"cycles__total": 5, "design__io": 3}')
    }
    const main = [
      process.execPath,
      '--import',
      import.meta.resolve('tsx'),
      join(packageRoot, 'src/cli/main.ts'),
    ]
    const line = example.replace('$0', main.map(shellWord).join(' '))
    const { stdout, exitCode } = await execa('bash', ['-c', line], { cwd: place, reject: false })
    expect(stdout).toContain('PASS: 2 metrics compared, 0 differ')
    expect(exitCode).toBe(0)
  })

  it.each([
    [5, [join(directory, 'none'), join(directory, 'none')]],
    [2, ['one-only']],
  ])('exits with %i for %j', async (code, args) => {
    const { exitCode, stdout } = await xgen(...args, '--json')
    expect(exitCode).toBe(code)
    expect(JSON.parse(stdout)).toHaveProperty('error.message')
  })
})
