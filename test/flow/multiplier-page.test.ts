import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { tabulatedDesigns } from '../../src/arith/designs.ts'
import { parseDomain } from '../../src/arith/domain.ts'
import { errorMap } from '../../src/arith/error-map.ts'
import { errorMetrics } from '../../src/arith/metrics.ts'
import { parseMultiplier } from '../../src/arith/registry.ts'
import { seededRandom } from '../../src/base/random.ts'
import { tablePage, writeTablePage } from '../../src/flow/multiplier-page.ts'
import { type MultiplierTable, placeOf, type TabulatedDesign } from '../../src/flow/multiplier-table.ts'
import { pageHtml } from '../../src/report/html.ts'
import { scatterPlot } from '../../src/report/scatter.ts'
import { hasBrowser, visit } from '../fixtures/browser.ts'

/** A table of all designs with costs drawn at random: the page needs no synthesis. */
function sketch(domain: string): MultiplierTable {
  const random = seededRandom(7)
  const designs = tabulatedDesigns(parseDomain(domain)).map((design, i): TabulatedDesign => {
    const [area, energy] = [random.integer(500, 4000), random.integer(1, 99) / 10]
    const narrower = design.family === 'trunc'
    return {
      spec: design.spec,
      id: design.id,
      family: design.family,
      kind: narrower ? 'narrower exact' : design.exact ? 'exact' : 'approximate',
      operands: '8x8',
      summary: 'a < b & c',
      definition: 'A * B',
      ...{ mae: i, wce: 2 * i, ep: 50, mred: i / 8, bias: -i, mse: i * i, zeroExact: true, rank: 1 },
      ...{ area, cells: 100, delay: 2, energy },
      ...{ areaToBest: 100, areaToArray: 100, energyToBest: 100, energyToArray: 100 },
      pareto: i % 3 === 0,
    }
  })
  return {
    domain,
    library: 'a <library>',
    engine: 'Yosys 0.55',
    script: 'delay',
    areaUnit: 'um2',
    delayUnit: 'ns',
    stream: 'uniform',
    periodNs: 5,
    errors: '65536 pairs, exhaustive',
    sampled: false,
    quantities: ['mred', 'energy'],
    bestArea: 'exact:arch=booth4',
    bestEnergy: 'exact:arch=array',
    array: 'exact:arch=array',
    designs,
  }
}

describe('the page of the table', () => {
  it('links each point to its row, stays below 3 MB, and is the same twice', async () => {
    const table = sketch('s8s8')
    const html = pageHtml(await tablePage(table)).body
    expect(html.length).toBeLessThan(3e6)
    expect(pageHtml(await tablePage(table)).body).toBe(html)
    for (const design of table.designs) {
      const place = placeOf(design)
      expect(html.split(`id="${place}"`).length - 1, place).toBe(1)
      // two plots: error against energy, and against area
      expect(html.split(`href="#${place}"`).length - 1, place).toBe(2)
    }
    expect(html.match(/<figure id="[^"]+"/g)).toEqual([
      '<figure id="mred-energy"',
      '<figure id="mred-area"',
      '<figure id="error-maps"',
    ])
  })

  it.skipIf(!hasBrowser)(
    'is shown by Chromium without a complaint (not run: no /usr/bin/chromium)',
    async () => {
      const directory = mkdtempSync(join(tmpdir(), 'xgen-table-page-'))
      try {
        await writeTablePage(sketch('s4s4'), directory)
        expect(readdirSync(directory).sort()).toEqual(['index.html', 'index.json', 'index.md', 'plots'])
        expect(JSON.parse(readFileSync(join(directory, 'index.json'), 'utf8'))).toMatchObject({
          domain: 's4s4',
        })
        const { text, ...seen } = await visit(join(directory, 'index.html'))
        expect(seen).toEqual({ complaints: [], dead: [], pictures: 3, empty: 0, overflows: false })
        expect(text).toContain('Multipliers of s4s4 in a <library>')
      } finally {
        rmSync(directory, { recursive: true, force: true })
      }
    },
  )

  it('draws a 0 at the edge of a logarithmic axis, and says so', async () => {
    const point = { group: 'bam', pareto: true, href: '#a' }
    const axes = { x: 'area', y: 'MRED, %' }
    const points = [
      { ...point, design: 'one', x: 1, y: 0 },
      { ...point, design: 'two', x: 2, y: 1 },
      { ...point, design: 'three', x: 3, y: 100 },
    ]
    const { svg, csv } = await scatterPlot('t', axes, points, [])
    expect(svg).toContain('MRED, % (0 at the edge)')
    expect(svg).not.toMatch(/NaN|Infinity/)
    expect(csv).toBe(
      'design,group,area,"MRED, %",pareto\none,bam,1,0,yes\ntwo,bam,2,1,yes\nthree,bam,3,100,yes\n',
    )
    const { svg: narrow } = await scatterPlot('t', axes, points.slice(0, 2), [])
    expect(narrow).not.toContain('at the edge')
  })
})

describe('how errors were measured', () => {
  it('stands in the lead and the method: exact, or of a sample', async () => {
    const exact = sketch('s4s4')
    const told = async (table: MultiplierTable) => {
      const { lead, sections } = await tablePage(table)
      const { blocks } = sections.find(({ id }) => id === 'method')!
      return [lead, JSON.stringify(blocks)]
    }
    const [lead, method] = await told(exact)
    expect(lead).toContain('errors exact')
    expect(method).toContain('Errors: 65536 pairs, exhaustive: exact.')
    const [sampledLead, sampledMethod] = await told({ ...exact, errors: '9 pairs, drawn', sampled: true })
    expect(sampledLead).toContain('errors sampled')
    expect(sampledMethod).toContain('Errors: 9 pairs, drawn, not exact: rare large errors may be missing')
  })
})

describe('a map of errors', () => {
  it.each(['s8s8', 'u8s5'])('has the mean error of all pairs in %s', (name) => {
    const multiplier = parseMultiplier('bam:h=1,v=4', parseDomain(name))
    const { rows, columns, values } = errorMap(multiplier)
    expect([rows.length, columns.length]).toEqual([32, 32])
    expect(rows).toEqual([...rows].sort((a, b) => a - b))
    expect(values.reduce((sum, value) => sum + value, 0) / values.length).toBeCloseTo(
      errorMetrics(multiplier).mae,
      6,
    )
  })

  it('has each pair of narrow operands', () => {
    const { rows, columns, values } = errorMap(parseMultiplier('trunc:ka=1,kb=0', parseDomain('u2s3')))
    expect([rows, columns]).toEqual([
      [0, 1, 2, 3],
      [-4, -3, -2, -1, 0, 1, 2, 3],
    ])
    expect([...values]).toEqual([0, 1, 0, 1].flatMap((lost) => columns.map((b) => Math.abs(lost * b))))
  })

  it('draws the values of wide ranges, the same ones each time', () => {
    const multiplier = parseMultiplier('trunc:ka=4,kb=4', parseDomain('s16s16'))
    const { values } = errorMap(multiplier)
    expect(values).toEqual(errorMap(multiplier).values)
    const mae = values.reduce((sum, value) => sum + value, 0) / values.length
    const { mae: sampled } = errorMetrics(multiplier, { seed: 1, pairs: 2 ** 18 })
    expect(Math.abs(mae / sampled - 1)).toBeLessThan(0.05)
  })
})
