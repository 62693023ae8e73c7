import { buildAssignment } from '../src/approx/build.ts'
import { createEmulator } from '../src/emu/emulator.ts'
import type { QConv, QGraph, QTensor } from '../src/quant/qgraph.ts'
import { specOf } from './multipliers.ts'
import { outputSize, type Problem, tableOfFilter } from './problems.ts'

const name = 'layer'
const multiplier = 45000

/** The shift that makes the largest sum a code just below the largest one: each code is compared, and none is clamped. */
function shiftFor(sums: Int32Array): number {
  const largest = sums.reduce((most, sum) => Math.max(most, Math.abs(sum)), 1)
  return Math.ceil(Math.log2((largest * multiplier) / 127))
}

/** The problem as a network of one layer, whose sums are known. */
export function layerGraph({ shape, weights }: Problem, sums: Int32Array): QGraph {
  const { filters, channels, height, width, kernel, stride, padding } = shape
  const { rows, columns } = outputSize(shape)
  const tensor = (size: QTensor['shape']): QTensor => ({
    shape: size,
    bits: 8,
    signed: true,
    scale: 1 / 64,
    zeroPoint: 0,
  })
  const node: QConv = {
    kind: 'conv',
    name,
    dense: false,
    input: 'input',
    output: name,
    kernel: [kernel, kernel],
    stride: [stride, stride],
    padding: [padding, padding, padding, padding],
    groups: 1,
    weightBits: 8,
    weights,
    bias: new Int32Array(filters),
    multiplier: new Uint16Array(filters).fill(multiplier),
    shift: new Uint8Array(filters).fill(shiftFor(sums)),
    low: -128,
    high: 127,
  }
  return {
    name,
    input: 'input',
    output: name,
    tensors: { input: tensor([channels, height, width]), [name]: tensor([filters, rows, columns]) },
    nodes: [node],
  }
}

/** The emulator on that network: codes in, codes out. */
export function layerEmulator(problem: Problem, sums: Int32Array) {
  const graph = layerGraph(problem, sums)
  const { tables } = problem
  const entries = Array.from({ length: problem.shape.filters }, (_, n) => ({
    selector: `${name}[${n}]`,
    spec: specOf(tables[tableOfFilter(tables, n)]!),
  }))
  const assignment = buildAssignment(graph, entries)
  const emulator = createEmulator(graph, assignment)
  return () => emulator.result(problem.activations, problem.images)
}

/** The layer's codes: floor((sum * multiplier + 2^(shift-1)) / 2^shift), by numbers that hold the products exactly. */
export function expectedCodes(sums: Int32Array): Int8Array {
  const unit = 2 ** shiftFor(sums)
  return Int8Array.from(sums, (sum) => Math.floor((sum * multiplier + unit / 2) / unit))
}
