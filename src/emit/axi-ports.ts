import { operandRange } from '../arith/domain.ts'
import { type AnyPlan, type HostStream, overlappedCycles } from '../plan/any-plan.ts'
import { type ControlRegister, constantRegisters, control } from '../plan/registers.ts'
import { type PacketPart, packetLayout } from '../plan/words.ts'

/** What ports.md says of the AXI interface, with one worked example in bytes for each channel. `packet`: the weights packet, if any. */
export function axiFields(plan: AnyPlan, packet: Uint32Array | undefined) {
  const status = (...names: string[]) =>
    control.STATUS.fields.reduce((word, { name, low }) => word + (names.includes(name) ? 2 ** low : 0), 0)
  const computes = 2 * 2 ** control.STATUS.fields.find(({ name }) => name === 'phase')!.low
  const beats = exampleBeats(plan)
  return {
    registers: [...Object.values(control), ...constantRegisters(plan)].map(registerFields),
    running: hex(status('busy', 'weights_valid') + computes, 8),
    done: hex(status('idle', 'done', 'weights_valid'), 8),
    cycles: hex(overlappedCycles(plan), 8),
    period: overlappedCycles(plan) - 1,
    narrow: plan.input.bits < 8 || plan.output.bits < 8,
    ...beats,
    ...(packet === undefined ? {} : { weights: packetFields(plan, packet) }),
  }
}

const hex = (value: number, digits: number) => `0x${(value >>> 0).toString(16).padStart(digits, '0')}`

function registerFields(register: ControlRegister & { readonly value?: number }) {
  const { name, offset, access, meaning, fields, value } = register
  return {
    name,
    access,
    offset: hex(offset, 3),
    meaning: value === undefined ? meaning : `${hex(value, 8)}: ${meaning}`,
    fields: fields.map((field) => ({
      name: field.name,
      bits: field.width === 1 ? `${field.low}` : `${field.low + field.width - 1}:${field.low}`,
      meaning: field.meaning,
    })),
  }
}

/** Codes of the first elements in the example: none, half of the largest, the largest, the smallest. */
const exampleCodes = ({ bits, signed, elements }: HostStream): number[] => {
  const [low, high] = operandRange(bits, signed)
  return [0, Math.round(high / 2), high, low].slice(0, Math.max(1, Math.min(4, elements - 1)))
}

function exampleBeats({ input, output }: AnyPlan) {
  const [sent, given] = [exampleCodes(input), exampleCodes(output)]
  const byte = (code: number, bits: number) => hex(code & (2 ** bits - 1), 2)
  const cell = ({ elements, bits }: HostStream, codes: readonly number[], beat: number) => ({
    byte: beat >= elements ? '' : codes[beat] === undefined ? '...' : byte(codes[beat]!, bits),
    last: beat >= elements ? '' : beat === elements - 1 ? '1' : '0',
  })
  const numbers = [
    ...new Set(
      [...sent.keys(), ...given.keys(), output.elements - 1, input.elements - 1].sort((a, b) => a - b),
    ),
  ]
  return {
    inputValues: sent.map((code) => Number((code * input.scale).toPrecision(6))).join(', '),
    outputCodes: given.join(', '),
    beats: numbers.map((number) => {
      const [a, b] = [cell(input, sent, number), cell(output, given, number)]
      return { number, input: a.byte, inputLast: a.last, output: b.byte, outputLast: b.last }
    }),
  }
}

function packetFields(plan: AnyPlan, packet: Uint32Array) {
  const { beats, beatsPerWeight, hashBeats, parts } = packetLayout(plan)
  const { weightWords, parameterWords, weightBits, ownerBits } = plan.memories
  const firstParameter = hashBeats + weightWords * beatsPerWeight
  const gridParts = parts.slice(2)
  const firstGrid = beats - gridParts.reduce((sum, part) => sum + part.words * part.beats, 0)
  const shown = [
    ...Array.from({ length: hashBeats + beatsPerWeight }, (_, beat) => beat),
    firstParameter,
    firstParameter + 1,
  ]
  const bytesOf = (word: number) =>
    [0, 8, 16, 24].map((shift) => ((word >>> shift) & 255).toString(16).padStart(2, '0')).join(' ')
  const what = (beat: number) => {
    if (beat < hashBeats) return `structure hash, word ${beat}`
    if (beat < firstParameter) return `weight word 0, part ${beat - hashBeats}`
    return beat === firstParameter
      ? 'parameter word 0: bias'
      : 'parameter word 0: {shift[5:0], multiplier[15:0]}'
  }
  return {
    beats,
    words: weightWords,
    perWord: beatsPerWeight,
    parameters: parameterWords,
    lane: weightBits + ownerBits,
    lastWeight: firstParameter - 1,
    firstParameter,
    last: firstGrid - 1,
    ...(gridParts.length === 0 ? {} : { grid: gridRows(gridParts, firstGrid) }),
    example: shown.map((beat) => ({
      number: beat,
      word: hex(packet[beat]!, 8),
      bytes: bytesOf(packet[beat]!),
      what: what(beat),
    })),
  }
}

/** The parts of a grid beside the array, which follow the array's. */
function gridRows(parts: readonly PacketPart[], start: number) {
  let first = start
  return parts.map(({ name, words, beats }) => {
    const row = { first, last: first + words * beats - 1, words, beats, file: `${name}s` }
    first += words * beats
    return row
  })
}
