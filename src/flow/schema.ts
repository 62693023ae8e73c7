import { z } from 'zod'
import { dataflows } from '../plan/array.ts'
import { coefficientBits } from '../quant/coefficients.ts'
import { longestGroup } from '../quant/curve-layer.ts'
import { mappingScripts } from '../synth/scripts.ts'

const bits = z.int().min(2).max(8)
const curve = z.enum(['none', 'linear', 'quadratic'])
const group = z.union([z.enum(['row', 'kernel']), z.int().min(1).max(longestGroup)])
const coefficient = z.int().min(coefficientBits[0]).max(coefficientBits[1])

const dataflow = z.enum([...dataflows, 'auto'])

/** xgen.yaml. The same schema checks the file, --set, the environment and a resolved configuration fed back. */
export const configurationSchema = z.strictObject({
  net: z
    .string()
    .min(1)
    .optional()
    .describe('A built-in network, or a .json, .yaml, .onnx or .tflite file (relative to this file).'),
  quant: z
    .strictObject({
      weights: bits
        .default(8)
        .describe('Bits of a weight, 2 to 8; signed, symmetric, one scale per output channel.'),
      activations: z
        .union([bits, z.string().regex(/^u?int[2-8]$/, 'write 2 to 8 (signed), int8 or uint8')])
        .default(8)
        .describe(
          'Bits of an activation, 2 to 8, or int8; uint8 stores tensors that cannot be negative unsigned.',
        ),
      scheme: z.enum(['symmetric']).default('symmetric').describe('Zero points are 0.'),
      calibration: z
        .int()
        .min(1)
        .max(60000)
        .default(512)
        .describe('Images that ranges are found on when weights are trained or calibrated.'),
    })
    .prefault({}),
  multipliers: z
    .record(z.string(), z.string())
    .default({})
    .describe('Which multiplier computes what: selector to spec, such as conv2: roup:p=1,r=2.'),
  weights: z
    .strictObject({
      file: z
        .string()
        .min(1)
        .optional()
        .describe(
          'A .safetensors or .npz file (relative to this file), with its ranges in a .json file of the same name; or seeded: random weights that are always the same, for hardware of an untrained network. Default: the built-in weights, or a .safetensors file of the same name beside a .yaml network file.',
        ),
      curve: curve
        .default('none')
        .describe(
          'Weights of convolutions as curves: linear, w_i = a*i + b, or quadratic, w_i = a*i^2 + b*i + c, over the taps of a group.',
        ),
      group: group
        .default('kernel')
        .describe(
          'What shares a curve: a row of a kernel, a kernel, or the kernels of so many input channels.',
        ),
      bits: coefficient.default(10).describe('Bits of a coefficient, 4 to 16; signed, one scale a filter.'),
      layers: z
        .record(
          z.string(),
          z.strictObject({
            curve: curve.optional(),
            group: group.optional(),
            bits: coefficient.optional(),
          }),
        )
        .default({})
        .describe('Other curves for some layers, by name; a dense layer has one only if it is named here.'),
      coefficients: z
        .string()
        .min(1)
        .optional()
        .describe(
          'A .json file of coefficients (relative to this file) that take the place of the weights of the layers in it; without one they are fitted to the weights.',
        ),
    })
    .prefault({}),
  array: z
    .strictObject({
      dataflow: z
        .union([dataflow, z.record(z.string().min(1), dataflow)])
        .default('weight-stationary')
        .describe(
          'What stays where, of all layers or by layer: {default: auto, "conv*": row-stationary}; auto: what takes fewer cycles.',
        ),
      rows: z.int().min(1).max(256).default(8).describe('Rows of PEs.'),
      cols: z.int().min(1).max(256).default(8).describe('Columns of PEs.'),
      parallel: z
        .boolean()
        .default(false)
        .describe('Tiles with work on the same filters run side by side, instead of one after another.'),
      modes: z
        .boolean()
        .default(false)
        .describe(
          'roup and exact multipliers share a tile whose mode is chosen at run time, instead of one tile each.',
        ),
      tiles: z
        .record(
          z.string().min(1),
          z.string().regex(/^[1-9]\d{0,2}x[1-9]\d{0,2}$/, 'write rows and columns, such as 8x8'),
        )
        .default({})
        .describe(
          'Tiles smaller than the array, by multiplier: {exact: 8x8, "roup:p=1,r=2": 4x8}; "modes" names the tile with run-time modes.',
        ),
      memory_bits: z
        .int()
        .min(1)
        .max(2 ** 40)
        .default(64 * 2 ** 20)
        .describe('On-chip memory that may be used; a network that needs more is refused.'),
    })
    .prefault({}),
  interface: z
    .enum(['axi', 'native'])
    .default('axi')
    .describe('axi: AXI4-Stream in and out, AXI4-Lite control. native: plain valid/ready and start/done.'),
  reload: z
    .boolean()
    .default(true)
    .describe(
      'With the interface axi: weights can be loaded at run time, over AXI4-Stream. The accumulators are then as wide as any weights need.',
    ),
  synth: z
    .strictObject({
      clock_ns: z
        .number()
        .min(0.1)
        .max(10_000)
        .default(5)
        .describe('Period of the clock in ns that the flow files ask for.'),
      liberty: z
        .string()
        .min(1)
        .default('generic')
        .describe(
          'Cell library of xgen synth: generic, osu018, osu035, sg13g2, sky130hd, or a .lib or .lib.gz file (relative to this file).',
        ),
      script: z.enum(mappingScripts).default('delay').describe('What the mapping to cells is for.'),
      node_nm: z
        .number()
        .min(1)
        .max(10_000)
        .optional()
        .describe(
          'Feature size of the library, for the estimate of memories; known for those that have a name.',
        ),
    })
    .prefault({}),
})

export type ConfigurationFile = z.input<typeof configurationSchema>

/** Leaves that an environment variable can set: XGEN_ARRAY_ROWS is array.rows. */
export const environmentNames: Readonly<Record<string, readonly string[]>> = Object.fromEntries(
  [
    ['net'],
    ['quant', 'weights'],
    ['quant', 'activations'],
    ['quant', 'scheme'],
    ['quant', 'calibration'],
    ['weights', 'file'],
    ['weights', 'curve'],
    ['weights', 'group'],
    ['weights', 'bits'],
    ['weights', 'coefficients'],
    ['array', 'dataflow'],
    ['array', 'rows'],
    ['array', 'cols'],
    ['array', 'parallel'],
    ['array', 'modes'],
    ['array', 'memory_bits'],
    ['interface'],
    ['reload'],
    ['synth', 'clock_ns'],
    ['synth', 'liberty'],
    ['synth', 'script'],
    ['synth', 'node_nm'],
  ].map((path) => [`XGEN_${path.join('_').toUpperCase()}`, path]),
)

/** The JSON Schema that editors use. */
export function configurationJsonSchema(): unknown {
  return { title: 'xgen.yaml', ...z.toJSONSchema(configurationSchema, { io: 'input', target: 'draft-7' }) }
}
