import type { Block, Column, Page, PlotBlock, Row, Section, TableBlock } from './page.ts'

/** The parts of a page as HTML: everything in them stands for itself, nothing is loaded. */
export interface PageHtml {
  readonly title: string
  readonly lead: string
  readonly contents: string
  readonly body: string
}

export function pageHtml(page: Page): PageHtml {
  const links = page.sections.map(({ id, title }) => `<a href="#${id}">${escapeHtml(title)}</a>`)
  return {
    title: escapeHtml(page.title),
    lead: escapeHtml(page.lead),
    contents: links.join('\n'),
    body: page.sections.map(sectionHtml).join('\n'),
  }
}

const sectionHtml = ({ id, title, blocks }: Section): string =>
  `<section id="${id}">\n<h2>${escapeHtml(title)}</h2>\n${blocks.map(blockHtml).join('\n')}\n</section>`

function blockHtml(block: Block): string {
  switch (block.kind) {
    case 'text':
      return `<p>${escapeHtml(block.text)}</p>`
    case 'table':
      return tableHtml(block)
    case 'plot':
      return plotHtml(block)
  }
}

function tableHtml({ caption, columns, rows, source }: TableBlock): string {
  const cell = (tag: 'td' | 'th', text: string, column: number) =>
    `<${tag}${classOf(columns[column]!)}>${escapeHtml(text)}</${tag}>`
  const row = ({ cells, id, total }: Row) => {
    const marks = `${id === undefined ? '' : ` id="${escapeHtml(id)}"`}${total === true ? ' class="total"' : ''}`
    return `<tr${marks}>${cells.map((text, column) => cell('td', text, column)).join('')}</tr>`
  }
  return [
    '<div class="table"><table>',
    ...(caption === undefined ? [] : [`<caption>${escapeHtml(caption)}</caption>`]),
    `<thead><tr>${columns.map(({ title }, column) => cell('th', title, column)).join('')}</tr></thead>`,
    `<tbody>\n${rows.map(row).join('\n')}\n</tbody>`,
    '</table></div>',
    ...sourceHtml(source),
  ].join('\n')
}

function classOf({ align, wide }: Column): string {
  if (align === 'right') return ' class="number"'
  return wide === true ? ' class="wide"' : ''
}

const plotHtml = ({ id, caption, plot, source }: PlotBlock): string =>
  [
    `<figure id="${id}">`,
    accessible(ownIds(plot.svg.trim(), id), caption),
    `<figcaption>${escapeHtml(caption)}</figcaption>`,
    ...sourceHtml(source),
    '</figure>',
  ].join('\n')

const sourceHtml = (source: string | undefined) =>
  source === undefined ? [] : [`<p class="source">${escapeHtml(source)}</p>`]

/** A picture whose ids are its own, so that several can stand in one document. Links out of the picture stay as they are. */
function ownIds(svg: string, prefix: string): string {
  const ids = new Set([...svg.matchAll(/\sid="([^"]+)"/g)].map((match) => match[1]!))
  const own = (id: string) => (ids.has(id) ? `${prefix}-${id}` : id)
  return svg
    .replaceAll(/(\sid=")([^"]+)(")/g, (_, before, id, after) => `${before}${own(id)}${after}`)
    .replaceAll(/(url\(#)([^)]+)(\))/g, (_, before, id, after) => `${before}${own(id)}${after}`)
    .replaceAll(/(href="#)([^"]+)(")/g, (_, before, id, after) => `${before}${own(id)}${after}`)
}

const accessible = (svg: string, caption: string) =>
  svg.replace('<svg ', `<svg role="img" aria-label="${escapeHtml(caption)}" `)

export const escapeHtml = (text: string): string =>
  text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;')
