import { usageError } from '../base/errors.ts'
import { classCount, type DataSet, type ImageShape } from '../net/data/catalogue.ts'
import type { Network } from '../net/network.ts'
import { elements, outputShape } from '../net/shapes.ts'

const remedy = 'Name another data set ("xgen data list") or a network for this one ("xgen net list").'

/** Refuses a data set whose images or classes are not those of the network. */
export function checkFit(network: Network, set: DataSet): void {
  checkShape(network.name, network.input.shape, set)
  const classes = classesOf(network)
  if (classes !== classCount(set))
    throw usageError(
      `${set.name} has ${classCount(set)} classes; the network "${network.name}" gives ${classes} results`,
      { where: '--data', hint: remedy },
    )
}

/** Refuses a data set whose images are not of the shape that the network takes. */
export function checkShape(network: string, shape: ImageShape, set: DataSet): void {
  if (set.shape === undefined || hasShape(shape, set)) return
  throw usageError(
    `the images of ${set.name} are ${set.shape.join('x')}; the network "${network}" takes ${shape.join('x')}`,
    { where: '--data', hint: remedy },
  )
}

/** Whether a data set has images of this very shape. */
export const hasShape = (shape: ImageShape, set: DataSet): boolean =>
  set.shape?.every((n, i) => n === shape[i]) === true

/** Whether images and classes of a data set are those of the network. */
export const fits = (network: Network, set: DataSet): boolean =>
  hasShape(network.input.shape, set) && classCount(set) === classesOf(network)

const classesOf = (network: Network) => elements(outputShape(network))
