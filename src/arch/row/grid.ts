import { bit } from '../../comb/derived.ts'
import type { Node } from '../../hdl/module.ts'
import type { MemoryImages } from '../../plan/images.ts'
import { rowDelays } from '../../plan/row/delays.ts'
import { chainPlace, columnPlace, type RowLayer, tapOf } from '../../plan/row/plan.ts'
import { loadPorts, selectPorts } from '../../plan/row/ports.ts'
import { hasSides, kernelFolded, partial } from '../../plan/row/program.ts'
import { coreOf } from '../../plan/tile.ts'
import { all, any, choose, equalTo, type Ports, pick, resizeUnsigned } from '../gates.ts'
import type { Build } from './build.ts'
import { late } from './issue-delay.ts'
import { exitRows, rowTile } from './row-tile.ts'
import { weightLanes } from './weight-lanes.ts'

/** The tiles, fed by the lines and the weight lanes; the sums at the ends of the chains, [chain][column]. A tile without work sums to 0, so they are OR-ed. */
export function tilesOf(
  build: Build,
  images: MemoryImages,
  delayed: Ports,
  lines: readonly Ports[],
  load: Ports,
): Node[][] {
  const { m, plan, wires, control, geometry } = build
  const { c } = m
  const lanes = m.instance(weightLanes(plan, images), 'u_weights', {
    geometry,
    read: control['load']!,
    address: control['weight_address']!,
    ...pick(control, 'load_', Object.keys(loadPorts(plan)), 'load_'),
    ...load,
  })
  const rows = Array.from({ length: plan.array.rows }, (_, row) => rowControl(build, delayed, row))
  const taps = rows.map(({ fold }, row) =>
    Array.from({ length: plan.array.columns }, (_, column) => tapNode(build, lines, row, column, fold)),
  )
  const columns = Array.from({ length: plan.array.columns }, (_, column): Ports => {
    const used = wires.number(geometry, 1, (layer) => (columnPlace(layer, column) === undefined ? 0 : 1))
    const side = wires.number(geometry, plan.widths.side, (layer) => columnPlace(layer, column)?.side ?? 0)
    return { used, ...(plan.layers.some(hasSides) ? { side } : {}) }
  })
  const outputs = plan.tiles.map((tile, t) => {
    const multiplier = coreOf(tile)
    const { nA, nB } = multiplier.domain
    const ofRows = rows.flatMap(({ active, tiles, select, begins }, i) => {
      const mine = tiles === undefined ? active : c.and(active, bit(c, tiles, t))
      const valid = lanes[`valid_${i}`] ?? c.constant(0, 1)
      const loadTile = lanes[`tile_${i}`]
      const weight = lanes[`weight_${i}`]
      const word: [string, Node][] = [
        ...Object.keys(loadPorts(plan)).flatMap((name): [string, Node][] =>
          name === 'tile'
            ? []
            : [[`load_${name}_${i}`, lanes[`${name}_${i}`] ?? c.constant(0, loadPorts(plan)[name]!)]],
        ),
        [`weight_${i}`, weight === undefined ? c.constant(0, nB) : resizeUnsigned(c, weight, nB)],
      ]
      if (plan.masked) {
        const owner = lanes[`owner_${i}`]
        word.push([`owned_${i}`, owner === undefined ? c.constant(0, 1) : equalTo(c, owner, t)])
      }
      return [
        ...(begins === undefined ? [] : [[`chain_begins_${i}`, begins] as [string, Node]]),
        [`active_${i}`, mine],
        ...Object.entries(select).map(([name, node]): [string, Node] => [`select_${name}_${i}`, node]),
        [`load_${i}`, loadTile === undefined ? valid : c.and(valid, bit(c, loadTile, t))],
        ...word,
        ...taps[i]!.map((tap, j): [string, Node] => [`activation_${i}_${j}`, resizeUnsigned(c, tap, nA)]),
      ] as [string, Node][]
    })
    const ofColumns = columns.flatMap((ports, j) =>
      Object.entries(ports).map(([name, node]): [string, Node] => [`column_${name}_${j}`, node]),
    )
    const module = rowTile(tile.name, multiplier, plan)
    return m.instance(module, `u_${tile.name}`, Object.fromEntries([...ofColumns, ...ofRows]))
  })
  return chainSums(build, outputs)
}

/** What a row of PEs is told of the product that is there. */
function rowControl({ m, plan, wires, geometry }: Build, delayed: Ports, row: number) {
  const { c } = m
  const place = (layer: RowLayer) => chainPlace(layer, row)?.row
  const after = (name: string, delay: (row: number) => number) =>
    wires.pick(geometry, place, (at) => delayed[late(name, delay(at))]!)
  const used = wires.number(geometry, 1, (layer) => (place(layer) === undefined ? 0 : 1))
  const valid = after('valid', rowDelays.work) ?? c.constant(0, 1)
  const depth = plan.layers.some(partial) ? after('depth', rowDelays.work) : undefined
  const inDepth =
    depth === undefined
      ? []
      : [
          c.less(
            wires.number(geometry, plan.widths.chain, (layer) => place(layer) ?? 0),
            depth,
          ),
        ]
  return {
    active: c.label(all(c, valid, used, ...inDepth), `row_${row}_active`),
    fold: plan.layers.some(kernelFolded) ? after('kernel_fold', rowDelays.work) : undefined,
    tiles:
      plan.tiles.length > 1 ? (after('tile', rowDelays.work) ?? c.constant(0, plan.tiles.length)) : undefined,
    select: Object.fromEntries(
      Object.entries(selectPorts(plan)).map(([name, width]) => [
        name,
        after(name, rowDelays.select) ?? c.constant(0, width),
      ]),
    ) as Ports,
    begins: row === 0 ? undefined : wires.number(geometry, 1, (layer) => (row % layer.chain === 0 ? 1 : 0)),
  }
}

/** The activation of PE (row, column): the register of the line where the layer's geometry, and the fold of a high kernel, has it. */
function tapNode(
  { m, plan, wires, geometry }: Build,
  lines: readonly Ports[],
  row: number,
  column: number,
  fold: Node | undefined,
): Node {
  const { c } = m
  const tap = (layer: RowLayer) => {
    const folds = Array.from({ length: layer.kernelFolds }, (_, h) => tapOf(layer, row, column, h))
    return folds[0] === undefined ? undefined : folds.map((found) => [found!.line, found!.stage] as const)
  }
  const node = ([line, stage]: readonly [number, number]) => lines[line]![`stage_${stage}`]!
  return (
    wires.pick(geometry, tap, (folds) =>
      folds.length === 1 || fold === undefined ? node(folds[0]!) : choose(c, fold, folds.map(node)),
    ) ?? c.constant(0, plan.widths.code)
  )
}

/** The sums of all tiles where a chain ends, by chain and column; chains that a layer has not sum to 0. */
function chainSums({ m, plan, wires, geometry }: Build, tiles: readonly Ports[]): Node[][] {
  const { c } = m
  const met = new Map(
    exitRows(plan).map((row) => [
      row,
      Array.from({ length: plan.array.columns }, (_, j) =>
        any(c, ...tiles.map((out) => out[`sum_${row}_${j}`]!)),
      ),
    ]),
  )
  const none = c.constant(0, plan.widths.accumulator)
  return Array.from({ length: plan.exits }, (_, chain) =>
    Array.from(
      { length: plan.array.columns },
      (_, j) =>
        wires.pick(
          geometry,
          (layer) => (chain < layer.chains ? (chain + 1) * layer.chain - 1 : -1),
          (row) => (row < 0 ? none : met.get(row)![j]!),
        )!,
    ),
  )
}
