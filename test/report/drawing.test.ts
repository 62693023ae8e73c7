import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { drawings } from '../../scripts/drawings/all.ts'
import { packageRoot } from '../../src/base/files.ts'
import { between, type Drawing, drawingSvg } from '../../src/report/drawing.ts'

describe('the drawings of docs/drawings', () => {
  it.each(Object.keys(drawings))('%s.svg shows the plan as it is (npx tsx scripts/drawings.ts)', (name) => {
    const drawn = readFileSync(join(packageRoot, 'docs/drawings', `${name}.svg`), 'utf8')
    expect(drawingSvg(drawings[name]!())).toBe(drawn)
  })
})

it('text is text, whatever it holds', () => {
  const drawing: Drawing = {
    title: 'a < b & "c"',
    rows: 1,
    columns: 1,
    boxes: [{ row: 0, column: 0, lines: ['<script>'], fill: 'pe' }],
    arrows: [],
    flows: [],
    notes: [],
  }
  const svg = drawingSvg(drawing)
  expect(svg).toContain('a &lt; b &amp; &quot;c&quot;')
  expect(svg).not.toContain('<script>')
})

it('an arrow runs from the edge of one box to that of the next', () => {
  const { from, to } = between('sums', [1, 2], [2, 2])
  expect(from).toEqual([1.33, 2])
  expect(to).toEqual([1.67, 2])
})
