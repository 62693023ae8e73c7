import { z } from 'zod'
import { isCoreModule } from '../src/arith/multiplier.ts'
import { XgenError } from '../src/base/errors.ts'
import type { Yosys } from '../src/tools/yosys.ts'
import { type Contents, operators, type Tally, tallyOf } from './module-tally.ts'

/** Printed Verilog and memory images, by file name. */
export interface PrintedDesign {
  readonly top: string
  readonly verilog: ReadonlyMap<string, string>
  readonly memories: ReadonlyMap<string, string>
}

export interface YosysTally {
  readonly tally: Tally
  /** Such as `Yosys 0.55`. */
  readonly version: string
}

/**
 * Lets Yosys read the Verilog, resolve the hierarchy and make cells of the processes, nothing more: `proc` without its `opt_expr`, so that
 * no cell is folded. A write port in a clocked block leaves flip-flops of the signals `$memwr$...` behind, which the source does not
 * have and which no cell reads (asserted); `proc` has moved the port's own inputs past them.
 */
const script = ({ top, verilog }: PrintedDesign) =>
  [
    `read_verilog ${[...verilog.keys()].map((name) => `rtl/${name}`).join(' ')}`,
    `hierarchy -check -top ${top}`,
    'proc -noopt',
    'select -assert-none w:$memwr$* %co1 t:* %i',
    'delete w:$memwr$* %ci1 t:$dff %i',
    // with a top, Yosys 0.23 puts a table between the numbers, which is no JSON
    'setattr -mod -unset top',
    `tee -q -o ${statistics} stat -width -json`,
  ].join('; ')

const statistics = 'statistics.json'

/** Counts the cells of the printed Verilog, module by module (docs/counts.md). */
export async function yosysTally(
  yosys: Yosys,
  design: PrintedDesign,
  signal: AbortSignal,
): Promise<YosysTally> {
  const below = (directory: string, files: ReadonlyMap<string, string>) =>
    [...files].map(([name, text]) => [`${directory}/${name}`, text] as const)
  const text = await yosys({
    script: script(design),
    files: new Map([...below('rtl', design.verilog), ...below('mem', design.memories)]),
    output: statistics,
    signal,
  })
  const { creator, modules } = parse(text)
  const named = new Map(Object.entries(modules).map(([name, module]) => [name.replace(/^\\/, ''), module]))
  if (!named.has(design.top)) throw unreadable(`they do not have the module ${design.top}`)
  const contents = new Map([...named].map(([name, module]) => [name, contentsOf(name, module, named)]))
  return { tally: tallyOf(design.top, contents), version: /^Yosys \S+/.exec(creator)?.[0] ?? creator }
}

const moduleStatistics = z.object({
  num_memory_bits: z.int().nonnegative(),
  num_cells_by_type: z.record(z.string(), z.int().nonnegative()),
})
const report = z.object({ creator: z.string(), modules: z.record(z.string(), moduleStatistics) })

function parse(text: string): z.infer<typeof report> {
  try {
    // Yosys 0.23 puts a comma after the last member
    return report.parse(JSON.parse(text.replace(/,(\s*})/g, '$1')))
  } catch (error) {
    throw unreadable((error as Error).message)
  }
}

const unreadable = (why: string) =>
  new XgenError('tool-failed', `cannot read the statistics that Yosys gives (stat -width -json): ${why}`, {
    hint: 'Versions 0.23 and 0.55 are known to work.',
  })

/** Cells are named by type and width, such as `$add_8`; instances by their module. */
function contentsOf(
  name: string,
  { num_memory_bits, num_cells_by_type }: z.infer<typeof moduleStatistics>,
  modules: ReadonlyMap<string, unknown>,
): Contents {
  const children = new Map<string, number>()
  const cells = { products: 0, sums: 0, registers: 0 }
  for (const [type, count] of Object.entries(num_cells_by_type)) {
    // What a core is made of, a user's modules perhaps, is part of it.
    if (modules.has(type) && !isCoreModule(name)) children.set(type, count)
    const [, kind, width] = /^\$([a-z]+)_(\d+)$/.exec(type) ?? []
    if (kind === 'mul') cells.products += count
    else if (kind === 'add' || kind === 'sub') cells.sums += count
    else if (kind !== undefined && /^[a-z]*dff[a-z]*$/.test(kind)) cells.registers += count * Number(width)
  }
  return {
    children,
    holds: {
      ...operators(name, children, cells.products, cells.sums),
      registers: cells.registers,
      memoryBits: num_memory_bits,
    },
  }
}
