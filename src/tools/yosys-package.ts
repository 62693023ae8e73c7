import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'
import { XgenError } from '../base/errors.ts'

/** Where the package lies, for a thread or a process that resolves nothing itself. */
export function yosysModule(): string {
  try {
    return pathToFileURL(createRequire(import.meta.url).resolve('@yowasp/yosys')).href
  } catch (cause) {
    throw new XgenError('tool-missing', 'the package @yowasp/yosys was not found', {
      hint: 'Run npm ci in the directory of xgen, or name a Yosys: --yosys PATH.',
      cause,
    })
  }
}

/** What tells one version of the package from another. */
export function packageVersion(): string {
  const description = readFileSync(new URL('../package.json', yosysModule()), 'utf8')
  return `@yowasp/yosys ${(JSON.parse(description) as { version: string }).version}`
}
