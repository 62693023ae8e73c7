import { join } from 'node:path'
import { errorMap } from '../arith/error-map.ts'
import { writeFileAtomically } from '../base/files.ts'
import { paretoMembers } from '../base/pareto.ts'
import { pageFiles } from '../emit/page-files.ts'
import { heatMaps } from '../report/heat-maps.ts'
import type { Block, Page, PlotBlock, Row, Section } from '../report/page.ts'
import { scatterPlot } from '../report/scatter.ts'
import { parseDomain, showFamily } from './mult.ts'
import { type DesignKind, type MultiplierTable, placeOf, type TabulatedDesign } from './multiplier-table.ts'
import { figureOf, isCost, type Quantity } from './quantities.ts'
import { multiplierOf } from './user-multipliers.ts'

/** Writes the page of a table: index.html, index.md, index.json, and plots/. */
export async function writeTablePage(found: MultiplierTable, directory: string): Promise<void> {
  for (const [name, text] of pageFiles(await tablePage(found), found, 'index'))
    writeFileAtomically(join(directory, name), text)
}

/** A table of multipliers for people: what the exact ones cost, errors against costs, where errors lie, and every design with its figures. */
export async function tablePage(found: MultiplierTable): Promise<Page> {
  const { domain, library, designs, script, engine, sampled } = found
  return {
    title: `Multipliers of ${domain} in ${library}`,
    lead: `${designs.length} designs, synthesised by ${engine} with the script ${script}; errors ${sampled ? 'sampled' : 'exact'}. Each point of a plot leads to its design in the table.`,
    sections: [
      { id: 'exact', title: 'What an approximation has to beat', blocks: lessonBlocks(found) },
      { id: 'plots', title: 'Error against cost', blocks: await plotBlocks(found) },
      ...(await errorSection(found)),
      { id: 'designs', title: 'Designs', blocks: [designTable(found), familyTable(found)] },
      { id: 'method', title: 'How it is measured', blocks: methodBlocks(found) },
    ],
  }
}

const figure = (value: number) => `${Number(value.toPrecision(4))}`
const percent = (value: number | null) => (value === null ? '' : value.toFixed(1))
const ofKind = (designs: readonly TabulatedDesign[], kind: DesignKind) =>
  designs.filter((design) => design.kind === kind)

function lessonBlocks(found: MultiplierTable): readonly Block[] {
  const { designs, bestArea, bestEnergy, array, quantities } = found
  const [x, y] = quantities
  const exact = ofKind(designs, 'exact')
  const narrower = ofKind(designs, 'narrower exact')
  const approximate = ofKind(designs, 'approximate')
  const count = (holds: (design: TabulatedDesign) => boolean) =>
    `${approximate.filter(holds).length} of ${approximate.length}`
  const beats = (one: TabulatedDesign, other: TabulatedDesign) =>
    paretoMembers([one, other].map((design) => [figureOf(design, x), figureOf(design, y)] as const))[1] ===
    false
  const among = (kind: DesignKind) => ofKind(designs, kind).filter(({ pareto }) => pareto).length
  const energy =
    bestEnergy === null ? '' : `, ${count((d) => d.energyToBest! >= 100)} as much energy as ${bestEnergy}`
  const names = `${quantities.join(' and ')}`
  return [
    {
      kind: 'text',
      text: `Approximations are often compared with an array, or with what a synthesiser makes of "*". They have to beat the best exact multiplier, and the exact one of narrower operands. Of the approximate designs, ${count((d) => d.areaToBest >= 100)} take at least as much area as ${bestArea}${energy}.`,
    },
    {
      kind: 'text',
      text: `By ${names}, ${count((design) => narrower.some((other) => beats(other, design)))} approximate designs lose to a narrower exact multiplier, and ${count((design) => exact.some((other) => beats(other, design)))} to an exact one. Nothing beats ${among('approximate')} approximate designs, ${among('narrower exact')} narrower exact and ${among('exact')} exact.`,
    },
    {
      kind: 'table',
      caption: 'Exact multipliers',
      columns: figureColumns(found),
      rows: [...exact]
        .sort((a, b) => a.area - b.area)
        .map((design) => ({ cells: figureCells(design, found) })),
      source: `Percentages are of the least area (${bestArea})${bestEnergy === null ? '' : ` and energy (${bestEnergy})`} among the exact, and of ${array}.`,
    },
  ]
}

