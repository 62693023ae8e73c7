/** The mutation campaign: see scripts/mutate and docs/mutation.md. */
import { appendFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { parseArgs } from 'node:util'
import { usageError, XgenError } from '../src/base/errors.ts'
import { packageRoot, writeFileAtomically } from '../src/base/files.ts'
import { canonicalJson, hashOf } from '../src/base/hash.ts'
import { progressOn } from '../src/base/progress.ts'
import { smallDesigns, subjectOf } from '../test/fixtures/small-designs.ts'
import {
  byKind,
  byModule,
  planCampaign,
  runTrial,
  type Tally,
  type Trial,
  tally,
} from '../testbench/mutation/campaign.ts'

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    count: { type: 'string', default: '200' },
    out: { type: 'string', default: join(packageRoot, 'rtl-out', 'mutation') },
  },
})

const whole = (name: 'seed' | 'count') => {
  const value = Number(values[name])
  if (!Number.isSafeInteger(value) || value < 1 || value > 2 ** 31)
    throw usageError(`--${name} must be a whole number of at least 1, not "${values[name]}"`)
  return value
}

/** Results so far, one JSON object a line; the first line says what they are results of. */
function openLog(path: string, campaign: string): { done: readonly Trial[]; append(trial: Trial): void } {
  mkdirSync(dirname(path), { recursive: true })
  const lines = existsSync(path) ? readFileSync(path, 'utf8').split('\n') : []
  // the last line is whole only where a line end follows
  const kept = lines.slice(0, -1)
  const same = kept[0] === JSON.stringify({ campaign })
  const done = same ? kept.slice(1).map((line) => JSON.parse(line) as Trial) : []
  writeFileSync(
    path,
    [JSON.stringify({ campaign }), ...done.map((trial) => JSON.stringify(trial)), ''].join('\n'),
  )
  return { done, append: (trial) => appendFileSync(path, `${JSON.stringify(trial)}\n`) }
}

function table(title: string, rows: readonly Tally[]): string {
  const header = [title, 'planted', 'caught', 'refused', 'after reset', 'probes only', 'survived']
  const cells = rows.map((row) => [
    row.name,
    ...[row.planted, row.caught, row.refused, row.afterReset, row.probesOnly, row.planted - row.caught].map(
      String,
    ),
  ])
  const widths = header.map((_, i) => Math.max(...[header, ...cells].map((line) => line[i]!.length)))
  const line = (texts: readonly string[]) =>
    texts.map((text, i) => (i === 0 ? text.padEnd(widths[i]!) : text.padStart(widths[i]!))).join('  ')
  return [header, ...cells].map(line).join('\n')
}

async function main(): Promise<void> {
  const [seed, count] = [whole('seed'), whole('count')]
  const abort = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.on(signal, () => abort.abort(new XgenError('interrupted', 'interrupted')))
  const progress = progressOn({ enabled: true })
  const designs = Object.fromEntries(
    Object.entries(smallDesigns).map(([name, design]) => [name, subjectOf(design)]),
  )
  const planned = planCampaign(designs, { seed, count })
  const campaign = hashOf([
    planned.map(({ design, path, fault }) => [design, path, fault.text]),
    Object.values(designs).map(({ plan }) => plan.hash),
  ])
  const log = openLog(join(values.out, `${seed}-${count}.jsonl`), campaign)
  const trials = [...log.done]
  progress.step('faults', planned.length)
  for (const one of planned.slice(trials.length)) {
    progress.update(trials.length, `${one.module}: ${one.fault.kind}`)
    const trial = await runTrial(one, abort.signal)
    log.append(trial)
    trials.push(trial)
  }
  progress.done(`${trials.length} in ${Object.keys(designs).length} designs`)

  const all = tally('all', trials)
  const survivors = trials.filter(({ verdict }) => verdict.kind === 'survived')
  const report = { seed, count, all, byKind: byKind(trials), byModule: byModule(trials), survivors }
  writeFileAtomically(join(values.out, `${seed}-${count}.json`), `${canonicalJson(report, 2)}\n`)
  const list = survivors.map(
    ({ design, module, instance, kind, text }) =>
      `${module}${instance === '' ? '' : ` (${instance})`}, ${kind}: ${text}\n    in "${design}"`,
  )
  process.stdout.write(
    [
      table('kind', [...report.byKind, all]),
      table('module', report.byModule),
      ...(list.length === 0 ? [] : [`Survivors:\n${list.join('\n')}`]),
      '',
    ].join('\n\n'),
  )
}

try {
  await main()
} catch (error) {
  if (!(error instanceof XgenError)) throw error
  process.stderr.write(`mutate: ${error.message}\n`)
  process.exitCode = error.exitCode
}
