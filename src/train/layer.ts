/** A layer's parameters with their gradients, summed over the batch. */
export interface Parameter {
  readonly name: string
  readonly values: Float32Array
  readonly gradient: Float32Array
}

/** A layer that runs both ways over a batch [image][...]. Arrays are reused from batch to batch. */
export interface TrainedLayer {
  readonly parameters: readonly Parameter[]
  forward(inputs: readonly Float32Array[], images: number): Float32Array
  /**
   * From the gradient of the result to those of the inputs, which may share an array with it or with each other; parameter
   * gradients are added up.
   */
  backward(gradient: Float32Array, images: number): readonly Float32Array[]
}
