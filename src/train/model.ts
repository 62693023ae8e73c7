import type { LayerWeights, Network, Weights } from '../net/network.ts'
import { elements, layerShapes, outputShape } from '../net/shapes.ts'
import { type Parameter, type TrainedLayer, trainedLayer } from './layers.ts'

/** A network that learns: all layers both ways, and the parameters that its optimiser changes in place. */
export interface Model {
  readonly parameters: readonly Parameter[]
  /** Clears the gradients, runs a batch both ways, and returns the mean cross-entropy. Gradients are of that mean. */
  learn(images: Float32Array, labels: Uint8Array): number
  /** A copy of the parameters as they are now. */
  weights(): Weights
}

export function createModel(network: Network, initial: Weights, batch: number): Model {
  const parameters: Parameter[] = []
  const layers = layerShapes(network).map((shaped, index): TrainedLayer => {
    const own = initial.get(shaped.layer.name)
    const named =
      own === undefined
        ? []
        : [
            parameter(`${shaped.layer.name}.weight`, own.weight),
            parameter(`${shaped.layer.name}.bias`, own.bias),
          ]
    parameters.push(...named)
    return trainedLayer(shaped, named, batch, index === 0)
  })
  const classes = elements(outputShape(network))
  return {
    parameters,
    learn(images, labels) {
      for (const { gradient } of parameters) gradient.fill(0)
      let values = images
      for (const layer of layers) values = layer.forward(values, labels.length)
      // A copy: a layer may still need its result to go back.
      let gradient: Float32Array = values.slice(0, labels.length * classes)
      const loss = crossEntropy(gradient, labels, classes)
      for (let i = layers.length - 1; i >= 0; i--) gradient = layers[i]!.backward(gradient, labels.length)
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

function parameter(name: string, values: Float32Array): Parameter {
  return { name, values: values.slice(), gradient: new Float32Array(values.length) }
}

/** Mean softmax cross-entropy; the logits [image][class] are replaced by their gradients. */
export function crossEntropy(logits: Float32Array, labels: Uint8Array, classes: number): number {
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
