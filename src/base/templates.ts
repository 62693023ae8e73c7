import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import Handlebars from 'handlebars'
import { packageRoot } from './files.ts'

/** Renders templates/<name>: code and Markdown, so nothing is escaped, and a field that is missing is an error. */
export function renderTemplate(name: string, fields: unknown): string {
  const source = readFileSync(join(packageRoot, 'templates', name), 'utf8')
  return Handlebars.compile(source, { noEscape: true, strict: true })(fields)
}
