import { describe, expect, it } from 'vitest'
import { type LayerRow, layersPlot } from '../../src/report/layers.ts'
import { csvOf } from '../../src/report/plot.ts'

const row: LayerRow = {
  layer: 'conv1',
  dataflow: 'weight-stationary',
  cycles: 1589,
  utilisation: 0.29,
  register: 117_600,
  neighbour: 200_000,
  buffer: 30_000,
}
const rows = [row, { ...row, layer: 'a<b', cycles: 10, utilisation: 1 }]

describe('the plot of the layers', () => {
  it('names every layer and level, and holds the numbers beside the picture', async () => {
    const { svg, csv } = await layersPlot('lenet5 on 8x8', rows)
    for (const text of [
      'lenet5 on 8x8',
      'conv1',
      'a&lt;b',
      'use of the PEs',
      'register',
      'neighbour',
      'buffer',
    ])
      expect(svg).toContain(text)
    expect(csv.split('\n').slice(0, 2)).toEqual([
      'layer,dataflow,cycles,utilisation,register,neighbour,buffer',
      'conv1,weight-stationary,1589,0.29,117600,200000,30000',
    ])
  })

  it('is the same whatever was drawn before', async () => {
    const first = await layersPlot('t', rows)
    await layersPlot('another', [row])
    expect(await layersPlot('t', rows)).toEqual(first)
  })
})

it('values with commas, quotes and line breaks stay one field', () => {
  expect(
    csvOf(
      ['a', 'b'],
      [
        { a: 'x,y', b: 1 },
        { a: 'say "so"\n', b: 2 },
      ],
    ),
  ).toBe('a,b\n"x,y",1\n"say ""so""\n",2\n')
})
