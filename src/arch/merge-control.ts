import { indexBits, unsignedBits } from '../base/integers.ts'
import { gate } from '../comb/derived.ts'
import { defineModule, type Module, type ModuleBuilder, type Node } from '../hdl/module.ts'
import { banksRead } from '../plan/merge.ts'
import { operandLanes, type Plan } from '../plan/plan.ts'
import { operandPorts } from './accumulator-column.ts'
import { all, choose, equalTo, follow, followReset, inputs, plus, resizeUnsigned } from './gates.ts'

/** What the map reader must know of the layer that runs. */
export function operandLayerPorts(plan: Plan) {
  if (plan.merge?.sets !== 2) return {}
  const { bankAddress } = plan.widths
  const lanes = operandLaneBits(plan)
  return {
    operand: 1,
    operand_start: bankAddress,
    operand_step0: bankAddress,
    operand_step1: bankAddress,
    operand_step2: bankAddress,
    operand_step3: bankAddress,
    operand_lanes: lanes,
    operand_lanes_last: lanes,
    operand_modulus: indexBits(plan.merge.moduli.length),
  }
}

/** Bits of the number of words that the map reader takes for a vector. */
export const operandLaneBits = ({ layers }: Plan): number =>
  unsignedBits(
    Math.max(
      ...layers.flatMap((layer) => [operandLanes(layer, 0), operandLanes(layer, layer.columnFolds - 1)]),
    ),
  )

/** What a position brings to the end of the columns. */
export const arrivalPorts = (plan: Plan) => ({
  window_first: 1,
  window_last: 1,
  begin_map: 1,
  column_last: 1,
  columns: unsignedBits(plan.array.columns),
})

type Flags = Readonly<Record<string, Node>>
type Operand = Readonly<Record<keyof typeof operandPorts, Node>>

/**
 * Leads positions through the merge columns: when each of their registers takes a value. Where layers have operands it is the map reader too: the mirror
 * of the output writer. It reads a vector word by word from the set of banks that the feeders do not read, in time for the array's codes.
 */
export function mergeControl(plan: Plan): Module {
  return defineModule(
    'merge_control',
    'Merge control: reads the map that meets the codes of the array, and leads both through the merge columns (docs/weight-stationary.md).',
    (m) => {
      const { c } = m
      const arrival = inputs(m, '', arrivalPorts(plan)) as Flags
      const early = followReset(m, 'arrived', m.input('valid', 1))
      const reads = plan.merge!.sets === 2
      const position = { ...arrival, ...(reads ? inputs(m, '', operandPorts) : {}) }
      const flags = stage(m, 'arrived', position)
      const { valid, held } = reads ? mapReader(m, plan, early, flags) : passOn(m, early, flags)
      const nothing: Flags = reads ? { nothing: outside(m, held) } : {}

      let at: { readonly valid: Node; readonly flags: Flags } = { valid, flags: { ...held, ...nothing } }
      const behind = registers.map((register, index) => {
        at = {
          valid: followReset(m, `${register}_valid`, at.valid),
          flags: stage(m, register, neededAt(index + 1, at.flags)),
        }
        return at
      })
      const [, , combine, collect, finish, store] = behind
      m.output('combine', combine!.valid)
      m.output('columns_out', combine!.flags['columns']!)
      m.output('collect', collect!.valid)
      m.output('collect_first', collect!.flags['window_first']!)
      if (reads) m.output('nothing', collect!.flags['nothing']!)
      m.output('finish', c.and(finish!.valid, finish!.flags['window_last']!))
      m.output('vector_valid', c.and(store!.valid, store!.flags['window_last']!))
      m.output('vector_begin_map', store!.flags['begin_map']!)
      m.output('vector_column_last', store!.flags['column_last']!)
    },
  )
}

/** The registers that a vector passes from the cycle of its last word on: a flag `window_columns` is that of the position in `window`. */
const registers = ['word', 'operand', 'scaled', 'merged', 'window', 'pooled'] as const

/** Flags that are still needed behind so many registers. */
function neededAt(stageNumber: number, flags: Flags): Flags {
  const last: Record<string, number> = {
    columns: 3,
    window_first: 4,
    nothing: 4,
    window_last: 6,
    begin_map: 6,
    column_last: 6,
  }
  return Object.fromEntries(Object.entries(flags).filter(([name]) => (last[name] ?? 0) >= stageNumber))
}

