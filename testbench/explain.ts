import { parseDomain } from '../src/arith/domain.ts'
import { type AnyPlan, isRowPlan } from '../src/plan/any-plan.ts'
import type { MemoryImages } from '../src/plan/images.ts'
import { filterAt, type Plan } from '../src/plan/plan.ts'
import type { ProbePlace } from '../src/plan/probes.ts'
import { rotatedPlace, sharedStream } from '../src/plan/rotation.ts'
import { tileTop } from '../src/plan/size.ts'
import { intervalOf, type Step, stepsOf } from '../src/plan/steps.ts'
import { multipliersOf, ownerReader } from '../src/plan/tile.ts'
import { averageCode, requantise } from '../src/quant/rules.ts'
import { cyclesAfter, type Difference } from './comparison.ts'
import { tellGrid } from './grid-story.ts'
import { foldRow, inputPlace, type Occupant, occupantAt, tapOf } from './place.ts'
import { tellRow } from './row-story.ts'
import { signed } from './signed.ts'
import { type Row, rowsAround } from './surroundings.ts'
import { type Watch, type Watched, watchedValue } from './watch.ts'
import { waveform } from './waveform.ts'

/** Whose values the two sides of a comparison are, as sentences name them. */
export interface Sides {
  /** `the model`. */
  readonly expected: string
  /** `Verilator`. */
  readonly got: string
}

/** A first difference, told: where it is, whose value it is, what led to it, and a waveform. */
export interface Explanation {
  /** One line. */
  readonly summary: string
  /** All of it, several paragraphs. */
  readonly text: string
}

const cyclesBefore = 6

/** Explains the first difference of two devices that run `plan`. */
export function explainDifference(
  plan: AnyPlan,
  images: MemoryImages,
  watch: Watch,
  difference: Difference,
  sides: Sides,
): Explanation {
  const watched = watch.values[difference.value]!
  const story = isRowPlan(plan)
    ? tellRow(plan, watch, difference, watched)
    : watched.kind === 'probe' && watched.probe.at.kind === 'grid'
      ? tellGrid(plan, watch, difference, watched)
      : tell({ plan, images, watch, difference, steps: [...stepsOf(plan)] }, watched)
  const { cycle, runCycle, image, expected, got, others } = difference
  const shown = (raw: number) => story.format(raw)
  const when = `image ${image}, cycle ${cycle} after start${runCycle === undefined || runCycle < 0 ? '' : ` (cycle ${runCycle} of the run)`}`
  const summary = `${watched.name}: expected ${shown(expected)}, got ${shown(got)} in ${when}`
  const also = others.slice(0, 6).map((value) => watch.values[value]!.name)
  const rest = others.length > also.length ? ` and ${others.length - also.length} more` : ''
  const bits = Array.from({ length: watched.width }, (_, bit) => bit).filter(
    (bit) => (((expected ^ got) >>> bit) & 1) === 1,
  )
  const paragraphs = [
    `${capital(sides.got)} differs from ${sides.expected} for the first time in ${when}.`,
    [
      `${watched.name}, ${meaning(watched)}: expected ${shown(expected)}, got ${shown(got)} (${bits.length === 1 ? 'bit' : 'bits'} ${bits.join(', ')}).`,
      others.length === 0
        ? 'No other watched value differs in this cycle.'
        : `In the same cycle differ also: ${also.join(', ')}${rest}.`,
    ].join('\n'),
    story.sentences.join('\n'),
    picture(watch, difference, story.rows, sides),
  ]
  return { summary, text: `${paragraphs.filter((text) => text !== '').join('\n\n')}\n` }
}

interface Case {
  readonly plan: Plan
  readonly images: MemoryImages
  readonly watch: Watch
  readonly difference: Difference
  readonly steps: readonly Step[]
}

interface Story {
  readonly sentences: readonly string[]
  readonly rows: readonly Row[]
  readonly format: (raw: number) => string
}

function tell(known: Case, watched: Watched): Story {
  const { difference, plan } = known
  const unsigned = (raw: number) => `${raw}`
  if (watched.kind === 'port') {
    return {
      sentences: portSentences(known, watched.name),
      rows: rowsAround(plan, known.watch, difference.value),
      format: unsigned,
    }
  }
  const { at } = watched.probe
  const here =
    difference.runCycle === undefined ? undefined : occupantAt(plan, known.steps, at, difference.runCycle)
  const rows = rowsAround(plan, known.watch, difference.value, here)
  const format = rows.at(-1)!.format
  if (here === undefined) return { sentences: [nobody(known, at)], rows, format }
  return { sentences: [...whose(known, here, at), ...cause(known, here, at)], rows, format }
}

