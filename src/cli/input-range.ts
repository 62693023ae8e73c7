import { type InputRange, parseInputRange } from '../flow/model-accuracy.ts'
import type { CommonOptions } from './command.ts'

/** What bytes 0 and 255 of an image are for a model file, where `--input-range` says. */
export function inputRangeOf(options: CommonOptions): InputRange | undefined {
  const text = options['input-range'] as string | undefined
  return text === undefined ? undefined : parseInputRange(text)
}
