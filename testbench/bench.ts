import { designModel } from '../sim/design.ts'
import type { Module } from '../src/hdl/module.ts'
import { type AnyPlan, inferenceCycles } from '../src/plan/any-plan.ts'
import type { MemoryImages } from '../src/plan/images.ts'
import type { RuleCheck } from './axi-rules.ts'
import { nativeFrames } from './frame.ts'
import { type Cycle, drive, harvest } from './host.ts'
import { netlistDevice } from './netlist-device.ts'
import type { FrameDevice } from './ports.ts'
import { type Stimulus, simulatorInput, stallFree } from './stimulus.ts'
import { type Harness, nativeHarness } from './verilator.ts'
import { type Watch, watchOf } from './watch.ts'

/** What a run gave, as its frames tell. */
export interface Harvest {
  /** Raw output codes of each image, in stream order. */
  readonly outputs: readonly Uint8Array[]
  /** Cycles of those inferences that take as many as the plan says (`Bench.planned`). */
  cycles(): readonly number[]
  take(frames: Uint32Array, at: number): void
}

/** What the verification of a design must know of its interface: how it is driven, watched and timed. */
export interface Bench {
  readonly watch: Watch
  readonly harness: Harness
  /** What the harness does, as bytes, and the number of parts that it announces. */
  readonly simulatorInput: { readonly bytes: Uint8Array; readonly parts: number }
  readonly images: number
  /** Cycles of one inference by the plan, and of which. */
  readonly planned: { readonly cycles: number; readonly which: string }
  /** The model, driven by the host. */
  reference(): Generator<Cycle, void>
  netlist(top: Module): FrameDevice
  harvest(): Harvest
  /** The rules of the interface's protocols, where it has any that frames can break. */
  readonly rules?: () => RuleCheck
}

export function nativeBench(plan: AnyPlan, images: MemoryImages, stimulus: Stimulus): Bench {
  const watch = watchOf(plan)
  const timed = (image: number) => !stimulus.ahead[image] && stallFree(stimulus, image)
  return {
    watch,
    harness: nativeHarness,
    simulatorInput: simulatorInput(stimulus),
    images: stimulus.images.length,
    planned: { cycles: inferenceCycles(plan), which: 'without stalls, not sent ahead' },
    reference: () => drive(designModel(plan, images), stimulus, watch.probes.length),
    netlist: (top) => nativeFrames(netlistDevice(top, watch.probes)),
    harvest() {
      const { outputs, cycles, take } = harvest()
      return { outputs, take, cycles: () => cycles.filter((_, image) => timed(image)) }
    },
  }
}
