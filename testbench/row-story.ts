import type { Probe, ProbePlace } from '../src/plan/probes.ts'
import { rowDelays } from '../src/plan/row/delays.ts'
import {
  bankDelay,
  bankUsed,
  chainPlace,
  columnPlace,
  type RowEngine,
  type RowLayer,
  type RowPlan,
  tapOf,
} from '../src/plan/row/plan.ts'
import { type RowPass, type RowStep, rowSteps, stepsOfLayer } from '../src/plan/row/steps.ts'
import type { Difference } from './comparison.ts'
import { signed } from './signed.ts'
import type { Row } from './surroundings.ts'
import type { Watch, Watched } from './watch.ts'

/** What a difference in a row-stationary design is told with. */
export interface RowStory {
  readonly sentences: readonly string[]
  readonly rows: readonly Row[]
  readonly format: (raw: number) => string
}

/** Whose value differs: layer, pass, product and PE by the plan, and the values around it. */
export function tellRow(plan: RowPlan, watch: Watch, difference: Difference, watched: Watched): RowStory {
  const rows = storyRows(plan, watch, watched)
  const format = rows.at(-1)!.format
  if (watched.kind === 'port') return { sentences: [moved(plan, difference)], rows, format }
  return { sentences: sentencesOf(plan, difference, watched.probe.at), rows, format }
}

const moved = ({ input, output }: RowPlan, { taken, given }: Difference) =>
  `${taken} of ${input.elements} input elements and ${given} of ${output.elements} output elements have moved. All registers that are watched agree, so the fault lies in the interface, in what a bank stores, or in the address that the output reads.`

function sentencesOf(plan: RowPlan, difference: Difference, at: ProbePlace): string[] {
  const { runCycle } = difference
  if (runCycle === undefined) return ['The run has not begun, or is over.']
  const step = stepIn(plan, runCycle)
  if (step === undefined) return ['The run is over.']
  const layer = plan.layers[step.layer]!
  const when = `By the plan the layer "${layer.name}" ${step.kind === 'stream' ? 'streams a pass' : `${step.kind}s`} in this cycle (${step.cycles} cycles from cycle ${step.start} of the run).`
  return [when, ...productSentences(plan, layer, at, runCycle), cause(at)]
}

/** The layers that run one after another, or one of them (`index`) that runs alone, and their tiles. */
export interface Running extends Pick<RowEngine, 'layers' | 'tiles'> {
  readonly index?: number
}

/** The step of a cycle of the run. */
export function stepIn({ layers, index }: Running, cycle: number): RowStep | undefined {
  const steps = index === undefined ? rowSteps({ layers }) : stepsOfLayer({ layers }, index, 0)
  for (const step of steps) if (cycle < step.start + step.cycles) return step
  return undefined
}

/** A product as it is issued in a cycle of the run. */
export interface Product {
  readonly layer: RowLayer
  readonly pass: RowPass
  readonly column: number
  readonly kernelX: number
}

export function productIssued(plan: Running, cycle: number): Product | undefined {
  const step = stepIn(plan, cycle)
  if (step?.stream === undefined || cycle < 0) return undefined
  const layer = plan.layers[step.layer]!
  const [age, width] = [cycle - step.start, layer.kernel[1]]
  if (age >= width * layer.positions[1]) return undefined
  return { layer, pass: step.stream, column: Math.floor(age / width), kernelX: age % width }
}

/** The product that is at a station in a cycle of the run. */
export function productAt(
  plan: Running,
  layer: RowLayer,
  at: ProbePlace,
  cycle: number,
): Product | undefined {
  switch (at.kind) {
    case 'feeder':
      return bankUsed(layer, at.row) ? productIssued(plan, cycle - 2 - bankDelay(layer, at.row)) : undefined
    case 'weight':
    case 'sum': {
      const place = chainPlace(layer, at.row)
      if (place === undefined) return undefined
      return productIssued(plan, cycle - rowDelays.work(place.row) - (at.kind === 'sum' ? 1 : 0))
    }
    default:
      return undefined
  }
}

export function productSentences(plan: Running, layer: RowLayer, at: ProbePlace, cycle: number): string[] {
  const product = productAt(plan, layer, at, cycle)
  if (product === undefined) {
    if (at.kind !== 'feeder' && at.kind !== 'weight' && at.kind !== 'sum') return []
    return ['No product of a pass is here in this cycle: a PE adds 0.']
  }
  const { pass, column, kernelX } = product
  const found = [
    `Row fold ${pass.rowFold + 1} of ${layer.rowFolds}, group ${pass.group + 1} of ${layer.groups}, filter fold ${pass.filterFold + 1} of ${layer.filterFolds}, channel fold ${pass.channelFold + 1} of ${layer.channelFolds}: output column ${column}, kernel column ${kernelX}.`,
  ]
  if (at.kind === 'feeder') {
    const { layout } = layer
    const y = pass.rowFold * layout.period + (at.row % layout.lines) - layout.top
    found.push(
      `Line ${at.row} has the input row ${y}, column ${column * layer.stride[1] + kernelX - layer.padding[1]}.`,
    )
  }
  if (at.kind === 'weight' || at.kind === 'sum') found.push(peSentence(plan, layer, at, pass))
  return found
}

