import type { Command } from './command.ts'

/** All commands, in the order of the help text. Each stands in a file of its own under commands/. */
export const commands: readonly Command[] = []
