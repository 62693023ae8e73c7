import type { ActivationFunction } from '../net/network.ts'

/** The real function of an activation layer. */
export function realFunction(f: ActivationFunction): (x: number) => number {
  switch (f.name) {
    case 'clip':
      return (x) => Math.min(f.high, Math.max(f.low, x))
    case 'leaky-relu':
      return (x) => (x < 0 ? f.slope * x : x)
    case 'elu':
      return (x) => (x < 0 ? f.alpha * Math.expm1(x) : x)
    case 'hard-sigmoid':
      return (x) => Math.min(1, Math.max(0, f.slope * x + f.offset))
    case 'hard-swish':
      return (x) => x * Math.min(1, Math.max(0, x / 6 + 0.5))
    case 'swish':
      return (x) => x * sigmoid(x)
    case 'sigmoid':
      return sigmoid
    case 'tanh':
      return Math.tanh
  }
}

export function sigmoid(x: number): number {
  return 1 / (1 + Math.exp(-x))
}

/** Softmax over lines of values that stand `step` apart, each `count` long. */
export function softmax(
  input: Float32Array,
  output: Float32Array,
  { count, step }: { readonly count: number; readonly step: number },
): void {
  for (let block = 0; block < input.length; block += count * step) {
    for (let line = block; line < block + step; line++) {
      const end = line + count * step
      let largest = -Infinity
      for (let i = line; i < end; i += step) largest = Math.max(largest, input[i]!)
      let sum = 0
      for (let i = line; i < end; i += step) sum += Math.exp(input[i]! - largest)
      for (let i = line; i < end; i += step) output[i] = Math.exp(input[i]! - largest) / sum
    }
  }
}
