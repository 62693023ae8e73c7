import type { LayerWeights, Network, Weights } from '../net/network.ts'
import { elements, layerShapes, outputShape } from '../net/shapes.ts'
import { imageName } from '../net/wiring.ts'
import type { Parameter, TrainedLayer } from './layer.ts'
import { trainedLayer } from './layers.ts'

/** A network that learns: all layers both ways, and the parameters that its optimiser changes in place. */
export interface Model {
  readonly parameters: readonly Parameter[]
  /** Clears the gradients, runs a batch both ways, and returns the mean cross-entropy. Gradients are of that mean. */
  learn(images: Float32Array, labels: Uint8Array | Uint16Array): number
  /** A copy of the parameters as they are now. */
  weights(): Weights
}

export function createModel(network: Network, initial: Weights, batch: number): Model {
  const parameters: Parameter[] = []
  const steps = layerShapes(network).map((shaped): Step => {
    const { layer, sources, output } = shaped
    const own = initial.get(layer.name)
    const named =
      own === undefined
        ? []
        : [parameter(`${layer.name}.weight`, own.weight), parameter(`${layer.name}.bias`, own.bias)]
    parameters.push(...named)
    const first = sources.every((source) => source === imageName)
    return {
      name: layer.name,
      sources,
      size: elements(output),
      layer: trainedLayer(shaped, named, batch, first),
    }
  })
  const gradients = gradientSums(steps, batch)
  const classes = elements(outputShape(network))
  return {
    parameters,
    learn(images, labels) {
      for (const { gradient } of parameters) gradient.fill(0)
      const results = new Map([[imageName, images]])
      for (const { name, sources, layer } of steps) {
        const inputs = sources.map((source) => results.get(source)!)
        results.set(name, layer.forward(inputs, labels.length))
      }
      // A copy: a layer may still need its result to go back.
      const last = steps.at(-1)!.name
      const logits = results.get(last)!.slice(0, labels.length * classes)
      const loss = crossEntropy(logits, labels, classes)
      gradients.start(last, logits)
      for (const { name, sources, layer } of steps.toReversed()) {
        const backwards = layer.backward(gradients.of(name), labels.length)
        for (const [i, gradient] of backwards.entries()) gradients.add(sources[i]!, gradient)
      }
      return loss
    },
    weights() {
      const copy = new Map<string, LayerWeights>()
      for (const name of initial.keys()) {
        const part = (of: string) => parameters.find((p) => p.name === `${name}.${of}`)!.values.slice()
        copy.set(name, { weight: part('weight'), bias: part('bias') })
      }
      return copy
    },
  }
}

/** One layer of the network: what it reads, and the values of its result for one image. */
interface Step {
  readonly name: string
  readonly sources: readonly string[]
  readonly size: number
  readonly layer: TrainedLayer
}

/** Gradients of the layers' results on the way back: the sum over all that read them. */
interface GradientSums {
  start(last: string, gradient: Float32Array): void
  add(name: string, gradient: Float32Array): void
  of(name: string): Float32Array
}

/** A result that is read once needs no sum, and none of the layers' arrays is written to: some of them stand for two gradients. */
function gradientSums(steps: readonly Step[], batch: number): GradientSums {
  const readings = (name: string) =>
    steps.reduce((count, { sources }) => count + sources.filter((source) => source === name).length, 0)
  const sums = new Map(
    steps
      .filter(({ name }) => readings(name) > 1)
      .map(({ name, size }) => [name, new Float32Array(batch * size)]),
  )
  const found = new Map<string, Float32Array>()
  return {
    start(last, gradient) {
      found.clear()
      found.set(last, gradient)
    },
    add(name, gradient) {
      const sum = sums.get(name)
      if (sum === undefined) found.set(name, gradient)
      else if (found.has(name)) addTo(sum, gradient)
      else {
        sum.set(gradient)
        found.set(name, sum)
      }
    },
    of: (name) => found.get(name)!,
  }
}

function addTo(sum: Float32Array, terms: Float32Array): void {
  for (let i = 0; i < terms.length; i++) sum[i] = sum[i]! + terms[i]!
}

function parameter(name: string, values: Float32Array): Parameter {
  return { name, values: values.slice(), gradient: new Float32Array(values.length) }
}

/** Mean softmax cross-entropy; the logits [image][class] are replaced by their gradients. */
export function crossEntropy(
  logits: Float32Array,
  labels: Uint8Array | Uint16Array,
  classes: number,
): number {
  let loss = 0
  for (let i = 0; i < labels.length; i++) {
    const row = logits.subarray(i * classes, (i + 1) * classes)
    const largest = row.reduce((a, b) => Math.max(a, b), -Infinity)
    let sum = 0
    for (const logit of row) sum += Math.exp(logit - largest)
    loss += Math.log(sum) - (row[labels[i]!]! - largest)
    for (let c = 0; c < classes; c++) {
      row[c] = (Math.exp(row[c]! - largest) / sum - (c === labels[i] ? 1 : 0)) / labels.length
    }
  }
  return loss / labels.length
}
