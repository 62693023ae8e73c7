import type { AnyPlan } from '../src/plan/any-plan.ts'
import { constantRegisters, control } from '../src/plan/registers.ts'
import type { BusRegisters } from './axi-bus.ts'

/** What the registers see of the design in one cycle. */
export interface ControlView {
  readonly busy: boolean
  readonly done: boolean
  /** The core offers an output element. */
  readonly giving: boolean
  readonly imageReady: boolean
  readonly weightsValid: boolean
  readonly weightsLoading: boolean
  /** A beat of a packet is offered. */
  readonly weightsWaiting: boolean
  /** Names of the bits of ERROR that this cycle sets. */
  readonly errors: readonly string[]
}

/** The control registers, and the decision when an inference begins. */
export interface Control {
  readonly asked: boolean
  readonly auto: boolean
  readonly restart: boolean
  readonly running: number
  readonly irq: boolean
  /** Whether an inference begins in this cycle. */
  begins(view: ControlView): boolean
  /** The registers during the edge that closes this cycle: writes take effect with `clock`. */
  at(view: ControlView): BusRegisters
  /** The edge, after the accesses. */
  clock(view: ControlView): void
  reset(): void
}

const names = control.ERROR.fields.map(({ name }) => name)

export function axiControl(plan: AnyPlan): Control {
  const constants = new Map(constantRegisters(plan).map(({ offset, value }) => [offset, value >>> 0]))
  const initial = {
    asked: false,
    auto: true,
    restart: false,
    done: false,
    output: false,
    error: 0,
    enable: 0,
    status: 0,
    running: 0,
    cycles: 0,
    images: 0,
  }
  const now = { ...initial }
  // what the write of this cycle asks for
  let write = { start: false, auto: undefined as boolean | undefined, restart: false, clear: 0, clearIrq: 0 }
  let enable: number | undefined
  const nothing = () => {
    write = { start: false, auto: undefined, restart: false, clear: 0, clearIrq: 0 }
    enable = undefined
  }
  nothing()

  const ready = (view: ControlView) =>
    view.imageReady && view.weightsValid && !view.weightsLoading && !view.weightsWaiting
  const begins = (view: ControlView) => ready(view) && (now.asked || now.auto) && !view.busy && !now.restart
  const phase = (view: ControlView) => (view.busy ? (now.output || view.giving ? 3 : 2) : now.asked ? 1 : 0)
  const bits = (...set: boolean[]) => set.reduce((word, bit, i) => word + (bit ? 2 ** i : 0), 0)

  const read = (view: ControlView, address: number): number | undefined => {
    const busy = now.asked || view.busy
    switch (address) {
      case control.CTRL.offset:
        return bits(now.asked, now.auto)
      case control.STATUS.offset:
        return (
          bits(!busy, busy, now.done) +
          16 * phase(view) +
          256 * bits(view.imageReady, view.weightsValid, view.weightsLoading)
        )
      case control.ERROR.offset:
        return now.error
      case control.IRQ_ENABLE.offset:
        return now.enable
      case control.IRQ_STATUS.offset:
        return now.status
      case control.CYCLES.offset:
        return now.cycles
      case control.RUNNING.offset:
        return now.running
      case control.IMAGES.offset:
        return now.images
      default:
        return constants.get(address)
    }
  }

  const writeLow = (view: ControlView, address: number, low: number, strobed: boolean): boolean => {
    switch (address) {
      case control.CTRL.offset: {
        const [start, restart] = [(low & 1) !== 0, (low & 4) !== 0]
        if (start && (restart || now.asked || view.busy || begins(view))) return false
        write = { ...write, start, restart, auto: strobed ? (low & 2) !== 0 : undefined }
        return true
      }
      case control.ERROR.offset:
        write = { ...write, clear: low }
        return true
      case control.IRQ_ENABLE.offset:
        if (strobed) enable = low & 3
        return true
      case control.IRQ_STATUS.offset:
        write = { ...write, clearIrq: low }
        return true
      default:
        return false
    }
  }

  return {
    get asked() {
      return now.asked
    },
    get auto() {
      return now.auto
    },
    get restart() {
      return now.restart
    },
    get running() {
      return now.running
    },
    get irq() {
      return (now.status & now.enable) !== 0
    },
    begins,
    at: (view) => ({
      // all fields that can be written lie in the lowest byte
      write: ({ address, data, strobe }) =>
        writeLow(view, address, (strobe & 1) === 1 ? data & 255 : 0, (strobe & 1) === 1),
      read: (address) => read(view, address),
    }),
    clock(view) {
      const begin = begins(view)
      const { restart } = now
      const counts = view.done && !restart
      const failed = names.reduce((word, name, i) => word + (view.errors.includes(name) ? 2 ** i : 0), 0)
      const happened = bits(view.done, failed !== 0)
      now.error = restart ? 0 : (now.error & ~write.clear) | failed
      now.status = restart ? 0 : (now.status & ~write.clearIrq) | happened
      if (counts) now.cycles = (now.running + 1) >>> 0
      if (counts) now.images = (now.images + 1) >>> 0
      now.running = begin ? 1 : (now.running + 1) >>> 0
      now.output = view.busy && (now.output || view.giving) && !restart
      now.done = !restart && (view.done || (now.done && !write.start))
      now.asked = !restart && !begin && (now.asked || write.start)
      now.restart = write.restart
      now.auto = write.auto ?? now.auto
      now.enable = enable ?? now.enable
      nothing()
    },
    reset() {
      Object.assign(now, initial)
      nothing()
    },
  }
}
