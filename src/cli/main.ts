#!/usr/bin/env node
import { availableParallelism } from 'node:os'
import yargs, { type Argv } from 'yargs'
import { exitCodes, usageError, XgenError } from '../base/errors.ts'
import { didYouMean } from '../base/suggest.ts'
import { version } from '../base/version.ts'
import { useThreads } from '../kernels/threads.ts'
import { type Command, type CommonOptions, openSession } from './command.ts'
import { commandNames, loadCommands } from './commands.ts'
import { checkSwitches, configureCommand, declaredOptions, refusal } from './usage.ts'

/** Runs one command line and returns its exit code. */
export async function main(args: readonly string[]): Promise<number> {
  const abort = new AbortController()
  const interrupt = () => {
    // The first signal ends the work in order; a second one does not wait for that.
    if (abort.signal.aborted) process.exit(exitCodes.interrupted)
    abort.abort(new XgenError('interrupted', 'interrupted'))
  }
  process.on('SIGINT', interrupt)
  process.on('SIGTERM', interrupt)
  process.stdout.on('error', unwritableOutput)
  process.stderr.on('error', () => {}) // nothing is left to say it on; the exit code stands
  try {
    return await dispatch(args, abort.signal)
  } catch (error) {
    const interrupted = abort.signal.aborted && !(error instanceof XgenError && error.kind === 'interrupted')
    return report(interrupted ? abort.signal.reason : error, args)
  } finally {
    process.removeListener('SIGINT', interrupt)
    process.removeListener('SIGTERM', interrupt)
  }
}

/**
 * A reader that has seen enough (`| head`) is no failure: the work goes on, and its own exit code stands. A full disk is one, and
 * says so without calling it a failed check.
 */
function unwritableOutput(error: NodeJS.ErrnoException): void {
  if (error.code === 'EPIPE' || error.code === 'ERR_STREAM_DESTROYED') return
  process.stderr.write(`xgen: standard output cannot be written: ${error.message}\n`)
  process.exit(exitCodes['tool-failed'])
}

async function dispatch(args: readonly string[], signal: AbortSignal): Promise<number> {
  checkCommand(args[0])
  let code = 0
  let names: readonly string[] = []
  const parser = yargs([...args])
    .scriptName('xgen')
    .usage('$0 <command>\n\nGenerates neural network accelerators with approximate multipliers.')
    .version(version)
    .exitProcess(false)
    .strict()
    .help()
    .wrap(Math.min(110, process.stdout.columns ?? 110))
    .options({
      json: {
        type: 'boolean',
        default: false,
        describe: 'Print one JSON object on stdout',
        group: 'Common:',
      },
      quiet: { alias: 'q', type: 'boolean', default: false, describe: 'Errors only', group: 'Common:' },
      verbose: {
        alias: 'v',
        type: 'boolean',
        default: false,
        describe: 'Say more on stderr',
        group: 'Common:',
      },
      progress: {
        type: 'boolean',
        default: true,
        describe: 'Show progress (--no-progress: none)',
        group: 'Common:',
      },
      offline: { type: 'boolean', default: false, describe: 'Never use the network', group: 'Common:' },
      seed: { type: 'number', default: 1, describe: 'Seed of all random numbers', group: 'Common:' },
      jobs: {
        alias: 'j',
        type: 'number',
        default: availableParallelism(),
        defaultDescription: 'all cores',
        describe: 'Parallel work',
        group: 'Common:',
      },
    })

    .fail((message: string | null, error: Error | null) => {
      const command = args[0] === undefined || args[0].startsWith('-') ? 'xgen' : `xgen ${args[0]}`
      // what yargs itself refuses comes as a message, or as an error of its own
      if (error !== null && error !== undefined && error.name !== 'YError') throw error
      throw refusal(message ?? error?.message ?? 'wrong usage', command, names)
    })
  const declared = (configured: Argv) => {
    const options = declaredOptions(configured)
    checkSwitches(args, options.switches)
    names = options.names
  }
  for (const command of await loadCommands(args[0]))
    register(parser, command, declared, signal, (result) => (code = result))
  await parser.demandCommand(1, 'Name a command ("xgen --help" lists them).').parseAsync()
  return code
}

/** The command comes first; yargs would name a wrong one without its remedy. */
function checkCommand(word: string | undefined): void {
  if (word === undefined || word.startsWith('-')) return
  if (commandNames.includes(word)) return
  throw usageError(`"${word}" is no command.${didYouMean(word, commandNames)}`, {
    hint: '"xgen --help" lists the commands.',
  })
}

function register(
  parser: Argv,
  command: Command,
  declared: (configured: Argv) => void,
  signal: AbortSignal,
  finish: (code: number) => void,
) {
  const usage = command.positional === undefined ? command.name : `${command.name} ${command.positional}`
  parser.command(
    usage,
    command.summary,
    (y) => {
      const configured = configureCommand(y, command)
      declared(configured)
      return configured
    },
    async (parsed) => {
      const options = parsed as unknown as CommonOptions
      if (!Number.isSafeInteger(options.seed) || options.seed < 0 || options.seed > 0xffffffff) {
        throw usageError('--seed must be a whole number from 0 to 4294967295')
      }
      if (!Number.isSafeInteger(options.jobs) || options.jobs < 1)
        throw usageError('--jobs must be a whole number of at least 1')
      useThreads(options.jobs)
      finish(await command.run(options, openSession(options, signal)))
    },
  )
}

function report(error: unknown, args: readonly string[]): number {
  const known = error instanceof XgenError ? error : fromUnknown(error)
  if (args.includes('--json')) {
    const { kind, message, hint, where } = known
    process.stdout.write(`${JSON.stringify({ error: { kind, message, hint, where } })}\n`)
  } else {
    const place = known.where === undefined ? '' : `${known.where}: `
    process.stderr.write(`xgen: ${place}${known.message}\n`)
    if (known.hint !== undefined) process.stderr.write(`  ${known.hint}\n`)
    if (known.kind === 'internal')
      process.stderr.write(
        `${known.stack ?? ''}\n  This is a bug in xgen. Please report it with the command that led here.\n`,
      )
  }
  return exitCodes[known.kind]
}

/** yargs reports wrong usage as plain errors named YError; anything else is a bug of ours. */
function fromUnknown(error: unknown): XgenError {
  if (error instanceof Error && error.name === 'YError') return usageError(error.message)
  const message = error instanceof Error ? error.message : String(error)
  const wrapped = new XgenError('internal', message, { cause: error })
  if (error instanceof Error && error.stack !== undefined) wrapped.stack = error.stack
  return wrapped
}

process.exitCode = await main(process.argv.slice(2))
