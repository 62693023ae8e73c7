import type { BooleanFunction } from './function.ts'
import type { Table } from './table.ts'

/** A cell library, in fixed units: ns, pF, V, pJ and nW, whatever the file's are. */
export interface Library {
  readonly name: string
  /** SHA-256 of the text. */
  readonly hash: string
  /** Volts. */
  readonly voltage: number
  readonly cells: ReadonlyMap<string, Cell>
  /** The wires that the library assumes before layout, if it names such by default. */
  readonly wireLoad: WireLoad | undefined
  /** All models of wires that it has, by name. */
  readonly wireLoads: ReadonlyMap<string, WireLoad>
  /** What areas are given in: `um2`, or `GE` (gate equivalents). */
  readonly areaUnit: 'um2' | 'GE'
  /** Whether it knows energies. */
  readonly hasPower: boolean
}

/** Wires by fan-out: pF = capacitance * length, kOhm = resistance * length. */
export interface WireLoad {
  readonly name: string
  /** pF for a unit of length. */
  readonly capacitance: number
  /** kOhm (ns / pF) for a unit of length. */
  readonly resistance: number
  /** Length at a fan-out, which rises. */
  readonly lengths: readonly (readonly [fanout: number, length: number])[]
  /** Length for each pin above the largest fan-out. */
  readonly slope: number
}

export interface Cell {
  readonly name: string
  readonly area: number
  readonly kind: CellKind
  readonly pins: readonly Pin[]
  /** nW; conditions in the order of the file. */
  readonly leakage: Leakage
  readonly dontUse: boolean
}

export type CellKind =
  | { readonly kind: 'combinational' }
  /** State changes to `next` at the rising edge of `clock`, unless `clear` or `preset` hold it. */
  | {
      readonly kind: 'flip-flop'
      readonly state: string
      readonly inverted: string
      readonly clock: BooleanFunction
      readonly next: BooleanFunction
      readonly clear: BooleanFunction | undefined
      readonly preset: BooleanFunction | undefined
    }
  | { readonly kind: 'latch' }
  /** Clock gates, fillers, pads and what else has no function here. */
  | { readonly kind: 'other' }

export interface Leakage {
  /** Where no condition holds. */
  readonly standard: number
  readonly states: readonly { readonly value: number; readonly when: BooleanFunction }[]
}

export interface Pin {
  readonly name: string
  readonly direction: 'input' | 'output' | 'internal' | 'inout'
  /** pF: the nominal one, and what timing loads its driver with, by the edge: the upper end where the library gives a range. */
  readonly capacitance: number
  readonly load: { readonly rise: number; readonly fall: number }
  readonly clock: boolean
  /** Of an output; of a flip-flop over its state variables. */
  readonly function: BooleanFunction | undefined
  readonly threeState: boolean
  readonly arcs: readonly TimingArc[]
  readonly power: readonly PowerArc[]
}

/** Edges of the output. */
export interface Edges<T> {
  readonly rise: T | undefined
  readonly fall: T | undefined
}

export interface TimingArc {
  readonly from: string
  readonly type: 'combinational' | 'rising edge' | 'falling edge' | 'setup' | 'other'
  /** How the output follows the input. */
  readonly sense: 'positive' | 'negative' | 'either'
  readonly when: BooleanFunction | undefined
  /** Of `setup`: the time before the clock edge by which a rise or fall has to come, over the slews of data and clock. */
  readonly delay: Edges<Table>
  readonly slew: Edges<Table>
}

/** Energy that a transition of the pin takes inside the cell, pJ, without that of the load. */
export interface PowerArc {
  /** The input whose transition caused it; of an input pin undefined: its own. */
  readonly related: string | undefined
  readonly when: BooleanFunction | undefined
  readonly energy: Edges<Table>
}
