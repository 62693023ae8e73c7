import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { acceleratorFiles } from '../../src/emit/accelerator-files.ts'
import { flowFiles } from '../../src/emit/flow-files.ts'
import type { Dataflow, Size } from '../../src/plan/array.ts'
import type { InterfaceName } from '../../src/plan/names.ts'
import { planNetwork } from '../../src/plan/network.ts'
import { type NetworkSketch, sketchAssignment, sketchGraph } from '../fixtures/qgraph.ts'

/**
 * Golden designs: a change in what is generated shows in review. `npm run cases` writes them anew.
 */
const cases = join(import.meta.dirname, '../cases')

interface Case {
  readonly sketch: NetworkSketch
  readonly array: Size & { readonly dataflow?: Dataflow }
  readonly interface?: InterfaceName
  /** The files that are kept, as a regular expression; all, where it is not given. */
  readonly files?: string
}

/** Stands for the testbench's files, which are checked where they run. */
const bench = ['tb/tb.v', 'tb/vectors/inputs.hex', 'tb/vectors/expected.hex']

function generate({
  sketch,
  array,
  interface: interfaceName = 'native',
  files: kept = '',
}: Case): Map<string, string> {
  const graph = sketchGraph(sketch)
  const spec = { dataflow: 'weight-stationary', ...array, memoryBits: 2 ** 26, parallel: false } as const
  const reload = interfaceName === 'axi'
  const { plan, images } = planNetwork(graph, sketchAssignment(sketch, graph), spec, { reload })
  const version = '(version)'
  const { top, files } = acceleratorFiles(plan, images, version, interfaceName)
  const flow = flowFiles(top, [...files.keys(), ...bench], {
    version,
    network: plan.network,
    summary: `${array.rows}x${array.columns} PEs`,
    clockNs: 5,
  })
  return new Map([...files, ...flow].filter(([path]) => new RegExp(kept).test(path)))
}

function stored(directory: string): Map<string, string> {
  const names = readdirSync(directory, { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  )
  return new Map(
    names
      .map((entry) => join(entry.parentPath, entry.name))
      .map((path) => [path.slice(directory.length + 1), readFileSync(path, 'utf8')]),
  )
}

describe('golden designs', () => {
  for (const name of readdirSync(cases)) {
    it(`${name} is generated as it stands in test/cases`, () => {
      const directory = join(cases, name)
      const expected = join(directory, 'expected')
      const files = generate(JSON.parse(readFileSync(join(directory, 'case.json'), 'utf8')) as Case)
      if (process.env['UPDATE_CASES'] === '1') {
        rmSync(expected, { recursive: true, force: true })
        for (const [path, text] of files) {
          mkdirSync(dirname(join(expected, path)), { recursive: true })
          writeFileSync(join(expected, path), text)
        }
      }
      const golden = stored(expected)
      expect([...files.keys()].sort()).toEqual([...golden.keys()].sort())
      for (const [path, text] of files) expect(text, path).toBe(golden.get(path))
    })
  }
})
