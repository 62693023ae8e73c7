// The words of the job: src/kernels/cells.ts, in its order. Lists are of int16 but for codes and results, which are bytes.
/** 0: simple; 1: GRU that resets its product; 2 and 3: GRU that resets its state, before and behind the product with it; 4: LSTM. */
const kind: usize = 0
/** Values of a gate, one for each unit of each line. */
const count: usize = 4
/** What the input and the state add to the gates: [gate][value]. */
const ofInput: usize = 8
const ofState: usize = 12
/** What the state that was reset adds to the candidate. */
const ofReset: usize = 16
const state: usize = 20
/** What the weights multiply. */
const codes: usize = 24
/** Of an LSTM. */
const memory: usize = 28
/** Of a GRU between its two halves. */
const updates: usize = 32
const result: usize = 36
/** 513 points each. */
const sigmoidPoints: usize = 40
const tanhPoints: usize = 44
/** Of a code. */
const bits: usize = 48
const multiplier: usize = 52
const shift: usize = 56
const low: usize = 60
const high: usize = 64
const pieceValues: usize = 68

/** Some values of one step of recurrent cells, by the rules of docs/numerics.md, "Recurrent layers". */
export function stepCells(at: usize, piece: i32, _scratch: usize): void {
  const from = piece * load<i32>(at + pieceValues)
  const until = min(load<i32>(at + count), from + load<i32>(at + pieceValues))
  const which = load<i32>(at + kind)
  if (which === 2) {
    for (let i = from; i < until; i++) resetState(at, i)
    return
  }
  for (let i = from; i < until; i++) {
    let next: i32
    if (which === 0) next = tanh(at, both(at, 0, i))
    else if (which === 1) next = gruAfter(at, i)
    else if (which === 3) next = gruBefore(at, i)
    else next = lstm(at, i)
    store<i16>(place(at, state, i), <i16>next)
    store<u8>(<usize>load<u32>(at + codes) + i, <u8>code(at, next, 15))
    const scaled = <i64>next * load<i32>(at + multiplier) + ((<i64>1) << (load<i32>(at + shift) - 1))
    const out = max<i64>(load<i32>(at + low), min<i64>(load<i32>(at + high), scaled >> load<i32>(at + shift)))
    store<u8>(<usize>load<u32>(at + result) + i, <u8>out)
  }
}

function resetState(at: usize, i: i32): void {
  store<i16>(place(at, updates, i), <i16>sigmoid(at, both(at, 0, i)))
  const held = sigmoid(at, both(at, 1, i)) * word(at, state, i)
  store<u8>(<usize>load<u32>(at + codes) + i, <u8>code(at, held, 30))
}

function gruBefore(at: usize, i: i32): i32 {
  const candidate = gate(at, ofInput, 2, i) + word(at, ofReset, i)
  return blended(word(at, updates, i), tanh(at, saturate(candidate)), word(at, state, i))
}

function gruAfter(at: usize, i: i32): i32 {
  const update = sigmoid(at, both(at, 0, i))
  const back = gated(sigmoid(at, both(at, 1, i)), gate(at, ofState, 2, i))
  return blended(update, tanh(at, saturate(gate(at, ofInput, 2, i) + back)), word(at, state, i))
}

function lstm(at: usize, i: i32): i32 {
  const forget = sigmoid(at, both(at, 2, i))
  const admitted = sigmoid(at, both(at, 0, i)) * tanh(at, both(at, 3, i))
  const sum = 16 * <i64>(forget * word(at, memory, i)) + <i64>admitted + (1 << 18)
  const kept = max<i64>(-32768, min<i64>(32767, sum >> 19))
  store<i16>(place(at, memory, i), <i16>kept)
  return gated(sigmoid(at, both(at, 1, i)), tanh(at, saturate(2 * <i32>kept)))
}

/** The new state of a GRU. */
function blended(update: i32, candidate: i32, before: i32): i32 {
  return saturate(candidate + gated(update, before - candidate))
}

/** round(a * b / 2^15), half up: |a * b| stays below 2^31 - 2^14. */
function gated(a: i32, b: i32): i32 {
  return (a * b + (1 << 14)) >> 15
}

/** A value in units of 2^-point as a code. */
function code(at: usize, value: i32, point: i32): i32 {
  const own = load<i32>(at + bits)
  const places = point + 1 - own
  const top = 1 << (own - 1)
  return max(-top, min(top - 1, (value + (1 << (places - 1))) >> places))
}

function sigmoid(at: usize, x: i32): i32 {
  return between(load<u32>(at + sigmoidPoints), x)
}

function tanh(at: usize, x: i32): i32 {
  return between(load<u32>(at + tanhPoints), x)
}

/** Between two points along the line through them. */
function between(points: usize, x: i32): i32 {
  const along = x + 32768
  const pair = points + ((<usize>(along >> 7)) << 1)
  const first = <i32>load<i16>(pair)
  return first + (((<i32>load<i16>(pair, 2) - first) * (along & 127) + 64) >> 7)
}

/** What both the input and the state add to a gate. */
function both(at: usize, g: i32, i: i32): i32 {
  return saturate(gate(at, ofInput, g, i) + gate(at, ofState, g, i))
}

function gate(at: usize, list: usize, g: i32, i: i32): i32 {
  return word(at, list, g * load<i32>(at + count) + i)
}

function word(at: usize, list: usize, i: i32): i32 {
  return <i32>load<i16>(place(at, list, i))
}

function place(at: usize, list: usize, i: i32): usize {
  return <usize>load<u32>(at + list) + ((<usize>i) << 1)
}

function saturate(x: i32): i32 {
  return max(-32768, min(32767, x))
}
