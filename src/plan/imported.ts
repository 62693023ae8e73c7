import { usageError } from '../base/errors.ts'
import type { QGraph } from '../quant/qgraph.ts'

/** Refuses graphs that the hardware has no rules for yet: those of imported integer models, which keep their own rounding. */
export function refuseImported(graph: QGraph): void {
  const node = graph.nodes.find((found) => 'rule' in found && found.rule !== undefined)
  const tensor = Object.entries(graph.tensors).find(([, { zeroPoint }]) => zeroPoint !== 0)
  if (node === undefined && tensor === undefined) return
  throw usageError(
    node === undefined
      ? `tensor "${tensor![0]}" of the network "${graph.name}" has the zero point ${tensor![1].zeroPoint}: the hardware has codes with zero point 0 only`
      : `layer "${node.name}" of the network "${graph.name}" rounds as the imported file does: the hardware has the rounding of docs/numerics.md only`,
    {
      where: node?.name ?? tensor![0],
      hint: 'Such files can be evaluated and emulated ("xgen eval", "xgen infer"). For hardware import the float model, and let xgen quantise it.',
    },
  )
}
