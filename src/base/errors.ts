/**
 * Every failure a user can meet is an `XgenError`: it names the place and the remedy, and its kind decides the
 * exit code (the contract that scripts rely on).
 */
export type ErrorKind =
  | 'check' // a comparison failed: a mismatch, a metric out of tolerance
  | 'usage' // the command line or the configuration is wrong
  | 'tool-missing' // a required external tool is absent or too old
  | 'tool-failed' // an external tool ran and failed
  | 'data' // input data is missing or corrupt
  | 'internal' // a bug in xgen
  | 'interrupted' // Ctrl-C or SIGTERM

export const exitCodes: Readonly<Record<ErrorKind, number>> = {
  check: 1,
  usage: 2,
  'tool-missing': 3,
  'tool-failed': 4,
  data: 5,
  internal: 70,
  interrupted: 130,
}

export interface ErrorDetail {
  /** What the user can do about it, as a sentence. */
  readonly hint?: string
  /** The place: `file:line:column`, a layer, an option. */
  readonly where?: string
  readonly cause?: unknown
}

export class XgenError extends Error {
  override readonly name = 'XgenError'
  readonly kind: ErrorKind
  readonly hint: string | undefined
  readonly where: string | undefined

  constructor(kind: ErrorKind, message: string, detail: ErrorDetail = {}) {
    super(message, { cause: detail.cause })
    this.kind = kind
    this.hint = detail.hint
    this.where = detail.where
  }

  get exitCode(): number {
    return exitCodes[this.kind]
  }
}

export const usageError = (message: string, detail?: ErrorDetail) => new XgenError('usage', message, detail)
export const dataError = (message: string, detail?: ErrorDetail) => new XgenError('data', message, detail)

/** An assertion about our own code: a failure is a bug in xgen, never the user's fault. */
export function invariant(condition: unknown, message: string): asserts condition {
  if (!condition) throw new XgenError('internal', message)
}

/** For the `default` of an exhaustive `switch`. */
export function unreachable(value: never): never {
  throw new XgenError('internal', `unexpected value ${JSON.stringify(value)}`)
}
