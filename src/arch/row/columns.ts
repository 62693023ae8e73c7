import type { Node } from '../../hdl/module.ts'
import type { MemoryImages } from '../../plan/images.ts'
import { rowDelays } from '../../plan/row/delays.ts'
import { columnPlace } from '../../plan/row/plan.ts'
import {
  drainFields,
  parameterFields,
  postFields,
  sumPorts,
  tallest,
  windowBits,
  windowHeights,
  writerFields,
} from '../../plan/row/ports.ts'
import { rowFields } from '../../plan/row/program.ts'
import { choose, connect, type Ports, pick } from '../gates.ts'
import type { Build } from './build.ts'
import { chainEnd } from './chain-end.ts'
import { drain } from './drain.ts'
import { late } from './issue-delay.ts'
import { columnFlags, rowColumn } from './row-column.ts'
import { rowParameters } from './row-parameters.ts'

/** The accumulators at the ends of the chains, and behind them a column each. */
export function columnsOf(
  build: Build,
  images: MemoryImages,
  delayed: Ports,
  sums: readonly (readonly Node[])[],
  load: Ports,
): Ports {
  const { m, plan, wires, control, geometry } = build
  const { c } = m
  const fieldWidths = Object.fromEntries(rowFields(plan).map(({ name, width }) => [name, width]))
  const fields = (names: readonly string[]) => pick(control, 'layer_', names, 'layer_')
  const atEnd = (name: string, delay: (chain: number) => number) =>
    wires.pick(
      geometry,
      ({ chain }) => delay(chain),
      (at) => delayed[late(name, at)]!,
    )!
  const drained = m.instance(drain(plan, fieldWidths), 'u_drain', {
    ...fields(drainFields(plan)),
    layer_starts: control['layer_starts_out']!,
    sums_ready: atEnd('finish', rowDelays.sum),
    ...windowInputs(build),
  })
  const sumNames = Object.keys(sumPorts(plan))
  const reaching = (prefix: string, delay: (chain: number) => number) =>
    connect(prefix, Object.fromEntries(sumNames.map((name) => [name, atEnd(name, delay)])))
  const shared = {
    early_valid: atEnd('valid', rowDelays.early),
    ...reaching('early_', rowDelays.early),
    valid: atEnd('valid', rowDelays.sum),
    ...reaching('now_', rowDelays.sum),
    drain_now: drained['drain_now']!,
    drain_column: drained['read_column']!,
    drain_buffer: drained['read_buffer']!,
    read_buffer: drained['late_buffer']!,
  }
  const end = chainEnd(plan)
  const words = sums.map((ofChain, chain) =>
    ofChain.map((sum, j) => m.instance(end, `u_end_${chain}_${j}`, { ...shared, sum })['word']!),
  )
  const parameters = m.instance(rowParameters(plan, images, fieldWidths['sides']!), 'u_parameters', {
    ...fields(parameterFields),
    layer_starts: control['layer_starts_out']!,
    fetch: drained['fetch']!,
    ...load,
  })
  const post = postFields(plan)
  const column = rowColumn(plan, Object.fromEntries(post.map((name) => [name, fieldWidths[name]!])))
  const flags = Object.fromEntries(
    Object.keys(columnFlags).map((name) => [name, drained[name] ?? c.constant(1, 1)]),
  )
  const codes: Record<string, Node> = {}
  let above: Node | undefined
  for (let j = 0; j < plan.array.columns; j++) {
    const tall = tallest(plan) > 1
    const out = m.instance(column, `u_column_${j}`, {
      ...flags,
      ...fields(post),
      word: choose(
        c,
        drained['late_chain']!,
        words.map((ofChain) => ofChain[j]!),
      ),
      parameter_word: parameters['parameter_word']!,
      parameter_take: takesParameter(build, parameters, j),
      ...(tall
        ? {
            window_row: wires.number(
              geometry,
              Math.max(1, Math.ceil(Math.log2(tallest(plan)))),
              (l) => j % l.window[0],
            ),
            above: above ?? c.constant(0, windowBits(plan)),
          }
        : {}),
    })
    above = out['below']
    codes[`code_${j}`] = out['pooled']!
  }
  return { ...fields(writerFields(plan)), arrive: drained['vector']!, ...codes }
}

/** Whether the layer's pooling windows have so many rows, where layers differ in it. */
function windowInputs({ plan, wires, geometry }: Build): Ports {
  const heights = windowHeights(plan)
  if (heights.length === 1) return {}
  return Object.fromEntries(
    heights.map((height) => [
      `window_height_${height}`,
      wires.number(geometry, 1, ({ window }) => (window[0] === height ? 1 : 0)),
    ]),
  )
}

/** Whether a column takes the parameters that are there: those of its side. */
function takesParameter({ m, plan, wires, geometry }: Build, parameters: Ports, column: number): Node {
  const { c } = m
  const used = wires.number(geometry, 1, (layer) => (columnPlace(layer, column) === undefined ? 0 : 1))
  const taken = c.and(parameters['parameter_valid']!, used)
  const side = parameters['parameter_side']
  if (side === undefined) return taken
  const mine = wires.number(geometry, plan.widths.side, (layer) => columnPlace(layer, column)?.side ?? 0)
  return c.and(taken, c.equal(side, mine))
}
