import { designModel } from '../sim/design.ts'
import { patienceOf, runImage } from '../sim/drive.ts'
import { phases } from '../sim/phases.ts'
import { noPressure } from '../sim/pressure.ts'
import { invariant } from '../src/base/errors.ts'
import { seededRandom } from '../src/base/random.ts'
import { clockedModules, memoriesOf, type PlacedMemory } from '../src/hdl/hierarchy.ts'
import type { Module } from '../src/hdl/module.ts'
import { hasLogic, shellInputs, shellOf } from '../src/hdl/shell.ts'
import type { AnyPlan } from '../src/plan/any-plan.ts'
import type { MemoryImages } from '../src/plan/images.ts'
import { netlistDevice } from './netlist-device.ts'

/** A part of an inference: what comes before the run, a layer, or the output. */
export interface Window {
  readonly name: string
  readonly cycles: number
}

/** The values at one input of a module's shell, by clock edge: numbers as two's complement, BigInts above 32 bits. */
export interface PortStream {
  readonly name: string
  readonly width: number
  readonly values: Int32Array | readonly bigint[]
}

/** What one instance of a module took, edge by edge: those in reset first, then those of the inference. */
export interface InstanceStream {
  readonly path: string
  readonly ports: readonly PortStream[]
}

export interface ModuleActivity {
  readonly module: Module
  readonly instances: number
  /** Of all instances, or of some that were drawn. */
  readonly samples: readonly InstanceStream[]
}

export interface MemoryActivity extends PlacedMemory {
  /** Words read and written, by window. */
  readonly reads: readonly number[]
  readonly writes: readonly number[]
}

/** What happened in a design during one inference, part by part. */
export interface Activity {
  /** Edges in reset before the inference. */
  readonly resetEdges: number
  readonly windows: readonly Window[]
  readonly modules: readonly ModuleActivity[]
  readonly memories: readonly MemoryActivity[]
}

export interface ActivityOptions {
  /** Instances of a module that are recorded at most; they are drawn where there are more. */
  readonly samples: number
  readonly seed: number
}

/**
 * Runs one inference (`codes` in stream order) in the netlist, which does in every cycle what the cycle model does, and records what the parts of the design take
 * (`shellOf`), and what is read from and written to memories.
 */
export function recordActivity(
  { plan, images, top }: { readonly plan: AnyPlan; readonly images: MemoryImages; readonly top: Module },
  codes: Uint8Array,
  { samples, seed }: ActivityOptions,
): Activity {
  const model = designModel(plan, images)
  const patience = patienceOf(plan)
  const { cycles, outputs } = runImage(model, codes, noPressure, undefined, patience)

  const parts = clockedModules(top).filter(({ module }) => hasLogic(shellOf(module)))
  const recorded = parts.map(({ module, paths }) => ({
    module,
    instances: paths.length,
    recorders: drawn(paths, samples, seed).map((path) => recorder(module, path, cycles + longestReset)),
  }))
  const device = netlistDevice(top, [{ path: 'u_sequencer.phase' }], {
    watches: recorded.flatMap(({ recorders }) => recorders),
    countAccesses: true,
  })
  const resetEdges = recorded[0]!.recorders[0]!.edges()
  const phase = new Uint32Array(1)
  const entered = new Map<number, number>()
  const starts = () => layerStarts(model.events.layers, entered.get(phases.run)!)
  const snapshots: ReturnType<typeof device.accesses>[] = []
  const boundaries: number[] = []
  const run = runImage(
    device,
    codes,
    noPressure,
    (cycle) => {
      device.probes(phase)
      if (!entered.has(phase[0]!)) entered.set(phase[0]!, cycle)
      const begins =
        cycle === 0 ||
        entered.get(phases.output) === cycle ||
        (entered.has(phases.run) && starts().includes(cycle))
      if (!begins || boundaries.at(-1) === cycle) return
      boundaries.push(cycle)
      snapshots.push(device.accesses())
    },
    patience,
  )
  invariant(
    run.cycles === cycles && Buffer.compare(run.outputs, outputs) === 0,
    'the netlist did not do in this inference what the cycle model does',
  )
  snapshots.push(device.accesses())
  boundaries.push(cycles)
  const names = ['input', ...plan.layers.map(({ name }) => name), 'output']
  invariant(boundaries.length === names.length + 1, 'an inference has other parts than its layers')
  const difference = (memory: number, what: 'reads' | 'writes') =>
    names.map((_, i) => snapshots[i + 1]![memory]![what] - snapshots[i]![memory]![what])
  return {
    resetEdges,
    windows: names.map((name, i) => ({ name, cycles: boundaries[i + 1]! - boundaries[i]! })),
    modules: recorded.map(({ module, instances, recorders }) => ({
      module,
      instances,
      samples: recorders.map(({ stream }) => stream(resetEdges + cycles)),
    })),
    memories: memoriesOf(top).map((memory, i) => ({
      ...memory,
      reads: difference(i, 'reads'),
      writes: difference(i, 'writes'),
    })),
  }
}

/** A layer begins with its first activation, but the first one with the run. */
const layerStarts = (
  layers: readonly { readonly firstActivation: number }[],
  run: number,
): readonly number[] => layers.map(({ firstActivation }, i) => (i === 0 ? run : run + firstActivation))

/** A device is taken out of reset before the inference; a few edges, for which recorders have room. */
const longestReset = 16

/** Some of the paths, all where there are no more than `count`: the same ones each time. */
function drawn(paths: readonly string[], count: number, seed: number): readonly string[] {
  if (paths.length <= count) return paths
  return [...seededRandom(seed).permutation(paths.length).subarray(0, count)]
    .sort((a, b) => a - b)
    .map((i) => paths[i]!)
}

function recorder(module: Module, path: string, edges: number) {
  const inputs = [
    ...shellInputs(module).map(({ name, width }) => ({ name: name!, width })),
    ...(module.reset ? [{ name: module.resetName, width: 1 }] : []),
  ]
  const streams = inputs.map(({ width }) =>
    width > 32 ? new Array<bigint>(edges).fill(0n) : new Int32Array(edges),
  )
  let edge = 0
  return {
    path,
    edges: () => edge,
    onEdge(values: readonly (number | bigint)[]) {
      for (let i = 0; i < values.length; i++) streams[i]![edge] = values[i]!
      edge++
    },
    stream: (length: number): InstanceStream => ({
      path,
      ports: inputs.map(({ name, width }, i) => ({ name, width, values: streams[i]!.slice(0, length) })),
    }),
  }
}
