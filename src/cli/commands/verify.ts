import { verdictOf } from '../../../testbench/verdict.ts'
import { XgenError } from '../../base/errors.ts'
import { type Verified, type VerifyReport, verify as verifyDesign } from '../../flow/verify.ts'
import type { Command } from '../command.ts'
import {
  commonNetOptions,
  imagesOption,
  prepareHardware,
  weightedConfigurationOf,
  wholeNumber,
  yosysOf,
  yosysOption,
} from '../options.ts'

export const verify: Command = {
  name: 'verify',
  summary: 'Compare emulator, cycle model, netlist and Verilator, bit by bit and cycle by cycle; and counts',
  examples: [
    ['$0 verify --net lenet5 --array 16x16', 'Twenty images, half of them with random back-pressure'],
    [
      '$0 verify --net lenet5 --mult conv2=roup:p=1,r=2 --out rtl-out/lenet5',
      'Leave the files and results.xml',
    ],
  ],
  configure: (y) =>
    imagesOption(yosysOption(commonNetOptions(y)), 'Images to run', 20)
      .option('netlist-images', {
        type: 'number',
        requiresArg: true,
        default: 2,
        describe: 'Of these, the first ones run by the netlist in JavaScript too (slower)',
        group: 'Data:',
      })
      .option('out', { defaultDescription: 'a place in the cache' }),
  run: async (options, session) => {
    const configuration = weightedConfigurationOf(options)
    const images = wholeNumber(options['images'], '--images', 1, 10_000)
    const netlistImages = wholeNumber(options['netlist-images'], '--netlist-images', 0, 10_000)
    const out = options['out'] as string | undefined
    const { signal, progress } = session
    const force = options['force'] === true
    const verified = await verifyDesign(configuration, prepareHardware(configuration), {
      images,
      netlistImages,
      seed: options.seed,
      yosys: yosysOf(options),
      ...(out === undefined ? {} : { out }),
      force,
      signal,
      progress,
    })
    const { report, missing } = verified
    if (options.verbose) process.stderr.write(verified.commands.map((line) => `  ${line}\n`).join(''))
    const text = describe(verified)
    if (report.pass && missing !== undefined) {
      const ran = report.checks
        .filter(({ notRun }) => notRun === undefined)
        .map(({ name, compared }) => `${name}, ${count(compared)} values`)
      throw new XgenError(
        'tool-missing',
        `${missing.message}; what needs no tool was compared and agrees (${ran.join('; ')})`,
        {
          ...(missing.hint === undefined ? {} : { hint: missing.hint }),
          where: report.directory,
        },
      )
    }
    session.print(report, text)
    return report.pass ? 0 : 1
  },
}

const count = (n: number) => n.toLocaleString('en-US')

/** What people read. */
export function describe({ report, checks }: Pick<Verified, 'report' | 'checks'>): string {
  const width = Math.max(...checks.map(({ name }) => name.length))
  const judged = checks.map((check) => ({ check, verdict: verdictOf(check) }))
  const lines = judged.map(({ check, verdict }) => {
    const { name, compared, mismatches, detail } = check
    if (verdict.kind === 'not run')
      return `  --    ${name.padEnd(width)}  not run, because ${verdict.because}`
    const word = verdict.kind === 'passed' ? 'ok  ' : 'FAIL'
    return `  ${word}  ${name.padEnd(width)}  ${count(compared)} values, ${count(mismatches)} differ (${detail})`
  })
  const failed = judged.flatMap(({ check: { name }, verdict }) =>
    verdict.kind === 'failed' ? [`--- ${name}`, '', verdict.text] : [],
  )
  const { model, verilator } = report.cycles
  const cycles = [
    model === null ? [] : [`${count(model)} in the model`],
    verilator === null ? [] : [`${count(verilator)} under Verilator`],
  ].flat()
  return [
    `${report.net} on ${report.array} PEs: ${report.images} images (${report.source}), ${report.stalled} of them with random back-pressure`,
    ...lines,
    '',
    ...failed,
    `${report.pass ? 'PASS' : 'FAIL'}: ${count(report.compared)} values compared, ${count(report.mismatches)} differ.`,
    `Cycles of one inference without stalls: ${cycles.join(', ')}.`,
    `Counted: ${countsLine(report)}.`,
    `Files and results.xml: ${report.directory}`,
  ].join('\n')
}

function countsLine({ counts: { multipliers, adders, registers, memoryBits }, yosys }: VerifyReport): string {
  const what = [
    `${count(multipliers.inPes.netlist)} multipliers in PEs and ${count(multipliers.inRequantisers.netlist)} in requantisers`,
    `${count(adders.datapath.netlist)} adders in the datapath and ${count(adders.control.netlist)} for control`,
    `${count(registers.netlist)} register bits`,
    `${count(memoryBits.netlist)} memory bits`,
  ]
  return `${what.join(', ')} (the netlist's; ${yosys ?? 'Yosys'}${yosys === null ? ' not run' : ' counted too'})`
}
