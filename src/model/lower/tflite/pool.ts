import { codeClamp } from '../../operators/tflite/activation.ts'
import { poolWindow } from '../../operators/tflite/pool.ts'
import { meanRule } from '../../operators/tflite/reduce.ts'
import { codeLimits, inputAt, integersAt, type Site, shapeOf } from '../../operators/tflite/site.ts'
import { mapOf } from '../channels-first.ts'
import type { CodeGraph } from './code-graph.ts'

/** AVERAGE_POOL_2D or MAX_POOL_2D. */
export function lowerPool(graph: CodeGraph, site: Site): void {
  const { kernel, stride, padding } = poolWindow(site)
  refuseActivation(site)
  const name = graph.number('pool')
  const mode = site.node.operator === 'MAX_POOL_2D' ? 'max' : 'average'
  const input = graph.ordered(site, 0)
  const rule = { kind: 'tflite', offset: graph.offsetOf(site.output) } as const
  graph.push(
    site,
    { kind: 'pool', name, mode, input, output: name, window: kernel, stride, padding, rule },
    mapOf(site.output),
  )
}

/** That no fused activation cuts codes off. */
export function refuseActivation(site: Site): void {
  const [low, high] = codeClamp(site)
  const [least, most] = codeLimits(site.output.type)
  if (low > least || high < most) throw site.refuse('has a fused activation')
}

/** A mean over all positions is a pooling with one window. */
export function lowerMean(graph: CodeGraph, site: Site): void {
  const shape = shapeOf(inputAt(site, 0))
  const axes = integersAt(site, 1, 'axes').map((axis) => (axis < 0 ? axis + shape.length : axis))
  if (shape.length !== 4 || [...new Set(axes)].sort().join() !== '1,2')
    throw site.refuse('takes a mean over something else than the positions of a map')
  const name = graph.number('pool')
  const input = graph.ordered(site, 0)
  const window = [shape[1]!, shape[2]!] as const
  const offset = graph.offsetOf(site.output)
  const own = meanRule(site, window[0] * window[1])
  const rule = {
    ...own,
    inputZeroPoint: graph.tensors[input]!.zeroPoint,
    outputZeroPoint: own.outputZeroPoint + offset,
    low: own.low + offset,
    high: own.high + offset,
  }
  const geometry = { window, stride: window, padding: [0, 0, 0, 0] as const }
  graph.push(site, { kind: 'pool', name, mode: 'average', input, output: name, ...geometry, rule }, [
    shape[3]!,
    1,
    1,
  ])
}