function peSentence(
  plan: Running,
  layer: RowLayer,
  at: { readonly tile: number; readonly row: number; readonly column: number },
  pass: RowPass,
): string {
  const tile = plan.tiles[at.tile]!
  const tap = tapOf(layer, at.row, at.column, pass.kernelFold)
  const place = chainPlace(layer, at.row)!
  const side = columnPlace(layer, at.column)
  const name = `PE (row ${at.row}, column ${at.column}) of ${tile.name}, ${tile.multiplier} (${tile.domain})`
  if (tap === undefined || side === undefined) return `${name}, has no work in this layer.`
  if (pass.tile !== at.tile) return `${name}, rests: the pass runs on ${plan.tiles[pass.tile]!.name}.`
  return `${name}, is row ${place.row} of chain ${place.chain}, side ${side.side}; its activation stands in register ${tap.stage} of line ${tap.line}.`
}

export function cause(at: ProbePlace): string {
  switch (at.kind) {
    case 'feeder':
      return 'The fault lies in what the bank stores, in its address, or in the rows that count as inside of the map.'
    case 'weight':
      return 'The fault lies in the weight memory, in a lane on its way down the rows, or in what chooses one of the PE’s weights.'
    case 'sum':
      return 'The sum above, the weight and the lines agreed a cycle before, so the fault lies in this PE: its multiplier, its adder, or what says that it is at work.'
    case 'total':
      return 'The sums of the PEs agreed, so the fault lies in the end of a chain (its adder, its two memories) or in what drains it.'
    case 'parameter':
      return 'The fault lies in the parameter memory, or in what says which column takes a word.'
    case 'pooled':
      return 'The total and the parameters agreed, so the fault lies in the requantisation or the pooling of this column or the one to its left.'
    case 'writer':
      return 'The columns agreed, so the fault lies in the writer.'
    case 'wrapper':
      return 'It is a register of the wrapper around the core (docs/axi.md).'
    case 'sequencer':
    case 'output':
    case 'grid':
    case 'map reader':
    case 'operand':
    case 'merged':
      return 'The phases do not follow one another as planned.'
  }
}

/** The values that lead to the one that differs, and it itself as the last row; their names begin with `prefix`. */
export function storyRows(plan: RowEngine, watch: Watch, watched: Watched, prefix = ''): Row[] {
  const named = (name: string): Row[] => {
    const value = watch.values.findIndex((one) => one.name === prefix + name)
    const found = watch.values[value]
    if (found === undefined || found.name === watched.name) return []
    return [{ name: found.name, value, delay: 0, format: formatOf(found) }]
  }
  const itself = {
    name: watched.name,
    value: watch.values.findIndex((one) => one.name === watched.name),
    delay: 0,
    format: formatOf(watched),
  }
  return [...neighbours(plan, watched).flatMap(named), itself]
}

function neighbours(plan: RowEngine, watched: Watched): readonly string[] {
  if (watched.kind === 'port') return ['phase', 'in_valid', 'in_ready', 'out_valid', 'out_ready']
  const { at } = watched.probe
  switch (at.kind) {
    case 'sum': {
      const { name } = plan.tiles[at.tile]!
      return [`${name}.weight[${at.row}][${at.column}]`, `${name}.sum[${at.row - 1}][${at.column}]`]
    }
    case 'weight':
      return ['phase', `${plan.tiles[at.tile]!.name}.weight[${at.row - 1}][${at.column}]`]
    case 'total':
      return plan.tiles.map(({ name }) => `${name}.sum[${plan.layers.at(-1)!.chain - 1}][${at.column}]`)
    case 'parameter':
      return ['phase', `total[${at.column}]`]
    case 'pooled':
      return [`total[${at.column}]`, `bias[${at.column}]`, `down[${at.column - 1}]`]
    case 'writer':
      return [
        ...Array.from({ length: plan.array.columns }, (_, j) => `down[${j}]`).slice(0, 4),
        'write_valid',
      ]
    default:
      return ['phase']
  }
}

/** Sums and biases are two's complement; codes are shown raw. */
function formatOf(watched: Watched): (raw: number) => string {
  const bits = watched.kind === 'port' ? 0 : signBits(watched.probe)
  return (raw) => `${signed(raw, bits)}`
}

const signBits = ({ at, name, width }: Probe): number =>
  at.kind === 'sum' || at.kind === 'total' || at.kind === 'pooled' || name.startsWith('bias') ? width : 0
