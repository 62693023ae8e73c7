import { join } from 'node:path'
import { usageError } from '../../base/errors.ts'
import { checkRunDirectory } from '../../emit/run-directory.ts'
import { synthesisMetrics } from '../../flow/accelerator/metrics.ts'
import { type StoredSynthesis, writeSynthesis } from '../../flow/accelerator/stored.ts'
import { synthesiseNetwork } from '../../flow/accelerator/synthesis.ts'
import { parseDomain } from '../../flow/mult.ts'
import { generate, writeDesign } from '../../flow/rtl.ts'
import { replaceMetrics } from '../../flow/run-metrics.ts'
import { type SynthReport, standardPeriod, synthesiseMultiplier } from '../../flow/synth.ts'
import type { Command, CommonOptions, Session } from '../command.ts'
import {
  commonNetOptions,
  prepareHardware,
  weightedConfigurationOf,
  wholeNumber,
  yosysOf,
  yosysOption,
} from '../options.ts'
import { table } from '../table.ts'

export const synth: Command = {
  name: 'synth',
  summary: "Area, longest path and energy in a cell library: of a multiplier, or a network's accelerator",
  examples: [
    ['$0 synth --mult exact:arch=booth4 --lib generic', 'In gate equivalents: needs nothing installed'],
    ['$0 synth --mult roup:p=1,r=2 --lib osu018 --script area', 'With the cells of a real process'],
    [
      '$0 synth --net lenet5 --lib osu018 --mult roup:p=1,r=2 --no-baselines',
      'A whole accelerator: area by module, energy of an inference',
    ],
  ],
  configure: (y) =>
    yosysOption(commonNetOptions(y)).options({
      domain: {
        type: 'string',
        defaultDescription: 's8s8',
        requiresArg: true,
        describe: 'Of a multiplier alone. Operands: u or s and bits of the activation, then of the weight',
        group: 'Circuit:',
      },
      lib: {
        type: 'string',
        defaultDescription: 'generic',
        requiresArg: true,
        describe: 'Cell library: generic, osu018, osu035, sg13g2, sky130hd, or a .lib or .lib.gz file',
        group: 'Synthesis:',
      },
      script: {
        type: 'string',
        defaultDescription: 'delay',
        requiresArg: true,
        describe: 'What the mapping to cells is for: delay, area, or buffered (delay, with buffers)',
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
        defaultDescription: 'uniform',
        requiresArg: true,
        describe: 'Operands of a multiplier alone: uniform, or a .npy file of shape (n, 2)',
        group: 'Energy:',
      },
      operations: {
        type: 'number',
        defaultDescription: '2000',
        requiresArg: true,
        describe: 'Operand pairs of a uniform stream',
        group: 'Energy:',
      },
      'zero-delay': {
        type: 'boolean',
        default: false,
        describe: 'Of a multiplier alone: a quick estimate without glitches, and named so',
        group: 'Energy:',
      },
      period: {
        type: 'number',
        defaultDescription: `${standardPeriod}`,
        requiresArg: true,
        describe: 'Time of an operation in ns, for its share of the leakage (of a network: synth.clock_ns)',
        group: 'Energy:',
      },
      samples: {
        type: 'number',
        defaultDescription: '8',
        requiresArg: true,
        describe: 'Of a network: instances of a module whose gates are simulated at most',
        group: 'Energy:',
      },
      baselines: {
        type: 'boolean',
        defaultDescription: 'true',
        describe: 'Of a network: measure it with exact multipliers too',
        group: 'Energy:',
      },
    }),
  run: (options, session) =>
    options['net'] === undefined && options['config'] === undefined && options['mult'] !== undefined
      ? runMultiplier(options, session)
      : runNetwork(options, session),
}

const ofAccelerators = [
  'set',
  'weights',
  'array',
  'rows',
  'cols',
  'dataflow',
  'interface',
  'out',
  'samples',
  'baselines',
] as const
const ofMultipliers = ['domain', 'stream', 'operations', 'period'] as const

async function runMultiplier(options: CommonOptions, { print, progress, signal }: Session): Promise<number> {
  for (const name of ofAccelerators)
    if (options[name] !== undefined)
      throw usageError('this is for an accelerator, with --net', { where: `--${name}` })
  const [spec, ...more] = [options['mult']].flat() as string[]
  if (more.length > 0)
    throw usageError('several multipliers are named, and no network', {
      where: '--mult',
      hint: 'One at a time, or --net NETWORK for an accelerator that has them all.',
    })
  if (
    options['stream'] !== undefined &&
    options['stream'] !== 'uniform' &&
    options['operations'] !== undefined
  )
    throw usageError('a file has its own number of operations', { where: '--operations' })
  const report = await synthesiseMultiplier(
    spec!,
    parseDomain((options['domain'] as string | undefined) ?? 's8s8'),
    {
      library: (options['lib'] as string | undefined) ?? 'generic',
      script: (options['script'] as string | undefined) ?? 'delay',
      ...wiresOf(options),
      stream: (options['stream'] as string | undefined) ?? 'uniform',
      operations: (options['operations'] as number | undefined) ?? 2000,
      seed: options.seed,
      zeroDelay: options['zeroDelay'] === true,
      period: (options['period'] as number | undefined) ?? standardPeriod,
      ...programOf(options),
      signal,
      progress,
    },
  )
  print(report, describe(report))
  return 0
}

