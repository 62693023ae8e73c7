import type { ModelNode } from '../../model.ts'
import { elementsOf } from '../../tensors.ts'
import type { Call, Operator } from '../operator.ts'

/** Attributes of everything that slides a window over a map. */
export const windowAttributes: Operator['attributes'] = {
  auto_pad: 'string',
  dilations: 'ints',
  kernel_shape: 'ints',
  pads: 'ints',
  strides: 'ints',
}

/** How windows lie over a map of any number of axes. */
export interface Windows {
  readonly input: readonly number[]
  readonly kernel: readonly number[]
  readonly strides: readonly number[]
  readonly dilations: readonly number[]
  readonly before: readonly number[]
  readonly after: readonly number[]
  readonly output: readonly number[]
}

/** The windows of a node over a map [batch, channels, ...input]. */
export function windowsOf(
  call: Call,
  shape: readonly number[],
  kernel: readonly number[],
  ceil = false,
): Windows {
  const input = shape.slice(2)
  const axes = input.length
  if (axes < 1 || kernel.length !== axes)
    throw call.error(`has a kernel of ${kernel.join('x')} for a tensor of shape [${shape.join(', ')}]`)
  const list = (name: string, length: number, standard: number, least: number) => {
    const values = call.ints(name) ?? new Array<number>(length).fill(standard)
    if (values.length !== length || values.some((n) => !(n >= least && n <= 2 ** 31)))
      throw call.error(`has ${name} [${values.join(', ')}]: ${length} numbers from ${least} are needed`)
    return values
  }
  const [strides, dilations] = [list('strides', axes, 1, 1), list('dilations', axes, 1, 1)]
  if (kernel.some((n) => !(n >= 1 && n <= 2 ** 31))) throw call.error(`has a kernel of ${kernel.join('x')}`)
  const span = kernel.map((n, i) => (n - 1) * dilations[i]! + 1)
  const mode = call.text('auto_pad', 'NOTSET')
  const given = mode === 'NOTSET' || mode === '' ? list('pads', 2 * axes, 0, 0) : undefined
  const sized = input.map((n, i) => {
    const pads =
      given === undefined
        ? automatic(call, mode, n, span[i]!, strides[i]!)
        : ([given[i]!, given[axes + i]!] as const)
    const room = n + pads[0] + pads[1] - span[i]!
    const steps = room / strides[i]!
    let output = (ceil ? Math.ceil(steps) : Math.floor(steps)) + 1
    // a window that would begin behind the map and its padding is none
    if (ceil && (output - 1) * strides[i]! >= n + pads[0]) output--
    if (room < 0 && !(ceil && output >= 1))
      throw call.error(
        `has windows of ${span.join('x')} over a map of ${input.join('x')}, padding of ${pads.join(' and ')}`,
      )
    return { pads, output }
  })
  return {
    input,
    kernel,
    strides,
    dilations,
    before: sized.map(({ pads }) => pads[0]),
    after: sized.map(({ pads }) => pads[1]),
    output: sized.map(({ output }) => output),
  }
}

function automatic(
  call: Call,
  mode: string,
  size: number,
  span: number,
  stride: number,
): readonly [number, number] {
  if (mode === 'VALID') return [0, 0]
  if (mode !== 'SAME_UPPER' && mode !== 'SAME_LOWER')
    throw call.error(`has auto_pad "${mode}"`, 'Possible: NOTSET, SAME_UPPER, SAME_LOWER, VALID.')
  const total = Math.max(0, (Math.ceil(size / stride) - 1) * stride + span - size)
  const less = Math.floor(total / 2)
  return mode === 'SAME_UPPER' ? [less, total - less] : [total - less, less]
}

/** What stands in a table of taps for a place in the padding, and for one beyond it. */
export const padded = -1
export const beyond = -2

/** taps[t * positions + p]: the index in one channel's map of tap t of window p. */
export interface Taps {
  readonly taps: Int32Array
  readonly count: number
  readonly positions: number
}

/** The tables of nodes that have been evaluated: the same from image to image. */
const known = new WeakMap<ModelNode, { readonly windows: string; readonly taps: Taps }>()

export function tapsOf(call: Call, windows: Windows): Taps {
  const key = JSON.stringify(windows)
  const kept = known.get(call.node)
  if (kept?.windows === key) return kept.taps
  const taps = makeTaps(call, windows)
  known.set(call.node, { windows: key, taps })
  return taps
}

function makeTaps(call: Call, windows: Windows): Taps {
  const { input, kernel, output } = windows
  const [count, positions] = [elementsOf(kernel), elementsOf(output)]
  call.reserve([count, positions])
  let [table, taps, places, size] = [Int32Array.of(0), 1, 1, 1]
  for (let axis = input.length - 1; axis >= 0; axis--) {
    // the table of the axes behind this one is repeated for each tap and position of this one
    const along = axisTaps(windows, axis)
    const [k, o] = [kernel[axis]!, output[axis]!]
    const next = new Int32Array(k * taps * o * places)
    for (let i = 0; i < k; i++)
      for (let t = 0; t < taps; t++)
        for (let y = 0; y < o; y++) {
          const place = along[i * o + y]!
          const to = ((i * taps + t) * o + y) * places
          for (let p = 0; p < places; p++) {
            const inner = table[t * places + p]!
            next[to + p] = Math.min(place, inner) < 0 ? Math.min(place, inner) : place * size + inner
          }
        }
    ;[table, taps, places, size] = [next, taps * k, places * o, size * input[axis]!]
  }
  return { taps: table, count, positions }
}

function axisTaps(
  { input, kernel, strides, dilations, before, after, output }: Windows,
  axis: number,
): Int32Array {
  const [size, o] = [input[axis]!, output[axis]!]
  return Int32Array.from({ length: kernel[axis]! * o }, (_, i) => {
    const at = (i % o) * strides[axis]! + Math.floor(i / o) * dilations[axis]! - before[axis]!
    if (at >= size + after[axis]!) return beyond
    return at < 0 || at >= size ? padded : at
  })
}
