import { existsSync, statSync } from 'node:fs'
import { join, relative, resolve, sep } from 'node:path'
import { usageError } from '../base/errors.ts'
import { packageRoot, writeFileAtomically } from '../base/files.ts'

/** A configuration file that does what xgen does without one, and says what else could stand there. */
export const sampleConfiguration = `# What xgen makes. A flag beats --set, that beats XGEN_* variables, these beat this file.

# A built-in network ("xgen net list"), or a .json, .yaml, .onnx or .tflite file beside this one.
net: lenet5

# Integers: 2 to 8 bits. activations: uint8 stores tensors that cannot be negative unsigned.
quant:
  weights: 8
  activations: 8
  scheme: symmetric
  # Images of the training set that ranges are found on ("xgen train").
  calibration: 512

# Which multiplier computes what: a layer, some of its filters, some kernels (input channels) of those.
# The most specific line decides. Families and their parameters: "xgen mult list".
multipliers:
  default: exact
  # conv2: roup:p=1,r=2
  # fc*: trunc:ka=1,kb=1
  # conv1[0-2]: roup:p=0,r=5,rounding=asymmetric

# Trained weights of your own (.safetensors or .npz), with their ranges in a .json file beside them. Without a name: the built-in
# ones, or those beside a network file (my-net.safetensors beside my-net.yaml).
weights:
  # file: my-weights.safetensors
  curve: none

# The array of processing elements.
array:
  # weight-stationary; row-stationary, for chains of layers (docs/row-stationary.md); auto takes the faster one.
  dataflow: weight-stationary
  rows: 8
  cols: 8
  # Where a layer has several multipliers: tiles side by side, or one tile with run-time modes (docs/configuration.md).
  # parallel: true
  # modes: true
  # tiles: { "roup:p=1,r=2": 4x8 }

# axi: AXI4-Stream in and out, AXI4-Lite control; native: plain valid/ready and start/done.
interface: axi
# Weights can be loaded at run time (docs/axi.md); false makes the accumulators as narrow as the given weights allow.
reload: true

# Period of the clock in ns that the flow files ask for, and the cells that xgen synth maps to: generic (gate equivalents, no energies),
# osu018, osu035, sg13g2, sky130hd, or a .lib or .lib.gz file.
synth:
  clock_ns: 5
  liberty: generic
`

/** Writes xgen.yaml into a directory and returns its path. One that is there is kept unless `force`. */
export function initialise(directory: string, force: boolean): string {
  if (existsSync(directory) && !statSync(directory).isDirectory())
    throw usageError(`is a file, not a directory`, { where: directory })
  const path = join(directory, 'xgen.yaml')
  if (existsSync(path) && !force)
    throw usageError('is there already', { where: path, hint: 'Give --force to replace it.' })
  writeFileAtomically(path, `${schemaLine(directory)}${sampleConfiguration}`)
  return path
}

/** Where editors find the schema: the installed package below the directory, or the checkout that xgen runs from. */
function schemaLine(directory: string): string {
  const installed = 'node_modules/xgen/schema/xgen.schema.json'
  const own = join(packageRoot, 'schema', 'xgen.schema.json')
  if (existsSync(join(directory, installed))) return `# yaml-language-server: $schema=./${installed}\n`
  if (!existsSync(own)) return ''
  const path = relative(resolve(directory), own).split(sep).join('/')
  return `# yaml-language-server: $schema=${path.startsWith('.') ? path : `./${path}`}\n`
}
