import { scaled, scaleFactor } from '../../../quant/imported-rules.ts'
import { hardSwishCode, hardSwishRule } from '../../../quant/tflite-hard-swish.ts'
import type { ModelTensor } from '../../model.ts'
import { emptyTensor } from '../../tensors.ts'
import { codeClamp, realRange } from './activation.ts'
import {
  arithmeticOf,
  awayFromZero,
  checkResult,
  codeLimits,
  codeScale,
  inputAt,
  type Kernel,
  numberSetting,
  type Operator,
  type Site,
  shapeOf,
} from './site.ts'

type Curve = (x: number) => number

const curves: Readonly<Record<string, (site: Site) => Curve>> = {
  LOGISTIC: () => logistic,
  TANH: () => Math.tanh,
  HARD_SWISH: () => (x) => (x * Math.min(6, Math.max(0, x + 3))) / 6,
  LEAKY_RELU: (site) => {
    const alpha = numberSetting(site, 'alpha')
    return (x) => (x < 0 ? x * alpha : x)
  },
  RELU: clampedBy,
  RELU6: clampedBy,
  RELU_N1_TO_1: clampedBy,
}

/** In float32, step by step. */
const logistic: Curve = (x) => Math.fround(1 / Math.fround(1 + Math.fround(Math.exp(-x))))

function clampedBy(site: Site): Curve {
  const [low, high] = realRange(site, site.node.operator)
  return (x) => Math.max(low, Math.min(high, x))
}

/** A function of one value. Codes go through a table, whose entries each operator makes in its own way. */
export const curve: Operator = (site) => {
  checkResult(site, shapeOf(inputAt(site, 0)))
  const { operator } = site.node
  if (arithmeticOf(site, [0]) === 'float') return pointwise(site, curves[operator]!(site))
  switch (operator) {
    case 'HARD_SWISH':
      return byTable(site, hardSwish(site))
    case 'LEAKY_RELU':
      return byTable(site, leaky(site))
    case 'LOGISTIC':
    case 'TANH':
      return byTable(site, rounded(site, curves[operator]!(site)))
    default:
      return byTable(site, rectified(site))
  }
}

/** RELU, RELU6 and RELU_N1_TO_1 as operators of their own: on codes also a change of scale. */
function rectified(site: Site): Curve {
  const [input, output] = scalesOf(site)
  const [low, high] = codeClamp(site, output, site.node.operator)
  const { multiplier, exponent } = factorOf(site, Math.fround(input.scale / output.scale))
  return (code) =>
    Math.max(low, Math.min(high, scaled(code - input.zeroPoint, multiplier, exponent) + output.zeroPoint))
}

/** Two factors: one for values below zero, one for the others. */
function leaky(site: Site): Curve {
  const alpha = numberSetting(site, 'alpha')
  if (!(alpha >= 0)) throw site.refuse(`has the slope ${alpha}: supported on codes are those from 0 on`)
  const [input, output] = scalesOf(site)
  const below = factorOf(site, Math.fround(Math.fround(input.scale * alpha) / output.scale))
  const above = factorOf(site, Math.fround(input.scale / output.scale))
  const [low, high] = codeLimits(site.output.type)
  return (code) => {
    const value = code - input.zeroPoint
    const { multiplier, exponent } = value < 0 ? below : above
    return Math.max(low, Math.min(high, scaled(value, multiplier, exponent) + output.zeroPoint))
  }
}

function hardSwish(site: Site): Curve {
  const [input, output] = scalesOf(site)
  const rule = hardSwishRule(input, output)
  if (rule === undefined) throw site.refuse('has a result much finer than its input, which is not supported')
  const [low, high] = codeLimits(site.output.type)
  return (code) => Math.max(low, Math.min(high, hardSwishCode(rule, code)))
}

/** In float32: round half away from zero of f(real) times the inverse of the result's scale. */
function rounded(site: Site, f: Curve): Curve {
  const [input, output] = scalesOf(site)
  const inverse = Math.fround(1 / output.scale)
  const [low, high] = codeLimits(site.output.type)
  return (code) => {
    const real = Math.fround(input.scale * (code - input.zeroPoint))
    const steps = Math.fround(Math.fround(f(real)) * inverse)
    return Math.max(low, Math.min(high, output.zeroPoint + awayFromZero(steps)))
  }
}

const scalesOf = (site: Site) => [codeScale(site, inputAt(site, 0)), codeScale(site, site.output)] as const

function factorOf(site: Site, real: number) {
  const factor = scaleFactor(real)
  if (factor.exponent > 20)
    throw site.refuse('has a result much finer than its input, which is not supported')
  return factor
}

function byTable(site: Site, f: Curve): Kernel {
  const [first, last] = codeLimits(site.output.type)
  const table = Int16Array.from({ length: last - first + 1 }, (_, i) => f(first + i))
  return pointwise(site, (code) => table[code - first]!)
}

function pointwise(site: Site, f: Curve): Kernel {
  return ([input]) => {
    const from = (input as ModelTensor).data as Int8Array | Uint8Array | Float32Array
    const result = emptyTensor(site.output.type, shapeOf(site.output))
    for (let i = 0; i < from.length; i++) result.data[i] = f(from[i]!)
    return result
  }
}
