import { dataError } from '../../base/errors.ts'
import { type Lexer, libertyLexer, longestToken, type Token } from './lexer.ts'

/** A place in a file: line and column, from 1. */
export interface Place {
  readonly line: number
  readonly column: number
}

/** `name : value ;` or `name (value, ...) ;` */
export interface Attribute extends Place {
  readonly name: string
  readonly values: readonly string[]
}

/** `name (argument, ...) { ... }`. Of an attribute that stands twice, the last is kept; `lists` has all of the second kind. */
export interface Group extends Place {
  readonly name: string
  readonly arguments: readonly string[]
  readonly attributes: Map<string, Attribute>
  readonly lists: Attribute[]
  readonly groups: Group[]
}

/** What becomes of a group that has been read whole: kept in the last of those `around` it (outermost first), or forgotten. */
export type Closed = (group: Group, around: readonly Group[]) => 'keep' | 'drop'

const deepest = 24
/** Attributes, groups and their values inside one group of depth 1, such as a cell: the largest known has a few thousand. */
const mostInside = 100_000

/**
 * The grammar of Liberty over a file that comes piece by piece. `closed` sees every group when its brace closes, the file's own
 * last: what it drops takes no memory any more.
 */
export function groupReader(name: string, closed: Closed): Lexer {
  const open: Group[] = []
  let inside = 0
  let onTop = 0
  let ended = false
  // The statement at work.
  let head: Token | undefined
  let values: string[] = []
  let expect: 'name' | 'after name' | 'value' | 'argument' | 'after arguments' = 'name'
  let lastLine = 0

  const fail = (what: string, { line, column }: Place): never => {
    throw dataError(what, { where: `${name}:${line}:${column}` })
  }
  const shown = (token: Token) => `"${token.text.slice(0, 40)}"`

  const finish = (): void => {
    const around = open.at(-1) ?? fail(`the attribute ${shown(head!)} stands outside of the library`, head!)
    if (open.length === 1) countTop(head!)
    else count(head!)
    const attribute = { name: head!.text, values, line: head!.line, column: head!.column }
    around.attributes.set(attribute.name, attribute)
    if (expect === 'after arguments') around.lists.push(attribute)
    expect = 'name'
  }

  const count = (place: Place): void => {
    if (open.length < 2) inside = 0
    else if ((inside += 1 + values.length) > mostInside)
      fail(`a group holds more than ${mostInside} statements and values`, place)
  }

  const countTop = (place: Place): void => {
    if ((onTop += 1 + values.length) > mostInside)
      fail(`the library has more than ${mostInside} attributes and values`, place)
  }

  const begin = (): void => {
    const { text, line, column } = head!
    if (open.length === 0 && ended) fail('a second library begins', head!)
    if (open.length >= deepest) fail(`groups nest deeper than ${deepest} levels`, head!)
    count(head!)
    open.push({ name: text, arguments: values, attributes: new Map(), lists: [], groups: [], line, column })
    expect = 'name'
  }

  const close = (token: Token): void => {
    const group = open.pop() ?? fail('a brace closes nothing', token)
    const kept = closed(group, open) === 'keep'
    if (open.length === 0) ended = true
    else if (kept) open.at(-1)!.groups.push(group)
  }

  const take = (token: Token): void => {
    const mark = token.kind === 'mark' ? token.text : undefined
    switch (expect) {
      case 'name':
        if (mark === '}') close(token)
        else if (mark === undefined) {
          head = token
          values = []
          expect = 'after name'
        } else if (mark !== ';') fail(`"${mark}" stands where an attribute or a group should begin`, token)
        return
      case 'after name':
        if (mark === ':') {
          expect = 'value'
          lastLine = 0
        } else if (mark === '(') expect = 'argument'
        else fail(`${shown(token)} follows the name ${shown(head!)}: ":" or "(" should`, token)
        return
      case 'value':
        // Some files leave the semicolon out at the end of a line.
        if (mark === ';') finish()
        else if (mark === '}' || (lastLine !== 0 && token.line > lastLine)) {
          finish()
          take(token)
        } else if (mark === '{' || mark === ':' || mark === ',')
          fail(`"${mark}" stands in the value of ${shown(head!)}`, token)
        else {
          values = [values.length === 0 ? token.text : `${values[0]} ${token.text}`]
          if (values[0]!.length > longestToken)
            fail(`the value of ${shown(head!)} has more than ${longestToken} characters`, token)
          lastLine = token.lastLine
        }
        return
      case 'argument':
        if (mark === ')') expect = 'after arguments'
        else if (mark === undefined) {
          if (values.push(token.text) > mostInside)
            fail(`the list of ${shown(head!)} has more than ${mostInside} values`, token)
        } else if (mark !== ',' && mark !== ':')
          fail(`"${mark}" stands in the list of ${shown(head!)}`, token)
        return
      case 'after arguments':
        if (mark === '{') begin()
        else {
          finish()
          if (mark !== ';') take(token)
        }
    }
  }

  let last: Token | undefined
  const lexer = libertyLexer(name, (token) => {
    last = token
    take(token)
  })
  return {
    push: lexer.push,
    end() {
      lexer.end()
      const place = { line: last?.lastLine ?? 1, column: last?.column ?? 1 }
      if (open.length > 0)
        fail(
          `the file ends inside the group "${open.at(-1)!.name.slice(0, 40)}" of line ${open.at(-1)!.line}`,
          place,
        )
      if (!ended) fail('the file holds no library', place)
    },
  }
}
