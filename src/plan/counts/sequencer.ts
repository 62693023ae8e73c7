import { indexBits, unsignedBits } from '../../base/integers.ts'
import type { Plan, PlanLayer } from '../plan.ts'
import { movesWindows, passBits, passFields, programBits, programFields, releaseLayer } from '../program.ts'
import { layerSize, rowsVary } from '../size.ts'
import { channelStepAdders, channelStepBits } from './channel-step.ts'
import { type Holdings, type ModuleCount, moduleCount, type Quantity } from './module-count.ts'

/** src/arch/sequencer.ts and the parts that are built into it. */
export function sequencer(plan: Plan): ModuleCount {
  const parts = [
    phases(plan),
    loader(plan),
    passMemory(plan),
    weightCounter(plan),
    tapPlace(plan),
    channelWindow(plan),
    streamer(plan),
  ]
  const all = (quantity: Quantity) => Object.assign({}, ...parts.map((part) => part[quantity] ?? {}))
  return moduleCount('sequencer', 1, 'control', {
    adders: all('adders'),
    registers: all('registers'),
    memoryBits: all('memoryBits'),
  })
}

/** Bits of a counter that reaches the largest such value of any layer. */
const largest = ({ layers }: Plan, value: (layer: PlanLayer) => number) =>
  unsignedBits(Math.max(...layers.map(value)))

/** src/arch/sequencer.ts: the phases, and the length of a step. */
function phases(plan: Plan): Holdings {
  const { rows } = plan.array
  const longest = largest(plan, (l) => Math.max(rows, l.cyclesPartial, l.cyclesFinal, l.cyclesLast))
  return {
    adders: { 'step length - 1, remaining - 1': 2 },
    registers: {
      phase: 2,
      'remaining cycles': longest,
      done: 1,
      ...(releaseLayer(plan) === 1 && plan.layers.length > 1
        ? { 'before the first layer, before the second': 2 }
        : {}),
    },
  }
}

/** src/arch/loader.ts with src/arch/program-memory.ts. */
function loader(plan: Plan): Holdings {
  const { rows } = plan.array
  const { programWords } = plan.memories
  const word = programBits(programFields(plan))
  const taps = largest(plan, (l) => l.taps)
  // where every layer may have one row fold only, the rows are never subtracted
  const folds = Math.min(...plan.layers.map((layer) => layerSize(plan, layer).rows)) < 2 ** taps - 1
  return {
    adders: {
      ...(plan.layers.length > 1 ? { 'next layer + 1': 1 } : {}),
      ...(folds ? { 'taps - rows': 1 } : {}),
      'column fold + 1': 1,
      ...(rowsVary(plan) ? { 'first row + fold rows': 1 } : {}),
      'fold rows - 1, row + 1': 2,
    },
    registers: {
      'next layer': indexBits(programWords),
      'program word read': word,
      'program word': word,
      'taps left': taps,
      'column fold': largest(plan, (l) => l.columnFolds - 1),
      'first row fold, loading, row valid': 3,
      row: indexBits(rows),
    },
    memoryBits: { program: programWords * word },
  }
}

/** src/arch/pass-memory.ts: only where there are several tiles, or modes by pass. */
function passMemory(plan: Plan): Holdings {
  const { passWords } = plan.memories
  if (passWords === 0) return {}
  const word = passBits(plan)
  return {
    adders: { 'next pass + 1': 1 },
    registers: { 'next pass': indexBits(passWords), 'pass word read': word, pass: word },
    memoryBits: { passes: passWords * word },
  }
}

/** src/arch/loader.ts, weightCounter: several passes read the weights of their column fold again. */
function weightCounter({ layers, widths }: Plan): Holdings {
  const again = layers.some(({ passes }) => passes.some((list) => list.length > 1))
  return {
    adders: { 'weight address + 1': 1 },
    registers: {
      'weight address': widths.weightAddress,
      ...(again ? { "column fold's first weights": widths.weightAddress } : {}),
    },
  }
}

/** src/arch/loader.ts, tapPlace: the place of a row's tap in the input map. */
function tapPlace(plan: Plan): Holdings {
  const { rows } = plan.array
  const rotation = plan.grid?.rotation
  const { bankAddress, coordinate } = plan.widths
  return {
    adders: {
      'channel in word, word, tap x, tap y: + 1': 4,
      'tap offset': 1,
      ...(rotation === undefined ? {} : { 'next group': channelStepAdders(rotation, rows) }),
    },
    registers: {
      ...(rotation === undefined ? {} : { group: channelStepBits(rotation, rows) }),
      'channel in word': largest(plan, (l) => l.inputModulus - 1),
      word: largest(plan, (l) => (l.tapWords ?? l.inputWords) - 1),
      'tap x': largest(plan, (l) => l.kernel[1] - 1),
      'tap y': coordinate,
      'tap offset': bankAddress,
    },
  }
}

/** src/arch/loader.ts, firstWindowWord: the channels that a column fold sees. */
function channelWindow(plan: Plan): Holdings {
  if (!movesWindows(plan)) return {}
  return {
    adders: { 'window word, window folds + 1': 2 },
    registers: {
      'window word': plan.widths.bankAddress,
      'window folds': largest(plan, (l) => (l.groups?.folds ?? 1) - 1),
    },
  }
}

/** src/arch/streamer.ts. */
function streamer(plan: Plan): Holdings {
  const { array, widths } = plan
  const { tiles, mode } = passFields(plan)
  const streamed = programFields(plan).filter(({ use }) => use === 'stream')
  return {
    adders: {
      'interval, position, window x, window y, pool x: + 1': 5,
      'address, y, x of the position': 3,
    },
    registers: {
      'streaming: program word': programBits(streamed),
      ...(plan.grid === undefined ? { 'streaming: rows': unsignedBits(array.rows) } : {}),
      'streaming: first, last, last column fold': 3,
      ...(tiles + mode > 0 ? { 'streaming: tiles, mode': tiles + mode } : {}),
      'fold start, layer start, issuing, first window': 4,
      interval: largest(plan, (l) => Math.max(l.interval, l.intervalLast) - 1),
      position: largest(plan, (l) => l.positions - 1),
      'window x': largest(plan, (l) => l.window[1] - 1),
      'window y': largest(plan, (l) => l.window[0] - 1),
      'pool x': largest(plan, (l) => l.outputShape[2] - 1),
      'address, y, x of the position': widths.bankAddress + 2 * widths.coordinate,
    },
  }
}
