import { unsignedBits } from '../../base/integers.ts'
import { defineModule, type Module, type ModuleBuilder, type Node } from '../../hdl/module.ts'
import type { RowEngine } from '../../plan/row/plan.ts'
import { stationFields } from '../../plan/row/ports.ts'
import { all, any, equalTo, plus, resizeUnsigned } from '../gates.ts'
import { loader } from './loader.ts'
import { type LayerFields, programMemory, splitWord } from './program-memory.ts'
import { streamer } from './streamer.ts'

const phases = { idle: 0, input: 1, run: 2, output: 3 } as const

/**
 * Walks the program: a layer fills the PEs with its first pass, streams pass after pass while the next one loads, and drains. All durations come from the
 * plan, and nothing here depends on the data.
 */
export function rowSequencer(plan: RowEngine): Module {
  return defineModule(
    'row_sequencer',
    'Sequencer: walks the program, layer by layer, pass by pass; loads one pass while it streams another.\nphase: 0 idle, 1 input, 2 run, 3 output (docs/row-stationary.md).',
    (m) => {
      const { c } = m
      const start = m.input('start', 1)
      const inputWhole = m.input('input_whole', 1)
      const outputLast = m.input('output_last', 1)

      const phase = m.register('phase', 2, { reset: phases.idle })
      const inPhase = (name: keyof typeof phases) =>
        c.label(equalTo(c, phase.q, phases[name]), `phase_is_${name}`)
      const running = inPhase('run')
      const begin = c.label(c.and(inPhase('input'), inputWhole), 'begin_run')

      const { finished, layerEnds, starting, layer } = walk(m, plan, begin, running)

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
      const done = m.register('done_now', 1, { reset: 0 })
      done.next(outputLast)
      // the input map has been read where the first layer ends
      const first = m.register('in_first_layer', 1, { reset: 0 })
      first.next(any(c, begin, c.and(first.q, c.not(layerEnds))))

      m.output('done', done.q)
      m.output('busy', c.not(inPhase('idle')))
      m.output('input_begin', begin)
      m.output('input_release', c.and(first.q, layerEnds))
      m.output('output_begin', finished)
      tellStations(m, plan, starting, layer)
    },
  )
}

/** The sequencer of a grid beside an array, which says when each of its layers begins. */
export function gridSequencer(plan: RowEngine): Module {
  return defineModule(
    'row_sequencer',
    'Sequencer: walks a layer of the program, pass by pass, each time that it is begun.',
    (m) => {
      const { c } = m
      const begin = m.input('begin_layer', 1)
      const busy = m.register('busy', 1, { reset: 0 })
      const { layerEnds, starting, layer } = walk(m, plan, begin, busy.q)
      busy.next(c.or(begin, c.and(busy.q, c.not(layerEnds))))
      m.output('running', busy.q)
      tellStations(m, plan, starting, layer)
    },
  )
}

/** What the other stations follow. */
function tellStations(m: ModuleBuilder, plan: RowEngine, starting: Node, layer: LayerFields): void {
  m.output('layer_starts_out', starting)
  for (const name of stationFields(plan)) m.output(`layer_${name}`, layer[name]!)
}

/** Walks the program from `begin` on, while it is `running`; beside an array only to the end of a layer. */
function walk(m: ModuleBuilder, plan: RowEngine, begin: Node, running: Node) {
  const { c } = m
  const nextLayer = m.register('next_layer', indexOfLayers(plan), { reset: 0 })
  const fetched = programMemory(m, plan, nextLayer.q)
  const coming = splitWord(c, plan, fetched, 'coming')
  const changes = m.wire('layer_changes', 1)
  const word = m.register('layer_word', c.width(fetched))
  word.next(fetched, changes.value)
  const layer = splitWord(c, plan, word.q, 'now')

  // The length of a step: filling, streaming or draining.
  const lengthBits = unsignedBits(
    Math.max(...plan.layers.flatMap((l) => [l.cyclesFill, l.cyclesPartial, l.cyclesFinal, l.cyclesDrain])) -
      1,
  )
  const remaining = m.register('remaining', lengthBits, { reset: 0 })
  const advance = c.label(c.and(running, equalTo(c, remaining.q, 0)), 'advance')
  const loaded = m.register('pass_loaded', 1, { reset: 0 })
  const draining = m.register('draining', 1, { reset: 0 })
  const swap = c.label(c.and(advance, loaded.q), 'swap_passes')
  const drain = c.label(all(c, advance, c.not(loaded.q), c.not(draining.q)), 'drain_begins')
  const layerEnds = c.label(all(c, advance, c.not(loaded.q), draining.q), 'layer_ends')
  const finished = c.label(c.and(layerEnds, layer['last_layer']!), 'finished')
  const onward = c.label(
    plan.rotation === undefined ? any(c, begin, c.and(layerEnds, c.not(layer['last_layer']!))) : begin,
    'next_layer_begins',
  )
  changes.drive(onward)
  const starting = m.register('layer_starts', 1, { reset: 0 })
  starting.next(onward)
  nextLayer.next(
    c.mux(finished, c.constant(0, c.width(nextLayer.q)), plus(c, nextLayer.q, 1)),
    any(c, onward, finished),
  )

  const pass = loader(m, plan, layer, starting.q, swap)
  loaded.next(any(c, onward, c.and(loaded.q, c.not(c.and(swap, pass.ends)))))
  draining.next(c.mux(advance, drain, draining.q))
  const cycles = (fields: LayerFields, name: string) =>
    resizeUnsigned(c, fields[`cycles_${name}`]!, lengthBits)
  const length = c.mux(
    onward,
    cycles(coming, 'fill'),
    c.mux(
      swap,
      c.mux(pass.last, cycles(layer, 'final'), cycles(layer, 'partial')),
      c.mux(drain, cycles(layer, 'drain'), plus(c, remaining.q, -1)),
    ),
  )
  remaining.next(c.label(length, 'remaining_next'), any(c, begin, running))
  streamer(m, plan, layer, pass, swap, drain, advance)
  return { finished, layerEnds, starting: starting.q, layer }
}

const indexOfLayers = (plan: RowEngine) => Math.max(1, Math.ceil(Math.log2(plan.memories.programWords)))
