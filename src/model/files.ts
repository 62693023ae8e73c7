/** Whether a name is that of a file which holds a model: operators and weights in one. */
export const isModelFile = (path: string): boolean => /\.(onnx|tflite)$/i.test(path)
