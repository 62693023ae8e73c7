import type { Argv } from 'yargs'
import { usageError } from '../../base/errors.ts'
import { checkWritable, makeDirectory, writeFileAtomically } from '../../base/files.ts'
import { defaultSampling, parseDomain } from '../../flow/mult.ts'
import { writeTablePage } from '../../flow/multiplier-page.ts'
import {
  type MultiplierTable,
  multiplierTable,
  type TabulatedDesign,
  tableCsv,
} from '../../flow/multiplier-table.ts'
import type { CommonOptions, Session } from '../command.ts'
import { yosysOf, yosysOption } from '../options.ts'
import { table } from '../table.ts'

const own = ['pareto', 'script', 'csv', 'page'] as const

/** The options of `mult list` with which it characterises designs, beside --lib. */
export function tableOptions(y: Argv): Argv {
  const group = 'Table of characterised designs (list):'
  const named = { type: 'string', requiresArg: true, group } as const
  return yosysOption(y).options({
    pareto: {
      ...named,
      defaultDescription: 'mred,energy',
      describe: 'Two quantities to compare by: mae, wce, ep, mred, bias, mse, area, delay, energy',
    },
    script: {
      ...named,
      defaultDescription: 'delay',
      describe: 'What the mapping to cells is for: delay, area, or buffered (delay, with buffers)',
    },
    csv: { ...named, describe: 'A .csv file to write' },
    page: { ...named, describe: 'A directory for index.html with plots, index.md and index.json' },
  })
}

/** Whether `mult list` is asked for the table, and not for the families. */
export const asksForTable = (options: CommonOptions): boolean =>
  options['lib'] !== undefined || own.some((name) => options[name] !== undefined)

export function checkTableOptions(action: string, options: CommonOptions): void {
  const given = own.find((name) => options[name] !== undefined)
  if (action === 'list' || given === undefined) return
  throw usageError(`"mult ${action}" characterises nothing`, {
    where: `--${given}`,
    hint: 'It belongs to "xgen mult list"; "xgen synth --mult SPEC" measures one multiplier.',
  })
}

export async function listDesigns(domain: string, session: Session): Promise<void> {
  const { options, print, progress, signal } = session
  const yosys = yosysOf(options)
  if (yosys.kind === 'none') throw usageError('synthesis needs a Yosys', { where: '--yosys' })
  const text = (name: string) => options[name] as string | undefined
  const [pareto, csv, page] = [text('pareto'), text('csv'), text('page')]
  if (csv !== undefined) checkWritable(csv)
  if (page !== undefined) makeDirectory(page)
  const found = await multiplierTable(parseDomain(domain), {
    library: text('lib') ?? 'generic',
    script: text('script') ?? 'delay',
    ...(pareto === undefined ? {} : { pareto }),
    ...(yosys.kind === 'program' ? { yosys: yosys.path } : {}),
    pairs: (options['pairs'] as number | undefined) ?? defaultSampling.pairs,
    seed: options.seed,
    jobs: options.jobs,
    signal,
    progress,
  })
  if (csv !== undefined) writeFileAtomically(csv, tableCsv(found))
  if (page !== undefined) await writeTablePage(found, page)
  print(found, describeTable(found))
}

const figure = (value: number | null) => (value === null ? '' : `${Number(value.toPrecision(4))}`)
const percent = (value: number | null) => (value === null ? '' : value.toFixed(1))
const nameOf = ({ kind, operands }: TabulatedDesign) =>
  kind === 'narrower exact' ? `exact ${operands}` : kind === 'exact' ? 'exact' : ''

function describeTable(found: MultiplierTable): string {
  const { domain, library, engine, script, designs, quantities, stream, errors, sampled } = found
  const { areaUnit, delayUnit, bestArea, bestEnergy, array, periodNs } = found
  const withEnergy = stream !== null
  const heading = [
    '*',
    'design',
    'kind',
    'MRED %',
    'MAE',
    'WCE',
    areaUnit,
    delayUnit,
    ...(withEnergy ? ['pJ'] : []),
    'area: best',
    'array',
    ...(withEnergy ? ['energy: best', 'array'] : []),
  ]
  const rows = designs.map((design) => [
    design.pareto ? '*' : '',
    design.spec,
    nameOf(design),
    figure(design.mred),
    figure(design.mae),
    figure(design.wce),
    figure(design.area),
    figure(design.delay),
    ...(withEnergy ? [figure(design.energy)] : []),
    percent(design.areaToBest),
    percent(design.areaToArray),
    ...(withEnergy ? [percent(design.energyToBest), percent(design.energyToArray)] : []),
  ])
  return [
    `${designs.length} multipliers of ${domain} in ${library} (${engine}, script ${script}); errors ${sampled ? 'sampled' : 'exact'}: ${errors}`,
    `energy: ${withEnergy ? `${stream}, glitches counted, leakage of ${periodNs} ns` : 'the library knows none'}`,
    `* no other is as good in ${quantities.join(' and ')} and better in one`,
    `in percent of the best exact one (area ${bestArea}${bestEnergy === null ? '' : `, energy ${bestEnergy}`}) and of ${array}`,
    '',
    ...table([heading, ...rows], 3),
  ].join('\n')
}