function nobody({ difference }: Case, at: ProbePlace): string {
  if (difference.runCycle === undefined) {
    return difference.taken === 0
      ? 'The run has not begun: no input element has been taken yet.'
      : `The run has not begun: ${difference.taken} input elements have been taken.`
  }
  if (at.kind === 'sequencer')
    return `The phases do not follow one another as planned; ${difference.taken} input elements were taken and ${difference.given} output elements given.`
  if (at.kind === 'output') return `${difference.given} output elements have been given.`
  if (at.kind === 'wrapper') return 'It is a register of the wrapper around the core (docs/axi.md).'
  return 'By the plan, no position of a layer is at this register in this cycle: it should hold its value, or be 0.'
}

/** Layer, fold, output element and tap. */
function whose({ plan }: Case, here: Occupant, at: ProbePlace): string[] {
  const { layer, fold, position, lane } = here
  const column = 'column' in at ? at.column : undefined
  const filter =
    column !== undefined && column < fold.columns ? filterAt(layer, fold.filter + column) : undefined
  const rowFold = layer.does === undefined ? `, row fold ${fold.rowFold + 1} of ${layer.rowFolds}` : ''
  const folds = `column fold ${fold.columnFold + 1} of ${layer.columnFolds}${rowFold}`
  const sentences = [
    `It belongs to layer "${layer.name}", ${folds}${filter === undefined ? '' : `, filter ${filter}`}.`,
  ]
  if (column !== undefined && filter === undefined)
    sentences.push(`Column ${column} has no filter in this fold.`)
  if (position !== undefined) {
    const pooled =
      layer.window[0] * layer.window[1] > 1
        ? ` before pooling, which goes into (y ${position.pooledY}, x ${position.pooledX})`
        : ''
    sentences.push(
      `Position ${position.index + 1} of ${layer.positions}: ${layer.does === undefined ? 'output' : 'map'} element (y ${position.y}, x ${position.x})${pooled}.`,
    )
  }
  if ('row' in at) {
    const tap = tapOf(here, foldRow(plan, here, at))
    if (tap === undefined) sentences.push(`Row ${at.row} has no tap in this fold: it contributes 0.`)
    else {
      const reads =
        position === undefined
          ? ''
          : tap.inside
            ? `; it reads the input element (y ${tap.inputY}, x ${tap.inputX})`
            : '; it stands outside of the map, where the code is 0'
      const added = tap.channel < layer.channels - layer.filler ? '' : ' (beyond the map: its weight is 0)'
      sentences.push(
        `Row ${at.row} has tap ${tap.index}: channel ${tap.channel}${added}, kernel row ${tap.kernelY}, kernel column ${tap.kernelX}${reads}.`,
      )
    }
  }
  if (lane !== undefined && at.kind === 'writer') {
    const first = fold.filter + lane * layer.outputModulus
    const last = Math.min(first + layer.outputModulus, fold.filter + fold.columns) - 1
    sentences.push(
      `The writer stores ${first === last ? `channel ${first}` : `channels ${first} to ${last}`} of output pixel (y ${position!.pooledY}, x ${position!.pooledX}).`,
    )
  }
  if (at.kind === 'sum' || at.kind === 'weight') {
    const tile = plan.tiles[at.tile]!
    sentences.push(
      `PE (row ${at.row}, column ${at.column}) of ${tile.name} has the ${tile.modes === undefined ? 'multiplier' : 'modes'} ${tile.multiplier} (${tile.domain}).`,
    )
    if (!fold.tiles.includes(at.tile))
      sentences.push(
        `The pass runs on ${fold.tiles.map((t) => plan.tiles[t]!.name).join(', ')}, so this tile should be at rest.`,
      )
  }
  return sentences
}

/** What goes in agrees (this is the first difference), so the fault lies between there and here. */
function cause(known: Case, here: Occupant, at: ProbePlace): string[] {
  const { plan } = known
  switch (at.kind) {
    case 'feeder':
      return feederCause(plan, here, at.row)
    case 'weight':
      return [
        `It is word ${weightWord(plan, here, at)} of the weight memory, column ${at.column}.`,
        'The fault lies in the weight memory, its skew, or the load and swap bits on their way to this PE.',
      ]
    case 'sum':
      return sumCause(known, here, at)
    case 'total':
      return [
        `The sum that left the last row of column ${at.column} a cycle before agrees, so the fault lies in the accumulator of column ${at.column}: its adder, its memory, or the word that it reads or writes.`,
      ]
    case 'parameter':
      return [
        `It comes from word ${here.layer.parameterBase + here.fold.filter + at.column} of the parameter memory, {shift, multiplier, bias}. The fault lies in that memory, in its address, or in the bit that lets column ${at.column} take the word.`,
      ]
    case 'pooled':
      return pooledCause(known, here, at.column)
    case 'map reader':
      return ['The fault lies in the addresses that the map reader makes.']
    case 'operand':
      return [
        `The address of the map reader agrees, so the fault lies in what the banks store, or in how the merge control leads words to column ${at.column}.`,
      ]
    case 'merged':
      return mergedCause(here, at.column)
    case 'writer':
      return ['The pooled codes agree, so the fault lies in the alignment of the columns or in the writer.']
    case 'sequencer':
    case 'output':
    case 'grid':
    case 'wrapper':
      return []
  }
}