/** Cost across, error up; the plots of the chosen quantities, of the error against energy and against area. */
function plottedPairs({
  quantities,
  stream,
}: MultiplierTable): readonly (readonly [x: Quantity, y: Quantity])[] {
  const [one, other] = quantities
  const error = quantities.find((quantity) => !isCost(quantity)) ?? 'mred'
  const pairs: (readonly [Quantity, Quantity])[] = [
    isCost(one) ? [one, other] : [other, one],
    ...(stream === null ? [] : [['energy', error] as const]),
    ['area', error],
  ]
  return [...new Map(pairs.map((pair) => [pair.join('-'), pair])).values()]
}

async function plotBlocks(found: MultiplierTable): Promise<readonly Block[]> {
  const blocks: PlotBlock[] = []
  for (const [x, y] of plottedPairs(found)) {
    const members = paretoMembers(found.designs.map((design) => [figureOf(design, x), figureOf(design, y)]))
    const points = found.designs.map((design, i) => ({
      design: design.spec,
      group: design.kind === 'approximate' ? design.family : design.kind,
      x: figureOf(design, x),
      y: figureOf(design, y),
      pareto: members[i]!,
      href: `#${placeOf(design)}`,
    }))
    const axes = { x: labelOf(x, found), y: labelOf(y, found) }
    blocks.push({
      kind: 'plot',
      id: `${y}-${x}`,
      caption: `${axes.y} against ${axes.x}; the line joins the designs that no other beats in these two`,
      plot: await scatterPlot(`${found.domain}, ${found.library}`, axes, points, ['exact', 'narrower exact']),
      source: sourceOf(x, found),
    })
  }
  return blocks
}

function labelOf(quantity: Quantity, { areaUnit, delayUnit }: MultiplierTable): string {
  const units: Partial<Record<Quantity, string>> = {
    area: `area, ${areaUnit}`,
    delay: `delay, ${delayUnit}`,
    energy: 'energy, pJ an operation',
    mred: 'MRED, %',
    ep: 'EP, %',
    bias: '|bias|',
  }
  return units[quantity] ?? quantity.toUpperCase()
}

function sourceOf(quantity: Quantity, { engine, script, library, stream }: MultiplierTable): string {
  const synthesis = `${engine}, script ${script}, ${library}`
  return quantity === 'energy' ? `${synthesis}; event-driven gate simulation, ${stream}` : synthesis
}

const mostMaps = 12

/** Error maps of the approximate designs that nothing beats: evenly many of the best and the worst where there are too many. */
async function errorSection(found: MultiplierTable): Promise<readonly Section[]> {
  const members = ofKind(found.designs, 'approximate').filter(({ pareto }) => pareto)
  if (members.length === 0) return []
  const shown = Math.min(mostMaps, members.length)
  const chosen = Array.from({ length: shown }, (_, i) => members[Math.floor((i * members.length) / shown)]!)
  const domain = parseDomain(found.domain)
  const maps = chosen.map(({ spec }) => ({ title: spec, ...errorMap(multiplierOf(spec, domain)) }))
  const caption = `Mean error by operands: ${shown} of the ${members.length} approximate designs that nothing beats`
  const plot = await heatMaps('Mean of |error|', 'mean', maps)
  const source =
    'A is the activation, B the weight, in up to 32 ranges of values each, in their order; each map has a scale of its own. Of cells of more than 256 pairs, 256 are drawn.'
  return [
    {
      id: 'errors',
      title: 'Where the errors lie',
      blocks: [{ kind: 'plot', id: 'error-maps', caption, plot, source }],
    },
  ]
}