async function runNetwork(options: CommonOptions, session: Session): Promise<number> {
  const { print, progress, signal } = session
  for (const name of ofMultipliers)
    if (options[name] !== undefined)
      throw usageError('this is for a multiplier alone, without --net', { where: `--${name}` })
  if (options['zeroDelay'] === true)
    throw usageError('this is for a multiplier alone, without --net', { where: '--zero-delay' })
  const configuration = weightedConfigurationOf(options)
  const prepared = prepareHardware(configuration)
  const directory = (options['out'] as string | undefined) ?? join('rtl-out', prepared.network.name)
  const force = options['force'] === true
  checkRunDirectory(directory, configuration, force, prepared.multiplierHashes)
  const synthesis = await synthesiseNetwork(configuration, prepared, {
    baselines: options['baselines'] !== false,
    samples: wholeNumber(options['samples'] ?? 8, '--samples', 1, 65_536),
    seed: options.seed,
    jobs: options.jobs,
    ...wiresOf(options),
    ...programOf(options),
    progress,
    signal,
  })
  writeDesign(directory, generate(configuration, prepared), configuration, prepared, force)
  writeSynthesis(directory, synthesis)
  replaceMetrics(directory, 'synth', synthesisMetrics(synthesis.design))
  const { design } = synthesis
  const { energy, longestPath, area } = design
  const parts = energy?.modules.map((module) => module.parts)
  const sum = (of: 'internal' | 'switching' | 'leakage') =>
    parts?.reduce((total, part) => total + part[of], 0)
  print(
    {
      target: design.net,
      library: design.library,
      engine: design.engine,
      area: area.logic,
      areaUnit: design.areaUnit,
      cells: area.modules.reduce((total, { instances, cells }) => total + instances * cells, 0),
      delayNs: longestPath.unit === 'ns' ? longestPath.delay : null,
      energyPj:
        energy === null
          ? null
          : {
              total: energy.total,
              internal: sum('internal'),
              switching: sum('switching'),
              leakage: sum('leakage'),
              memories: energy.blocks.memories,
            },
      stream: energy?.stream ?? null,
      directory,
      ...synthesis,
    },
    describeNetwork(synthesis, directory),
  )
  return 0
}

const wiresOf = ({ wires }: CommonOptions) => (wires === undefined ? {} : { wires: wires as string })

function programOf(options: CommonOptions): { readonly yosys?: string } {
  const yosys = yosysOf(options)
  if (yosys.kind === 'none') throw usageError('synthesis needs a Yosys', { where: '--yosys' })
  return yosys.kind === 'program' ? { yosys: yosys.path } : {}
}

function describeNetwork({ design, baselines }: StoredSynthesis, directory: string): string {
  const { area, energy, areaUnit } = design
  const columns = [design, ...baselines]
  const nanojoules = (value: number | undefined) => (value === undefined ? '' : figure(value / 1000))
  return [
    `${design.net} on ${design.array} PEs, ${design.dataflow}, ${design.library} (${design.engine}, script ${design.script}): ${directory}`,
    ...table(
      [
        ['', 'this design', ...baselines.map(({ name }) => name)],
        [`logic, ${areaUnit}`, ...columns.map((one) => figure(one.area.logic))],
        [`  PEs, ${areaUnit}`, ...columns.map((one) => figure(one.area.blocks.PEs))],
        ...(area.total > area.logic
          ? [[`with memories, ${areaUnit}`, ...columns.map((one) => figure(one.area.total))]]
          : []),
        ...(energy === null
          ? []
          : [
              ['energy of an inference, nJ', ...columns.map((one) => nanojoules(one.energy?.total))],
              ['  PEs, nJ', ...columns.map((one) => nanojoules(one.energy?.blocks.PEs))],
              [
                'multiplications alone, nJ',
                ...columns.map((one) =>
                  nanojoules(one.multiplications?.reduce((total, each) => total + each.total, 0)),
                ),
              ],
            ]),
      ],
      1,
    ),
    ...(energy === null
      ? ['  energy: not measured, the library knows no energies']
      : [`  stream: ${energy.stream}`]),
    `All figures: xgen report ${directory}`,
  ].join('\n')
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
