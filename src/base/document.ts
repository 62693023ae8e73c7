import { isAlias, isMap, isScalar, isSeq, LineCounter, type Node, parseDocument } from 'yaml'
import { usageError, XgenError } from './errors.ts'
import { readInput } from './files.ts'

export type Path = readonly (string | number)[]

/** A JSON or YAML text as a plain value, and where each part of it stands. */
export interface Source {
  readonly file: string
  readonly value: unknown
  /** `file:line:column` of the key (or list element) at a path; of its nearest parent where it has no place of its own. */
  where(path: Path): string
}

const largestText = 4 * 1024 * 1024
const deepest = 64
const mostAliases = 64

/** Reads JSON or YAML (JSON is a subset). Duplicate keys, several documents and anchors that explode are errors with their place. */
export function readDocument(text: string, file: string): Source {
  if (text.length > largestText)
    throw usageError(`has ${text.length} characters; at most ${largestText} are read`, {
      where: file,
    })
  checkDepth(text, file)
  const lines = new LineCounter()
  const place = (offset: number) => {
    const { line, col } = lines.linePos(offset)
    return `${file}:${line}:${col}`
  }
  const document = parseDocument(text, {
    lineCounter: lines,
    uniqueKeys: true,
    prettyErrors: false,
    version: '1.2',
    stringKeys: true,
  })
  const problem = document.errors[0]
  if (problem !== undefined) {
    const what =
      problem.code === 'MULTIPLE_DOCS'
        ? 'holds a second document: write one only'
        : firstLine(problem.message)
    const json = /\.json$/i.test(file) ? 'is no valid JSON: ' : ''
    throw usageError(`${json}${what}`, { where: place(problem.pos[0]) })
  }
  let value: unknown
  try {
    value = document.toJS({ maxAliasCount: mostAliases })
  } catch (error) {
    throw usageError(firstLine((error as Error).message), { where: file, cause: error })
  }

  const where = (path: Path) => {
    let node: Node | null | undefined = document.contents
    let offset = node?.range?.[0] ?? 0
    for (const step of path) {
      if (isAlias(node)) node = node.resolve(document)
      if (isMap(node)) {
        const pair: { key: unknown; value: unknown } | undefined = node.items.find(
          (item) => isScalar(item.key) && String(item.key.value) === String(step),
        )
        if (pair === undefined) break
        offset = (pair.key as Node).range?.[0] ?? offset
        node = pair.value as Node | null
      } else if (isSeq(node)) {
        node = node.items[Number(step)] as Node | undefined
        if (node === undefined) break
        offset = node.range?.[0] ?? offset
      } else break
    }
    return place(offset)
  }
  return { file, value, where }
}

/** Reads a file that describes what to make; where it is missing, the command line or the configuration is wrong. */
export function readDocumentFile(path: string, what: string): Source {
  let text: string
  try {
    text = readInput(path, what).toString('utf8')
  } catch (error) {
    if (!(error instanceof XgenError)) throw error
    throw usageError(error.message, { cause: error })
  }
  return readDocument(text, path)
}

/** A value that came from no file, such as an option: its places are paths. */
export function valueSource(value: unknown, name: string): Source {
  return { file: name, value, where: (path) => (path.length === 0 ? name : path.join('.')) }
}

/** The parser recurses: brackets and indentation that nest without end would exhaust the stack. */
function checkDepth(text: string, file: string): void {
  let open = 0
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i)
    if (c === 0x5b || c === 0x7b) open++
    else if ((c === 0x5d || c === 0x7d) && open > 0) open--
    if (open > deepest) throw usageError(`brackets nest deeper than ${deepest} levels`, { where: file })
  }
  const indicators = /^ *(?:[-?:] +){64,}/m.exec(text) ?? /^ {2048,}\S/m.exec(text)
  if (indicators !== null) throw usageError(`lists nest deeper than ${deepest} levels`, { where: file })
}

function firstLine(message: string): string {
  return message.split('\n')[0]!.replace(/ at line \d+, column \d+:?$/, '')
}
