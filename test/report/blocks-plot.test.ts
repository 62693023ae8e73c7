import { describe, expect, it } from 'vitest'
import { blocksPlot } from '../../src/report/accelerator-parts.ts'
import { palette } from '../../src/report/plot.ts'
import { scatterPlot } from '../../src/report/scatter.ts'

const bar = (zebra: number, middle: number, ant: number) => ({
  name: 'this design',
  blocks: { zebra, middle, ant },
})

/** Left edge and width of each bar by its colour, from the paths that Vega draws. */
const bars = (svg: string) =>
  new Map(
    [
      ...svg.matchAll(/aria-label="[^"]*block: (\w+)[^"]*"[^>]*d="M([\d.]+),[^"]*" fill="(#[0-9a-f]{6})"/g),
    ].map(([, block, left, colour]) => [block!, { left: Number(left), colour: colour! }]),
  )

describe('bars by block', () => {
  it('are stacked as the blocks stand, not by the alphabet', async () => {
    const drawn = bars((await blocksPlot([bar(1, 2, 3)], 'um2')).svg)
    expect([...drawn.keys()].sort()).toEqual(['ant', 'middle', 'zebra'])
    expect(drawn.get('zebra')!.left).toBeLessThan(drawn.get('middle')!.left)
    expect(drawn.get('middle')!.left).toBeLessThan(drawn.get('ant')!.left)
  })

  it('keep their colours where another block is nowhere', async () => {
    const whole = bars((await blocksPlot([bar(1, 2, 3)], 'um2')).svg)
    const less = bars((await blocksPlot([bar(1, 0, 3)], 'nJ')).svg)
    expect([...less.keys()].sort()).toEqual(['ant', 'zebra'])
    expect(less.get('ant')!.colour).toBe(whole.get('ant')!.colour)
    expect(whole.get('ant')!.colour).toBe(palette[2])
  })
})

it('areas along an axis are whole numbers without exponents', async () => {
  const points = [500, 4500].map((x) => ({
    design: `d${x}`,
    group: 'g',
    x,
    y: 1,
    pareto: true,
    href: '#d',
  }))
  const { svg } = await scatterPlot('t', { x: 'area, um2', y: 'MRED, %' }, points, [])
  expect(svg).toContain('>1,000</text>')
  expect(svg).not.toMatch(/>[\d.]+e[+-]\d+<\/text>/)
})
