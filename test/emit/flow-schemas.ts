import { z } from 'zod'

/**
 * The fields that xgen writes of other tools' formats, strictly: a field that is not known here is a mistake. CAPI2 follows
 * FuseSoC's own JSON schema (fusesoc/capi2/json_schema.py), LibreLane its documented variables.
 */
const file = z.union([
  z.string(),
  z
    .record(z.string(), z.strictObject({ file_type: z.string().optional(), copyto: z.string().optional() }))
    .refine((entry) => Object.keys(entry).length === 1, 'one file an entry'),
])

export const capi2 = z.strictObject({
  'CAPI=2': z.null(),
  name: z.string().regex(/^[\w.-]+:[\w.-]+:[\w.-]+:[\w.-]+$/, 'vendor:library:name:version'),
  description: z.string(),
  filesets: z.record(
    z.string(),
    z.strictObject({ file_type: z.enum(['verilogSource', 'user']), files: z.array(file).min(1) }),
  ),
  targets: z.record(
    z.string(),
    z.strictObject({
      description: z.string().optional(),
      default_tool: z.enum(['verilator', 'icarus', 'yosys']).optional(),
      filesets: z.array(z.string()).min(1),
      toplevel: z.string(),
      tools: z
        .strictObject({
          verilator: z
            .strictObject({
              mode: z.enum(['cc', 'sc', 'lint-only', 'binary']),
              verilator_options: z.array(z.string()),
            })
            .optional(),
          icarus: z.strictObject({ iverilog_options: z.array(z.string()) }).optional(),
          yosys: z
            .strictObject({
              arch: z.enum(['xilinx', 'ice40', 'ecp5']),
              output_format: z.enum(['json', 'edif', 'blif']),
            })
            .optional(),
        })
        .optional(),
    }),
  ),
})

const below = z.string().regex(/^dir::[\w./-]+$/)

export const libreLane = z.strictObject({
  '//': z.string(),
  meta: z.strictObject({ version: z.literal(2), flow: z.literal('Classic') }),
  DESIGN_NAME: z.string().regex(/^[_a-zA-Z][_a-zA-Z0-9]+$/),
  VERILOG_FILES: z.array(below).min(1),
  VERILOG_DEFINES: z.array(z.string().regex(/^\w+(=.*)?$/)),
  CLOCK_PORT: z.string(),
  CLOCK_PERIOD: z.number().positive(),
  PNR_SDC_FILE: below,
  SIGNOFF_SDC_FILE: below,
})
