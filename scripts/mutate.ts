/** The mutation campaign: see scripts/mutate and docs/mutation.md. */
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { setFlagsFromString } from 'node:v8'
import { usageError, XgenError } from '../src/base/errors.ts'
import { packageRoot, writeFileAtomically } from '../src/base/files.ts'
import { canonicalJson, hashOf } from '../src/base/hash.ts'
import { type Progress, progressOn } from '../src/base/progress.ts'
import { printVerilog } from '../src/hdl/verilog.ts'
import { buildBatch } from '../test/fixtures/batch.ts'
import { type NativeSubject, subjectOf } from '../test/fixtures/mutation-subjects.ts'
import { ownCampaign, smallDesigns } from '../test/fixtures/small-designs.ts'
import { runSpecimen } from '../test/fixtures/specimens.ts'
import {
  byKind,
  byModule,
  changedTop,
  type Planned,
  planCampaign,
  runTrial,
  type Tally,
  type Trial,
  tally,
} from '../testbench/mutation/campaign.ts'
import type { Subject } from '../testbench/mutation/trial.ts'
import { watchOf } from '../testbench/watch.ts'

// The optimising compiler of Node 20 gives up fatally on the JavaScript of some changed netlists (BigInts behind a choice); runs are too
// short to gain by it.
setFlagsFromString('--no-opt')

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    count: { type: 'string', default: '200' },
    verilator: { type: 'string', default: '20' },
    design: { type: 'string', default: '' },
    out: { type: 'string', default: join(packageRoot, 'rtl-out', 'mutation') },
  },
})

const whole = (name: 'seed' | 'count' | 'verilator', least = 1) => {
  const value = Number(values[name])
  if (!Number.isSafeInteger(value) || value < least || value > 2 ** 31)
    throw usageError(`--${name} must be a whole number of at least ${least}, not "${values[name]}"`)
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

const figures = (row: Tally) => [
  row.planted,
  row.caught,
  row.refused,
  row.afterReset,
  row.moreImages,
  row.probesOnly,
  row.planted - row.caught,
  row.equivalent,
]

function table(title: string, rows: readonly Tally[]): string {
  const header = [
    title,
    'planted',
    'caught',
    'refused',
    'after reset',
    'more images',
    'probes only',
    'survived',
    'proven equivalent',
  ]
  const cells = rows.map((row) => [row.name, ...figures(row).map(String)])
  const widths = header.map((_, i) => Math.max(...[header, ...cells].map((line) => line[i]!.length)))
  const line = (texts: readonly string[]) =>
    texts.map((text, i) => (i === 0 ? text.padEnd(widths[i]!) : text.padStart(widths[i]!))).join('  ')
  return [header, ...cells].map(line).join('\n')
}

/**
 * Runs some of the changed designs in Verilator too, spread over all, and says where its verdict is another than the netlist's: it must
 * find the same first value in the same cycle, or none.
 */
async function inVerilator(
  planned: readonly Planned[],
  trials: readonly Trial[],
  count: number,
  progress: Progress,
  signal: AbortSignal,
): Promise<{ readonly run: number; readonly differences: readonly string[] }> {
  const subjectAt = (index: number) => planned[index]!.subject as NativeSubject | Subject
  const eligible = trials.filter(
    ({ index, verdict }) => 'plan' in subjectAt(index) && verdict.kind !== 'refused',
  )
  const chosen = eligible.filter((_, index) => (index * count) % eligible.length < count)
  const differences: string[] = []
  progress.step('in Verilator', chosen.length)
  for (let at = 0; at < chosen.length; at += designsPerSimulator) {
    const part = chosen.slice(at, at + designsPerSimulator)
    const specimens = part.map(({ index }) => {
      const { plan, images, stimulus } = subjectAt(index) as NativeSubject
      return { plan, images, stimulus, top: changedTop(planned[index]!), emulated: [], looped: [] }
    })
    const batch = await buildBatch(specimens, signal)
    for (const [index, specimen] of specimens.entries()) {
      const scratch = mkdtempSync(join(tmpdir(), 'xgen-mutation-'))
      try {
        const { recorded } = await runSpecimen(specimen, batch.run(index, scratch, signal))
        const { verdict, text } = part[index]!
        const watch = watchOf(specimen.plan)
        const { first, mismatches } = recorded
        const seen =
          first === undefined
            ? `${mismatches}`
            : `${watch.values[first.value]!.name} ${first.image} ${first.cycle}`
        const expected =
          verdict.kind === 'caught' && verdict.check === 'run'
            ? `${verdict.value} ${verdict.image} ${verdict.cycle}`
            : '0'
        if (seen !== expected) differences.push(`${text}: ${seen} in Verilator, ${expected} in the netlist`)
      } finally {
        rmSync(scratch, { recursive: true, force: true })
      }
      progress.update(at + index + 1)
    }
  }
  progress.done(`${chosen.length} changed designs, ${differences.length} verdicts differ`)
  return { run: chosen.length, differences }
}

const designsPerSimulator = 10

async function main(): Promise<void> {
  const [seed, count, sample] = [whole('seed'), whole('count'), whole('verilator', 0)]
  const abort = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.on(signal, () => abort.abort(new XgenError('interrupted', 'interrupted')))
  const progress = progressOn({ enabled: true })
  const chosen = Object.entries(smallDesigns).filter(([name, design]) =>
    values.design === '' ? !ownCampaign(design) : name.includes(values.design),
  )
  if (chosen.length === 0)
    throw usageError(`no design has "${values.design}" in its name`, {
      where: '--design',
      hint: `Designs: ${Object.keys(smallDesigns).join('; ')}.`,
    })
  const designs = Object.fromEntries(chosen.map(([name, design]) => [name, subjectOf(design)]))
  const planned = planCampaign(designs, { seed, count })
  const campaign = hashOf([
    planned.map(({ design, path, fault }) => [design, path, fault.text]),
    Object.values(designs).map(({ top, checks, lastChecks }) => [
      [...printVerilog(top, [])].sort(),
      checks,
      lastChecks,
    ]),
  ])
  const which = values.design.replace(/\W+/g, '-')
  const log = openLog(join(values.out, `${seed}-${count}${which && `-${which}`}.jsonl`), campaign)
  const trials = [...log.done]
  progress.step('faults', planned.length)
  for (const one of planned.slice(trials.length)) {
    progress.update(trials.length, `${one.module}: ${one.fault.kind}`)
    // a signal is heard only between two faults: each is judged in one go
    await setImmediate()
    abort.signal.throwIfAborted()
    const trial = runTrial(one)
    log.append(trial)
    trials.push(trial)
  }
  progress.done(`${trials.length} in ${Object.keys(designs).length} designs`)

  const all = tally('all', trials)
  const verilator =
    sample === 0 ? undefined : await inVerilator(planned, trials, sample, progress, abort.signal)
  const survivors = trials.filter(({ verdict }) => verdict.kind === 'survived')
  const report = {
    seed,
    count,
    all,
    byKind: byKind(trials),
    byModule: byModule(trials),
    survivors,
    verilator,
  }
  writeFileAtomically(join(values.out, `${seed}-${count}.json`), `${canonicalJson(report, 2)}\n`)
  const list = survivors.map(
    ({ design, module, instance, kind, text, verdict }) =>
      `${verdict.kind === 'survived' && verdict.proof !== undefined ? `equivalent for ${verdict.proof}: ` : ''}${module}${instance === '' ? '' : ` (${instance})`}, ${kind}: ${text}\n    in "${design}"`,
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
