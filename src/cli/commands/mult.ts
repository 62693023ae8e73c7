import { usageError } from '../../base/errors.ts'
import { writeFileAtomically } from '../../base/files.ts'
import { type Identification, identifyMultiplier, operandErrorsCsv } from '../../flow/identify.ts'
import {
  defaultSampling,
  type FamilyDescription,
  isBareFamily,
  listFamilies,
  type MultiplierDescription,
  type MultiplierMetrics,
  multiplierMetrics,
  multiplierVerilog,
  type ParameterDescription,
  parseDomain,
  showFamily,
  showMultiplier,
  writeTable,
} from '../../flow/mult.ts'
import { type Proof, proveMultiplier } from '../../flow/prove.ts'
import { type ImportedMultiplier, importMultiplier } from '../../flow/user-multipliers.ts'
import type { Command, CommonOptions } from '../command.ts'
import { shellWord } from '../usage.ts'
import { asksForTable, checkTableOptions, listDesigns, tableOptions } from './mult-table.ts'

export const mult: Command = {
  name: 'mult',
  summary: 'Multiplier families: definition, error metrics, truth table, Verilog',
  positional: '<action> [spec]',
  examples: [
    ['$0 mult metrics roup:p=1,r=2', 'Errors of a multiplier over all pairs of signed 8-bit operands'],
    [
      '$0 mult table trunc:ka=1,kb=1 --domain u8s8 -o trunc.npy',
      'Its truth table as int32 of shape (256, 256)',
    ],
    [
      '$0 mult list --pareto mred,energy --lib sg13g2',
      'Every design of a domain, measured in cells and joules',
    ],
  ],
  configure: (y) =>
    tableOptions(y)
      .positional('action', {
        choices: ['list', 'show', 'metrics', 'table', 'identify', 'prove', 'import'] as const,
        describe: 'What to do',
      })
      .positional('spec', { type: 'string', describe: 'Multiplier, such as exact or roup:p=1,r=2' })
      .options({
        domain: {
          type: 'string',
          default: 's8s8',
          requiresArg: true,
          describe: 'Operands: u or s and bits of the activation, then of the weight',
        },
        verilog: { type: 'boolean', default: false, describe: 'show: print the Verilog' },
        output: { alias: 'o', type: 'string', requiresArg: true, describe: 'table: the .npy file to write' },
        pairs: {
          type: 'number',
          requiresArg: true,
          describe: 'Pairs drawn above 8x8 bits: 4194304 for metrics and list, 1000000 for prove',
        },
        lib: {
          type: 'string',
          requiresArg: true,
          defaultDescription: 'generic',
          describe:
            'prove, list: cell library, by name (generic, osu018, osu035, sg13g2, sky130hd) or a .lib file',
        },
        sat: {
          type: 'boolean',
          default: false,
          describe: 'prove: by SAT too that the cells are the Verilog',
        },
        transpose: {
          type: 'boolean',
          default: false,
          describe: 'import: the rows of the table are the weights',
        },
        operands: {
          type: 'string',
          requiresArg: true,
          describe: 'metrics: a .csv file to write, with the mean errors by each value of an operand',
        },
      }),
  async run(options, session) {
    const { print } = session
    const domain = parseDomain(options['domain'] as string)
    const action = options['action'] as
      | 'list'
      | 'show'
      | 'metrics'
      | 'table'
      | 'identify'
      | 'prove'
      | 'import'
    const given = options['spec'] as string | undefined
    checkTableOptions(action, options)
    checkActionOptions(action, options)
    if (action === 'list' && asksForTable(options)) {
      await listDesigns(options['domain'] as string, session)
      return 0
    }
    if (action === 'list') {
      const found = listFamilies(domain)
      print({ families: found }, found.map((family) => `${describeFamily(family)}\n`).join('\n'))
      return 0
    }
    if (given === undefined)
      throw usageError(`"mult ${action}" needs a multiplier`, {
        hint: `For example: xgen mult ${action} roup:p=1,r=2`,
      })
    switch (action) {
      case 'show': {
        if (options['verilog'] === true) {
          const verilog = multiplierVerilog(given, domain)
          print({ ...showMultiplier(given, domain), verilog }, verilog)
        } else if (isBareFamily(given)) {
          const family = showFamily(given, domain)
          print(family, describeFamily(family))
        } else {
          const shown = showMultiplier(given, domain)
          print(shown, describeMultiplier(shown))
        }
        return 0
      }
      case 'metrics': {
        const sampling = {
          seed: options.seed,
          pairs: (options['pairs'] as number | undefined) ?? defaultSampling.pairs,
        }
        const metrics = await multiplierMetrics(given, domain, sampling, session)
        const file = options['operands'] as string | undefined
        if (file !== undefined) writeFileAtomically(file, operandErrorsCsv(given, domain))
        print(metrics, describeMetrics(metrics))
        return 0
      }
      case 'import': {
        const imported = importMultiplier(given, domain, { transpose: options['transpose'] === true })
        print(imported, describeImport(imported))
        return 0
      }
      case 'prove': {
        const proof = await proveMultiplier(given, domain, {
          library: (options['lib'] as string | undefined) ?? 'generic',
          sat: options['sat'] as boolean,
          seed: options.seed,
          pairs: (options['pairs'] as number | undefined) ?? 1_000_000,
          signal: session.signal,
          progress: session.progress,
        })
        print(proof, describeProof(proof))
        return proof.pass ? 0 : 1
      }
      case 'identify': {
        const found = await identifyMultiplier(given, domain, session)
        print(found, describeIdentification(found))
        return 0
      }
      case 'table': {
        const path = options['output'] as string | undefined
        if (path === undefined)
          throw usageError('"mult table" needs a file to write', {
            hint: `For example: xgen mult table ${given} -o table.npy`,
          })
        const written = writeTable(given, domain, path)
        print(
          written,
          `${written.file}: int32 (${written.shape.join(', ')}), row = activation code, column = weight code`,
        )
        return 0
      }
    }
  },
}

