import { parseDomain } from '../src/arith/domain.ts'
import type { Plan } from '../src/plan/plan.ts'
import type { Probe } from '../src/plan/probes.ts'
import { tileSize, tileTop } from '../src/plan/size.ts'
import type { Occupant } from './place.ts'
import { signed } from './signed.ts'
import type { Watch } from './watch.ts'

/** A row of the waveform: a watched value, shown `delay` cycles later than it was there. */
export interface Row {
  readonly name: string
  readonly value: number
  readonly delay: number
  readonly format: (raw: number) => string
}

/** The values that lead to value number `index`, and it itself as the last row. */
export function rowsAround(plan: Plan, watch: Watch, index: number, here?: Occupant): Row[] {
  const watched = watch.values[index]!
  const named = (name: string, delay = 0, title = name): Row[] => {
    const value = watch.values.findIndex((one) => one.name === name)
    if (value < 0) return []
    return [{ name: title, value, delay, format: formatOf(plan, watch, value, here) }]
  }
  const itself = named(watched.name)
  if (watched.kind === 'port')
    return [
      ...['phase', 'in_valid', 'in_ready', 'out_valid', 'out_ready'].flatMap((name) =>
        name === watched.name ? [] : named(name),
      ),
      ...itself,
    ]
  const { at } = watched.probe
  switch (at.kind) {
    case 'sequencer':
      return [
        ...['start', 'in_valid', 'in_ready', 'write_valid', 'out_valid', 'out_ready'].flatMap((name) =>
          named(name),
        ),
        ...itself,
      ]
    case 'feeder':
      return [...named('phase'), ...named(`activation[${at.row - 1}]`), ...itself]
    case 'weight': {
      const tile = plan.tiles[at.tile]!.name
      return [
        ...named(`${tile}.weight[${at.row}][${at.column - 1}]`),
        ...named(`${tile}.weight[${at.row - 1}][${at.column}]`),
        ...itself,
      ]
    }
    case 'sum': {
      const tile = plan.tiles[at.tile]!.name
      const fed = `activation[${at.row + tileTop(plan, plan.tiles[at.tile]!)}]`
      const title =
        at.column === 0 ? fed : `${fed}, ${at.column === 1 ? '1 cycle' : `${at.column} cycles`} later`
      return [
        ...named(fed, at.column, title),
        ...named(`${tile}.weight[${at.row}][${at.column}]`),
        ...named(`${tile}.sum[${at.row - 1}][${at.column}]`),
        ...itself,
      ]
    }
    case 'total':
      return [
        ...plan.tiles.flatMap((tile) =>
          named(`${tile.name}.sum[${tileSize(plan, tile).rows - 1}][${at.column}]`),
        ),
        ...itself,
      ]
    case 'parameter':
      return [...named('phase'), ...named(`total[${at.column}]`), ...itself]
    case 'pooled':
      return [...named(`total[${at.column}]`), ...named(`merged[${at.column}]`), ...itself]
    case 'map reader':
      return [...named('phase'), ...named(`total[${plan.array.columns - 1}]`), ...itself]
    case 'operand':
      return [...named('operand_address'), ...itself]
    case 'merged':
      return [...named(`total[${at.column}]`), ...named(`operand[${at.column}]`), ...itself]
    case 'writer':
      return [
        ...['pooled[0]', `pooled[${plan.array.columns - 1}]`, 'write_valid', 'write_address'].flatMap(
          (name) => (name === watched.name ? [] : named(name)),
        ),
        ...itself,
      ]
    case 'wrapper':
    case 'grid':
      return [...named('phase'), ...itself]
    case 'output':
      return [...['phase', 'write_valid', 'out_ready'].flatMap((name) => named(name)), ...itself]
  }
}

/** Values are shown as the numbers they mean: codes by the layer's signedness, sums as two's complement. */
function formatOf(
  plan: Plan,
  watch: Watch,
  value: number,
  here: Occupant | undefined,
): (raw: number) => string {
  const watched = watch.values[value]!
  if (watched.kind === 'port') return String
  return (raw) => `${signed(raw, signBits(plan, watched.probe, here))}`
}

function signBits(plan: Plan, probe: Probe, here: Occupant | undefined): number {
  const outputSigned = here === undefined ? plan.output.signed : here.layer.outputSigned
  switch (probe.at.kind) {
    case 'feeder':
      return inputSigned(plan, here) ? probe.width : 0
    case 'weight':
      return parseDomain(plan.tiles[probe.at.tile]!.domain).signedB ? probe.width : 0
    case 'sum':
    case 'total':
      return probe.width
    case 'parameter':
      return probe.name.startsWith('bias') ? probe.width : 0
    case 'pooled':
      return outputSigned ? probe.width : 0
    case 'operand':
      return here?.layer.merge?.operand?.signed === false ? 0 : probe.width
    case 'merged':
      return probe.width
    case 'map reader':
    case 'writer':
      return probe.name.startsWith('hold') && outputSigned ? probe.width : 0
    case 'sequencer':
    case 'output':
    case 'grid':
    case 'wrapper':
      return 0
  }
}

function inputSigned(plan: Plan, here: Occupant | undefined): boolean {
  return here === undefined ? plan.input.signed : parseDomain(plan.tiles[here.fold.tiles[0]!]!.domain).signedA
}
