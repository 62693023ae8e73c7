import type { TopLevelSpec } from 'vega-lite'
import type { Amounts } from './accelerator-figures.ts'
import type { Column } from './page.ts'
import { csvOf, type Plot, palette, renderSvg } from './plot.ts'

export const figure = (value: number, digits = 4) =>
  value === 0 ? '0' : Number(value.toPrecision(digits)).toLocaleString('en-US', { maximumFractionDigits: 6 })
export const percent = (share: number, digits = 1) => `${(100 * share).toFixed(digits)} %`
export const number = (title: string): Column => ({ title, align: 'right' })

export const thousandths = (amounts: Amounts): Amounts =>
  Object.fromEntries(Object.entries(amounts).map(([name, amount]) => [name, amount / 1000]))

/** One more than other plots need: grey. */
const blockColours = [...palette, '#999999']

/** A bar each, stacked in the order of the blocks; a block has the same colour in every plot, and none where it is nowhere. */
export async function blocksPlot(
  bars: readonly { readonly name: string; readonly blocks: Amounts }[],
  unit: string,
): Promise<Plot> {
  const rows = bars.flatMap(({ name, blocks }) =>
    Object.entries(blocks).map(([block, amount]) => ({ name, block, amount: Number(amount.toPrecision(6)) })),
  )
  const all = [...new Set(rows.map(({ block }) => block))]
  const present = all.filter((name) => rows.some(({ block, amount }) => block === name && amount > 0))
  const specification: TopLevelSpec = {
    data: {
      values: rows
        .filter(({ block }) => present.includes(block))
        .map((row) => ({ ...row, place: all.indexOf(row.block) })),
    },
    width: 560,
    height: { step: 26 },
    mark: 'bar',
    encoding: {
      y: { field: 'name', type: 'nominal', sort: null, title: null },
      x: { field: 'amount', type: 'quantitative', title: unit, axis: { format: '~s' } },
      color: {
        field: 'block',
        type: 'nominal',
        sort: present,
        scale: {
          domain: present,
          range: present.map((block) => blockColours[all.indexOf(block)]!),
        },
        legend: { title: null, orient: 'bottom' },
      },
      order: { field: 'place', type: 'quantitative' },
    },
  }
  return { svg: await renderSvg(specification), csv: csvOf(['name', 'block', 'amount'], rows) }
}
