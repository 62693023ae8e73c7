import type { Assignment, LayerAssignment } from '../approx/assignment.ts'
import { errorMetrics } from '../arith/metrics.ts'
import type { Multiplier } from '../arith/multiplier.ts'
import { usageError } from '../base/errors.ts'
import { writeFileAtomically } from '../base/files.ts'
import { version } from '../base/version.ts'
import { modelOf } from '../model/onnx/from-network.ts'
import { writeOnnx } from '../model/onnx/write.ts'
import { filtersOf, type QConv, type QGraph } from '../quant/qgraph.ts'
import type { Configuration } from './configuration.ts'
import { prepare } from './preparation.ts'
import type { ProductEnergies } from './product-energy.ts'

export interface ExportResult {
  readonly net: string
  readonly file: string
  /** What is noted at each layer with products. */
  readonly layers: readonly { readonly name: string; readonly notes: Readonly<Record<string, string>> }[]
}

/**
 * Writes a network in float as an ONNX file in which each layer with products names its multipliers and their errors: metadata of the
 * node, which viewers such as Netron show. With energies of products, the layers tell what theirs take for an image.
 */
export function exportNetwork(
  configuration: Configuration,
  file: string,
  energies?: ProductEnergies,
): ExportResult {
  if (!/\.onnx$/i.test(file))
    throw usageError(`--out ${file}: networks are exported as .onnx`, {
      where: '--out',
      hint: 'Name a file that ends in .onnx.',
    })
  const { network, weights, graph, assignment } = prepare(configuration)
  const errors = new Map<string, string>()
  const layers = graph.nodes.flatMap((node) => {
    const sets = filtersOf(node)
    if (sets.length === 0) return []
    const energy = energies && energyNote(sets, graph, assignment, energies)
    const notes = notesOf(
      sets.map(({ name }) => name),
      assignment,
      errors,
    )
    return [
      { name: node.name, notes: { ...notes, ...(energy === undefined ? {} : { 'xgen.energy': energy }) } },
    ]
  })
  const nodes = new Map(layers.map(({ name, notes }) => [name, new Map(Object.entries(notes))]))
  const model = new Map([
    ['xgen.version', version],
    ['xgen.multipliers', JSON.stringify(configuration.multipliers)],
  ])
  writeFileAtomically(file, writeOnnx(modelOf(network, weights), { model, nodes }))
  return { net: network.name, file, layers }
}

/** What the products of a layer take for an image. Undefined of weights that are curves: their products are of moments. */
function energyNote(
  sets: readonly QConv[],
  graph: QGraph,
  assignment: Assignment,
  { library, ofProduct }: ProductEnergies,
): string | undefined {
  if (sets.some(({ curve }) => curve !== undefined)) return undefined
  const products = new Map<Multiplier, number>()
  for (const set of sets) {
    const { multipliers, ofKernel } = assignment.get(set.name)!
    const ofOne = set.kernel[0] * set.kernel[1] * timesUsed(set, graph)
    for (const index of ofKernel) {
      const multiplier = multipliers[index]!
      products.set(multiplier, (products.get(multiplier) ?? 0) + ofOne)
    }
  }
  const parts = [...products].map(([multiplier, count]) => ({
    count,
    energy: ofProduct.get(multiplier.id)!,
    multiplier,
  }))
  const whole = parts.reduce((sum, { count, energy }) => sum + count * energy, 0)
  const each = parts.map(
    ({ multiplier, count, energy }) => `${count} of ${energy.toFixed(3)} pJ by ${multiplier.spec}`,
  )
  return `${(whole / 1000).toFixed(3)} nJ an image, of the multipliers in ${library} alone: ${each.join('; ')}`
}

/** How often an image meets a filter: at the positions of the map, or the steps of a sequence. */
function timesUsed(set: QConv, { tensors, nodes }: QGraph): number {
  const recurrent = nodes.find((node) => node.kind === 'recurrent' && filtersOf(node).includes(set))
  if (recurrent?.kind === 'recurrent') return tensors[recurrent.input]!.shape[0]
  const [, rows, columns] = tensors[set.output]!.shape
  return set.steps ?? rows * columns
}

/** A recurrent layer has two sets of filters, which are told by their names. */
function notesOf(
  sets: readonly string[],
  assignment: Assignment,
  known: Map<string, string>,
): Record<string, string> {
  const [first, ...more] = sets.map((set) => setNotes(assignment.get(set)!, known))
  if (more.length === 0) return first!
  const named = (key: string) => [first!, ...more].map((notes, i) => `${sets[i]}: ${notes[key]}`).join('; ')
  return Object.fromEntries(Object.keys(first!).map((key) => [key, named(key)]))
}

function setNotes(
  { multipliers, ofKernel }: LayerAssignment,
  known: Map<string, string>,
): Record<string, string> {
  const kernels = new Map<Multiplier, number>()
  for (const index of ofKernel) kernels.set(multipliers[index]!, (kernels.get(multipliers[index]!) ?? 0) + 1)
  const all = [...kernels]
  const share = (count: number) =>
    all.length === 1 ? '' : ` (${((100 * count) / ofKernel.length).toFixed(1)} % of the kernels)`
  const each = (of: (multiplier: Multiplier, count: number) => string) =>
    all.map(([multiplier, count]) => of(multiplier, count)).join('; ')
  return {
    'xgen.multiplier': each((multiplier, count) => `${multiplier.spec}${share(count)}`),
    'xgen.error': each((multiplier) => errorText(multiplier, known)),
  }
}

/** Over all pairs of operands, weights and activations equally likely. */
function errorText(multiplier: Multiplier, known: Map<string, string>): string {
  const found = known.get(multiplier.id)
  if (found !== undefined) return found
  const { mae, wce, ep, mred } = errorMetrics(multiplier)
  const text = `${multiplier.spec}: mean ${mae.toFixed(2)}, largest ${wce}, wrong ${ep.toFixed(2)} %, MRED ${mred.toFixed(3)} %`
  known.set(multiplier.id, text)
  return text
}
