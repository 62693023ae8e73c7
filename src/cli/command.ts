import type { Argv } from 'yargs'
import { type Progress, progressOn } from '../base/progress.ts'

/** The options that every command has, parsed. */
export interface CommonOptions {
  readonly json: boolean
  readonly quiet: boolean
  readonly verbose: boolean
  readonly progress: boolean
  readonly offline: boolean
  readonly seed: number
  readonly jobs: number
  readonly [option: string]: unknown
}

/** A command's surroundings: where results and progress go, and when to stop. */
export interface Session {
  readonly options: CommonOptions
  readonly progress: Progress
  /** Aborted on Ctrl-C or SIGTERM. Long work checks it; child processes are bound to it. */
  readonly signal: AbortSignal
  /** Writes a result: `text` for people, or `value` as one JSON object with --json. */
  print(value: unknown, text: string): void
}

/** One command of the command line. `run` returns the exit code (0, or 1 where a check failed). */
export interface Command {
  readonly name: string
  readonly summary: string
  /** Positional arguments in yargs' syntax, such as `<action> [name]`. */
  readonly positional?: string
  readonly examples: readonly (readonly [command: string, meaning: string])[]
  readonly configure: (parser: Argv) => Argv
  readonly run: (options: CommonOptions, session: Session) => Promise<number>
}

export function openSession(options: CommonOptions, signal: AbortSignal): Session {
  return {
    options,
    signal,
    progress: progressOn({ enabled: options.progress && !options.quiet }),
    print(value, text) {
      process.stdout.write(
        options.json ? `${JSON.stringify(value)}\n` : text.endsWith('\n') ? text : `${text}\n`,
      )
    },
  }
}
