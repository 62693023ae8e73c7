import type { Command } from './command.ts'
import { doctor } from './commands/doctor.ts'
import { mult } from './commands/mult.ts'
import { sim } from './commands/sim.ts'
import { train } from './commands/train.ts'

/** All commands, in the order of the help text. Each stands in a file of its own under commands/. */
export const commands: readonly Command[] = [doctor, mult, train, sim]
