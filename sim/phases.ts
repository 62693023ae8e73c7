import type { Device, Inputs } from './device.ts'
import type { EventCounter, RunEvents } from './events.ts'
import type { InputStream, OutputStream } from './streams.ts'

/** The values of the register `phase` (docs/weight-stationary.md), whatever the dataflow. */
export const phases = { idle: 0, input: 1, run: 2, output: 3 } as const

/** The cycle model of a design, with what it saw of the last image. */
export interface CycleModel extends Device {
  readonly events: RunEvents
  /** One rising clock edge; with `resetting` it is one at which the reset is active. */
  clock(inputs: Inputs, resetting?: boolean): void
}

/** What computes: all stations between the input map and the output map. */
export interface Engine {
  /** Begins a run: the next edge closes run cycle 0. */
  begin(): void
  /** One edge of all stations. */
  clock(): void
  /** Whether that edge closed the last cycle of the run. */
  finished(): boolean
  /** Whether the run has read the input map from there on. */
  inputRead(): boolean
  /** Whether the writer stores in the next cycle: it goes before the host. */
  storing(): boolean
  /** What the reset clears behind its edge; all other registers have taken their values as at any edge. */
  reset(): void
}

interface Surroundings {
  /** [phase]. */
  readonly phase: Int32Array
  readonly input: InputStream
  readonly output: OutputStream
  readonly counter: EventCounter
  readonly probes: Device['probes']
}

/** An engine behind the native interface: takes the input map, runs, and offers the output map. */
export function nativeModel(
  engine: Engine,
  { phase, input, output, counter, probes }: Surroundings,
): CycleModel {
  const outputs = { busy: false, done: false, inReady: false, outValid: false, outData: 0, outLast: false }
  let done = false
  const takes = () => input.open && !engine.storing()

  /** The phase that follows; the stations have been clocked. */
  const next = (inputs: Inputs): number => {
    switch (phase[0]) {
      case phases.idle:
        if (!inputs.start) return phases.idle
        counter.begin()
        return phases.input
      case phases.input:
        if (!input.full) return phases.input
        input.begin()
        engine.begin()
        return phases.run
      case phases.run:
        if (!engine.finished()) return phases.run
        output.begin()
        return phases.output
      default:
        done = output.clock(inputs)
        return done ? phases.idle : phases.output
    }
  }

  return {
    get events() {
      return counter.snapshot()
    },
    outputs() {
      outputs.busy = phase[0] !== phases.idle
      outputs.done = done
      outputs.inReady = takes()
      outputs.outValid = output.state[0] === 1
      outputs.outData = outputs.outValid ? output.data() : 0
      outputs.outLast = output.last()
      return outputs
    },
    probes,
    clock(inputs, resetting = false) {
      done = false
      const taking = inputs.inValid && takes()
      engine.clock()
      if (taking) input.take(inputs)
      if (engine.inputRead()) input.release()
      counter.passed(phase[0]!)
      phase[0] = next(inputs)
      if (!resetting) return
      phase[0] = phases.idle
      done = false
      engine.reset()
      input.reset()
      output.reset()
    },
  }
}
