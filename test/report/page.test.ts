import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { pageFiles } from '../../src/emit/page-files.ts'
import { pageHtml } from '../../src/report/html.ts'
import { layersPlot } from '../../src/report/layers.ts'
import { pageMarkdown } from '../../src/report/markdown.ts'
import type { Page } from '../../src/report/page.ts'
import { hasBrowser, visit } from '../fixtures/browser.ts'

const svg = (id: string) =>
  `<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><clipPath id="${id}"><rect/></clipPath><g clip-path="url(#${id})"/><a href="#row-1"><use href="#${id}"/></a></svg>\n`

const page: Page = {
  title: 'lenet5 <on> "8x8"',
  lead: 'Area & energy',
  sections: [
    {
      id: 'area',
      title: 'Area | blocks',
      blocks: [
        { kind: 'text', text: '<script>alert(1)</script> *not* bold' },
        {
          kind: 'table',
          caption: 'By module',
          columns: [{ title: 'module' }, { title: 'um2', align: 'right' }],
          rows: [
            { cells: ["pe_a|b's", '12'], id: 'row-1' },
            { cells: ['total', '12'], total: true },
          ],
          source: 'Yosys',
        },
        { kind: 'plot', id: 'first', caption: 'First', plot: { svg: svg('clip0'), csv: 'a,b\n1,2\n' } },
        { kind: 'plot', id: 'second', caption: 'Second', plot: { svg: svg('clip0'), csv: 'a\n' } },
      ],
    },
  ],
}

describe('a page', () => {
  it('shows any text as it is', () => {
    const { title, body } = pageHtml(page)
    expect(title).toBe('lenet5 &lt;on&gt; &quot;8x8&quot;')
    expect(body).not.toContain('<script')
    expect(body).toContain('&lt;script&gt;alert(1)&lt;/script&gt; *not* bold')
    expect(body).toContain('<tr id="row-1"><td>pe_a|b&#39;s</td><td class="number">12</td></tr>')
    expect(body).toContain('<tr class="total">')
    const markdown = pageMarkdown(page)
    expect(markdown).toContain('\\<script\\>alert(1)\\</script\\> \\*not\\* bold')
    expect(markdown).toContain("| pe\\_a\\|b's | 12 |\n| total | 12 |")
    expect(markdown).toContain('![First](plots/first.svg)')
  })

  it('gives the pictures in one document ids of their own, and leaves links to the document', () => {
    const { body } = pageHtml(page)
    for (const id of ['first', 'second']) {
      expect(body).toContain(`id="${id}-clip0"`)
      expect(body).toContain(`url(#${id}-clip0)`)
      expect(body).toContain(`<a href="#row-1"><use href="#${id}-clip0"/></a>`)
    }
    const ids = [...body.matchAll(/\sid="([^"]+)"/g)].map((match) => match[1])
    expect(new Set(ids).size).toBe(ids.length)
  })

  it('comes as HTML that loads nothing, Markdown, its numbers and its plots', () => {
    const files = pageFiles(page, { area: 12 }, 'report')
    expect([...files.keys()]).toEqual([
      'report.html',
      'report.md',
      'report.json',
      'plots/first.svg',
      'plots/first.csv',
      'plots/second.svg',
      'plots/second.csv',
    ])
    const html = files.get('report.html')!
    expect(html).toMatch(/^<!doctype html>/)
    expect(html.replaceAll('http://www.w3.org/2000/svg', '')).not.toMatch(
      /https?:|<link|<script|@import|src=/,
    )
    expect(JSON.parse(files.get('report.json')!)).toEqual({ area: 12 })
    expect(pageFiles(page, { area: 12 }, 'report')).toEqual(files)
  })

  it.skipIf(!hasBrowser)(
    'is shown by Chromium without a complaint (not run: no /usr/bin/chromium)',
    async () => {
      const directory = mkdtempSync(join(tmpdir(), 'xgen-page-'))
      try {
        const { svg: bars } = await layersPlot('bars', [
          {
            layer: 'a',
            dataflow: 'row-stationary',
            cycles: 5,
            utilisation: 0.5,
            register: 1,
            neighbour: 2,
            buffer: 3,
          },
        ])
        const plot = { kind: 'plot', id: 'bars', caption: 'Bars', plot: { svg: bars, csv: '' } } as const
        const [section] = page.sections
        const whole: Page = {
          ...page,
          sections: [{ ...section!, blocks: [...section!.blocks.slice(0, 2), plot] }],
        }
        const file = join(directory, 'page.html')
        writeFileSync(file, pageFiles(whole, {}, 'page').get('page.html')!)
        const { text, ...seen } = await visit(file)
        expect(seen).toEqual({ complaints: [], dead: [], pictures: 1, empty: 0, overflows: false })
        expect(text).toContain('<script>alert(1)</script>')
      } finally {
        rmSync(directory, { recursive: true, force: true })
      }
    },
  )
})