/** The actions that an option belongs to; the others would not heed it. */
const actionsOf: Readonly<Record<string, readonly string[]>> = {
  verilog: ['show'],
  output: ['table'],
  sat: ['prove'],
  transpose: ['import'],
  operands: ['metrics'],
  pairs: ['metrics', 'list', 'prove'],
  lib: ['list', 'prove'],
  yosys: ['list'],
}

function checkActionOptions(action: string, options: CommonOptions): void {
  for (const [name, actions] of Object.entries(actionsOf)) {
    const given = options[name] !== undefined && options[name] !== false
    if (given && !actions.includes(action))
      throw usageError(`"mult ${action}" does not heed it`, {
        where: `--${name}`,
        hint: `It belongs to ${actions.map((one) => `"mult ${one}"`).join(', ')}.`,
      })
  }
  if (action === 'list' && options['spec'] !== undefined)
    throw usageError(`"mult list" shows all: "${options['spec']}" is not heeded`, {
      hint: `One family: xgen mult show ${options['spec']}`,
    })
}

const parameterText = (p: ParameterDescription) => {
  const standard = 'default' in p && p.default !== undefined ? ` (default ${p.default})` : ''
  const values =
    'text' in p
      ? `a name (${p.text})`
      : ('choices' in p ? p.choices.join(' | ') : `${p.low}..${p.high}`) + standard
  return `  ${p.name.padEnd(9)} ${values.padEnd(46)} ${p.summary}`
}

function describeFamily({ family, summary, definition, domains, parameters }: FamilyDescription): string {
  const formula = definition.split('\n').map((line) => `  ${line}`)
  return [
    `${family}: ${summary}`,
    ...formula,
    `  domains   ${domains}`,
    ...parameters.map(parameterText),
  ].join('\n')
}

const signMagnitudeLine = '  signed      by sign and magnitude'

