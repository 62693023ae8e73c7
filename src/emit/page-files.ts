import { renderTemplate } from '../base/templates.ts'
import { version } from '../base/version.ts'
import { pageHtml } from '../report/html.ts'
import { pageMarkdown } from '../report/markdown.ts'
import { type Page, plotsOf } from '../report/page.ts'

/**
 * The files of a page: NAME.html (self-contained), NAME.md, NAME.json (`data`: what the page shows, as numbers), and each plot as plots/ID.svg with plots/ID.csv.
 */
export function pageFiles(page: Page, data: unknown, name: string): ReadonlyMap<string, string> {
  return new Map([
    [`${name}.html`, renderTemplate('report/page.html.hbs', { ...pageHtml(page), version })],
    [`${name}.md`, pageMarkdown(page)],
    [`${name}.json`, `${JSON.stringify(data, null, 2)}\n`],
    ...plotsOf(page).flatMap(({ id, plot }) => [
      [`plots/${id}.svg`, plot.svg] as const,
      [`plots/${id}.csv`, plot.csv] as const,
    ]),
  ])
}
