import { usageError } from '../../base/errors.ts'
import { dataPath, fetchData, listData, verifyData } from '../../flow/data.ts'
import type { Command } from '../command.ts'

export const data: Command = {
  name: 'data',
  summary: 'Data sets: list, fetch, path, verify',
  positional: '<action> [name]',
  examples: [
    ['xgen data fetch mnist', 'Fetch MNIST into XGEN_DATA_DIR or the user cache'],
    ['xgen data list', 'Which data sets there are, and which are here'],
  ],
  configure: (y) =>
    y
      .positional('action', {
        choices: ['list', 'fetch', 'path', 'verify'] as const,
        describe: 'What to do',
        type: 'string',
      })
      .positional('name', { type: 'string', describe: 'The data set' }),
  run: async (options, session) => {
    const name = options['name'] as string | undefined
    switch (options['action'] as 'list' | 'fetch' | 'path' | 'verify') {
      case 'list': {
        const sets = listData()
        const lines = sets.map(
          (set) =>
            `${set.name.padEnd(18)}${set.present ? 'here   ' : 'absent '} ${set.summary} (${set.source})`,
        )
        session.print(
          { directory: dataPath(undefined), sets },
          [...lines, `directory: ${dataPath(undefined)}`].join('\n'),
        )
        return 0
      }
      case 'fetch': {
        if (name === undefined)
          throw usageError('name the data set to fetch', { hint: 'For example: xgen data fetch mnist.' })
        const result = await fetchData(name, {
          progress: session.progress,
          signal: session.signal,
          offline: options.offline,
        })
        const what =
          result.fetched.length === 0 ? 'is complete already' : `fetched: ${result.fetched.join(', ')}`
        session.print(result, `${name}: ${what} (${result.directory})`)
        return 0
      }
      case 'path': {
        session.print({ directory: dataPath(name) }, dataPath(name))
        return 0
      }
      case 'verify': {
        const files = verifyData(name, session.progress)
        const lines = files.map(({ file, ok, problem }) =>
          ok ? `ok      ${file}` : `NOT OK  ${file}: ${problem}`,
        )
        if (files.length === 0) lines.push(`no data set is in ${dataPath(undefined)}: nothing was checked`)
        session.print({ files }, lines.join('\n'))
        return files.length > 0 && files.every(({ ok }) => ok) ? 0 : 5
      }
    }
  },
}
