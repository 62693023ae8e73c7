import type { Parameter } from './layer.ts'

/** A rule that changes parameters by their gradients, with its memory. */
export interface Optimiser {
  /** One step; `rate` is the learning rate of this step, `step` counts from 1. */
  update(rate: number, step: number): void
  /** Its memory by name, to store and to restore in place. */
  readonly memory: ReadonlyMap<string, Float32Array>
}

export type OptimiserName = 'adam' | 'sgd'

export function createOptimiser(name: OptimiserName, parameters: readonly Parameter[]): Optimiser {
  return name === 'adam' ? adam(parameters) : sgd(parameters)
}

/** Adam (Kingma and Ba 2015) with beta1 = 0.9, beta2 = 0.999. */
function adam(parameters: readonly Parameter[]): Optimiser {
  const states = parameters.map((parameter) => ({
    parameter,
    mean: new Float32Array(parameter.values.length),
    square: new Float32Array(parameter.values.length),
  }))
  return {
    memory: new Map(
      states.flatMap(({ parameter: { name }, mean, square }) => [
        [`mean.${name}`, mean],
        [`square.${name}`, square],
      ]),
    ), // prettier-ignore
    update(rate, step) {
      const scale = (rate * Math.sqrt(1 - 0.999 ** step)) / (1 - 0.9 ** step)
      for (const { parameter, mean, square } of states) {
        const { values, gradient } = parameter
        for (let i = 0; i < values.length; i++) {
          const g = gradient[i]!
          const m = (mean[i] = 0.9 * mean[i]! + 0.1 * g)
          const s = (square[i] = 0.999 * square[i]! + 0.001 * g * g)
          values[i] = values[i]! - (scale * m) / (Math.sqrt(s) + 1e-8)
        }
      }
    },
  }
}

/** Stochastic gradient descent with momentum 0.9. */
function sgd(parameters: readonly Parameter[]): Optimiser {
  const states = parameters.map((parameter) => ({
    parameter,
    velocity: new Float32Array(parameter.values.length),
  }))
  return {
    memory: new Map(states.map(({ parameter, velocity }) => [`velocity.${parameter.name}`, velocity])),
    update(rate) {
      for (const { parameter, velocity } of states) {
        const { values, gradient } = parameter
        for (let i = 0; i < values.length; i++) {
          velocity[i] = 0.9 * velocity[i]! - rate * gradient[i]!
          values[i] = values[i]! + velocity[i]!
        }
      }
    },
  }
}

/** A cosine from the first rate to almost 0 over all steps, after a rise over the first 2 %. */
export function learningRate(first: number, step: number, steps: number): number {
  const rise = Math.min(1, step / Math.max(1, 0.02 * steps))
  return first * rise * 0.5 * (1 + Math.cos((Math.PI * Math.min(step, steps)) / (steps + 1)))
}