/** The weight memory's word for a PE. */
const weightWord = (plan: Plan, here: Occupant, at: { readonly row: number; readonly tile: number }) =>
  here.layer.weightBase + here.fold.columnFold * here.layer.taps + here.fold.tap + foldRow(plan, here, at)

function feederCause(plan: Plan, here: Occupant, row: number): string[] {
  const tap = tapOf(here, foldRow(plan, here, { row }))
  const feeder = plan.grid === undefined ? `row feeder ${row}` : `the array's reader`
  if (tap === undefined || !tap.inside) return [`The fault lies in ${feeder}: it should feed 0 here.`]
  const { bank, address } = inputPlace(plan, here.layer, tap, row)
  return [
    `By the plan it is word ${address} of bank ${bank}. The writer's registers and the inputs agreed until now, so the fault lies in the address that ${feeder} ` +
      `makes, in its test for the edge of the map, or in what bank ${bank} stores or reads.`,
  ]
}

function sumCause(known: Case, here: Occupant, at: Extract<ProbePlace, { kind: 'sum' }>): string[] {
  const { plan, watch } = known
  const domain = parseDomain(plan.tiles[at.tile]!.domain)
  const { accumulator } = plan.widths
  const before = (name: string, delay: number) => rawBefore(known, name, delay)
  const fed = at.row + tileTop(plan, plan.tiles[at.tile]!)
  const activationRaw = before(`activation[${fed}]`, at.column + 1)
  const weightRaw = before(`${plan.tiles[at.tile]!.name}.weight[${at.row}][${at.column}]`, 1)
  const partialRaw =
    at.row === 0 ? 0 : before(`${plan.tiles[at.tile]!.name}.sum[${at.row - 1}][${at.column}]`, 1)
  if (activationRaw === undefined || weightRaw === undefined || partialRaw === undefined) return []
  const activation = signed(cut(activationRaw, domain.nA), domain.signedA ? domain.nA : 0)
  const weight = signed(cut(weightRaw, domain.nB), domain.signedB ? domain.nB : 0)
  const partial = signed(partialRaw, accumulator)
  const watchedBits = watch.values[known.difference.value]!.width
  const due = signed(known.difference.expected, watchedBits) - partial
  const came = signed(known.difference.got, watchedBits) - partial
  const sentences = [
    `What goes into the PE agrees: activation ${activation}, weight ${weight}, partial sum from above ${partial}.`,
  ]
  const row = foldRow(plan, here, at)
  const word = weightWord(plan, here, at)
  const owner = known.images.owners[word * plan.array.columns + at.column] ?? 0
  const reader = ownerReader(plan, at.tile)
  const foreign = !reader.owns(owner)
  if (!here.fold.tiles.includes(at.tile) || row < 0 || row >= here.fold.rows || foreign)
    return [...sentences, `The PE has no work and should add 0; it added ${came}.`]
  const multipliers = multipliersOf(plan.tiles[at.tile]!)
  const multiplier =
    multipliers[plan.modes?.from === 'weight' ? reader.mode(owner) : here.fold.mode] ?? multipliers[0]!
  const product = multiplier.multiply(activation, weight)
  sentences.push(
    product === due
      ? `So the fault lies in this PE: ${multiplier.spec} gives M(${activation}, ${weight}) = ${product}; the PE added ${came}.`
      : `The PE should add ${due}; it added ${came}.`,
  )
  return sentences
}

function mergedCause({ layer }: Occupant, column: number): string[] {
  const { multipliers, shift, low, high, operand } = layer.merge!
  const code = layer.does === undefined ? "the array's code" : '0'
  if (operand === undefined) return [`It is ${code}: the fault lies behind the total of column ${column}.`]
  return [
    `What the map reader gave agrees, so the fault lies behind the total of column ${column}. Due: (${code} * ${multipliers[0]} + operand * ${multipliers[1]}) / 2^${shift}, rounded, half up, and clamped to ${low}..${high}.`,
  ]
}

