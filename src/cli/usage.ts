import type { Argv } from 'yargs'
import { usageError, type XgenError } from '../base/errors.ts'
import { didYouMean } from '../base/suggest.ts'
import type { Command } from './command.ts'

/** Declares a command's options, and its examples: each on a line of its own, so that it can be copied. */
export function configureCommand(y: Argv, command: Command): Argv {
  const lines = command.examples.flatMap(([line, meaning]) => [`  ${line}`, `      ${meaning}`])
  return command.configure(y).epilogue(['Examples:', ...lines].join('\n'))
}

/** The names of the options that a parser knows, and which of them are switches. */
export function declaredOptions(y: Argv): { readonly names: string[]; readonly switches: string[] } {
  const { key, boolean } = (
    y as unknown as { getOptions(): { key: Record<string, unknown>; boolean: readonly string[] } }
  ).getOptions()
  return { names: Object.keys(key), switches: [...boolean] }
}

/** yargs takes any value that is not "true" as false. */
export function checkSwitches(args: readonly string[], switches: readonly string[]): void {
  for (const arg of args) {
    if (arg === '--') return
    const match = /^--([^=]+)=(.*)$/s.exec(arg)
    if (match === null || !switches.includes(match[1]!) || /^(true|false)$/.test(match[2]!)) continue
    throw usageError(`"${match[2]}" is given: only true and false are possible`, { where: `--${match[1]}` })
  }
}

/** What yargs refuses, with the nearest name that it knows. `command`: `xgen` or `xgen sim`. */
export function refusal(message: string, command: string, names: readonly string[]): XgenError {
  const hint = `"${command} --help" lists the options.`
  const unknown = /^Unknown arguments?: ([^,]+)/.exec(message)?.[1]
  if (unknown !== undefined) {
    const near = didYouMean(unknown, names).replace('"', '"--')
    return usageError(`${message}.${near}`, { hint })
  }
  if (message.startsWith('Not enough non-option arguments'))
    return usageError(`"${command}" needs a word that says what to do`, { hint })
  const empty = /^Not enough arguments following: (.+)/.exec(message)?.[1]
  if (empty !== undefined) return usageError('a value is missing', { where: `--${empty}`, hint })
  const choice = /Argument: (\S+), Given: "(.*)", Choices: (.*)/.exec(message)
  if (choice !== null) {
    const [, name, given, list] = choice as unknown as [string, string, string, string]
    const choices = list.split(', ').map((text) => text.replaceAll('"', ''))
    return usageError(`"${given}" is not possible for ${name}.${didYouMean(given, choices)}`, {
      hint: `Possible: ${choices.join(', ')}.`,
    })
  }
  return usageError(message, { hint })
}

/** A word as a POSIX shell reads it back. */
export function shellWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`
}
