import type { AnyPlan } from '../src/plan/any-plan.ts'
import { control, okay, slaveError } from '../src/plan/registers.ts'
import { axiLayout, type Channel, channels } from './axi-ports.ts'
import { type Port, portsByName, portValue } from './ports.ts'

/** A rule of the AXI specifications (AMBA AXI and ACE IHI 0022, AXI4-Stream IHI 0051), or of the design's documentation. */
export interface Rule {
  readonly name: string
  readonly text: string
}

export const rules = {
  'valid held': { name: 'valid held', text: 'VALID stays until READY' },
  'payload stable': {
    name: 'payload stable',
    text: 'a payload does not change while its VALID waits for READY',
  },
  'valid after reset': {
    name: 'valid after reset',
    text: 'VALID is 0 in the cycle behind one with aresetn = 0: it rises at an edge with aresetn = 1 at the earliest',
  },
  'response after request': {
    name: 'response after request',
    text: 'an answer comes after its request: BVALID after address and data of the write were taken, RVALID after the address',
  },
  'one response': {
    name: 'one response',
    text: 'every request has one answer, and no answer is without one',
  },
  'last element': {
    name: 'last element',
    text: 'TLAST of the output stands with the last element of an output, and no other',
  },
  'padding zero': { name: 'padding zero', text: 'bits of an output element beyond its code are 0' },
  'response code': { name: 'response code', text: 'answers are OKAY or SLVERR' },
} as const satisfies Record<string, Rule>

export type RuleName = keyof typeof rules

export interface Violation {
  readonly rule: RuleName
  readonly channel: string
  readonly cycle: number
}

export interface RuleCheck {
  /** Sees one cycle: the frame that begins at `at`. */
  take(frames: Uint32Array, at: number): void
  /** Cycles seen, transfers by channel, violations (the first hundred). */
  readonly cycles: number
  readonly transfers: Readonly<Record<string, number>>
  readonly violations: readonly Violation[]
  readonly count: number
}

/** Checks the frames of any device, those of the host too, against the rules of the protocols. */
export function axiRules(plan: AnyPlan): RuleCheck {
  const layout = axiLayout(plan)
  const portOf = portsByName(layout)
  const present = new Set(layout.ports.map(({ name }) => name))
  const watched = channels.filter(({ valid }) => present.has(valid)).map((channel) => watch(channel, portOf))
  const reset = portOf('aresetn')
  const outputData = portOf('m_axis_tdata')
  const outputLast = portOf('m_axis_tlast')
  const outputValid = portOf('m_axis_tvalid')
  const transfers: Record<string, number> = Object.fromEntries(watched.map(({ name }) => [name, 0]))
  const violations: Violation[] = []
  let cycles = 0
  let count = 0
  let resetBefore = true
  // requests that wait for their answers, and elements of the output that is given
  const open = { aw: 0, w: 0, ar: 0 }
  let elements = 0
  // the element on offer is the last one of an output that a restart has ended
  let cut = false
  const restarts = restartWatch(portOf)

  const report = (rule: RuleName, channel: string) => {
    count++
    if (violations.length < 100) violations.push({ rule, channel, cycle: cycles })
  }

  const payloadOf = (payload: readonly Port[], frames: Uint32Array, at: number) =>
    payload.map((port) => portValue(frames, at, port))

  const checkAnswers = (name: string, valid: boolean, moved: boolean, response: number) => {
    const requested = name === 'b' ? Math.min(open.aw, open.w) : open.ar
    if (valid && requested === 0) report('response after request', name)
    if (valid && response !== okay && response !== slaveError) report('response code', name)
    if (!moved) return
    if (name === 'b') {
      open.aw--
      open.w--
    } else open.ar--
    if (open.aw < 0 || open.w < 0 || open.ar < 0) {
      report('one response', name)
      for (const key of ['aw', 'w', 'ar'] as const) open[key] = Math.max(0, open[key])
    }
  }

  const checkOutput = (frames: Uint32Array, at: number, moved: boolean, valid: boolean) => {
    if (valid && portValue(frames, at, outputData) >= 2 ** plan.output.bits) report('padding zero', 'output')
    if (!moved) return
    const last = portValue(frames, at, outputLast) === 1
    elements++
    const final = elements === plan.output.elements
    if (last !== final) report('last element', 'output')
    if (last || final || cut) elements = 0
    cut = false
  }

  return {
    get cycles() {
      return cycles
    },
    transfers,
    violations,
    get count() {
      return count
    },
    take(frames, at) {
      const inReset = portValue(frames, at, reset) === 0
      if (inReset) {
        open.aw = open.w = open.ar = elements = 0
        cut = false
      }
      if (restarts(frames, at)) {
        cut = portValue(frames, at, outputValid) === 1
        if (!cut) elements = 0
      }
      const requests = { aw: 0, w: 0, ar: 0 }
      for (const one of watched) {
        const valid = portValue(frames, at, one.valid) === 1
        const ready = portValue(frames, at, one.ready) === 1
        const moved = valid && ready && !inReset
        const payload = payloadOf(one.payload, frames, at)
        if (valid && resetBefore) report('valid after reset', one.name)
        if (!resetBefore && !inReset && one.waiting) {
          if (!valid) report('valid held', one.name)
          else if (payload.some((value, i) => value !== one.held[i])) report('payload stable', one.name)
        }
        one.waiting = valid && !ready && !inReset
        one.held = payload
        if (moved) transfers[one.name]!++
        if (moved && (one.name === 'aw' || one.name === 'w' || one.name === 'ar')) requests[one.name]++
        if (inReset) continue
        if (one.name === 'b' || one.name === 'r') checkAnswers(one.name, valid, moved, payload.at(-1)!)
        if (one.name === 'output') checkOutput(frames, at, moved, valid)
      }
      // counted behind the answers: an answer in the cycle of its request comes too early
      for (const key of ['aw', 'w', 'ar'] as const) open[key] += requests[key]
      resetBefore = inReset
      cycles++
    },
  }
}

