import { checkSameCodes, fillOf, orderOf, paddingsOf } from '../../operators/tflite/move.ts'
import { codeScale, inputAt, numberSetting, type Site, shapeOf } from '../../operators/tflite/site.ts'
import { mapOf } from '../channels-first.ts'
import { type CodeGraph, reorders } from './code-graph.ts'
import { refuseActivation } from './pool.ts'

/**
 * RESHAPE, SQUEEZE or EXPAND_DIMS. Features of a map keep the graph's order, which weights behind them are put in; between maps of
 * other shapes codes go through the file's order.
 */
export function lowerReshape(graph: CodeGraph, site: Site): void {
  checkSameCodes(site, inputAt(site, 0))
  const place = graph.padded(site, 0)
  const from = place.from ?? graph.tensors[place.id]!.shape
  const to = mapOf(site.output)
  const features = to[1] === 1 && to[2] === 1
  const same = to.every((n, i) => n === from[i])
  const { id } = place
  if (features || same) {
    const name = graph.number(features ? 'flatten' : 'reshape')
    const order = features && reorders(from) ? from : undefined
    graph.push(site, { kind: 'reshape', name, input: id, output: name }, to, order)
    return
  }
  const input = reorders(from) ? graph.inFileOrder(id, from) : id
  const name = graph.number('reshape')
  if (!reorders(to)) {
    graph.push(site, { kind: 'reshape', name, input, output: name }, to)
    return
  }
  const [channels, height, width] = to
  const seen = { from: [height * width, channels], order: [1, 0] }
  graph.push(site, { kind: 'transpose', name, input, output: name, ...seen }, to)
}

/** TRANSPOSE: of a map by the graph's own axes, of other tensors in the file's order. */
export function lowerTranspose(graph: CodeGraph, site: Site): void {
  const value = inputAt(site, 0)
  checkSameCodes(site, value)
  const shape = shapeOf(value)
  const order = orderOf(site)
  const input = graph.ordered(site, 0)
  const name = graph.number('transpose')
  const map = shape.length === 4
  if (map && order[0] !== 0) throw site.refuse('moves the axis of images')
  // channels, rows and columns of the result by those of the input
  const moved = map ? [3, 1, 2].map((axis) => order[axis]! % 3) : order
  const from = map ? graph.tensors[input]!.shape : shape
  graph.push(site, { kind: 'transpose', name, input, output: name, from, order: moved }, mapOf(site.output))
}

/** PAD or PADV2. Zeros around a map become padding of the convolutions that read it. */
export function lowerPad(graph: CodeGraph, site: Site): void {
  const value = inputAt(site, 0)
  checkSameCodes(site, value)
  const paddings = paddingsOf(site)
  const [batch, rows, columns, channels] = paddings
  if (paddings.length !== 4 || batch!.some((n) => n !== 0))
    throw site.refuse('pads something else than a map')
  const fill = fillOf(site)
  const edges = [rows![0], columns![0], rows![1], columns![1]] as const
  if (fill === codeScale(site, value).zeroPoint && channels!.every((n) => n === 0)) {
    const place = graph.unpadded(site, 0)
    const [top, left, bottom, right] = place.around ?? [0, 0, 0, 0]
    const around = [top + edges[0], left + edges[1], bottom + edges[2], right + edges[3]] as const
    graph.alias(site, { ...place, around })
    return
  }
  const input = graph.ordered(site, 0)
  const name = graph.number('pad')
  const [before, after] = channels!
  const code = fill + graph.offsetOf(site.output)
  graph.push(
    site,
    { kind: 'pad', name, input, output: name, before, after, edges, fill: code },
    mapOf(site.output),
  )
}

/** CONCATENATION of the channels of maps, or of features. */
export function lowerConcatenation(graph: CodeGraph, site: Site): void {
  const shape = shapeOf(site.output)
  const given = numberSetting(site, 'axis')
  const axis = given < 0 ? given + shape.length : given
  // in front of the axis there may be nothing but the image and the positions of a map
  if (axis !== shape.length - 1 || (shape.length !== 4 && shape.slice(0, axis).some((n) => n !== 1)))
    throw site.refuse('joins tensors along another axis than channels')
  refuseActivation(site)
  const inputs = site.node.inputs.map((_, i) => {
    checkSameCodes(site, inputAt(site, i))
    return graph.ordered(site, i)
  })
  const name = graph.number('concat')
  graph.push(site, { kind: 'concat', name, inputs, output: name }, mapOf(site.output))
}
