import { usageError } from '../../base/errors.ts'
import { parseDomain } from '../../flow/mult.ts'
import { type SynthReport, standardPeriod, synthesiseMultiplier } from '../../flow/synth.ts'
import type { Command } from '../command.ts'
import { yosysOf, yosysOption } from '../options.ts'
import { table } from '../table.ts'

export const synth: Command = {
  name: 'synth',
  summary: 'Area, longest path and energy of a multiplier in a cell library',
  examples: [
    ['$0 synth --mult exact:arch=booth4 --lib generic', 'In gate equivalents: needs nothing installed'],
    ['$0 synth --mult roup:p=1,r=2 --lib osu018 --script area', 'With the cells of a real process'],
  ],
  configure: (y) =>
    yosysOption(y).options({
      mult: {
        type: 'string',
        requiresArg: true,
        describe: 'Multiplier, such as exact or roup:p=1,r=2',
        group: 'Circuit:',
      },
      domain: {
        type: 'string',
        default: 's8s8',
        requiresArg: true,
        describe: 'Operands: u or s and bits of the activation, then of the weight',
        group: 'Circuit:',
      },
      lib: {
        type: 'string',
        default: 'generic',
        requiresArg: true,
        describe: 'Cell library: generic, osu018, osu035, sg13g2, sky130hd, or a .lib or .lib.gz file',
        group: 'Synthesis:',
      },
      script: {
        type: 'string',
        default: 'delay',
        requiresArg: true,
        describe: 'What the mapping to cells is for: delay or area',
        group: 'Synthesis:',
      },
      wires: {
        type: 'string',
        requiresArg: true,
        defaultDescription: "the library's own",
        describe: 'Wire load model of the library, or none',
        group: 'Synthesis:',
      },
      stream: {
        type: 'string',
        default: 'uniform',
        requiresArg: true,
        describe: 'Operands whose energy is measured: uniform, or a .npy file of shape (n, 2)',
        group: 'Energy:',
      },
      operations: {
        type: 'number',
        default: 2000,
        requiresArg: true,
        describe: 'Operand pairs of a uniform stream',
        group: 'Energy:',
      },
      'zero-delay': {
        type: 'boolean',
        default: false,
        describe: 'A quick estimate without glitches, and named so',
        group: 'Energy:',
      },
      period: {
        type: 'number',
        default: standardPeriod,
        requiresArg: true,
        describe: 'Time of an operation in ns, for its share of the leakage',
        group: 'Energy:',
      },
    }),
  async run(options, { print, progress, signal }) {
    const spec = options['mult']
    if (typeof spec !== 'string')
      throw usageError('no multiplier is named', {
        where: '--mult',
        hint: 'For example: --mult roup:p=1,r=2',
      })
    const yosys = yosysOf(options)
    if (yosys.kind === 'none') throw usageError('synthesis needs a Yosys', { where: '--yosys' })
    const report = await synthesiseMultiplier(spec, parseDomain(options['domain'] as string), {
      library: options['lib'] as string,
      script: options['script'] as string,
      ...(options['wires'] === undefined ? {} : { wires: options['wires'] as string }),
      stream: options['stream'] as string,
      operations: options['operations'] as number,
      seed: options.seed,
      zeroDelay: options['zeroDelay'] === true,
      period: options['period'] as number,
      ...(yosys.kind === 'program' ? { yosys: yosys.path } : {}),
      signal,
      progress,
    })
    print(report, describe(report))
    return 0
  },
}

const figure = (value: number) => `${Number(value.toPrecision(4))}`

function describe(report: SynthReport): string {
  const { areaUnit, histogram } = report
  const share = (area: number) => `${((100 * area) / report.area).toFixed(1)} %`
  return [
    `${report.target} in ${report.domain}, ${report.library} (${report.engine}, script ${report.script})`,
    `  area        ${figure(report.area)} ${areaUnit}, ${report.cells} cells`,
    ...delayLines(report),
    ...energyLines(report),
    '',
    ...table(
      [
        ['cell', 'count', areaUnit, 'share'],
        ...histogram.map(({ cell, count, area }) => [cell, `${count}`, figure(area), share(area)]),
      ],
      1,
    ),
  ].join('\n')
}

function delayLines({ delay: { unit, own, sta }, wires }: SynthReport): string[] {
  const model = wires === null ? 'without wires' : `wires by the library's model "${wires}"`
  const name = unit === 'ns' ? 'ns' : 'tau (logical effort; no time)'
  return [
    `  delay       ${figure(own)} ${name}, own tables, ${model}`,
    ...(sta === null ? [] : [`              ${figure(sta.delay)} ${name}, ${sta.engine}`]),
  ]
}

function energyLines({ energyPj, stream, toggles, method, periodNs }: SynthReport): string[] {
  if (energyPj === null) return ['  energy      not measured: the library knows no energies']
  const way = method === 'events' ? 'with glitches (event-driven)' : 'ZERO-DELAY estimate, without glitches'
  return [
    `  energy      ${figure(energyPj.total)} pJ an operation, ${way}`,
    `    internal  ${figure(energyPj.internal)} pJ`,
    `    switching ${figure(energyPj.switching)} pJ`,
    `    leakage   ${figure(energyPj.leakage)} pJ in ${periodNs} ns`,
    `  inputs      ${figure(energyPj.inputs)} pJ besides, in the nets that drive it`,
    `  activity    ${figure(toggles!)} transitions an operation`,
    `  stream      ${stream}`,
  ]
}
