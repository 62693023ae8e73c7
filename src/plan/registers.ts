import type { AnyPlan } from './any-plan.ts'
import { hashWords } from './structure.ts'
import { packetLayout } from './words.ts'

/**
 * The control registers of the AXI4-Lite interface. Like the rest of the plan this is plain data, which the hardware, the cycle model, the
 * testbench and ports.md share. Offsets are bytes; registers have 32 bits; bits without a field read 0.
 */
export interface ControlRegister {
  readonly name: string
  readonly offset: number
  /** RW; RO: read only; W1C: a bit written as 1 is cleared. */
  readonly access: 'RW' | 'RO' | 'W1C'
  readonly meaning: string
  readonly fields: readonly ControlField[]
}

export interface ControlField {
  readonly name: string
  /** Lowest bit. */
  readonly low: number
  readonly width: number
  readonly meaning: string
}

const field = (name: string, low: number, meaning: string, width = 1): ControlField => ({
  name,
  low,
  width,
  meaning,
})

/** Bytes of the register space: the address has 12 bits. */
export const controlAddressBits = 12

/** Register map and packet format: major number in the high half, minor in the low. */
export const interfaceVersion = 0x0001_0000
/** "XGEN". */
export const interfaceId = 0x5847_454e

/** By use; the constant registers follow from the plan (`constantRegisters`). */
export const control = {
  CTRL: {
    name: 'CTRL',
    offset: 0x000,
    access: 'RW',
    meaning: 'control; 0x2 after reset',
    fields: [
      field(
        'start',
        0,
        'write 1: one inference of the next image; reads as 1 until it begins. While busy, or with restart: SLVERR',
      ),
      field('auto_restart', 1, 'inferences begin by themselves as images arrive; 1 after reset'),
      field(
        'restart',
        2,
        'write 1: soft reset. Ends the inference, drops an image that came, clears ERROR and IRQ_STATUS; reads as 0. auto_restart becomes what the same write says: 0x6 keeps it 1',
      ),
    ],
  },
  STATUS: {
    name: 'STATUS',
    offset: 0x004,
    access: 'RO',
    meaning: 'status',
    fields: [
      field('idle', 0, 'no inference is under way or asked for'),
      field('busy', 1, 'not idle'),
      field('done', 2, 'an inference has ended since the last start or restart that was written'),
      field('phase', 4, '0 idle, 1 asked for, waits for its image, 2 computes, 3 gives its output', 2),
      field('image_ready', 8, 'a whole image waits for its inference'),
      field('weights_valid', 9, 'the weights are whole; 0 from the begin of a packet to its good end'),
      field('weights_loading', 10, 'a weights packet is under way'),
    ],
  },
  ERROR: {
    name: 'ERROR',
    offset: 0x008,
    access: 'W1C',
    meaning: 'what went wrong; bits stay until they are cleared',
    fields: [
      field('input_short', 0, 'TLAST came before the last element of an image'),
      field('input_long', 1, 'the last element of an image came without TLAST'),
      field('weights_refused', 2, 'a weights packet was made for other hardware; nothing was written'),
      field('weights_length', 3, 'a weights packet was too short or too long'),
    ],
  },
  IRQ_ENABLE: {
    name: 'IRQ_ENABLE',
    offset: 0x00c,
    access: 'RW',
    meaning: 'which bits of IRQ_STATUS raise the interrupt; 0 after reset',
    fields: [field('done', 0, ''), field('error', 1, '')],
  },
  IRQ_STATUS: {
    name: 'IRQ_STATUS',
    offset: 0x010,
    access: 'W1C',
    meaning: 'what has happened; bits stay until they are cleared',
    fields: [field('done', 0, 'an inference has ended'), field('error', 1, 'a bit of ERROR was set')],
  },
  CYCLES: {
    name: 'CYCLES',
    offset: 0x014,
    access: 'RO',
    meaning: 'clock cycles of the last inference that ended, from its begin to its last output element',
    fields: [],
  },
  RUNNING: {
    name: 'RUNNING',
    offset: 0x018,
    access: 'RO',
    meaning: 'clock cycles since the last inference began; counts on, modulo 2^32',
    fields: [],
  },
  IMAGES: {
    name: 'IMAGES',
    offset: 0x01c,
    access: 'RO',
    meaning: 'inferences ended since reset, modulo 2^32',
    fields: [],
  },
} as const satisfies Record<string, ControlRegister>

export interface ConstantRegister extends ControlRegister {
  readonly value: number
}

/** The registers that only tell what the design is. */
export function constantRegisters(plan: AnyPlan): readonly ConstantRegister[] {
  const constant = (name: string, offset: number, value: number, meaning: string): ConstantRegister => ({
    name,
    offset,
    access: 'RO',
    meaning,
    fields: [],
    value,
  })
  const words = (name: string, offset: number, hash: string, meaning: string) =>
    hashWords(hash).map((value, i) =>
      constant(`${name}_${i}`, offset + 4 * i, value, i === 0 ? meaning : 'its next 32 bits'),
    )
  const { input, output } = plan
  const sign = (signed: boolean) => (signed ? 0x80 : 0)
  return [
    constant('ID', 0x020, interfaceId, '"XGEN"'),
    constant(
      'VERSION',
      0x024,
      interfaceVersion,
      'of this register map and of the weights packet: {major[15:0], minor[15:0]}',
    ),
    constant('INPUT_ELEMENTS', 0x028, input.elements, 'codes of an image'),
    constant('OUTPUT_ELEMENTS', 0x02c, output.elements, 'codes of an output'),
    constant(
      'CODES',
      0x030,
      (sign(output.signed) | output.bits) * 256 + (sign(input.signed) | input.bits),
      '{output signed, output bits[6:0], input signed, input bits[6:0]}',
    ),
    constant(
      'WEIGHT_BEATS',
      0x034,
      plan.reload ? packetLayout(plan).beats : 0,
      'beats of a weights packet; 0 where weights cannot be loaded',
    ),
    ...words('PLAN', 0x040, plan.hash, 'SHA-256 of the plan that the design was made from, first 32 bits'),
    ...words(
      'STRUCTURE',
      0x060,
      plan.structure,
      'SHA-256 of the structure, which weights packets begin with, first 32 bits',
    ),
  ]
}

/** AXI responses. */
export const okay = 0
export const slaveError = 2
