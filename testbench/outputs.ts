import type { AnyPlan } from '../src/plan/any-plan.ts'
import type { Explanation, Sides } from './explain.ts'
import { signed } from './signed.ts'

export interface OutputComparison {
  readonly compared: number
  readonly mismatches: number
  readonly explanation: Explanation | undefined
}

/**
 * Compares the output codes of the images that ran to their end (raw, in stream order). Missing and surplus elements count as
 * differences, and so does a side that ends without a single image.
 */
export function compareOutputs(
  plan: AnyPlan,
  expected: readonly Uint8Array[],
  got: readonly Uint8Array[],
  sides: Sides,
): OutputComparison {
  let compared = 0
  let mismatches = 0
  let first: Explanation | undefined
  for (const [image, codes] of got.entries()) {
    const wanted = expected[image]!
    for (let element = 0; element < Math.max(wanted.length, codes.length); element++) {
      compared++
      if (wanted[element] === codes[element]) continue
      mismatches++
      first ??= explainOutput(plan, image, element, wanted[element], codes[element], sides)
    }
  }
  if (got.length === 0) {
    const summary = `${sides.got} finished no image`
    return { compared: 0, mismatches: 1, explanation: { summary, text: `${summary}.\n` } }
  }
  return { compared, mismatches, explanation: first }
}

function explainOutput(
  { output }: AnyPlan,
  image: number,
  element: number,
  expected: number | undefined,
  got: number | undefined,
  sides: Sides,
): Explanation {
  const [channels, , width] = output.shape
  const pixel = Math.floor(element / channels)
  const place = `channel ${element % channels} at (y ${Math.floor(pixel / width)}, x ${pixel % width})`
  const code = (raw: number | undefined) =>
    raw === undefined ? 'nothing' : `${signed(raw, output.signed ? 8 : 0)}`
  const summary = `image ${image}, output element ${element} (${place}): expected ${code(expected)}, got ${code(got)}`
  return { summary, text: `${sides.got} and ${sides.expected} give different outputs: ${summary}.\n` }
}
