import { dataError } from '../../base/errors.ts'
import { type BooleanFunction, parseFunction } from './function.ts'
import type { Attribute, Group, Place } from './groups.ts'
import type { Cell, CellKind, Edges, Leakage, Pin, PowerArc, TimingArc } from './library.ts'
import type { Table } from './table.ts'

/** What a cell needs of the library around it: factors into ns, pF and nW, and the axes of templates. */
export interface Surroundings {
  readonly file: string
  readonly time: number
  readonly capacitance: number
  readonly leakage: number
  /** pJ of an internal power table's unit: the square of the voltage unit times that of capacitance. */
  readonly energy: number
  readonly defaultLeakage: number
  readonly defaultInputCapacitance: number
  readonly templates: ReadonlyMap<string, Template>
}

export interface Template {
  readonly variables: readonly string[]
  readonly axes: readonly (Float64Array | undefined)[]
}

const mostPins = 1000
const mostEntries = 10_000

export type CellReader = ReturnType<typeof cellReader>

/** A reader of one group, that says where something is wrong. */
export function cellReader(around: Surroundings) {
  const where = ({ line, column }: Place) => `${around.file}:${line}:${column}`
  const fail = (what: string, place: Place): never => {
    throw dataError(what, { where: where(place) })
  }
  const text = (group: Group, name: string) => group.attributes.get(name)?.values[0]
  /** A name, which will stand in Verilog and in the commands of tools: blanks and control characters are in none. */
  const plain = (name: string, group: Group): string =>
    /^[!-~]+$/.test(name) ? name : fail(`"${name.slice(0, 40)}" is no name of a ${group.name}`, group)
  const number = (group: Group, name: string): number | undefined => {
    const attribute = group.attributes.get(name)
    return attribute === undefined ? undefined : finite(attribute.values[0] ?? '', attribute)
  }
  const finite = (value: string, place: Place): number => {
    const n = value.trim() === '' ? Number.NaN : Number(value)
    return Number.isFinite(n) ? n : fail(`"${value.slice(0, 40)}" is no number`, place)
  }
  const expression = (group: Group, name: string): BooleanFunction | undefined => {
    const attribute = group.attributes.get(name)
    const value = attribute?.values[0]?.replaceAll('\\\n', ' ')
    if (attribute === undefined || value === undefined || value.trim() === '') return undefined
    return parseFunction(value, where(attribute))
  }

  const numbers = (attribute: Attribute): Float64Array => {
    const all: number[] = []
    for (const row of attribute.values) {
      for (const item of row.split(/[\s,\\]+/)) {
        if (item === '') continue
        if (all.length === mostEntries) fail(`a table has more than ${mostEntries} entries`, attribute)
        all.push(finite(item, attribute))
      }
    }
    return Float64Array.from(all)
  }

  const axisOf = (attribute: Attribute): Float64Array => {
    const axis = numbers(attribute)
    for (let i = 1; i < axis.length; i++)
      if (!(axis[i]! > axis[i - 1]!)) fail(`the entries of ${attribute.name} do not rise`, attribute)
    return axis.length > 0 ? axis : fail(`${attribute.name} is empty`, attribute)
  }

  const template = (group: Group): Template => {
    const variables = [1, 2, 3].flatMap((i) => text(group, `variable_${i}`) ?? [])
    const axes = variables.map((_, i) => {
      const attribute = group.attributes.get(`index_${i + 1}`)
      return attribute === undefined ? undefined : axisOf(attribute)
    })
    return { variables, axes }
  }

  const axesOf = (group: Group): readonly { readonly variable: string; readonly axis: Float64Array }[] => {
    const named = group.arguments[0] ?? 'scalar'
    if (named === 'scalar') return []
    const { variables, axes } =
      around.templates.get(named) ?? fail(`there is no template "${named.slice(0, 40)}"`, group)
    return variables.map((variable, i) => {
      const own = group.attributes.get(`index_${i + 1}`)
      const axis =
        (own === undefined ? axes[i] : axisOf(own)) ?? fail(`${group.name} has no index_${i + 1}`, group)
      return { variable, axis }
    })
  }

  /** A table over slew and load, its values multiplied by `unit`. That of a constraint is over the slews of data and clock. */
  const table = (group: Group, unit: number): Table => {
    const attribute = group.attributes.get('values') ?? fail(`${group.name} has no values`, group)
    const values = numbers(attribute)
    let [slews, loads] = [single, single]
    let [slewStep, loadStep] = [0, 0]
    let step = 1
    for (const { variable, axis } of axesOf(group).toReversed()) {
      if (slewVariables.has(variable)) [slews, slewStep] = [axis.map((t) => t * around.time), step]
      else if (variable === 'total_output_net_capacitance')
        [loads, loadStep] = [axis.map((c) => c * around.capacitance), step]
      else if (variable === 'related_pin_transition')
        [loads, loadStep] = [axis.map((t) => t * around.time), step]
      else fail(`tables over "${variable.slice(0, 40)}" are not read`, group)
      step *= axis.length
    }
    if (values.length !== step)
      fail(`${group.name} has ${values.length} values, but its axes need ${step}`, attribute)
    const ordered = new Float64Array(slews.length * loads.length)
    for (let at = 0; at < ordered.length; at++) {
      const [i, j] = [Math.floor(at / loads.length), at % loads.length]
      ordered[at] = values[i * slewStep + j * loadStep]! * unit
    }
    return { slews, loads, values: ordered }
  }

  const edges = (group: Group, rise: string, fall: string, unit: number): Edges<Table> => {
    const of = (name: string) => {
      const found = group.groups.find((candidate) => candidate.name === name)
      return found === undefined ? undefined : table(found, unit)
    }
    return { rise: of(rise), fall: of(fall) }
  }

  const timing = (group: Group): TimingArc[] => {
    const type = timingTypes[text(group, 'timing_type') ?? 'combinational'] ?? 'other'
    if (type === 'other') return []
    const sense = senses[text(group, 'timing_sense') ?? ''] ?? 'either'
    const arc = {
      type,
      sense,
      when: expression(group, 'when'),
      delay:
        type === 'setup'
          ? edges(group, 'rise_constraint', 'fall_constraint', around.time)
          : edges(group, 'cell_rise', 'cell_fall', around.time),
      slew: edges(group, 'rise_transition', 'fall_transition', around.time),
    } as const
    return names(text(group, 'related_pin')).map((from) => ({ from, ...arc }))
  }

  const power = (group: Group): PowerArc[] => {
    const both = group.groups.some(({ name }) => name === 'power')
    const arc = {
      when: expression(group, 'when'),
      energy: both
        ? edges(group, 'power', 'power', around.energy)
        : edges(group, 'rise_power', 'fall_power', around.energy),
    }
    const related = names(text(group, 'related_pin'))
    return related.length === 0
      ? [{ related: undefined, ...arc }]
      : related.map((pin) => ({ related: pin, ...arc }))
  }

  const pins = (group: Group): Pin[] => {
    const direction = directions[text(group, 'direction') ?? ''] ?? 'internal'
    const given = number(group, 'capacitance')
    const standard = direction === 'input' ? around.defaultInputCapacitance : 0
    const capacitance = given === undefined ? standard : given * around.capacitance
    const load = (edge: 'rise' | 'fall') => {
      const range = group.attributes.get(`${edge}_capacitance_range`)?.values[1]
      const own = range === undefined ? number(group, `${edge}_capacitance`) : finite(range, group)
      return own === undefined ? capacitance : own * around.capacitance
    }
    const pin = {
      direction,
      capacitance,
      load: { rise: load('rise'), fall: load('fall') },
      clock: text(group, 'clock') === 'true',
      function: expression(group, 'function'),
      threeState: group.attributes.has('three_state'),
      arcs: group.groups.filter(({ name }) => name === 'timing').flatMap(timing),
      power: group.groups.filter(({ name }) => name === 'internal_power').flatMap(power),
    }
    return group.arguments.map((name) => ({ name: plain(name, group), ...pin }))
  }

  const kindOf = (group: Group, all: readonly Pin[]): CellKind => {
    const of = (name: string) => group.groups.find((candidate) => candidate.name === name)
    if (of('statetable') !== undefined) return { kind: 'other' }
    if (of('latch') !== undefined || of('latch_bank') !== undefined) return { kind: 'latch' }
    const ff = of('ff')
    if (ff !== undefined) {
      const [clock, next] = [expression(ff, 'clocked_on'), expression(ff, 'next_state')]
      const [state, inverted] = ff.arguments
      if (clock === undefined || next === undefined || state === undefined)
        return fail('a flip-flop needs a state, next_state and clocked_on', ff)
      return {
        kind: 'flip-flop',
        state,
        inverted: inverted ?? '',
        clock,
        next,
        clear: expression(ff, 'clear'),
        preset: expression(ff, 'preset'),
      }
    }
    const outputs = all.filter(({ direction }) => direction === 'output')
    const plain = outputs.length > 0 && outputs.every((pin) => pin.function !== undefined && !pin.threeState)
    return { kind: plain ? 'combinational' : 'other' }
  }

  const leakage = (group: Group): Leakage => {
    const found = group.groups
      .filter(({ name }) => name === 'leakage_power')
      .map((state) => ({
        value: (number(state, 'value') ?? fail('a leakage_power has no value', state)) * around.leakage,
        when: expression(state, 'when'),
      }))
    const states = found.flatMap(({ value, when }) => (when === undefined ? [] : [{ value, when }]))
    const given = number(group, 'cell_leakage_power')
    const mean = states.reduce((sum, { value }) => sum + value, 0) / states.length
    const standard =
      found.find(({ when }) => when === undefined)?.value ??
      (given !== undefined ? given * around.leakage : states.length > 0 ? mean : around.defaultLeakage)
    return { standard, states }
  }

  const areaOf = (group: Group): number => {
    const area = number(group, 'area') ?? 0
    return area >= 0 ? area : fail(`the area ${area} is negative`, group)
  }

  const cell = (group: Group): Cell => {
    const name = plain(group.arguments[0] ?? fail('a cell has no name', group), group)
    const pinGroups = group.groups.filter((inner) => inner.name === 'pin')
    const all = pinGroups.flatMap(pins)
    if (all.length > mostPins) fail(`the cell "${name}" has more than ${mostPins} pins`, group)
    return {
      name,
      area: areaOf(group),
      kind: kindOf(group, all),
      pins: all,
      leakage: leakage(group),
      dontUse: text(group, 'dont_use') === 'true',
    }
  }
  return { cell, template, plain, number, finite, text, fail }
}

const slewVariables = new Set(['input_net_transition', 'input_transition_time', 'constrained_pin_transition'])
const single = Float64Array.of(0)

const names = (list: string | undefined) => (list ?? '').split(/\s+/).filter((name) => name !== '')

const directions: Readonly<Record<string, Pin['direction']>> = {
  input: 'input',
  output: 'output',
  inout: 'inout',
  internal: 'internal',
}

const senses: Readonly<Record<string, TimingArc['sense']>> = {
  positive_unate: 'positive',
  negative_unate: 'negative',
  non_unate: 'either',
}

const timingTypes: Readonly<Record<string, TimingArc['type']>> = {
  combinational: 'combinational',
  combinational_rise: 'combinational',
  combinational_fall: 'combinational',
  rising_edge: 'rising edge',
  falling_edge: 'falling edge',
  setup_rising: 'setup',
  setup_falling: 'setup',
}
