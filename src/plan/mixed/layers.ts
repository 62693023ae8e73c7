import { divideUp } from '../../base/integers.ts'
import type { ArraySpec } from '../array.ts'
import { mapLayer, type Placement } from '../layer.ts'
import type { ArrayWork } from '../lower.ts'
import type { PlanLayer, PlanMerge, Point } from '../plan.ts'
import { groupsOfPlane, planeWords, type RotatedMap, storedTogether } from '../rotation.ts'
import type { LayerMaps } from '../row/layers.ts'
import { strideOf } from '../row/layers.ts'
import { outputLayout } from '../row/layout.ts'
import { rowShape } from '../row/make.ts'
import type { RowMapping } from '../row/mapping.ts'
import type { RowLayer } from '../row/plan.ts'
import { rowRunCycles } from '../row/steps.ts'
import { linesOf } from './mapping.ts'

/** The maps that a layer reads and writes. */
export interface SharedMaps {
  readonly input: RotatedMap
  readonly output: RotatedMap
}

type Placed = Pick<Placement, 'mix' | 'weightBase' | 'parameterBase' | 'accumulatorBits'>

/**
 * A layer of the array: planned as one whose maps have the modulus of its rows, so that all rows of a fold have one kernel position. Channels are counted on to
 * whole groups; rows of channels that do not exist rest.
 */
export function sharedArrayLayer(
  array: ArraySpec,
  work: ArrayWork,
  { input, output }: SharedMaps,
  merge: PlanMerge | undefined,
  placed: Placed,
): PlanLayer {
  const { group } = input.rotation
  const words = divideUp(input.channels, group)
  const stored = storedTogether(array)
  const layer = mapLayer(array, work, {
    ...placed,
    loadDelay: 0,
    modesByPass: false,
    input: { base: input.base, modulus: group, words },
    output: { base: output.base, modulus: stored, words: divideUp(output.channels, stored) },
    operand: undefined,
    merge: merge && { readSet: 0, storeSets: 1, reciprocalShift: merge.reciprocal?.shift },
  })
  const downColumns = ({ y, x }: Point): Point => ({ address: x * input.height + y + 0, y, x })
  const start = downColumns(layer.start)
  const plane = planeWords(input)
  const lastPlane = (divideUp(words, groupsOfPlane(input.rotation)) - 1) * plane
  const [, kernelWidth] = layer.kernel
  return {
    ...layer,
    start: { ...start, address: input.base + start.address },
    increments: layer.increments.map(downColumns) as unknown as PlanLayer['increments'],
    offsetCarry: 1 - (kernelWidth - 1) * input.height - lastPlane,
    rotated: {
      plane,
      pixelCarry: input.height - lastPlane,
      channelsLast: input.channels - (words - 1) * group,
      output: {
        plane: planeWords(output),
        column: output.height,
        row: 1 - (output.width - 1) * output.height,
      },
    },
  }
}

/** Cycles of the step in which the array waits for the grid: the pulse that starts it, and its run. */
export const waitingCycles = (layer: RowLayer): number => 1 + rowRunCycles({ layers: [layer] })

/** A layer of the grid as the array sees it: one step without products, until the grid has stored its last code. */
export function waitingLayer(
  layer: RowLayer,
  index: number,
  merge: PlanMerge | undefined,
  stored: number,
  bases: Pick<Placement, 'weightBase' | 'parameterBase'>,
): PlanLayer {
  const nowhere: Point = { address: 0, y: 0, x: 0 }
  return {
    name: layer.name,
    passes: [[[]]],
    does: 'grid',
    grid: index,
    channels: layer.groupChannels * layer.groups,
    filler: 0,
    kernel: [1, 1],
    stride: [1, 1],
    padding: [0, 0],
    inputSize: [0, 0],
    window: [1, 1],
    average: false,
    outputShape: layer.outputShape,
    outputSigned: layer.outputSigned,
    macs: layer.macs,
    positions: 1,
    taps: 0,
    filters: layer.outputShape[0],
    rowFolds: 1,
    columnFolds: 1,
    columnsLast: 1,
    interval: 1,
    intervalLast: 1,
    cyclesPartial: 0,
    cyclesFinal: 0,
    cyclesLast: waitingCycles(layer),
    inputBase: 0,
    inputModulus: 1,
    inputWords: 1,
    outputBase: 0,
    outputModulus: stored,
    outputWords: 0,
    lanes: 1,
    lanesLast: 1,
    start: nowhere,
    increments: [nowhere, nowhere, nowhere, nowhere],
    offsetCarry: 0,
    low: 0,
    high: 0,
    poolShift: 0,
    ...(merge && {
      merge: {
        codeSigned: false,
        multipliers: [0, 0] as const,
        shift: 0,
        low: 0,
        high: 0,
        readSet: 0,
        storeSets: 0,
        reciprocal: 0,
        offset: 0,
      },
    }),
    ...bases,
    accumulatorBits: 1,
    cycles: layer.cycles,
  }
}

/** Where the grid's lines find the rows of a map, and where its writer stores them. */
export function gridMaps(work: ArrayWork, mapping: RowMapping, { input, output }: SharedMaps): LayerMaps {
  const { conv, pool } = work
  const [channels, height, width] = work.input.shape
  const stride = strideOf(work)[0]
  const side = mapping.pieces * mapping.columns
  const lines = linesOf({ ...rowShape(work), stride }, side)
  return {
    input: {
      base: input.base,
      channels: 1,
      groupChannels: channels / conv.groups,
      words: channels,
      lines,
      period: mapping.rowFolds === 1 ? lines : side * stride,
      blocks: mapping.rowFolds,
      top: conv.dense ? 0 : conv.padding[0],
      height,
      width,
      rotated: input,
    },
    output: {
      base: output.base,
      ...outputLayout(work.output.shape, mapping.columns / (pool?.window[0] ?? 1)),
      rotated: output,
    },
  }
}
