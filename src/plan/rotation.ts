import { invariant } from '../base/errors.ts'
import { divideUp, greatestCommonDivisor, indexBits } from '../base/integers.ts'
import type { Size } from './array.ts'
import type { Plan, PlanLayer, PlanStream } from './plan.ts'
import { storedLanes } from './row/ports.ts'

/**
 * Feature-map banks that a systolic array and a row-stationary grid share. Element (channel n, row y) lies in bank (c(n) + y) mod banks: neighbouring channels of a
 * position lie in different banks at one address, for the array, and so do neighbouring rows of a channel, one word apart, for the grid.
 */
export interface Rotation {
  /** A power of two. */
  readonly banks: number
  /** Channels that the array reads in a cycle: its rows. */
  readonly group: number
  /** Banks from a group of channels to the next: the least power of two that holds a group. */
  readonly spacing: number
}

/** A map in such banks. */
export interface RotatedMap {
  readonly rotation: Rotation
  readonly base: number
  readonly channels: number
  readonly height: number
  readonly width: number
}

type Shape = Pick<RotatedMap, 'rotation' | 'channels' | 'height' | 'width'>

/** Groups of channels that lie at the same words, side by side in the banks. */
export const groupsOfPlane = ({ banks, spacing }: Rotation): number => banks / spacing

/** Words of a plane: of all positions of the channels that lie side by side. */
export const planeWords = ({ height, width }: Pick<Shape, 'height' | 'width'>): number => height * width

/** Words that a map takes in each bank. */
export function rotatedWords(map: Shape): number {
  const groups = divideUp(map.channels, map.rotation.group)
  return divideUp(groups, groupsOfPlane(map.rotation)) * planeWords(map)
}

/** What a channel adds to bank and word. */
export function channelShift(map: Shape, channel: number) {
  const { group, spacing } = map.rotation
  const index = Math.floor(channel / group)
  const side = groupsOfPlane(map.rotation)
  return {
    rotation: (index % side) * spacing + (channel % group),
    address: Math.floor(index / side) * planeWords(map),
  }
}

/** Bank and word of an element; words run down the columns of a map. */
export function rotatedPlace(map: RotatedMap, channel: number, y: number, x: number) {
  const { rotation, address } = channelShift(map, channel)
  return {
    bank: (rotation + y) % map.rotation.banks,
    address: map.base + address + x * map.height + y,
  }
}

/** The host's map, where the banks are shared. */
export function sharedStream({ grid }: Plan, { base, shape }: PlanStream): RotatedMap | undefined {
  const [channels, height, width] = shape
  return grid?.rotation && { rotation: grid.rotation, base, channels, height, width }
}

/** The map that a layer of the array reads, and the one that it writes, where the banks are shared. */
export function sharedMaps({ grid }: Plan, layer: PlanLayer) {
  if (grid?.rotation === undefined) return undefined
  const { rotation } = grid
  const [channels, height, width] = layer.outputShape
  const [inputHeight, inputWidth] = layer.inputSize
  return {
    input: {
      rotation,
      base: layer.inputBase,
      channels: layer.channels - layer.filler,
      height: inputHeight,
      width: inputWidth,
    },
    output: { rotation, base: layer.outputBase, channels, height, width },
  }
}

/** Bits of a bank's number. */
export const bankBits = ({ banks }: Rotation): number => indexBits(banks)

/**
 * What counts channels, `count` at a time: the bank, unless each step begins a plane; and, where a group is no power of two and takes several steps, the bits of
 * the step's number in it (else 0).
 */
export function stepState({ banks, group, spacing }: Rotation, count: number) {
  const steps = group / count
  const index = steps > 1 && spacing !== group ? indexBits(steps) : 0
  return { bank: steps > 1 || spacing < banks, index }
}

/** The banks of a plan that has a grid. */
export function sharedBanks({ grid }: Pick<Plan, 'grid'>): Rotation {
  invariant(grid?.rotation !== undefined, 'the plan has no grid')
  return grid.rotation
}

/** Channels that the array's writer stores in a cycle: they lie in one group. */
export const storedTogether = ({ rows, columns }: Size): number => greatestCommonDivisor(rows, columns)

/** Lanes that are read at the same time, by the array's rows or the grid's lines, and stored. */
export const lanesRead = ({ array, grid }: Pick<Plan, 'array' | 'grid'>): number =>
  Math.max(array.rows, grid!.banks)
export const lanesStored = ({ array, grid }: Pick<Plan, 'array' | 'grid'>): number =>
  Math.max(storedTogether(array), storedLanes(grid!))
