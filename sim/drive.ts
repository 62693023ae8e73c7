import { XgenError } from '../src/base/errors.ts'
import { type AnyPlan, runCycles } from '../src/plan/any-plan.ts'
import { type Device, type Inputs, idleInputs, type Outputs } from './device.ts'
import { type Pressure, patternCycles } from './pressure.ts'

export interface ImageRun {
  /** Raw output codes in stream order (y, x, channel). */
  readonly outputs: Uint8Array
  /** Cycles from the one with `start` = 1 to the one with `done` = 1, both included. */
  readonly cycles: number
}

/** Sees every cycle once, from the one with `start` (cycle 0) to the one with `done`, before its closing clock edge. */
export type OnCycle = (cycle: number, inputs: Inputs, outputs: Outputs) => void

/** Cycles without a transfer after which a device is taken to hang, where the plan is not known. */
const longestPatience = 2 ** 26

/** Cycles that may pass between two transfers of a device that follows `plan`, whatever the pressure pattern. */
export function patienceOf(plan: AnyPlan): number {
  return runCycles(plan) + 2 * patternCycles + 16
}

/**
 * Runs one image. `codes` are raw input codes in stream order (y, x, channel). `start` is given in cycle 0, with the device
 * idle. In a cycle with `pressure.inValid` the next element is offered (from cycle 0 on), and stays offered until it is taken;
 * out_ready is `pressure.outReady`. After the cycle with `done` one more edge, with idle inputs, leaves the device idle again.
 * Throws a `check` error if nothing moves for `patience` cycles.
 */
export function runImage(
  device: Device,
  codes: Uint8Array,
  pressure: Pressure,
  onCycle?: OnCycle,
  patience = longestPatience,
): ImageRun {
  const taken: number[] = []
  const inputs = { start: true, inValid: false, inData: 0, outReady: false }
  let sent = 0
  let quiet = 0
  for (let cycle = 0; ; cycle++) {
    const outputs = device.outputs()
    inputs.start = cycle === 0
    inputs.inValid = sent < codes.length && (inputs.inValid || pressure.inValid(cycle))
    inputs.inData = inputs.inValid ? codes[sent]! : 0
    inputs.outReady = pressure.outReady(cycle)
    onCycle?.(cycle, inputs, outputs)
    if (outputs.done) {
      device.clock(idleInputs)
      return { outputs: Uint8Array.from(taken), cycles: cycle + 1 }
    }
    quiet++
    let moved = false
    if (inputs.inValid && outputs.inReady) {
      sent++
      moved = true
      quiet = 0
    }
    if (outputs.outValid && inputs.outReady) {
      taken.push(outputs.outData)
      quiet = 0
    }
    if (quiet > patience) throw hung(cycle, sent, codes.length, taken.length)
    device.clock(inputs)
    if (moved) inputs.inValid = false
  }
}

function hung(cycle: number, sent: number, elements: number, taken: number) {
  return new XgenError(
    'check',
    `the accelerator hangs: in cycle ${cycle} after start it has taken ${sent} of ${elements} input elements and given ${taken} output elements, ` +
      'and nothing has moved for longer than a whole run lasts',
    {
      where: `cycle ${cycle}`,
      hint: 'Look at "phase" in the trace: 1 waits for input, 2 computes, 3 waits for the output to be taken.',
    },
  )
}