interface WatchedChannel {
  readonly name: string
  readonly valid: Port
  readonly ready: Port
  readonly payload: readonly Port[]
  waiting: boolean
  held: readonly number[]
}

const watch = ({ name, valid, ready, payload }: Channel, portOf: (name: string) => Port): WatchedChannel => ({
  name,
  valid: portOf(valid),
  ready: portOf(ready),
  payload: payload.map(portOf),
  waiting: false,
  held: [],
})

/**
 * Sees the cycles in which the design restarts: those in which the good answer to a write of CTRL.restart is given for the first time. A restart
 * ends an output without TLAST (docs/axi.md).
 */
function restartWatch(portOf: (name: string) => Port): (frames: Uint32Array, at: number) => boolean {
  const ports = Object.fromEntries(
    ['awvalid', 'awready', 'awaddr', 'wvalid', 'wready', 'wdata', 'wstrb', 'bvalid', 'bready', 'bresp'].map(
      (name) => [name, portOf(`s_axi_ctrl_${name}`)],
    ),
  )
  const reset = portOf('aresetn')
  const { offset, fields } = control.CTRL
  const bit = fields.find(({ name }) => name === 'restart')!.low
  let addresses: number[] = []
  let asks: boolean[] = []
  let answered = false
  return (frames, at) => {
    const value = (name: string) => portValue(frames, at, ports[name]!)
    if (portValue(frames, at, reset) === 0) {
      addresses = []
      asks = []
      answered = false
      return false
    }
    let restarts = false
    if (value('bvalid') === 1 && !answered) {
      const [address, ask] = [addresses.shift(), asks.shift()]
      restarts = address === offset && ask === true && value('bresp') === okay
    }
    answered = value('bvalid') === 1 && value('bready') === 0
    if (value('awvalid') === 1 && value('awready') === 1) addresses.push(value('awaddr') & ~3)
    if (value('wvalid') === 1 && value('wready') === 1)
      asks.push(((value('wdata') >>> bit) & 1) === 1 && (value('wstrb') & 1) === 1)
    return restarts
  }
}
