import { join } from 'node:path'
import { usageError } from '../../base/errors.ts'
import { reportRun } from '../../flow/report.ts'
import type { Command } from '../command.ts'

export const report: Command = {
  name: 'report',
  summary: 'report.html, .md and .json of a run: area, energy, baselines, plots',
  positional: '[dir]',
  examples: [['$0 report rtl-out/lenet5', 'Shows what xgen synth measured; nothing is measured again']],
  configure: (y) => y.positional('dir', { type: 'string', describe: "A run's directory" }),
  run: async (options, { print, progress }) => {
    const directory = options['dir']
    if (typeof directory !== 'string')
      throw usageError('no directory is named', { hint: 'For example: xgen report rtl-out/lenet5' })
    progress.step('report')
    const written = await reportRun(directory)
    progress.done(`${written.files.length} files`)
    print(written, `${written.net}: ${join(written.directory, 'report.html')}`)
    return 0
  },
}
