import { seededRandom } from '../base/random.ts'
import { realImageAt } from '../net/data/store.ts'
import { syntheticDigits } from '../net/data/synthetic.ts'
import type { LayerWeights, Network, Weights } from '../net/network.ts'
import { initialWeights } from '../net/weights.ts'
import { calibrate } from '../quant/calibrate.ts'
import type { Ranges } from '../quant/ranges.ts'

const seed = 1

/** Drawn images that the ranges are found on. */
const images = 8

/** Of the biases, which the initialisation for training leaves at 0: then nothing would show that they are added. */
const biasDeviation = 0.1

/** Weights for hardware whose network has not been trained: those that training starts from, with normal biases. Always the same. */
export function seededWeights(network: Network): Weights {
  const random = seededRandom(seed)
  const biased = <P extends { readonly bias: Float32Array }>(part: P): P => ({
    ...part,
    bias: part.bias.map(() => biasDeviation * random.normal()),
  })
  return new Map(
    [...initialWeights(network, seed)].map(([name, own]): [string, LayerWeights] => {
      const { recurrent } = own
      return [name, { ...biased(own), ...(recurrent === undefined ? {} : { recurrent: biased(recurrent) }) }]
    }),
  )
}

/** Their ranges on images that are drawn, so that no data set is needed. */
export function seededRanges(network: Network, weights: Weights): Ranges {
  const set = syntheticDigits(network.input.shape, images, seed)
  return calibrate(
    network,
    weights,
    Array.from({ length: images }, (_, i) => realImageAt(set, i)),
  )
}
