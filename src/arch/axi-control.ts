import type { Comb } from '../comb/comb.ts'
import { bit, gate, reduceOr } from '../comb/derived.ts'
import { defineModule, type Module, type ModuleBuilder, type Node } from '../hdl/module.ts'
import type { AnyPlan } from '../plan/any-plan.ts'
import { type ControlField, constantRegisters, control } from '../plan/registers.ts'
import { registerIndexBits } from './axi-lite-port.ts'
import { all, any, equalTo, plus } from './gates.ts'

/**
 * The control registers (src/plan/registers.ts), and the decision when an inference begins: with the core idle, a whole image there, good
 * weights, and asked for or in auto-restart.
 */
export function axiControl(plan: AnyPlan): Module {
  return defineModule('axi_control', 'Control registers, and when an inference begins.', (m) => {
    const { c } = m
    const write = writeAccess(m)
    const readIndex = m.input('read_index', registerIndexBits)
    const coreBusy = m.input('core_busy', 1)
    const coreDone = m.input('core_done', 1)
    const giving = m.input('giving', 1)
    const imageReady = m.input('image_ready', 1)
    const errors = Object.fromEntries(errorNames(plan).map((name) => [name, m.input(name, 1)]))
    const weightsValid = plan.reload ? m.input('weights_valid', 1) : c.constant(1, 1)
    const weightsLoading = plan.reload ? m.input('weights_loading', 1) : c.constant(0, 1)
    // a packet goes before the next inference
    const weightsWaiting = plan.reload ? m.input('weights_waiting', 1) : c.constant(0, 1)

    const bitRegister = (name: string, reset: 0 | 1 = 0) => m.register(name, 1, { reset })
    const asked = bitRegister('start_asked')
    const auto = bitRegister('auto_restart', 1)
    const restart = bitRegister('restart')
    const done = bitRegister('done')
    const output = bitRegister('output_phase')

    const ready = all(c, imageReady, weightsValid, c.not(weightsLoading), c.not(weightsWaiting))
    const begin = c.label(
      all(c, ready, c.or(asked.q, auto.q), c.not(coreBusy), c.not(restart.q)),
      'begin_now',
    )
    const busy = c.label(c.or(asked.q, coreBusy), 'busy')

    // CTRL: nothing happens at all where the write is refused
    const ctrl = control.CTRL.fields.map((field) => write.bit(field))
    const [start, , soft] = ctrl as [Node, Node, Node]
    const atControl = write.at(control.CTRL.offset)
    const wrongStart = c.label(all(c, atControl, start, any(c, busy, begin, soft)), 'wrong_start')
    const takeControl = c.label(all(c, write.now, atControl, c.not(wrongStart)), 'take_control')
    const byControl = (value: Node) => c.and(takeControl, value)
    auto.next(ctrl[1]!, c.and(takeControl, write.strobe(control.CTRL.fields[1])))
    const softNow = c.label(byControl(soft), 'restart_now')
    const startNow = c.label(byControl(start), 'start_now')
    restart.next(softNow)
    asked.next(all(c, c.or(asked.q, startNow), c.not(begin), c.not(restart.q)))
    done.next(c.and(c.or(coreDone, c.and(done.q, c.not(startNow))), c.not(restart.q)))
    output.next(all(c, coreBusy, c.or(output.q, giving), c.not(restart.q)))

    // sticky bits: set goes before clear, a restart before both
    const sticky = (name: string, set: Node, offset: number, field: ControlField) => {
      const register = bitRegister(name)
      const clear = all(c, write.now, write.at(offset), write.bit(field))
      register.next(c.and(c.or(set, c.and(register.q, c.not(clear))), c.not(restart.q)))
      return register.q
    }
    const { ERROR, IRQ_ENABLE, IRQ_STATUS } = control
    const failed = ERROR.fields.map((field) =>
      errors[field.name] === undefined
        ? c.constant(0, 1)
        : sticky(`error_${field.name}`, errors[field.name]!, ERROR.offset, field),
    )
    const anyError = c.label(any(c, ...Object.values(errors)), 'any_error')
    const happened = [
      sticky('irq_done', coreDone, IRQ_STATUS.offset, IRQ_STATUS.fields[0]),
      sticky('irq_error', anyError, IRQ_STATUS.offset, IRQ_STATUS.fields[1]),
    ]
    const enabled = IRQ_ENABLE.fields.map((field) => {
      const register = bitRegister(`irq_enable_${field.name}`)
      const take = all(c, write.now, write.at(IRQ_ENABLE.offset), write.strobe(field))
      register.next(write.bit(field), take)
      return register.q
    })

    const running = m.register('running', 32, { reset: 0 })
    running.next(c.mux(begin, c.constant(1, 32), plus(c, running.q, 1)))
    const cycles = m.register('cycles', 32, { reset: 0 })
    cycles.next(plus(c, running.q, 1), c.and(coreDone, c.not(restart.q)))
    const images = m.register('images', 32, { reset: 0 })
    images.next(plus(c, images.q, 1), c.and(coreDone, c.not(restart.q)))

    const phase = c.cat(coreBusy, c.mux(coreBusy, c.or(output.q, giving), asked.q))
    const values: Record<keyof typeof control, Node> = {
      CTRL: fieldsWord(c, control.CTRL.fields, [asked.q, auto.q, c.constant(0, 1)]),
      STATUS: fieldsWord(c, control.STATUS.fields, [
        c.not(busy),
        busy,
        done.q,
        phase,
        imageReady,
        weightsValid,
        weightsLoading,
      ]),
      ERROR: fieldsWord(c, ERROR.fields, failed),
      IRQ_ENABLE: fieldsWord(c, IRQ_ENABLE.fields, enabled),
      IRQ_STATUS: fieldsWord(c, IRQ_STATUS.fields, happened),
      CYCLES: cycles.q,
      RUNNING: running.q,
      IMAGES: images.q,
    }
    const words = [
      ...Object.entries(control).map(
        ([name, { offset }]) => [offset, values[name as keyof typeof control]] as const,
      ),
      ...constantRegisters(plan).map(({ offset, value }) => [offset, c.constant(value, 32)] as const),
    ]
    const reads = words.map(([offset, value]) => [atWord(c, readIndex, offset), value] as const)
    const known = c.label(any(c, ...reads.map(([here]) => here)), 'read_known')

    m.output(
      'write_error',
      c.or(c.not(any(c, ...writable.map(({ offset }) => write.at(offset)))), wrongStart),
    )
    m.output('read_data', any(c, ...reads.map(([here, value]) => gate(c, value, here))))
    m.output('read_error', c.not(known))
    m.output('begin_run', begin)
    m.output('restart_core', restart.q)
    m.output('irq', reduceOr(c, c.and(c.cat(...happened), c.cat(...enabled))))
  })
}

