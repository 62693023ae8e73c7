import { dataError } from '../../base/errors.ts'

/** A Boolean function of pins. Negation stands with what it negates, so that no level is only a sign. */
export type BooleanFunction =
  | { readonly kind: 'constant'; readonly value: 0 | 1 }
  | { readonly kind: 'pin'; readonly pin: string }
  | { readonly kind: 'not'; readonly of: BooleanFunction }
  | { readonly kind: 'and' | 'or' | 'xor'; readonly of: readonly [BooleanFunction, BooleanFunction] }

const deepest = 200
const longest = 4096

/**
 * Liberty's expressions: `!A` or `A'`, then `^`, then `*`, `&` or nothing between factors, then `+` or `|`, the tightest first (Liberty
 * Reference Manual, "function"; OpenSTA's grammar orders them so too).
 */
export function parseFunction(text: string, where: string): BooleanFunction {
  if (text.length > longest)
    throw dataError(`an expression has ${text.length} characters; at most ${longest} are read`, { where })
  const tokens = text.match(/[A-Za-z_][\w.[\]]*|[^\s]/g) ?? []
  let at = 0
  let depth = 0
  const fail = (): never => {
    const what = tokens[at] === undefined ? 'ends too early' : `has "${tokens[at]}" in a wrong place`
    throw dataError(`the expression "${text.slice(0, 80)}" ${what}`, { where })
  }
  const next = (...those: string[]) => those.includes(tokens[at] ?? '') && at++ >= 0
  const startsFactor = () => /^[\w(!\\"]/.test(tokens[at] ?? '')

  const sum = (): BooleanFunction => {
    if (++depth > deepest) fail()
    let left = product()
    while (next('+', '|')) left = { kind: 'or', of: [left, product()] }
    depth--
    return left
  }
  const product = (): BooleanFunction => {
    let left = parity()
    for (;;) {
      if (next('*', '&') || startsFactor()) left = { kind: 'and', of: [left, parity()] }
      else return left
    }
  }
  const parity = (): BooleanFunction => {
    let left = factor()
    while (next('^')) left = { kind: 'xor', of: [left, factor()] }
    return left
  }
  const factor = (): BooleanFunction => {
    let negations = 0
    while (next('!')) negations++
    let found = primary()
    while (next("'")) negations++
    if (negations % 2 === 1) found = { kind: 'not', of: found }
    return found
  }
  const primary = (): BooleanFunction => {
    const token = tokens[at++] ?? ''
    if (token === '(') {
      const inner = sum()
      if (!next(')')) fail()
      return inner
    }
    if (token === '0' || token === '1') return { kind: 'constant', value: token === '1' ? 1 : 0 }
    if (/^[A-Za-z_]/.test(token)) return { kind: 'pin', pin: token }
    at--
    return fail()
  }

  const result = sum()
  if (at < tokens.length) fail()
  return result
}

/** The pins that a function names, each once, in their order. */
export function pinsOf(f: BooleanFunction, found: Set<string> = new Set()): ReadonlySet<string> {
  if (f.kind === 'pin') found.add(f.pin)
  else if (f.kind === 'not') pinsOf(f.of, found)
  else if (f.kind !== 'constant') for (const operand of f.of) pinsOf(operand, found)
  return found
}

/** A JavaScript expression of the function on words of 32 patterns, or on 0 and 1 (its lowest bit counts). */
export function functionText(f: BooleanFunction, pin: (name: string) => string): string {
  switch (f.kind) {
    case 'constant':
      return f.value === 1 ? '-1' : '0'
    case 'pin':
      return pin(f.pin)
    case 'not':
      return `~${functionText(f.of, pin)}`
    default: {
      const operator = { and: '&', or: '|', xor: '^' }[f.kind]
      return `(${f.of.map((operand) => functionText(operand, pin)).join(` ${operator} `)})`
    }
  }
}

/** The value of a function under an assignment of its pins. */
export function evaluate(f: BooleanFunction, value: (pin: string) => number): 0 | 1 {
  switch (f.kind) {
    case 'constant':
      return f.value
    case 'pin':
      return value(f.pin) === 0 ? 0 : 1
    case 'not':
      return evaluate(f.of, value) === 0 ? 1 : 0
    case 'and':
      return evaluate(f.of[0], value) === 1 ? evaluate(f.of[1], value) : 0
    case 'or':
      return evaluate(f.of[0], value) === 1 ? 1 : evaluate(f.of[1], value)
    case 'xor':
      return evaluate(f.of[0], value) === evaluate(f.of[1], value) ? 0 : 1
  }
}