function describeMultiplier(m: MultiplierDescription): string {
  const yes = (value: boolean) => (value ? 'yes' : 'no')
  return [
    describeFamily(m),
    '',
    `${m.spec} in ${m.domain} (module ${m.id})`,
    `  product     ${m.productBits} bits ${m.productSigned ? 'signed' : 'unsigned'}, ${m.productRange[0]}..${m.productRange[1]}`,
    `  exact       ${yes(m.exact)}`,
    `  zero exact  ${yes(m.zeroExact)}`,
    ...(m.signMagnitude ? [signMagnitudeLine] : []),
    `  factors     ${m.factors ?? 'none'}`,
    ...m.details.map((line) => `  ${line}`),
    'Verilog: add --verilog',
  ].join('\n')
}

function describeImport({
  spec,
  domain,
  id,
  module,
  ports,
  gates,
  multiplexers,
  product,
  exact,
  zeroExact,
}: ImportedMultiplier) {
  return [
    `${spec} in ${domain} (module mul_${id})`,
    ...(module === null
      ? []
      : [
          `  module      ${module} of ${gates} gates: activation ${ports!.a}, weight ${ports!.b}, product ${ports!.p}`,
        ]),
    ...(multiplexers === null ? [] : [`  hardware    ${multiplexers.toLocaleString('en-US')} multiplexers`]),
    `  product     ${product.bits} bits ${product.signed ? 'signed' : 'unsigned'}, ${product.range[0]}..${product.range[1]}`,
    `  exact       ${exact ? 'yes' : 'no'}`,
    `  zero exact  ${zeroExact ? 'yes' : 'no'}`,
    `Use it: --mult ${shellWord(spec)}`,
  ].join('\n')
}

function describeProof({ spec, domain, method, levels, pass, complete }: Proof): string {
  return [
    `${spec} in ${domain}: numbers against (${method})`,
    ...levels.map(({ name, compared, mismatches, first, notRun }) => {
      const found = notRun ?? `${compared.toLocaleString('en-US')} pairs, ${mismatches} differ`
      const at = first === null ? '' : `; first ${first.a} * ${first.b}: ${first.got}, not ${first.expected}`
      return `  ${name.padEnd(24)} ${found}${at}`
    }),
    !pass ? 'FAIL' : complete ? 'PASS' : 'PASS of the levels that ran; not of those that did not',
  ].join('\n')
}

function describeIdentification({ spec, domain, same, compared, rank, factors }: Identification): string {
  return [
    `${spec} in ${domain}, compared with ${compared.toLocaleString('en-US')} multipliers of all families`,
    ...(same.length === 0
      ? ['  no other one has the same products']
      : same.map((other, i) => `  ${i === 0 ? 'the same as ' : '            '}${other}`)),
    `  rank        ${rank}`,
    `  factors     ${factors === null ? 'none: the rank is above 4' : `${factors.length} of integers (--json shows them)`}`,
  ].join('\n')
}

function describeMetrics(m: MultiplierMetrics): string {
  const percent = (value: number) => `${Number(value.toPrecision(4))} %`
  const figure = (value: number) => `${Number(value.toPrecision(6))}`
  return [
    `${m.spec} in ${m.domain}, ${m.pairs.toLocaleString('en-US')} pairs (${m.method})`,
    `  MAE         ${figure(m.mae)}  (${percent(m.maePercent)})`,
    `  WCE         ${figure(m.wce)}  (${percent(m.wcePercent)})`,
    `  EP          ${percent(m.ep)}`,
    `  MRED        ${percent(m.mred)}`,
    `  bias        ${figure(m.bias)}`,
    `  MSE         ${figure(m.mse)}`,
    `  zero exact  ${m.zeroExact ? 'yes' : 'no'}`,
    `  rank        ${m.rank ?? 'not known'}`,
    ...(m.signMagnitude ? [signMagnitudeLine] : []),
  ].join('\n')
}