const writable = Object.values(control).filter(({ access }) => access !== 'RO')

/** The errors that a design can have. */
export const errorNames = (plan: AnyPlan): readonly string[] =>
  control.ERROR.fields.map(({ name }) => name).filter((name) => plan.reload || !name.startsWith('weights_'))

const atWord = (c: Comb<Node>, index: Node, offset: number) => equalTo(c, index, offset / 4)

/** The write that the bus port hands over. */
function writeAccess(m: ModuleBuilder) {
  const { c } = m
  const now = m.input('write', 1)
  const index = m.input('write_index', registerIndexBits)
  const data = m.input('write_data', 32)
  const strobe = m.input('write_strobe', 4)
  const strobeOf = ({ low }: ControlField) => bit(c, strobe, Math.floor(low / 8))
  return {
    now,
    at: (offset: number) => atWord(c, index, offset),
    /** Whether the write has the byte of a field. */
    strobe: strobeOf,
    /** The bit written, 0 where its byte is not. */
    bit: (field: ControlField) => c.and(bit(c, data, field.low), strobeOf(field)),
  }
}

/** A register's word: its fields in their places, lowest first, 0 between them. */
function fieldsWord(c: Comb<Node>, fields: readonly ControlField[], values: readonly Node[]): Node {
  let word: Node | undefined
  let width = 0
  const put = (node: Node) => {
    word = word === undefined ? node : c.cat(node, word)
    width += c.width(node)
  }
  for (const [i, { low }] of fields.entries()) {
    if (low > width) put(c.constant(0, low - width))
    put(values[i]!)
  }
  return c.zeroExtend(word!, 32)
}
