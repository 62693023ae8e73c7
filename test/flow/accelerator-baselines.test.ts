import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { domainName } from '../../src/arith/domain.ts'
import { baselinesOf } from '../../src/flow/accelerator/baselines.ts'
import { multiplicationsOf } from '../../src/flow/accelerator/multiplications.ts'
import { resolveConfiguration } from '../../src/flow/configuration.ts'
import { planDesign } from '../../src/flow/planning.ts'
import { prepare } from '../../src/flow/preparation.ts'

let directory: string
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'xgen-baselines-'))
})
afterAll(() => rmSync(directory, { recursive: true, force: true }))

const configure = (...set: string[]) => resolveConfiguration({ net: 'lenet5', environment: {}, set })

const tinyNetwork = `
name: tiny
input: { shape: [1, 4, 4] }
layers:
  - { kind: conv2d, name: conv, filters: 2, kernel: 3 }
  - { kind: flatten }
  - { kind: dense, name: fc, units: 2 }
`

describe('baselines', () => {
  it('are the exact multipliers, and the narrower one where operands are rounded', () => {
    expect(baselinesOf(configure()).map(({ name }) => name)).toEqual(['plain exact', 'best exact'])
    const rounded = resolveConfiguration({
      net: 'lenet5',
      environment: {},
      mult: ['roup:p=1,r=2', 'conv1=drum:k=4'],
      set: [],
    })
    const [plain, best, narrower] = baselinesOf(rounded).map(({ configuration }) => configuration.multipliers)
    expect(plain).toEqual({ default: 'exact' })
    expect(best).toEqual({ default: 'exact:arch=booth4' })
    expect(narrower).toEqual({ default: 'trunc:ka=2,kb=2,arch=booth4', conv1: 'exact:arch=booth4' })
  })

  it.each([
    ['roup:r=3,p=1', 'trunc:ka=3,kb=2,arch=booth4'],
    ['roup:p=0,r=1,rounding=symmetric', 'trunc:ka=1,kb=0,arch=booth4'],
    ['roup:p=1,r=2,rounding=asymmetric', 'exact:arch=booth4'],
    ['roup:p=0,r=0', 'exact:arch=booth4'],
  ])('know %s however it is written', (spec, narrower) => {
    const configuration = resolveConfiguration({
      net: 'lenet5',
      environment: {},
      mult: ['roup:p=1,r=2', `conv1=${spec}`],
      set: [],
    })
    expect(baselinesOf(configuration).at(-1)!.configuration.multipliers['conv1']).toBe(narrower)
  })

  it('find the files of a configuration that lies elsewhere', () => {
    const elsewhere = mkdtempSync(join(directory, 'elsewhere-'))
    writeFileSync(join(elsewhere, 'tiny.yaml'), tinyNetwork)
    writeFileSync(join(elsewhere, 'xgen.yaml'), 'net: tiny.yaml\nweights: { file: seeded }\n')
    const configuration = resolveConfiguration({
      config: join(elsewhere, 'xgen.yaml'),
      environment: {},
      set: [],
    })
    for (const baseline of baselinesOf(configuration))
      expect(prepare(baseline.configuration).network.name).toBe('tiny')
  })
})

describe('multiplications of an inference', () => {
  const counted = (...set: string[]) => {
    const configuration = configure(...set)
    const prepared = prepare(configuration)
    const counts = multiplicationsOf(prepared, planDesign(configuration, prepared).plan)
    return [...counts].map(([{ domain }, count]) => [domainName(domain), count])
  }
  const convolutions = 28 * 28 * 6 * 25 + 10 * 10 * 16 * 6 * 25
  const dense = 400 * 120 + 120 * 84 + 84 * 10

  it('are one a tap and window', () => {
    expect(counted()).toEqual([['s8s8', convolutions + dense]])
  })

  it('are one a coefficient where weights are curves', () => {
    const [[, curves], [, plain]] = counted('weights.curve=linear', 'weights.group=kernel') as [
      [string, number],
      [string, number],
    ]
    expect(curves).toBeCloseTo((convolutions * 2) / 25, 6)
    expect(plain).toBeCloseTo(dense, 6)
  })
})
