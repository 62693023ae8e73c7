import { designModel } from '../sim/design.ts'
import { patienceOf, runImage } from '../sim/drive.ts'
import { noPressure } from '../sim/pressure.ts'
import { toStream } from '../sim/stream.ts'
import { renderTemplate } from '../src/base/templates.ts'
import { syntheticDigits } from '../src/net/data/synthetic.ts'
import { type AnyPlan, inferenceCycles, overlappedCycles } from '../src/plan/any-plan.ts'
import type { MemoryImages } from '../src/plan/images.ts'
import type { InterfaceName } from '../src/plan/names.ts'
import { byteCodes } from '../src/quant/input.ts'

/** Images with the outputs that they must give, as the native interface moves them. */
export interface Vectors {
  /** Raw codes in stream order (y, x, channel), one array an image. */
  readonly inputs: readonly Uint8Array[]
  readonly outputs: readonly Uint8Array[]
}

const storedImages = 3

/** Drawn digits with the cycle model's outputs: the same bytes for the same plan, whether or not a data set is there. */
export function storedVectors(plan: AnyPlan, images: MemoryImages, count = storedImages): Vectors {
  const { shape } = plan.input
  const codeOf = byteCodes(plan.input)
  const drawn = syntheticDigits(shape, count, 1)
  const size = plan.input.elements
  const inputs = Array.from({ length: count }, (_, i) => {
    const pixels = drawn.images.subarray(i * size, (i + 1) * size)
    return toStream(
      Array.from(pixels, (byte) => codeOf[byte]!),
      shape,
    )
  })
  const model = designModel(plan, images)
  const patience = patienceOf(plan)
  return {
    inputs,
    outputs: inputs.map((codes) => runImage(model, codes, noPressure, undefined, patience).outputs),
  }
}

/** The files below tb/ of a run's directory: a testbench in plain Verilog, its vectors, a Makefile and the commands behind it. */
export function testbenchFiles(
  plan: AnyPlan,
  images: MemoryImages,
  top: string,
  interfaceName: InterfaceName,
): ReadonlyMap<string, string | Uint8Array> {
  const axi = interfaceName === 'axi'
  const vectors = storedVectors(plan, images)
  const cycles = axi ? overlappedCycles(plan) : inferenceCycles(plan)
  // the AXI stream pads codes with 0, the native one by their sign
  const mask = axi ? 2 ** plan.output.bits - 1 : 255
  const fields = {
    top,
    hash: plan.hash,
    images: vectors.inputs.length,
    inputs: plan.input.elements,
    outputs: plan.output.elements,
    cycles,
    // Stalls are short, and each element is stalled on average for one cycle.
    patience: 8 * inferenceCycles(plan) * (axi ? vectors.inputs.length : 1) + 1000,
    weights: plan.reload,
  }
  return new Map([
    ['tb/tb.v', render(axi ? 'tb-axi.v.hbs' : 'tb.v.hbs', fields)],
    ['tb/Makefile', render('Makefile.hbs', fields)],
    ['tb/COMMANDS', render('COMMANDS.hbs', fields)],
    ['tb/vectors/inputs.hex', hexBytes(vectors.inputs)],
    ['tb/vectors/expected.hex', hexBytes(vectors.outputs.map((codes) => codes.map((code) => code & mask)))],
  ])
}

const render = (template: string, fields: object) => renderTemplate(`testbench/${template}`, fields)

const hexBytes = (streams: readonly Uint8Array[]) =>
  streams
    .map((stream) => Array.from(stream, (byte) => `${byte.toString(16).padStart(2, '0')}\n`).join(''))
    .join('')
