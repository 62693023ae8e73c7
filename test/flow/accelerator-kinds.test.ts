import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { silent } from '../../src/base/progress.ts'
import { blockOfModule, blocksOf } from '../../src/flow/accelerator/blocks.ts'
import { measureAccelerator } from '../../src/flow/accelerator/cost.ts'
import { prepare } from '../../src/flow/preparation.ts'
import { generate } from '../../src/flow/rtl.ts'
import { clockedModules, memoriesOf } from '../../src/hdl/hierarchy.ts'
import { enginesOf } from '../../src/plan/any-plan.ts'
import { openLibrary } from '../../src/synth/libraries.ts'
import { technologyOf } from '../../src/synth/memory-model.ts'
import { cacheDirectory } from '../../src/tools/cache.ts'
import { openYosys } from '../../src/tools/yosys.ts'
import { type AcceleratorKind, acceleratorKinds, smallAccelerator } from '../fixtures/small-accelerators.ts'
import { hasOsu018 } from '../fixtures/synthesis.ts'

const full = process.env['XGEN_FULL'] === '1'
const directory = mkdtempSync(join(tmpdir(), 'xgen-accelerator-kinds-'))
afterAll(() => rmSync(directory, { recursive: true, force: true }))

const designOf = (kind: AcceleratorKind, ...more: string[]) => {
  const configuration = smallAccelerator(kind, directory, more)
  const prepared = prepare(configuration)
  return { configuration, prepared, design: generate(configuration, prepared) }
}
const sum = (amounts: readonly number[]) => amounts.reduce((total, amount) => total + amount, 0)

describe('blocks of an accelerator', () => {
  const placed = acceleratorKinds.flatMap((kind) =>
    ['native', 'axi'].map((name) => {
      const { plan, top, interfaceName } = designOf(kind, `interface=${name}`).design
      const blockOf = blocksOf(plan, interfaceName)
      return {
        kind,
        name,
        plan,
        core: clockedModules(top).find(({ paths }) => paths[0] === (name === 'axi' ? 'u_core' : ''))!.module,
        blockOf,
        modules: clockedModules(top).map(({ module }) => module.name),
      }
    }),
  )

  it('have every module of every kind of design, and no module that is in none', () => {
    for (const { blockOf, modules } of placed) for (const module of modules) blockOf(module)
    const all = new Set(placed.flatMap(({ modules }) => modules))
    expect(Object.keys(blockOfModule).filter((module) => !all.has(module))).toEqual([])
  })

  it('have no place for a module that nobody has put into one', () => {
    expect(() => placed[0]!.blockOf('novelty')).toThrow('the module novelty is in no block')
  })

  it('count tiles with their PEs, and the core as what it does', () => {
    for (const { kind, name, plan, core, blockOf } of placed) {
      for (const { tiles } of enginesOf(plan))
        expect(tiles.map((tile) => blockOf(tile.name))).toEqual(tiles.map(() => 'PEs'))
      const adds = kind === 'tiles side by side'
      expect(blockOf(core.name), `${kind}, ${name}`).toBe(adds ? 'post-processing' : 'data movement')
    }
  })
})

const library = await openLibrary(hasOsu018 ? 'osu018' : 'generic', { data: '/nowhere' })
const { hasPower } = library.content

/** Modules take seconds each to map, where no run before has left them in the cache. */
const measuredKinds = full ? acceleratorKinds : (['an array and a grid', 'curves'] as const)

describe('a measured accelerator', () => {
  it.each(measuredKinds)(
    '%s: its parts add up, and everything in it was recorded',
    async (kind) => {
      const { configuration, prepared, design } = designOf(kind)
      const { area, energy, cycles } = await measureAccelerator(configuration, prepared, {
        library,
        technology: hasPower ? technologyOf(library) : undefined,
        jobs: 2,
        samples: 1,
        seed: 1,
        period: 5,
        progress: silent,
        script: 'delay',
        yosys: openYosys(),
        signal: new AbortController().signal,
        cache: cacheDirectory(),
      })
      expect(sum(area.modules.map(({ instances, area: one }) => instances * one))).toBeCloseTo(area.logic, 3)
      expect(sum(Object.values(area.blocks))).toBeCloseTo(area.total, 3)
      expect(area.blocks.PEs).toBeGreaterThan(0)
      expect(area.blocks.moments > 0).toBe(kind === 'curves')
      expect(sum(area.memories.map(({ instances }) => instances))).toBe(memoriesOf(design.top).length)
      if (energy === null) return
      const gates = area.modules.filter(({ cells }) => cells > 0).map(({ module }) => module)
      expect(energy.modules.map(({ module }) => module).sort()).toEqual(gates.sort())
      for (const { module, total } of energy.modules) expect(total, module).toBeGreaterThan(0)
      for (const { module, name, reads } of energy.memories)
        expect(reads, `${module}.${name}`).toBeGreaterThan(0)
      const parts = [...energy.modules, ...energy.memories].map(({ total }) => total)
      expect(sum(parts)).toBeCloseTo(energy.total, 3)
      expect(sum(energy.windows.map(({ blocks }) => sum(Object.values(blocks))))).toBeCloseTo(energy.total, 3)
      expect(sum(energy.windows.map((window) => window.cycles))).toBe(cycles)
      const layers = design.plan.layers.map(({ name }) => name)
      expect(energy.windows.map(({ name }) => name)).toEqual(['input', ...layers, 'output'])
    },
    600_000,
  )
})
