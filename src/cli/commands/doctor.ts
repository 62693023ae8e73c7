import { exitCodes } from '../../base/errors.ts'
import { type DoctorReport, examineTools, type ToolReport } from '../../flow/doctor.ts'
import type { Command } from '../command.ts'

export const doctor: Command = {
  name: 'doctor',
  summary: 'Which external tools are there, and how to install the others',
  examples: [
    ['$0 doctor', 'Tools, versions, and the line that installs what is missing'],
    ['$0 doctor --json', 'The same for scripts'],
  ],
  configure: (y) => y,
  async run(_options, { print, signal }) {
    const report = await examineTools(signal)
    print(report, describe(report))
    return report.ok ? 0 : exitCodes['tool-missing']
  },
}

function describe({ xgen, ok, tools, apt }: DoctorReport): string {
  const width = Math.max(...tools.map(({ name }) => name.length))
  const line = ({ name, status, version, minimum, required, purpose }: ToolReport) => {
    const state = status === 'ok' ? 'ok' : required ? status : `${status} (optional)`
    const needs = minimum === null ? '' : `>= ${minimum}`
    return `  ${name.padEnd(width)}  ${(version ?? '-').padEnd(10)} ${needs.padEnd(9)} ${state.padEnd(19)} ${purpose}`
  }
  const remedies = tools.flatMap(({ name, install, status }) =>
    status !== 'ok' && !install?.startsWith('apt-get') ? [`${name}: ${install}`] : [],
  )
  return [
    `xgen ${xgen}`,
    ...tools.map(line),
    ...(apt === null ? [] : [`On Debian or Ubuntu, what is missing: ${apt}`]),
    ...remedies,
    ok ? 'All required tools are there.' : 'A required tool is missing or too old.',
  ].join('\n')
}
