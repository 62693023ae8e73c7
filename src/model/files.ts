import { basename, extname } from 'node:path'

/** Whether a name is that of a file which holds a model: operators and weights in one. */
export const isModelFile = (path: string): boolean => /\.(onnx|tflite)$/i.test(path)

/** A network's name of a file's: lower-case letters, digits, "-" and "_". */
export function networkName(path: string): string {
  const stem = basename(path, extname(path)).toLowerCase()
  return (
    stem
      .replace(/[^a-z0-9_-]+/g, '-')
      .replace(/^[-_]+/, '')
      .slice(0, 64) || 'model'
  )
}
