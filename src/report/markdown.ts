import type { Block, Page, TableBlock } from './page.ts'

/** A page as Markdown; plots are pictures in `plots/` beside it. */
export function pageMarkdown(page: Page): string {
  const sections = page.sections.map(
    ({ title, blocks }) => `## ${plain(title)}\n\n${blocks.map(blockMarkdown).join('\n\n')}`,
  )
  return `${[`# ${plain(page.title)}`, plain(page.lead), ...sections].join('\n\n')}\n`
}

function blockMarkdown(block: Block): string {
  switch (block.kind) {
    case 'text':
      return plain(block.text)
    case 'table':
      return tableMarkdown(block)
    case 'plot':
      return [
        `![${plain(block.caption)}](plots/${block.id}.svg)`,
        ...(block.source === undefined ? [] : [plain(block.source)]),
      ].join('\n\n')
  }
}

function tableMarkdown({ caption, columns, rows, source }: TableBlock): string {
  const line = (cells: readonly string[]) => `| ${cells.map(plain).join(' | ')} |`
  const table = [
    line(columns.map(({ title }) => title)),
    `| ${columns.map(({ align }) => (align === 'right' ? '--:' : '---')).join(' | ')} |`,
    ...rows.map(({ cells }) => line(cells)),
  ].join('\n')
  return [
    ...(caption === undefined ? [] : [plain(caption)]),
    table,
    ...(source === undefined ? [] : [plain(source)]),
  ].join('\n\n')
}

/** Text that Markdown shows as it is, on one line. */
const plain = (text: string) => text.replaceAll(/\s+/g, ' ').replaceAll(/([\\`*_[\]<>|#])/g, '\\$1')
