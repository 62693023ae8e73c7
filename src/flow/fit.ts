import { dataError } from '../base/errors.ts'
import { classCount, type DataSet, type ImageShape } from '../net/data/catalogue.ts'
import type { Network } from '../net/network.ts'
import { elements, outputShape } from '../net/shapes.ts'

const remedy = 'Name another data set ("xgen data list") or a network for this one ("xgen net list").'

/** Refuses a data set whose images or classes are not those of the network. */
export function checkFit(network: Network, set: DataSet): void {
  checkShape(network.name, network.input.shape, set)
  const classes = elements(outputShape(network))
  if (classes !== classCount(set))
    throw dataError(
      `${set.name} has ${classCount(set)} classes; the network "${network.name}" gives ${classes} results`,
      { where: '--data', hint: remedy },
    )
}

/** Refuses a data set whose images are not of the shape that the network takes. */
export function checkShape(network: string, shape: ImageShape, set: DataSet): void {
  if (set.shape?.some((n, i) => n !== shape[i]) === true) {
    throw dataError(
      `the images of ${set.name} are ${set.shape.join('x')}; the network "${network}" takes ${shape.join('x')}`,
      { where: '--data', hint: remedy },
    )
  }
}