function stage(m: ModuleBuilder, prefix: string, flags: Flags, enable?: Node): Record<string, Node> {
  return Object.fromEntries(
    Object.entries(flags).map(([name, node]) => [name, follow(m, `${prefix}_${name}`, node, enable)]),
  )
}

/** Without operands a position waits one cycle, as one whose vector is a single word. */
function passOn(m: ModuleBuilder, arrived: Node, flags: Flags) {
  return { valid: followReset(m, 'valid_now', arrived), held: stage(m, 'held', flags) }
}

/** Maxima leave out what lies outside of the map. */
function outside(m: ModuleBuilder, { operand_inside: inside }: Flags): Node {
  const { c } = m
  const maximum = c.not(m.input('layer_average', 1))
  const alone = c.not(m.input('layer_products', 1))
  return c.label(all(c, alone, maximum, c.not(inside!)), 'left_out')
}

/** Reads the words of each position's vector; `valid` is the cycle of the last one. */
function mapReader(m: ModuleBuilder, plan: Plan, arrived: Node, flags: Flags) {
  const { c } = m
  const { bankAddress } = plan.widths
  const layer = inputs(m, 'layer_', operandLayerPorts(plan)) as Flags
  const beginLayer = m.input('begin_layer', 1)
  const laneBits = c.width(layer['operand_lanes']!)
  const { operand_first: first, operand_level: level, ...kept } = flags as Flags & Operand
  const held = stage(m, 'held', kept, arrived)

  const reading = m.register('reading', 1, { reset: 0 })
  const left = m.register('words_left', laneBits, { reset: 0 })
  const ends = c.label(equalTo(c, left.q, 0), 'last_word')
  reading.next(c.or(arrived, c.and(reading.q, c.not(ends))))
  const lanes = c.mux(flags['column_last']!, layer['operand_lanes_last']!, layer['operand_lanes']!)
  const words = c.label(lanes, 'words')
  left.next(c.mux(arrived, plus(c, words, -1), c.mux(ends, left.q, plus(c, left.q, -1))))
  const lane = m.register('word_index', laneBits)
  lane.next(c.mux(arrived, c.constant(0, laneBits), plus(c, lane.q, 1)))

  const foldStart = m.register('fold_start', bankAddress)
  const following = m.register('next_position', bankAddress)
  const address = m.register('address', bankAddress)
  const begin = c.label(c.mux(first, foldStart.q, following.q), 'position_address')
  const steps = [0, 1, 2, 3].map((level) => layer[`operand_step${level}`]!)
  following.next(c.add(begin, c.label(choose(c, level, steps), 'position_step')), arrived)
  foldStart.next(
    c.mux(
      beginLayer,
      layer['operand_start']!,
      c.add(foldStart.q, resizeUnsigned(c, layer['operand_lanes']!, bankAddress)),
    ),
    c.or(beginLayer, c.and(arrived, first)),
  )
  address.next(
    c.mux(arrived, begin, plus(c, address.q, 1)),
    c.and(layer['operand']!, c.or(arrived, reading.q)),
  )
  const read = c.label(c.and(reading.q, layer['operand']!), 'read_now')
  m.output('read', read)
  m.output('read_address', address.q)
  route(m, plan, layer['operand_modulus']!, {
    take: followReset(m, 'word_read', read),
    lane: follow(m, 'lane_read', lane.q),
    inside: follow(m, 'inside_read', held['operand_inside']!),
  })
  return { valid: c.label(c.and(reading.q, ends), 'vector_whole'), held }
}

/** Column j takes channel j of the vector: from bank j mod d, in word j div d of it; 0 outside of the map. */
function route(
  m: ModuleBuilder,
  plan: Plan,
  modulus: Node,
  { take, lane, inside }: Readonly<Record<'take' | 'lane' | 'inside', Node>>,
): void {
  const { c } = m
  const { moduli } = plan.merge!
  const banks = Array.from({ length: banksRead(plan) }, (_, i) => m.input(`word_${i}`, plan.widths.code))
  const reach = 2 ** c.width(lane)
  for (let j = 0; j < plan.array.columns; j++) {
    const word = choose(
      c,
      modulus,
      moduli.map((d) => banks[j % d]!),
    )
    const due = moduli.map((d) => {
      const index = Math.floor(j / d)
      return index < reach ? equalTo(c, lane, index) : c.constant(0, 1)
    })
    m.output(`operand_word_${j}`, gate(c, word, inside))
    m.output(`operand_take_${j}`, c.label(c.and(take, choose(c, modulus, due)), `take_${j}`))
  }
}
