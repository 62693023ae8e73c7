import { initialise } from '../../flow/init.ts'
import type { Command } from '../command.ts'

export const init: Command = {
  name: 'init',
  summary: 'Write a commented xgen.yaml',
  positional: '[dir]',
  examples: [
    ['xgen init', 'Write ./xgen.yaml'],
    ['xgen init my-design', 'Write my-design/xgen.yaml'],
  ],
  configure: (y) =>
    y
      .positional('dir', { type: 'string', default: '.', describe: 'Directory' })
      .option('force', { type: 'boolean', default: false, describe: 'Replace a file that is there' }),
  run: async (options, session) => {
    const path = initialise(options['dir'] as string, options['force'] as boolean)
    session.print({ config: path }, `wrote ${path}\nnext: xgen rtl -c ${path}`)
    return 0
  },
}
