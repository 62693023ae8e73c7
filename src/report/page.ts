import type { Plot } from './plot.ts'

/** A document that is shown as HTML and as Markdown: text, tables and plots, in sections. All texts are plain, neither HTML nor Markdown. */
export interface Page {
  readonly title: string
  readonly lead: string
  readonly sections: readonly Section[]
}

export interface Section {
  /** Lower-case letters, digits and dashes: the section's place in links. */
  readonly id: string
  readonly title: string
  readonly blocks: readonly Block[]
}

export type Block = TextBlock | TableBlock | PlotBlock

export interface TextBlock {
  readonly kind: 'text'
  readonly text: string
}

export interface Column {
  readonly title: string
  /** Numbers stand at the right. */
  readonly align?: 'right'
  /** Holds sentences: it has room for them where the table is wider than the page. */
  readonly wide?: true
}

export interface Row {
  /** A text a column. */
  readonly cells: readonly string[]
  /** The place that links to `#id` lead to. */
  readonly id?: string
  /** A row that sums up others. */
  readonly total?: boolean
}

export interface TableBlock {
  readonly kind: 'table'
  /** What the table shows, above it. */
  readonly caption?: string
  readonly columns: readonly Column[]
  readonly rows: readonly Row[]
  /** Where the numbers come from, below it. */
  readonly source?: string
}

export interface PlotBlock {
  readonly kind: 'plot'
  /** Name of the picture's file, and of the numbers' beside it: lower-case letters, digits and dashes. */
  readonly id: string
  /** What it shows: for people who do not see it, too. */
  readonly caption: string
  readonly plot: Plot
  readonly source?: string
}

/** All plots of a page, in order. */
export const plotsOf = (page: Page): readonly PlotBlock[] =>
  page.sections.flatMap(({ blocks }) => blocks.filter((block) => block.kind === 'plot'))
