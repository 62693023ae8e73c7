import { dataError } from '../../base/errors.ts'

/** A word, a quoted text (without its quotes), or one of the characters `(){}:;,`. */
export interface Token {
  readonly kind: 'word' | 'text' | 'mark'
  readonly text: string
  /** Where it begins, and the line it ends on; from 1. */
  readonly line: number
  readonly column: number
  readonly lastLine: number
}

/** Takes a file piece by piece, and gives its tokens as soon as they are whole. */
export interface Lexer {
  push(piece: string): void
  end(): void
}

/** Longest word or quoted text; tables of all libraries known are far below. */
export const longestToken = 1 << 20

const [newline, quote, backslash, slash, star, openBracket, closeBracket] = [...'\n"\\/*[]'].map((c) =>
  c.charCodeAt(0),
) as [number, number, number, number, number, number, number]
const isSpace = (c: number) => c <= 32
const isMark = (c: number) =>
  c === 40 || c === 41 || c === 123 || c === 125 || c === 58 || c === 59 || c === 44

/**
 * The lexical grammar of Liberty: white space, comments, and a backslash at the end of a line separate tokens. `name` stands before
 * places in messages.
 */
export function libertyLexer(name: string, emit: (token: Token) => void): Lexer {
  let text = ''
  let at = 0
  let line = 1
  /** Where the line began, in `text`; negative where that has been dropped. */
  let lineStart = 0
  let inComment = false

  const fail = (what: string, place = `${line}:${at - lineStart + 1}`): never => {
    throw dataError(what, { where: `${name}:${place}`, hint: notLiberty })
  }

  const give = (kind: Token['kind'], start: number, end: number, firstLine: number, column: number): void => {
    const taken = text.slice(start, end)
    emit({ kind, text: taken, line: firstLine, column, lastLine: line })
  }

  /** Counts the lines up to a place. Not by searching: a file may be one line, which each search would run through. */
  const passLines = (until: number): void => {
    for (let i = at; i < until; i++) {
      if (text.charCodeAt(i) !== newline) continue
      line++
      lineStart = i + 1
    }
  }

  /** Skips to behind the comment; false where its end has not come yet. */
  const skipComment = (): boolean => {
    const end = text.indexOf('*/', at)
    // a star at the end may be the first half of the mark
    const until = end === -1 ? Math.max(at, text.length - 1) : end + 2
    passLines(until)
    at = until
    inComment = end === -1
    return !inComment
  }

  /** The end of the quoted text that begins at `at`, or -1 where it has not come yet. */
  const quotedEnd = (): number => {
    for (let i = at + 1; i < text.length; i++) {
      const c = text.charCodeAt(i)
      if (c === quote) return i
      if (c === backslash) i++
    }
    return -1
  }

  const quoted = (): boolean => {
    const end = quotedEnd()
    if (end === -1) return false
    const [firstLine, column] = [line, at - lineStart + 1]
    passLines(end)
    give('text', at + 1, end, firstLine, column)
    at = end + 1
    return true
  }

  const word = (last: boolean): boolean => {
    let end = at
    let depth = 0
    for (; end < text.length; end++) {
      const c = text.charCodeAt(end)
      // a range such as A[3:0] is one word
      if (c === openBracket) depth++
      else if (c === closeBracket) depth--
      if (isSpace(c) || c === quote || (isMark(c) && !(c === 58 && depth > 0))) break
      if (c === backslash || (c === slash && text.charCodeAt(end + 1) === star)) break
    }
    if (end === text.length && !last) return false
    if (end === at) fail(`"${text[at]}" stands where a word should`)
    give('word', at, end, line, at - lineStart + 1)
    at = end
    return true
  }

  const scan = (last: boolean): void => {
    while (at < text.length) {
      if (inComment && !skipComment()) return
      if (at >= text.length) return
      const c = text.charCodeAt(at)
      if (c === newline) {
        line++
        lineStart = ++at
      } else if (isSpace(c)) at++
      else if (isMark(c)) {
        give('mark', at, at + 1, line, at - lineStart + 1)
        at++
      } else if (c === quote) {
        if (!quoted()) return
      } else if (at + 1 === text.length && !last) return
      else if (c === slash && text.charCodeAt(at + 1) === star) {
        at += 2
        inComment = true
      } else if (c === backslash) {
        if (!isSpace(text.charCodeAt(at + 1))) fail('a backslash stands within a line')
        at++
      } else if (!word(last)) return
    }
  }

  /** Forgets what has been read. */
  const drop = (): void => {
    text = text.slice(at)
    lineStart -= at
    at = 0
  }

  return {
    push(piece) {
      text += piece
      scan(false)
      drop()
      if (text.length > longestToken) fail(`a word or text has more than ${longestToken} characters`)
    },
    end() {
      scan(true)
      if (inComment) fail('the file ends in a comment')
      if (at < text.length) fail('the file ends in a quoted text')
    },
  }
}

const notLiberty = 'Is this a whole, uncompressed or gzipped Liberty file (.lib)?'
