import { usageError } from '../base/errors.ts'
import { seededRandom } from '../base/random.ts'
import { imageAt, realImage } from '../net/data/store.ts'
import { syntheticDigits } from '../net/data/synthetic.ts'
import type { LayerWeights, Network, Weights } from '../net/network.ts'
import { countParameters } from '../net/shapes.ts'
import { initialWeights } from '../net/weights.ts'
import { calibrate } from '../quant/calibrate.ts'
import type { Ranges } from '../quant/ranges.ts'

const seed = 1

/** Drawn images that the ranges are found on. */
const images = 8

/** Of the biases, which the initialisation for training leaves at 0: then nothing would show that they are added. */
const biasDeviation = 0.1

/** Parameters above which none are made: they would take gigabytes. */
const mostParameters = 2 ** 28

/** Weights for hardware whose network has not been trained: those that training starts from, with normal biases. Always the same. */
export function seededWeights(network: Network): Weights {
  const parameters = countParameters(network)
  if (parameters > mostParameters)
    throw usageError(
      `the network "${network.name}" has ${parameters} parameters: too many for seeded weights`,
      {
        where: '--weights',
        hint: `At most ${mostParameters} are made. Name a weight file.`,
      },
    )
  const random = seededRandom(seed)
  return new Map(
    [...initialWeights(network, seed)].map(([name, { weight, bias }]): [string, LayerWeights] => [
      name,
      { weight, bias: bias.map(() => biasDeviation * random.normal()) },
    ]),
  )
}

/** Their ranges on images that are drawn, so that no data set is needed. */
export function seededRanges(network: Network, weights: Weights): Ranges {
  const set = syntheticDigits(network.input.shape, images, seed)
  return calibrate(
    network,
    weights,
    Array.from({ length: images }, (_, i) => realImage(imageAt(set, i))),
  )
}
