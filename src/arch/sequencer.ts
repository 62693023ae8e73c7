import { unsignedBits } from '../base/integers.ts'
import type { Comb } from '../comb/comb.ts'
import { defineModule, type Module, type ModuleBuilder, type Node } from '../hdl/module.ts'
import type { Plan } from '../plan/plan.ts'
import { releaseLayer } from '../plan/program.ts'
import { any, equalTo, plus, resizeUnsigned } from './gates.ts'
import { type LoadingFold, loader, type Run } from './loader.ts'
import { type LayerStarts, streamer } from './streamer.ts'

const phases = { idle: 0, input: 1, run: 2, output: 3 } as const

/**
 * Walks the program: while one fold is streamed, the next one's rows load. A step lasts until both are done; all durations
 * come from the Plan, and nothing here depends on the data.
 */
export function sequencer(plan: Plan): Module {
  return defineModule(
    'sequencer',
    'Sequencer: walks the program, layer by layer, fold by fold; loads one fold while it streams another.\nphase: 0 idle, 1 input, 2 run, 3 output (docs/weight-stationary.md).',
    (m) => {
      const { c } = m
      const start = m.input('start', 1)
      const inputWhole = m.input('input_whole', 1)
      const outputLast = m.input('output_last', 1)

      const phase = m.register('phase', 2, { reset: phases.idle })
      const inPhase = (name: keyof typeof phases) =>
        c.label(equalTo(c, phase.q, phases[name]), `phase_is_${name}`)
      const running = inPhase('run')
      const stepBits = unsignedBits(
        Math.max(
          plan.array.rows,
          ...plan.layers.flatMap((l) => [l.cyclesPartial, l.cyclesFinal, l.cyclesLast]),
        ),
      )
      const remaining = m.register('remaining', stepBits, { reset: 0 })
      const advance = c.label(c.and(running, equalTo(c, remaining.q, 0)), 'advance')
      const begin = c.label(c.and(inPhase('input'), inputWhole), 'begin_run')

      const loading = m.wire('swap_folds', 1)
      const run: Run = { begin, advance, swap: loading.value, last: m.wire('last_fold_loads', 1) }
      const fold = loader(m, plan, run)
      loading.drive(c.and(advance, fold.valid))
      const finished = c.label(c.and(advance, c.not(fold.valid)), 'finished')
      const layerStarts = streamer(m, plan, run, fold)

      const state = (value: number) => c.constant(value, 2)
      phase.next(
        c.label(
          c.mux(
            c.and(inPhase('idle'), start),
            state(phases.input),
            c.mux(
              begin,
              state(phases.run),
              c.mux(finished, state(phases.output), c.mux(outputLast, state(phases.idle), phase.q)),
            ),
          ),
          'phase_next',
        ),
      )
      const needed = c.label(stepLength(c, stepBits, fold), 'step_length')
      const counted = c.label(
        c.mux(
          run.swap,
          needed,
          // the first step is one cycle longer than its rows: the next program word is fetched meanwhile
          c.mux(begin, resizeUnsigned(c, fold.rowsAtBegin, stepBits), plus(c, remaining.q, -1)),
        ),
        'remaining_next',
      )
      remaining.next(counted, any(c, begin, running))
      const done = m.register('done_now', 1, { reset: 0 })
      done.next(outputLast)

      m.output('done', done.q)
      m.output('busy', c.not(inPhase('idle')))
      m.output('input_awaited', inPhase('input'))
      m.output('input_begin', begin)
      m.output('input_release', inputRead(m, plan, begin, finished, layerStarts))
      m.output('output_begin', finished)
    },
  )
}

/** The layer behind the last one that reads the input map begins to stream, or the run ends. */
function inputRead(m: ModuleBuilder, plan: Plan, begin: Node, finished: Node, starts: LayerStarts): Node {
  const layer = releaseLayer(plan)
  if (layer === plan.layers.length) return finished
  return starts.release ?? secondLayer(m, begin, starts.any)
}

/** The second layer begins to stream. */
function secondLayer(m: ModuleBuilder, begin: Node, layerStart: Node): Node {
  const { c } = m
  const ahead = (name: string, set: Node, pass: Node) => {
    const register = m.register(name, 1, { reset: 0 })
    register.next(c.or(set, c.and(register.q, c.not(pass))))
    return c.label(c.and(register.q, pass), `${name}_ends`)
  }
  const first = ahead('before_first_layer', begin, layerStart)
  return ahead('before_second_layer', first, layerStart)
}

/** Cycles - 1 of the step that streams the fold loaded now and loads the one after it. */
function stepLength(c: Comb<Node>, bits: number, { layer, last, columnLast, rowsNext }: LoadingFold): Node {
  const cycles = (name: string) => resizeUnsigned(c, layer[name]!, bits)
  const streaming = c.label(
    c.mux(last, c.mux(columnLast, cycles('cycles_last'), cycles('cycles_final')), cycles('cycles_partial')),
    'stream_cycles',
  )
  const rows = resizeUnsigned(c, rowsNext, bits)
  return plus(c, c.mux(c.less(streaming, rows), rows, streaming), -1)
}