function pooledCause(known: Case, here: Occupant, column: number): string[] {
  const { plan, images } = known
  const { layer, fold } = here
  const area = layer.window[0] * layer.window[1]
  if (plan.merge !== undefined)
    return [`The merged codes agree, so the fault lies in the pooling of column ${column}.`]
  const stations = area > 1 ? 'bias, requantisation or pooling' : 'bias or requantisation'
  const sentence = `The totals agree, so do its bias and scale, so the fault lies in the ${stations} of column ${column}.`
  const parameter = images.parameters[layer.parameterBase + fold.filter + column]
  const window = Array.from({ length: area }, (_, i) => {
    const delay = plan.latency.post - 1 + (area - 1 - i) * intervalOf(layer, fold)
    return rawBefore(known, `total[${column}]`, delay)
  })
  if (parameter === undefined || window.includes(undefined)) return [sentence]
  const { bias, multiplier, shift } = parameter
  const totals = window.map((raw) => signed(raw!, plan.widths.accumulator))
  const codes = totals.map((total) => requantise(total + bias, multiplier, shift, layer.low, layer.high))
  const formula = `((total + bias ${bias}) * ${multiplier} + 2^${shift - 1}) / 2^${shift}, rounded down and clamped to ${layer.low}..${layer.high}`
  if (area === 1) return [sentence, `Due: ${formula}, which is ${codes[0]} for the total ${totals[0]}.`]
  const pooled = layer.average
    ? averageCode(
        codes.reduce((sum, code) => sum + code),
        area,
      )
    : Math.max(...codes)
  return [
    sentence,
    `Due: ${formula}, which is ${codes.join(', ')} for the totals ${totals.join(', ')} of the window; their ${layer.average ? 'mean' : 'maximum'} is ${pooled}.`,
  ]
}

function portSentences({ plan, difference }: Case, name: string): string[] {
  const moved = `${difference.taken} of ${plan.input.elements} input elements and ${difference.given} of ${plan.output.elements} output elements have moved.`
  if (name !== 'out_data')
    return [`${moved} All registers that are watched agree, so the fault lies in the interface.`]
  const [channels, , width] = plan.output.shape
  const pixel = Math.floor(difference.given / channels)
  const channel = difference.given % channels
  const [y, x] = [Math.floor(pixel / width), pixel % width]
  const { bank, address } = outputPlace(plan, channel, y, x)
  return [
    `It is output element ${difference.given}: channel ${channel} at (y ${y}, x ${x}), word ${address} of bank ${bank}.`,
    `${moved} The writer's registers agreed in every cycle, so the fault lies in what the bank stores, or in the address that the output reads.`,
  ]
}

/** Bank and word of an element of the output map. */
function outputPlace(plan: Plan, channel: number, y: number, x: number) {
  const { base, modulus, shape } = plan.output
  const shared = sharedStream(plan, plan.output)
  if (shared !== undefined) return rotatedPlace(shared, channel, y, x)
  const words = (y * shape[2] + x) * Math.ceil(shape[0] / modulus)
  return { bank: channel % modulus, address: base + words + Math.floor(channel / modulus) }
}

/** The expected side's raw value of a probe `delay` cycles before the difference, where it was kept. Both sides agreed then. */
function rawBefore({ watch, difference }: Case, name: string, delay: number): number | undefined {
  const index = watch.values.findIndex((value) => value.name === name)
  const frame = difference.window.expected[difference.cycle - delay - difference.window.start]
  return index < 0 || frame === undefined ? undefined : watchedValue(watch, index, frame)
}

function picture(watch: Watch, difference: Difference, rows: readonly Row[], sides: Sides): string {
  const { window, cycle } = difference
  const first = Math.max(window.start, cycle - cyclesBefore)
  const last = Math.min(window.start + window.expected.length - 1, cycle + cyclesAfter)
  const cycles = Array.from({ length: last - first + 1 }, (_, i) => first + i)
  const values = (frames: readonly Uint32Array[], { value, delay, format }: Row) =>
    cycles.map((at) => {
      const frame = frames[at - delay - window.start]
      return frame === undefined ? undefined : format(watchedValue(watch, value, frame))
    })
  const shown = rows.map((row) => ({
    name: row.name,
    expected: values(window.expected, row),
    got: values(window.got, row),
  }))
  return waveform(cycles, cycle, shown, [sides.expected.replace(/^the /, ''), sides.got.replace(/^the /, '')])
}

const meaning = (watched: Watched) =>
  watched.kind === 'probe' ? watched.probe.meaning : 'a port of the native interface'
const capital = (text: string) => text.charAt(0).toUpperCase() + text.slice(1)
const cut = (raw: number, bits: number) => (bits >= 32 ? raw : raw % 2 ** bits)