const right = 'right' as const

function figureColumns({ areaUnit, delayUnit, stream }: MultiplierTable) {
  const energy = stream !== null
  return [
    { title: 'design' },
    { title: 'MRED %', align: right },
    { title: 'MAE', align: right },
    { title: 'WCE', align: right },
    { title: areaUnit, align: right },
    { title: delayUnit, align: right },
    ...(energy ? [{ title: 'pJ', align: right }] : []),
    { title: 'area/best %', align: right },
    { title: 'area/array %', align: right },
    ...(energy
      ? [
          { title: 'energy/best %', align: right },
          { title: 'energy/array %', align: right },
        ]
      : []),
  ]
}

function figureCells(design: TabulatedDesign, { stream }: MultiplierTable): readonly string[] {
  const { spec, mred, mae, wce, area, delay, energy } = design
  const withEnergy = stream !== null
  return [
    spec,
    ...[mred, mae, wce, area, delay].map(figure),
    ...(withEnergy ? [figure(energy!)] : []),
    percent(design.areaToBest),
    percent(design.areaToArray),
    ...(withEnergy ? [percent(design.energyToBest), percent(design.energyToArray)] : []),
  ]
}

function designTable(found: MultiplierTable): Block {
  const kind = ({ kind: name, operands, family }: TabulatedDesign) =>
    name === 'narrower exact' ? `exact ${operands}` : name === 'exact' ? 'exact' : family
  const row = (design: TabulatedDesign): Row => ({
    id: placeOf(design),
    cells: [design.pareto ? '*' : '', ...figureCells(design, found), kind(design), design.summary],
  })
  return {
    kind: 'table',
    caption: `By ${found.quantities.join(', then ')}. * no other is as good in both and better in one.`,
    columns: [{ title: '' }, ...figureColumns(found), { title: 'kind' }, { title: 'what it is', wide: true }],
    rows: found.designs.map(row),
    source: sourceOf('energy', found),
  }
}

/** The definitions of the families, which would make each row of the designs many lines high. */
function familyTable({ designs, domain }: MultiplierTable): Block {
  const families = [...new Set(designs.map(({ family }) => family))].sort()
  return {
    kind: 'table',
    caption: 'The products of the families, A the activation, B the weight',
    columns: [{ title: 'family' }, { title: 'product' }],
    rows: families.map((family) => ({ cells: [family, showFamily(family, parseDomain(domain)).definition] })),
  }
}

function methodBlocks({
  errors,
  sampled,
  stream,
  periodNs,
  delayUnit,
  library,
}: MultiplierTable): readonly Block[] {
  const energy =
    stream === null
      ? `The library ${library} knows no energies.`
      : `Energy: transitions of an event-driven simulation of the cells with the library's delays, glitches counted, by its tables of internal energy, the loads of nets and the leakage of ${periodNs} ns; ${stream}.`
  const delay =
    delayUnit === 'ns'
      ? "the longest path by the library's tables, before layout"
      : 'the longest path in units of logical effort, which are no times'
  return [
    {
      kind: 'text',
      text: `Errors: ${errors}${sampled ? ', not exact: rare large errors may be missing from the sample, so that WCE is the least that it can be' : ': exact'}. err = M(a, b) - a b; MAE is the mean of |err|, WCE the largest, EP the share of wrong products, MRED the mean of |err| / |a b| where that is not 0, bias the mean of err.`,
    },
    { kind: 'text', text: `Delay: ${delay}. ${energy}` },
    {
      kind: 'text',
      text: 'A narrower exact multiplier, n1xn2, multiplies the upper n1 bits of A by the upper n2 bits of B (trunc): its product is that of the exact one with the low bits of the operands 0.',
    },
  ]
}
